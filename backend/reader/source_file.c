/* Files, one after another: a capture file, or the segments of a recording. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "source_private.h"

#define PART_GROWTH_MAX                                                                            \
	(UINT64_C(1) << 30) /* bytes that are still on their way into a segment that was sealed */

/* Everything of this file was seen already. */
static bool part_passed(const struct source *s, uint32_t i)
{
	return i + 1 < s->nparts && s->part[i + 1].first_packet <= s->seen &&
	       s->part[i + 1].first_packet > 0;
}

/* The first ones go. Whoever asks for their packets is told that they are not there. */
static void parts_drop(struct source *s, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct part *p = &s->part[i];

		source_blocks_gone(s, capfile_blocks(p->file));
		if (p->fd >= 0)
			s->dropped_bytes += p->file_bytes ? p->file_bytes : capfile_size(p->file);
		part_release(p);
	}
	s->nparts -= count;
	if (count > 0)
		memmove(s->part, s->part + count, s->nparts * sizeof(*s->part));
	s->dropped += count;
	s->reading = s->reading > count ? s->reading - count : 0;
}

/* The place of the next file's first byte: beyond all that the one before may still grow to. */
static uint64_t part_place(struct source *s)
{
	const struct part *last = s->nparts ? &s->part[s->nparts - 1] : NULL;
	uint64_t bytes = last ? capfile_size(last->file) : 0;

	if (last && last->growing)
		bytes = last->grows_to ? last->grows_to : bytes + PART_GROWTH_MAX;
	return last ? (last->place + bytes + 1) & (SOURCE_PLACE_LIVE - 1) : 0;
}

/* Places are used again, where the parts that had them are gone. true: there are any for one more.
 */
static bool part_has_place(struct source *s)
{
	const struct part *last = s->nparts ? &s->part[s->nparts - 1] : NULL;
	const uint64_t before = last ? source_part_offset(&s->part[0], last->place) : 0;
	const uint64_t bytes = last ? source_part_offset(last, part_place(s)) : 0;

	return before + bytes < SOURCE_PLACE_LIVE && bytes + PART_GROWTH_MAX < SOURCE_PLACE_LIVE;
}

/* A running session is followed for months: of its segments the newest are held. */
static void part_make_room(struct source *s)
{
	while (s->live.mapped && s->nparts > 1 &&
	       (s->nparts >= SOURCE_PARTS_LIVE || !part_has_place(s)) &&
	       (part_passed(s, 0) ||
		(!s->from_files && s->part[1].first_packet <= s->seen))) /* nothing was in it */
		parts_drop(s, 1);
}

int source_add_file(struct source *s, int fd, const struct msg_read_file *m, struct err *e)
{
	char *name = xstrndup(m->name.p, m->name.len);
	struct capfile *file = NULL;

	part_make_room(s);
	if (s->nparts == SOURCE_PARTS_MAX || (m->merge && s->nparts == SOURCE_MERGE_MAX) ||
	    !part_has_place(s)) {
		(void)close(fd);
		(void)err_set(
			e, ERR_PART,
			"%s is one file too many for one capture (%u are, or 8 TB): open it alone",
			name, SOURCE_PARTS_MAX);
		goto fail;
	}
	const uint64_t place = part_place(s);

	if (capfile_open(&file, fd, name, e) < 0)
		goto fail;
	if (s->nparts && !m->merge) /* segments: the one before is complete */
		s->part[s->nparts - 1].growing = false;
	s->merge.wanted = m->merge;
	s->part = xreallocarray(s->part, s->nparts + 1, sizeof(*s->part));
	s->part[s->nparts++] = (struct part){.file = file,
					     .fd = fd,
					     .name = name,
					     .place = place,
					     .first_packet = m->first_packet,
					     .segment = m->segment,
					     .file_bytes = m->file_bytes,
					     .grows_to = m->grows_to,
					     .head_ns = INT64_MIN,
					     .growing = m->growing && !s->finished};
	if (s->live.mapped)
		s->tried = UINT64_MAX;
	else
		s->from_files = true;
	return 0;
fail:
	free(name);
	return -1;
}

