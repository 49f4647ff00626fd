#include "output.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "capfile/write.h"
#include "transcode.h"

#define HEADERS_MAX                                                                                \
	(CHUNK_BYTES / 2)	 /* bytes of section, interface and statistics blocks together */
#define KICK_BYTES (256u * 1024) /* published bytes after which the writer is woken at once */

/* --- slots (the rules are in capfile/chunk.h) --- */

/* What is being saved stays until it is in its file. */
static bool slot_is_held(const struct output *o, uint64_t sequence)
{
	return o->writer && sequence < o->hold_end && sequence >= writer_saved(o->writer);
}

static bool slot_is_free(const struct output *o, uint32_t slot, uint64_t written, uint64_t released)
{
	uint64_t sequence = o->slot[slot].sequence;

	if (sequence == UINT64_MAX)
		return true;
	if (slot_is_held(o, sequence))
		return false;
	if (o->slot[slot].recorded && sequence >= written)
		return false;
	return !o->slot[slot].for_reader || sequence < released;
}

/* A free slot, or -1; *held: slots that only the reader keeps. */
static int slot_find(const struct output *o, uint32_t *held)
{
	uint64_t written = atomic_load_explicit(&o->chunks.head->written, memory_order_acquire);
	uint64_t released =
		atomic_load_explicit(&o->chunks.release->released, memory_order_acquire);
	int found = -1;

	*held = 0;
	/* an entry is found by its sequence modulo their number: none may be taken that the writer
	 * still needs */
	if (o->sequence - written >= CHUNK_ENTRIES - 1 ||
	    (o->writer && o->sequence >= CHUNK_ENTRIES - 1 &&
	     slot_is_held(o, o->sequence - (CHUNK_ENTRIES - 1))))
		return -1;
	/* the longest unused first (one that never was is UINT64_MAX): what was captured stays to
	 * be looked at, and to be saved, as long as it can */
	for (uint32_t i = 0; i < o->chunks.slots; i++) {
		if (slot_is_free(o, i, written, released))
			found = found < 0 || o->slot[i].sequence + 1 < o->slot[found].sequence + 1
					? (int)i
					: found;
		else if (o->slot[i].for_reader && o->slot[i].sequence >= released)
			++*held;
	}
	return found;
}

/* A reader that is behind gets no more chunks while it holds all but these: the writer needs some
 * to go on. */
static uint32_t slots_kept_for_writer(uint32_t slots)
{
	return slots < 4 ? 1 : slots < 8 ? 2 : slots / 4;
}

static void chunk_close(struct output *o)
{
	if (!o->open)
		return;
	output_publish(o);
	if (!o->pcap)
		o->file_offset += o->used;
	o->open = false;
}

/* Whoever asks for the chunk that was here is told that it is gone, before its bytes change. */
static void slot_take(struct output *o, uint32_t slot, bool for_reader)
{
	uint64_t before = o->slot[slot].sequence;
	struct chunk_entry *en = &o->chunks.head->entry[before % CHUNK_ENTRIES];

	if (before != UINT64_MAX &&
	    atomic_load_explicit(&en->sequence, memory_order_relaxed) == before) {
		atomic_store_explicit(&en->sequence, UINT64_MAX, memory_order_release);
		atomic_thread_fence(memory_order_seq_cst);
	}
	o->slot[slot].sequence = o->sequence;
	o->slot[slot].recorded = o->segment.number > 0;
	o->slot[slot].for_reader = for_reader;
	o->last_slot = slot;
}

static void entry_fill(struct output *o, struct chunk_entry *en, uint32_t slot, uint32_t flags)
{
	atomic_store_explicit(&en->sequence, UINT64_MAX, memory_order_release);
	en->slot = slot;
	en->flags = flags;
	en->segment = o->segment.number;
	en->file_offset = o->segment.number > 0 ? o->file_offset : 0;
	en->first_packet = o->total;
	atomic_store_explicit(&en->length, 0, memory_order_relaxed);
	atomic_store_explicit(&en->packets, 0, memory_order_relaxed);
	atomic_store_explicit(&en->sequence, o->sequence, memory_order_release);
}

