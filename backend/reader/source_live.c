/* The chunks of a live session. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "capfile/write.h"
#include "source_private.h"

#define BLOCK_PACKET                                                                               \
	6u /* enhanced packet block, draft-ietf-opsawg-pcapng 4.3; the tap writes little-endian    \
	      ones */
#define BLOCK_PACKET_DATA 28u
#define HEADER_BYTES_MAX (16u << 20) /* of a section's interfaces */

int source_add_chunks(struct source *s, const int fd[3], const struct msg_read_chunks *m,
		      struct err *e)
{
	struct live *l = &s->live;
	int r = -1;

	if (l->mapped)
		(void)err_set(e, ERR_CALL, "this reader follows a session already");
	else
		r = chunks_map(&l->map, fd[0], fd[1], CHUNKS_READER, e);
	(void)close(fd[0]);
	(void)close(fd[1]);
	if (r < 0) {
		(void)close(fd[2]);
		return -1;
	}
	uint64_t released = atomic_load(&l->map.release->released);
	uint64_t next = atomic_load(&l->map.head->next);

	if (released == UINT64_MAX)
		released = next > l->map.slots ? next - l->map.slots : 0;
	l->mapped = true;
	l->record = m->record;
	l->wake = fd[2];
	l->sequence = l->base = released;
	l->blocks = blocks_new();
	l->name = xstrndup(m->session.p, m->session.len);
	atomic_store(&l->map.release->released, released);
	return 0;
}

void source_live_release(struct source *s)
{
	struct live *l = &s->live;

	if (l->mapped) {
		atomic_store(&l->map.release->released, UINT64_MAX);
		chunks_unmap(&l->map);
		(void)close(l->wake);
	}
	blocks_free(l->blocks);
	free(l->interfaces.number);
	free(l->name);
	pages_release(&l->marks);
}

/* --- gaps --- */

/* Packets up to `number` will not come from the chunks. true: the segments are asked first. */
static bool gap_from_files(struct source *s)
{
	struct live *l = &s->live;

	if (!l->record || s->nparts == 0 || s->tried == s->seen)
		return false;
	s->tried = s->seen;
	s->from_files = true;
	return true;
}

static void gap_note(struct source *s, uint64_t lost)
{
	s->lost += lost;
	s->gaps++;
	s->gap = (struct source_gap){.from_ns = s->seen_ns, .lost = lost};
	s->live.in_gap = true;
}

static void gap_close(struct source *s, const struct packet *pk)
{
	if (!s->live.in_gap)
		return;
	s->live.in_gap = false;
	s->gap.to_ns = pk->ts_ns;
	s->gap_new = true;
}

/* --- forward --- */

/* Feeds blocks that were written elsewhere, so that those behind them can be understood. */
static void blocks_prime(struct live *l, const struct buf *b)
{
	struct packet pk;
	struct err e;
	size_t used;

	for (size_t at = 0; at < b->len; at += used)
		if (blocks_next(l->blocks, b->data + at, b->len - at, 0, &pk, &used, &e) !=
		    BLOCKS_OTHER)
			return;
}

/* A reader that comes in the middle of a segment has not seen its header: the segment's file has
 * it. false: nobody has. */
static bool header_known(struct source *s, const struct chunk_entry *entry)
{
	struct live *l = &s->live;
	const struct part *p = s->nparts ? &s->part[s->nparts - 1] : NULL;
	struct buf header;
	int r = 0;

	if (l->has_header || (entry->flags & CHUNK_STARTS_SEGMENT))
		return l->has_header = true;
	if (!p || blocks_interfaces(capfile_blocks(p->file)) == 0)
		return false;
	buf_init(&header, HEADER_BYTES_MAX);
	r = write_section(&header, NULL);
	for (uint32_t i = 0; r == 0 && i < blocks_interfaces(capfile_blocks(p->file)); i++) {
		const struct capture_interface *c = blocks_interface(capfile_blocks(p->file), i);
		const struct write_interface said = {.name = c->name,
						     .filter = c->filter,
						     .comment = c->comment,
						     .link_type = c->link_type,
						     .snaplen = c->snaplen,
						     .microseconds = c->resolution == 6};

		r = write_interface_said(&header, &said);
	}
	blocks_prime(l, &header);
	buf_release(&header);
	return l->has_header = r == 0;
}