/* A file that cannot be read on is at its end; what is missing is told. */
static void part_failed(struct source *s, struct part *p, const struct err *e)
{
	const uint64_t size = capfile_size(p->file), done = capfile_done(p->file);
	const uint64_t number = p->first_packet + capfile_packets(p->file);
	const uint64_t missing = size > done ? size - done : 0;

	(void)snprintf(s->damage, sizeof(s->damage),
		       "%.700s; it was read up to byte %llu, packet %llu; %llu bytes are missing",
		       e->text, (unsigned long long)done, (unsigned long long)number,
		       (unsigned long long)missing);
	p->growing = false;
	p->ended = true;
}

/* 1: a packet; 0: nothing more of this file for now, or (ended) for ever; SOURCE_LATER. */
int source_part_next(struct source *s, struct part *p, struct packet *pk)
{
	struct err e;

	for (;;) {
		int r = p->ended ? 0 : capfile_next(p->file, pk, &e);

		if (r > 0)
			return r;
		if (r < 0)
			part_failed(s, p, &e);
		if (p->ended || p->growing)
			return 0;
		capfile_end(p->file);
		r = capfile_next(p->file, pk, &e);
		if (r > 0)
			return r;
		p->ended = true;
		if (s->nparts > 1 && !s->merge.wanted)
			capfile_rest(p->file);
	}
}

void source_taken(struct source *s, const struct part *p, struct taken *t)
{
	uint32_t number = t->pk.interface < p->map.count ? p->map.number[t->pk.interface] : 0;

	t->place = (p->place + t->pk.offset) & (SOURCE_PLACE_LIVE - 1);
	t->interface = number;
	t->shown = number < s->ninterfaces ? s->interface[number].shown : 0;
	t->segment = p->segment;
}

int source_file_next(struct source *s, struct taken *t)
{
	while (s->reading < s->nparts) {
		struct part *p = &s->part[s->reading];

		if (part_passed(s, s->reading)) {
			s->reading++;
			continue;
		}
		const int r = source_part_next(s, p, &t->pk);

		if (r == SOURCE_LATER)
			return r;
		if (r == 0) {
			if (!source_interfaces(s, &p->map, capfile_blocks(p->file)) || p->growing)
				return 0;
			s->reading++;
			continue;
		}
		t->pk.number += p->first_packet;
		if (t->pk.number <= s->seen)
			continue;
		if (t->pk.interface >= p->map.count &&
		    !source_interfaces(s, &p->map, capfile_blocks(p->file)))
			t->pk.interface = 0;
		source_taken(s, p, t);
		return 1;
	}
	return 0;
}

int source_file_ended(struct source *s, uint32_t number, struct str why, struct err *e)
{
	const uint32_t at = number - s->dropped;
	struct part *p = number >= s->dropped && at < s->nparts ? &s->part[at] : NULL;

	if (!p && (why.len == 0 || number < s->dropped))
		return 0; /* it came, and could not be opened: that was told */
	if (!p)
		return err_set(e, ERR_REFUSED, "%.*s", (int)why.len, why.p);
	p->growing = false;
	if (why.len && !p->why)
		p->why = xstrndup(why.p, why.len);
	return 0;
}

void source_file_gone(struct source *s, struct str name)
{
	for (uint32_t i = 0; i < s->nparts && !s->merge.wanted; i++) {
		struct part *p = &s->part[i];

		if (p->fd < 0 || !str_is(name, p->name))
			continue;
		capfile_let_go(p->file);
		p->fd = -1;
		p->growing = false;
		p->ended = true; /* whoever is behind has a gap */
	}
}