static int chunk_open(struct output *o, uint32_t flags)
{
	uint32_t held;
	int slot;
	bool for_reader;

	chunk_close(o);
	slot = slot_find(o, &held);
	if (slot < 0)
		return -1;
	for_reader = held + slots_kept_for_writer(o->chunks.slots) < o->chunks.slots;
	o->not_for_reader += !for_reader;
	slot_take(o, (uint32_t)slot, for_reader);
	o->entry = &o->chunks.head->entry[o->sequence % CHUNK_ENTRIES];
	o->data = o->chunks.slot_base + (size_t)slot * CHUNK_BYTES;
	o->used = o->packets = o->kicked = 0;
	o->open = true;
	entry_fill(o, o->entry, (uint32_t)slot, flags | (for_reader ? 0 : CHUNK_NOT_FOR_READER));
	o->sequence++;
	atomic_store_explicit(&o->chunks.head->next, o->sequence, memory_order_release);
	return 0;
}

static int put_interface(const struct output *o, const struct output_interface *n, struct buf *to)
{
	char comment[40];
	const struct write_interface said = {.name = n->name,
					     .filter = n->filter,
					     .comment = o->sample > 1 ? comment : NULL,
					     .link_type = n->link_type,
					     .snaplen = n->snaplen,
					     .microseconds = o->microseconds};

	snprintf(comment, sizeof(comment), "1 packet in %u", o->sample);
	return write_interface_said(to, &said);
}

int output_headers(const struct output *o, struct buf *to)
{
	if (write_section(to, NULL))
		return -1;
	for (uint32_t i = 0; i < o->interfaces; i++) {
		if (put_interface(o, &o->interface[i], to))
			return -1;
	}
	return 0;
}

static int add_headers(struct output *o)
{
	buf_clear(&o->scratch);
	if (output_headers(o, &o->scratch))
		return -1;
	memcpy(o->data, o->scratch.data, o->scratch.len);
	o->used = (uint32_t)o->scratch.len;
	o->told = o->interfaces;
	return 0;
}

/* The first chunk of all and of a segment begins with the section; so does, where nothing is
 * recorded, one that begins while nobody reads: a reader that comes then can start with it. */
static int chunk_next(struct output *o)
{
	bool alone = atomic_load(&o->chunks.release->released) == UINT64_MAX;
	bool starts = o->starting || o->sequence == 0 || (o->segment.number == 0 && alone);

	if (chunk_open(o, starts ? CHUNK_STARTS_SEGMENT : 0))
		return -1;
	o->starting = false;
	return starts ? add_headers(o) : 0;
}

/* --- what goes in --- */

static int add_scratch(struct output *o)
{
	if ((!o->open || o->used + o->scratch.len > CHUNK_BYTES) && chunk_next(o))
		return -1;
	memcpy(o->data + o->used, o->scratch.data, o->scratch.len);
	o->used += (uint32_t)o->scratch.len;
	return 0;
}

int output_add_interface(struct output *o, const char *name, uint32_t link_type, uint32_t snaplen,
			 const char *filter)
{
	struct output_interface *n;

	if (o->interfaces == OUTPUT_INTERFACES_MAX)
		return -1;
	n = &o->interface[o->interfaces++];
	*n = (struct output_interface){.name = xstrdup(name),
				       .filter = xstrdup(filter),
				       .link_type = link_type,
				       .snaplen = snaplen};
	return 0;
}

/* Of those that came since the section began. */
static int add_interfaces(struct output *o)
{
	while (o->told < o->interfaces) {
		const struct output_interface *n = &o->interface[o->told];

		buf_clear(&o->scratch);
		if (put_interface(o, n, &o->scratch))
			return -1;
		if (!o->open || o->used + o->scratch.len > CHUNK_BYTES) {
			if (chunk_next(o)) /* which may begin a section, with all of them */
				return -1;
			continue;
		}
		memcpy(o->data + o->used, o->scratch.data, o->scratch.len);
		o->used += (uint32_t)o->scratch.len;
		o->told++;
	}
	return 0;
}

void output_set_filter(struct output *o, uint32_t interface, const char *filter)
{
	free(o->interface[interface].filter);
	o->interface[interface].filter = xstrdup(filter);
}

/* Bytes of the segment that is written. A chunk that is not open, or begins it, has none of it. */
static uint64_t segment_bytes(const struct output *o)
{
	return o->file_offset + (o->pcap || !o->open || o->starting ? 0 : o->used);
}

uint64_t output_recorded(const struct output *o)
{
	return o->files_bytes + (o->segment.number ? segment_bytes(o) : 0);
}

/* Of a file of a size, its statistics are the end. */
#define STATISTICS_BYTES 96u

