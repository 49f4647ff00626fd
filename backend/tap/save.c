#include "save.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "transcode.h"

#define HEAD_BYTES_MAX CHUNK_BYTES

/* The slot of a chunk that is still there, NULL. */
static const uint8_t *chunk_at(const struct output *o, uint64_t sequence, uint32_t *slot,
			       uint32_t *length, const struct chunk_entry **entry)
{
	const uint8_t *data;

	*entry = chunks_get(&o->chunks, sequence, &data, length);
	if (!*entry)
		return NULL;
	*slot = (*entry)->slot;
	return o->slot[*slot].sequence == sequence ? data : NULL;
}

/* A packet that our clock stamped is looked at so much later. */
#define LATE_MIN_NS (-100 * NS_PER_MS)
#define LATE_MAX_NS (2 * NS_PER_S)

/* What the clock that stamped the chunk in this slot is behind ours by; 0: it is ours. */
static int64_t clock_behind_ns(const struct output *o, uint32_t slot, const struct save_bounds *b)
{
	const int64_t came_ns = b->now_ns - (b->now_mono_ns - o->slot[slot].came_mono_ns),
		      late_ns = came_ns - o->slot[slot].came_ns;

	return late_ns >= LATE_MIN_NS && late_ns <= LATE_MAX_NS ? 0 : late_ns;
}

/* Stamps before it are too old. */
static int64_t oldest_ns(const struct output *o, uint32_t slot, const struct save_bounds *b)
{
	return b->ns ? b->now_ns - b->ns - clock_behind_ns(o, slot, b) : INT64_MIN;
}

static void range_take(struct save_range *r, int64_t first_ns, int64_t last_ns)
{
	if (r->first_ns == 0 || first_ns < r->first_ns)
		r->first_ns = first_ns;
	if (last_ns > r->last_ns)
		r->last_ns = last_ns;
}

/* The first chunk in part: what is too old, and what is too much. */
static void first_look(const struct output *o, const struct save_bounds *b, struct save_range *r)
{
	const struct chunk_entry *entry;
	uint32_t slot, length, at = 0;
	const uint8_t *p = chunk_at(o, r->from, &slot, &length, &entry);
	bool packet, inside = false;
	int64_t from_ns;
	size_t n;

	if (!p)
		return;
	from_ns = oldest_ns(o, slot, b);
	r->first_packet = entry->first_packet;
	for (; (n = transcode_block(p + at, length - at, &packet)) > 0; at += (uint32_t)n) {
		int64_t ts_ns = packet ? transcode_ticks(p + at) * (o->microseconds ? 1000 : 1) : 0;

		inside = inside ||
			 (packet && ts_ns >= from_ns && (!b->bytes || r->bytes - at <= b->bytes));
		if (!inside) {
			r->at = at + (uint32_t)n;
			r->first_packet += packet;
		} else if (packet) {
			range_take(r, ts_ns, ts_ns);
		}
	}
	r->bytes -= r->at;
}

void save_look(const struct output *o, const struct save_bounds *b, struct save_range *r)
{
	const struct chunk_entry *entry;
	uint32_t slot, length;

	*r = (struct save_range){.from = o->sequence, .end = o->sequence, .first_packet = o->total};
	while (r->from > 0 && chunk_at(o, r->from - 1, &slot, &length, &entry)) {
		const bool some = atomic_load_explicit(&entry->packets, memory_order_relaxed) > 0;

		if (some && o->slot[slot].last_ns < oldest_ns(o, slot, b))
			break;
		if (r->from == r->end)
			r->length = length;
		r->from--;
		r->bytes += length;
		if (b->bytes && r->bytes >= b->bytes)
			break;
	}
	if (r->from == r->end)
		return;
	for (uint64_t n = r->from + 1; n < r->end; n++) {
		if (chunk_at(o, n, &slot, &length, &entry) && atomic_load(&entry->packets) > 0)
			range_take(r, o->slot[slot].first_ns, o->slot[slot].last_ns);
	}
	first_look(o, b, r);
	if (r->first_ns && chunk_at(o, r->from, &slot, &length, &entry))
		r->held_ns = b->now_ns - clock_behind_ns(o, slot, b) - r->first_ns;
}

struct output_segment *save_segment(struct output *o, const struct save_range *r, uint32_t number,
				    const char *name)
{
	struct output_segment *to = output_sealing_place(o);

	if (!to)
		return NULL;
	*to = (struct output_segment){.number = number,
				      .name = xstrdup(name),
				      .saved = true,
				      .first_packet = r->first_packet,
				      .first_ns = r->first_ns,
				      .last_ns = r->last_ns};
	snprintf(to->reason, sizeof(to->reason), "save");
	return to;
}

int save_write(struct output *o, const struct save_range *r, uint32_t number, int fd, struct err *e)
{
	struct writer_save save = {
		.number = number, .from = r->from, .end = r->end, .at = r->at, .length = r->length};
	int rc;

	buf_init(&save.head, HEAD_BYTES_MAX);
	buf_init(&save.tail, HEAD_BYTES_MAX);
	if (output_headers(o, &save.head) || output_statistics(o, &save.tail)) {
		close(fd);
		rc = err_set(e, ERR_PART, "the interfaces are more than a file's beginning holds");
	} else {
		rc = writer_save(o->writer, fd, &save, e);
	}
	if (rc == 0)
		o->hold_end = r->end;
	buf_release(&save.head);
	buf_release(&save.tail);
	return rc;
}