/* A recording of somebody else's, read alone: what is unpacked has an end of its own. */
bool source_follows(const struct source *s)
{
	const struct part *p = s->nparts == 1 && !s->merge.wanted ? &s->part[0] : NULL;

	return p && p->ended && !s->live.mapped && !s->finished && !s->cancelled && !s->damage[0] &&
	       p->grows_to == 0;
}

bool source_grew(struct source *s)
{
	struct part *p = s->part;

	if (!source_follows(s) || capfile_size(p->file) <= capfile_done(p->file))
		return false;
	capfile_resume(p->file);
	p->ended = false;
	s->reading = 0;
	return true;
}

/* A segment may have been removed meanwhile, or compressed: its disk is free when nobody has it
 * open. */
void source_forget(struct source *s, uint64_t number)
{
	uint32_t gone = 0;

	while (part_passed(s, gone) &&
	       (s->part[gone].fd < 0 || s->part[gone + 1].first_packet < number))
		gone++;
	parts_drop(s, gone);
}

uint64_t source_before(const struct source *s)
{
	return s->nparts ? s->part[0].first_packet : 0;
}

/* --- again --- */

/* From the part's first byte; of an earlier part's place it is beyond all that a file has. */
uint64_t source_part_offset(const struct part *p, uint64_t place)
{
	return (place - p->place) & (SOURCE_PLACE_LIVE - 1);
}

struct part *source_part_of(struct source *s, uint64_t place)
{
	uint32_t low = 0, high = s->nparts;
	const uint64_t at = high ? source_part_offset(&s->part[0], place) : 0;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (source_part_offset(&s->part[0], s->part[middle].place) <= at)
			low = middle;
		else
			high = middle;
	}
	return s->nparts ? &s->part[low] : NULL;
}

static int part_gone(const struct part *p, uint64_t number, struct err *e)
{
	return err_set(e, ERR_PART, "packet %llu was in %s, which was removed",
		       (unsigned long long)number, p->name);
}

int source_read(struct source *s, const struct index_entry *entry, uint64_t number,
		struct packet *pk, struct err *e)
{
	if (entry->place & SOURCE_PLACE_LIVE)
		return source_live_read(s, entry, number, pk, e);
	struct part *p = source_part_of(s, entry->place);

	if (!p || entry->interface >= s->ninterfaces)
		return err_set(e, ERR_PART, "packet %llu is in no file that is open",
			       (unsigned long long)number);
	if (p->fd < 0)
		return part_gone(p, number, e);
	return capfile_read_at(p->file, source_part_offset(p, entry->place),
			       s->interface[entry->interface].number, number, pk, e);
}

/* The last that begins before the packet; NULL: its segment is not there. */
static struct part *segment_part(struct source *s, uint64_t number)
{
	uint32_t low = 0, high = s->nparts;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (s->part[middle].first_packet < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &s->part[low - 1] : NULL;
}

int source_segment_read(struct source *s, uint64_t offset, uint32_t interface, uint64_t number,
			struct packet *pk, struct err *e)
{
	struct part *p = segment_part(s, number);
	const struct capture_interface *shown = source_shown(s, s->interface[interface].shown);
	uint32_t local = 0;

	if (!p || !shown)
		return err_set(e, ERR_PART,
			       "packet %llu left the memory, and its segment is not open",
			       (unsigned long long)number);
	if (p->fd < 0)
		return part_gone(p, number, e);
	/* Its interfaces stand before its first packet, which was seen long ago. */
	if (capfile_packets(p->file) == 0)
		(void)capfile_next(p->file, pk, e);
	const struct blocks *b = capfile_blocks(p->file);

	while (local < blocks_interfaces(b) &&
	       (blocks_interface(b, local)->link_type != shown->link_type ||
		strcmp(blocks_interface(b, local)->name ? blocks_interface(b, local)->name : "",
		       shown->name ? shown->name : "") != 0))
		local++;
	return capfile_read_at(p->file, offset, local, number, pk, e);
}