/* Every segment says its interfaces anew. */
static void section_begin(struct source *s)
{
	source_blocks_gone(s, s->live.blocks);
	blocks_free(s->live.blocks);
	s->live.blocks = blocks_new();
	s->live.interfaces.count = 0;
}

/* What was not seen of the chunks before `entry` is a gap, unless the segments have it. false: look
 * there first. */
static bool chunk_begin(struct source *s, const struct chunk_entry *entry)
{
	struct live *l = &s->live;

	if (entry->first_packet > s->seen && gap_from_files(s))
		return false;
	if (entry->first_packet > s->seen) {
		gap_note(s, entry->first_packet - s->seen);
		s->seen = entry->first_packet;
	}
	l->number = entry->first_packet;
	if (entry->flags & CHUNK_STARTS_SEGMENT)
		section_begin(s);
	while (l->marks.count + l->base <= l->sequence) {
		struct chunk_mark *m = pages_add(&l->marks);

		*m = (struct chunk_mark){.row = s->given,
					 .file_offset = entry->file_offset,
					 .segment = entry->segment};
	}
	return true;
}

/* Places are used again after 8 TB: of two chunks with the same one is gone long since. */
static uint64_t live_place(uint64_t sequence, uint32_t at)
{
	return (sequence * CHUNK_BYTES + at) & (SOURCE_PLACE_LIVE - 1);
}

static uint64_t live_sequence(const struct live *l, uint64_t place)
{
	const uint64_t mask = SOURCE_PLACE_LIVE / CHUNK_BYTES - 1;

	return l->sequence - ((l->sequence - place / CHUNK_BYTES) & mask);
}

static void chunk_pass(struct live *l)
{
	l->sequence++;
	l->at = 0;
}

/* The next block of the chunk. 1: a packet that was not seen; 0: there is none here. */
static int chunk_next(struct source *s, const struct chunk_entry *entry, const uint8_t *data,
		      uint32_t length, struct taken *t)
{
	struct live *l = &s->live;
	struct err e;

	while (l->at < length) {
		uint32_t at = l->at;
		size_t used;
		enum blocks_result r = blocks_next(l->blocks, data + at, length - at, (uint64_t)at,
						   &t->pk, &used, &e);

		if (r == BLOCKS_BAD || r == BLOCKS_MORE) {
			(void)snprintf(s->damage, sizeof(s->damage),
				       "a chunk of the session holds no sound blocks: %.500s",
				       r == BLOCKS_BAD ? e.text : "a block is not whole");
			l->at = length;
			return 0;
		}
		l->at += (uint32_t)used;
		if (r == BLOCKS_OTHER || ++l->number <= s->seen)
			continue;
		if (!source_interfaces(s, &l->interfaces, l->blocks))
			continue;
		t->pk.number = l->number;
		t->pk.offset = entry->file_offset + at;
		t->place = SOURCE_PLACE_LIVE | live_place(l->sequence, at);
		t->interface = l->interfaces.number[t->pk.interface];
		t->shown = s->interface[t->interface].shown;
		t->segment = entry->segment;
		return 1;
	}
	return 0;
}

/* A chunk that is not for us or is there no more. true: go on behind it; false: not now. */
static bool chunk_missing(struct source *s, const struct chunk_entry *entry, uint64_t next)
{
	struct live *l = &s->live;

	if (l->sequence + 1 >= next && !atomic_load(&l->map.head->ended) && !s->finished)
		return false;
	/* On its way to disk: the segments will have it soon. */
	if (entry && l->record && s->nparts && atomic_load(&l->map.head->written) <= l->sequence &&
	    !atomic_load(&l->map.head->ended) && !s->finished)
		return false;
	chunk_pass(l);
	return true;
}

/* Whole chunks were passed over at the end: what they held is a gap too. */
static void gap_at_end(struct source *s, const struct chunk_entry *entry)
{
	uint64_t end = entry ? entry->first_packet + atomic_load(&entry->packets) : 0;

	if (end > s->seen) {
		gap_note(s, end - s->seen);
		s->seen = end;
		s->gap.to_ns = s->seen_ns;
		s->gap_new = true;
	}
}