static void rotate_before(struct output *o, const struct source_packet *p, uint32_t captured,
			  uint32_t block)
{
	const uint64_t bytes =
		segment_bytes(o) + (o->pcap ? TRANSCODE_PCAP_RECORD + captured
					    : block + (uint64_t)o->interfaces * STATISTICS_BYTES);
	const char *reason = rotation_before(&o->rotation, o->segment.packets, bytes, p->ts_ns);

	if (reason)
		o->full(o->full_arg, reason);
}

static void rotate_behind(struct output *o)
{
	const char *reason = rotation_behind(&o->rotation, o->segment.packets);

	if (reason)
		o->full(o->full_arg, reason);
}

static void count_in_segment(struct output *o, const struct source_packet *p, uint32_t captured)
{
	struct output_segment *s = &o->segment;

	if (s->number == 0) {
		o->dropped_disk += o->losing;
		o->lost += o->losing;
		return;
	}
	if (s->packets == 0)
		s->first_ns = s->last_ns = p->ts_ns;
	if (p->ts_ns < s->first_ns)
		s->first_ns = p->ts_ns;
	if (p->ts_ns > s->last_ns)
		s->last_ns = p->ts_ns;
	s->packets++;
	s->wire_bytes += p->length;
	if (o->pcap)
		o->file_offset += TRANSCODE_PCAP_RECORD + captured;
}

static void count_in_slot(struct output *o, int64_t ts_ns)
{
	int64_t *first = &o->slot[o->last_slot].first_ns, *last = &o->slot[o->last_slot].last_ns;

	if (o->packets == 0) {
		o->slot[o->last_slot].came_ns = ts_ns;
		o->slot[o->last_slot].came_mono_ns = clock_mono_ns();
	}
	*first = o->packets == 0 || ts_ns < *first ? ts_ns : *first;
	*last = o->packets == 0 || ts_ns > *last ? ts_ns : *last;
}

int output_packet(struct output *o, uint32_t interface, const struct source_packet *p)
{
	uint32_t captured = p->captured, bytes;
	int64_t ticks;

	if (captured > CHUNK_PACKET_MAX) {
		captured = CHUNK_PACKET_MAX;
		o->cut++;
	}
	if (o->told < o->interfaces && add_interfaces(o))
		return -1;
	bytes = p->late ? write_commented_bytes(captured, OUTPUT_LATE)
			: write_packet_bytes(captured);
	if (o->segment.number && o->full && (o->rotation.bytes || o->rotation.due_ns))
		rotate_before(o, p, captured, bytes);
	if ((!o->open || o->used + bytes > CHUNK_BYTES) && chunk_next(o))
		return -1;
	if (o->used + bytes >
	    CHUNK_BYTES) { /* behind the headers of a chunk that starts something: a rare giant */
		o->dropped_buffer++;
		return 0;
	}
	ticks = write_ticks(o->microseconds, p->ts_ns);
	if (p->late)
		write_commented(o->data + o->used, interface, ticks, captured, p->length, p->data,
				OUTPUT_LATE);
	else
		write_packet(o->data + o->used, interface, ticks, captured, p->length, p->data);
	o->used += bytes;
	count_in_slot(o, p->ts_ns);
	o->packets++;
	o->total++;
	o->total_bytes += p->length;
	o->last_ns = p->ts_ns;
	count_in_segment(o, p, captured);
	if (o->segment.number && o->full && o->rotation.packets)
		rotate_behind(o);
	return 0;
}

void output_publish(struct output *o)
{
	if (!o->open || atomic_load_explicit(&o->entry->length, memory_order_relaxed) == o->used)
		return;
	atomic_store_explicit(&o->entry->packets, o->packets, memory_order_relaxed);
	atomic_store_explicit(&o->entry->length, o->used, memory_order_release);
	o->dirty = true;
	if (o->writer && (o->used - o->kicked >= KICK_BYTES)) {
		o->kicked = o->used;
		writer_kick(o->writer, o->last_ns);
	}
}

void output_set_low(struct output *o, int64_t low_ns)
{
	atomic_store_explicit(&o->chunks.head->low_ns, (uint64_t)(low_ns > 0 ? low_ns : 0),
			      memory_order_release);
}

/* --- segments --- */

int output_statistics(const struct output *o, struct buf *to)
{
	const int64_t now = write_ticks(o->microseconds, clock_now_ns());

	for (uint32_t i = 0; i < o->interfaces; i++) {
		const struct output_interface *n = &o->interface[i];

		if (write_statistics(to, i, now, n->received, n->dropped_kernel, n->dropped_device))
			return -1;
	}
	return 0;
}

static int put_statistics(struct output *o)
{
	if (o->told < o->interfaces && add_interfaces(o))
		return -1;
	buf_clear(&o->scratch);
	return output_statistics(o, &o->scratch) ? -1 : add_scratch(o);
}

struct output_segment *output_sealing_place(struct output *o)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		if (o->sealing[i].number == 0)
			return &o->sealing[i];
	}
	return NULL;
}

void output_seal(struct output *o, const char *reason)
{
	struct output_segment *to = output_sealing_place(o);

	if (o->segment.number == 0)
		return;
	if (!o->segment.failed)
		(void)put_statistics(o); /* without room for them the file is whole all the same */
	o->files_bytes += segment_bytes(o);
	chunk_close(o);
	if (to) {
		*to = o->segment;
		snprintf(to->reason, sizeof(to->reason), "%s", reason);
	} else {
		free(o->segment.name);
	}
	writer_seal(o->writer, o->segment.number, o->sequence);
	o->segment = (struct output_segment){0};
}

static void segment_begin(struct output *o, uint32_t number, const char *name)
{
	chunk_close(o);
	o->segment = (struct output_segment){.number = number,
					     .name = name ? xstrdup(name) : NULL,
					     .awaited = name == NULL,
					     .first_packet = o->total,
					     .first_bytes = o->total_bytes};
	o->file_offset = o->pcap ? TRANSCODE_PCAP_HEADER : 0;
	o->starting = true;
	rotation_begin(&o->rotation, clock_now_ns(), clock_mono_ns());
	if (chunk_next(o) == 0) /* else the first packet that finds memory begins it */
		output_publish(o);
	writer_kick(o->writer, o->last_ns);
}

int output_rotate(struct output *o, uint32_t number, const char *reason)
{
	if (!output_sealing_place(o) || writer_expect(o->writer, number))
		return -1;
	output_seal(o, reason);
	segment_begin(o, number, NULL);
	return 0;
}

struct output_segment *output_give_segment(struct output *o, uint32_t number, const char *name,
					   int fd)
{
	struct output_segment *s = output_find_segment(o, number);
	struct err e;

	if (!s || !s->awaited || writer_segment(o->writer, number, fd, &e))
		return NULL;
	s->awaited = false;
	s->name = xstrdup(name);
	return s;
}

void output_abandon_segment(struct output *o, uint32_t number, int error)
{
	writer_abandon(o->writer, number, error);
}

int output_begin_segment(struct output *o, uint32_t number, const char *name, int fd,
			 const char *reason, struct err *e)
{
	if (number == 0) {
		close(fd);
		return err_set(e, ERR_CALL, "segments are counted from 1");
	}
	if (writer_segment(o->writer, number, fd, e))
		return -1;
	output_seal(o, reason);
	segment_begin(o, number, name);
	return 0;
}

struct output_segment *output_find_segment(struct output *o, uint32_t number)
{
	if (o->segment.number == number && number > 0)
		return &o->segment;
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX && number > 0; i++) {
		if (o->sealing[i].number == number)
			return &o->sealing[i];
	}
	return NULL;
}

struct output_segment *output_segment_before(struct output *o, uint32_t number)
{
	struct output_segment *before = NULL;

	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		struct output_segment *s = &o->sealing[i];

		if (s->number > 0 && s->number < number && !s->saved &&
		    (!before || s->number > before->number))
			before = s;
	}
	return before;
}

void output_forget_segment(struct output_segment *s)
{
	free(s->name);
	*s = (struct output_segment){0};
}

bool output_sealing(const struct output *o)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		if (o->sealing[i].number > 0)
			return true;
	}
	return false;
}

int output_init(struct output *o, struct err *e)
{
	buf_init(&o->scratch, HEADERS_MAX);
	for (uint32_t i = 0; i < CHUNK_SLOTS_MAX; i++)
		o->slot[i].sequence = UINT64_MAX;
	if (atomic_load(&o->chunks.head->next) != 0)
		return err_set(e, ERR_CALL,
			       "the chunks are another tap's: a new session needs new ones");
	return 0;
}

void output_release(struct output *o)
{
	for (uint32_t i = 0; i < o->interfaces; i++) {
		free(o->interface[i].name);
		free(o->interface[i].filter);
	}
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++)
		free(o->sealing[i].name);
	free(o->segment.name);
	buf_release(&o->scratch);
	chunks_unmap(&o->chunks);
}