int source_live_next(struct source *s, struct taken *t)
{
	struct live *l = &s->live;

	for (;;) {
		bool ended = atomic_load(&l->map.head->ended) || s->finished;
		uint64_t next = atomic_load(&l->map.head->next);
		const uint8_t *data;
		uint32_t length;

		if (l->sequence >= next)
			return 0;
		const struct chunk_entry *entry = chunks_get(&l->map, l->sequence, &data, &length);

		if (!entry || (entry->flags & CHUNK_NOT_FOR_READER) || !header_known(s, entry)) {
			bool last = ended && l->sequence + 1 >= next;

			if (last && entry &&
			    entry->first_packet + atomic_load(&entry->packets) > s->seen &&
			    gap_from_files(s))
				return 0;
			if (!chunk_missing(s, entry, next))
				return 0;
			if (last)
				gap_at_end(s, entry);
			continue;
		}
		if (l->at == 0 && !chunk_begin(s, entry))
			return 0;
		if (chunk_next(s, entry, data, length, t) > 0) {
			gap_close(s, &t->pk);
			return 1;
		}
		if (l->sequence + 1 >= next)
			return 0;
		chunk_pass(l);
	}
}

/* --- letting go, and again --- */

void source_live_forget(struct source *s, uint64_t row)
{
	struct live *l = &s->live;
	const uint64_t released = atomic_load(&l->map.release->released);
	uint64_t low = pages_first(&l->marks), high = l->marks.count;

	if (released != UINT64_MAX && released > l->base && released - l->base < high)
		high = released - l->base;
	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;
		const struct chunk_mark *m = pages_at(&l->marks, middle);

		if (m && m->row >= row)
			high = middle;
		else
			low = middle + 1;
	}
	if (low > 0) /* the one before it may have the row */
		pages_drop(&l->marks, low - 1);
}

uint64_t source_let_go(struct source *s)
{
	struct live *l = &s->live;
	uint32_t keep = l->map.slots / 4;
	uint64_t released = l->sequence > keep ? l->sequence - keep : 0;

	if (released > atomic_load(&l->map.release->released))
		atomic_store(&l->map.release->released, released);
	const struct chunk_mark *m =
		released > l->base ? pages_at(&l->marks, released - l->base) : NULL;

	return m ? m->row : 0;
}

int source_live_read(struct source *s, const struct index_entry *entry, uint64_t number,
		     struct packet *pk, struct err *e)
{
	struct live *l = &s->live;
	uint64_t place = entry->place & ~SOURCE_PLACE_LIVE, sequence = live_sequence(l, place);
	uint32_t at = (uint32_t)(place % CHUNK_BYTES), length;
	const struct chunk_mark *m =
		sequence >= l->base ? pages_at(&l->marks, sequence - l->base) : NULL;
	const uint8_t *data;
	const struct capture_interface *i;

	if (!m || entry->interface >= s->ninterfaces)
		return err_set(e, ERR_PART, "packet %llu left the memory",
			       (unsigned long long)number);
	bool held = sequence >= atomic_load(&l->map.release->released);

	if (!held || !chunks_get(&l->map, sequence, &data, &length))
		return source_segment_read(s, m->file_offset + at, entry->interface, number, pk, e);
	if (length < BLOCK_PACKET_DATA || at > length - BLOCK_PACKET_DATA ||
	    data[at] != BLOCK_PACKET)
		return err_set(e, ERR_PART, "packet %llu is not in its chunk",
			       (unsigned long long)number);
	const uint8_t *p = data + at + 20;
	uint32_t captured =
		(uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	i = source_shown(s, s->interface[entry->interface].shown);
	if (!i || captured > length - at - BLOCK_PACKET_DATA)
		return err_set(e, ERR_PART, "packet %llu is not whole in its chunk",
			       (unsigned long long)number);
	*pk = (struct packet){.data = data + at + BLOCK_PACKET_DATA,
			      .captured = captured,
			      .length = entry->length,
			      .interface = entry->interface,
			      .link_type = i->link_type,
			      .ts_ns = entry->ts_ns,
			      .has_time = entry->ts_ns != INDEX_NO_TIME,
			      .number = number,
			      .offset = m->file_offset + at};
	return 0;
}
