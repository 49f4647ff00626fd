#include "source_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"

void source_init(struct source *s)
{
	*s = (struct source){.tried = UINT64_MAX, .merge = {.taken = UINT32_MAX}};
	pages_init(&s->live.marks, sizeof(struct chunk_mark));
}

static void shown_release(struct source_shown *x)
{
	if (!x->own)
		return;
	free(x->own->name);
	free(x->own->description);
	free(x->own->filter);
	free(x->own->comment);
	free(x->own);
}

void part_release(struct part *p)
{
	capfile_close(p->file);
	free(p->name);
	free(p->why);
	free(p->map.number);
}

void source_release(struct source *s)
{
	for (uint32_t i = 0; i < s->nparts; i++)
		part_release(&s->part[i]);
	free(s->part);
	free(s->merge.heap);
	source_live_release(s);
	free(s->interface);
	for (uint32_t i = 0; i < s->nshown; i++)
		shown_release(&s->shown[i]);
	free(s->shown);
	source_init(s);
}

bool source_is_live(const struct source *s)
{
	return s->live.mapped;
}

/* --- interfaces --- */

/* Room for one more behind `count`: there are files of a hundred thousand interfaces. */
static void *grown(void *array, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return xreallocarray(array, count ? (size_t)count * 2 : 1, size);
}

static bool same_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "") == 0;
}

/* Is shown interface number `shown` what `i` is, and none of those of the map? */
static bool source_same(const struct source *s, const struct interface_map *map,
			const struct capture_interface *i, uint32_t shown)
{
	const struct capture_interface *o = source_shown(s, shown);

	if (!o || o->link_type != i->link_type || !same_text(o->name, i->name))
		return false;
	for (uint32_t k = 0; k < map->count; k++)
		if (s->interface[map->number[k]].shown == shown)
			return false;
	return true;
}

static uint32_t source_show(struct source *s, const struct interface_map *map,
			    const struct blocks *b, uint32_t number)
{
	const struct capture_interface *i = blocks_interface(b, number);
	bool elsewhere = (s->nparts > 1 && !s->merge.wanted) || s->live.mapped;

	for (uint32_t shown = 0; elsewhere && shown < s->nshown; shown++)
		if (source_same(s, map, i, shown))
			return shown;
	s->shown = grown(s->shown, s->nshown, sizeof(*s->shown));
	s->shown[s->nshown] =
		(struct source_shown){.blocks = b, .number = number, .last = UINT32_MAX};
	return s->nshown++;
}

/* The interface that is shown as that and has that number in its file: every segment has the same
 * ones, and a recording of months has no end of segments. */
static uint32_t source_interface(struct source *s, uint32_t number, uint32_t shown)
{
	uint32_t at = s->shown[shown].last;

	while (at != UINT32_MAX && s->interface[at].number != number)
		at = s->interface[at].before;
	if (at != UINT32_MAX || s->ninterfaces == INDEX_INTERFACE_MAX)
		return at;
	s->interface = grown(s->interface, s->ninterfaces, sizeof(*s->interface));
	s->interface[s->ninterfaces] = (struct source_interface){
		.number = number, .shown = shown, .before = s->shown[shown].last};
	return s->shown[shown].last = s->ninterfaces++;
}

bool source_interfaces(struct source *s, struct interface_map *map, const struct blocks *b)
{
	uint32_t count = blocks_interfaces(b);

	while (map->count < count) {
		const uint32_t n = map->count;
		const uint32_t at = source_interface(s, n, source_show(s, map, b, n));

		if (at == UINT32_MAX)
			return false;
		map->number = grown(map->number, n, sizeof(*map->number));
		map->number[map->count++] = at;
	}
	return true;
}

const struct capture_interface *source_shown(const struct source *s, uint32_t shown)
{
	if (shown >= s->nshown)
		return NULL;
	const struct source_shown *x = &s->shown[shown];

	return x->own ? x->own : blocks_interface(x->blocks, x->number);
}

static char *copied(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void source_blocks_gone(struct source *s, const struct blocks *b)
{
	for (uint32_t i = 0; i < s->nshown; i++) {
		struct source_shown *x = &s->shown[i];

		if (x->own || x->blocks != b)
			continue;
		x->own = xmalloc(sizeof(*x->own));
		*x->own = *blocks_interface(b, x->number);
		x->own->name = copied(x->own->name);
		x->own->description = copied(x->own->description);
		x->own->filter = copied(x->own->filter);
		x->own->comment = copied(x->own->comment);
		x->blocks = NULL;
	}
}

/* --- forward --- */

/* A recorded session is caught up from its segments, then followed in the chunks. */
int source_next(struct source *s, struct taken *t)
{
	int r = 0;

	if (s->cancelled)
		return 0;
	if (s->merge.wanted) {
		r = source_merge_next(s, t);
	} else if (!s->live.mapped || s->from_files) {
		r = source_file_next(s, t);
		if (r == 0)
			s->from_files = false;
	}
	if (r == 0 && s->live.mapped)
		r = source_live_next(s, t);
	if (r == 0 && s->from_files &&
	    !s->merge.wanted) /* the chunks have a gap that the segments may fill */
		r = source_file_next(s, t);
	if (r != 1)
		return r;
	s->given++;
	s->seen = t->pk.number;
	if (t->pk.has_time)
		s->seen_ns = t->pk.ts_ns;
	return 1;
}

void source_finish(struct source *s)
{
	s->finished = true;
	for (uint32_t i = 0; i < s->nparts; i++)
		s->part[i].growing = false;
}

bool source_begun(const struct source *s)
{
	return s->live.mapped || (s->nparts > 0 && s->nparts >= s->merge.wanted);
}

bool source_done(const struct source *s)
{
	if (s->cancelled)
		return true;
	if (s->merge.wanted)
		return s->merge.done;
	if (s->live.mapped)
		return s->finished;
	return s->nparts > 0 && s->reading == s->nparts;
}

bool source_waits(const struct source *s)
{
	for (uint32_t i = 0; s->merge.wanted && i < s->nparts; i++)
		if (s->part[i].growing)
			return !s->cancelled && !s->merge.done;
	return !s->cancelled && !s->live.mapped && s->reading < s->nparts &&
	       s->part[s->reading].growing;
}

/* --- what is said of it --- */

uint64_t source_file_bytes(struct source *s)
{
	uint64_t bytes = s->dropped_bytes;

	for (uint32_t i = 0; i < s->nparts; i++)
		bytes += s->part[i].file_bytes ? s->part[i].file_bytes
					       : capfile_size(s->part[i].file);
	return bytes;
}

/* Of what is read, unpacked. */
static uint64_t source_read_bytes(struct source *s)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < s->nparts; i++)
		bytes += capfile_size(s->part[i].file);
	return bytes;
}

static uint64_t source_done_bytes(const struct source *s)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < s->nparts && (s->merge.wanted || i <= s->reading); i++)
		bytes += capfile_done(s->part[i].file);
	return bytes;
}

/* What could not be unpacked, and where that is. false: there is none. */
static bool source_unpacked_short(struct source *s, char *text, size_t room)
{
	for (uint32_t i = 0; i < s->nparts; i++) {
		const struct part *p = &s->part[i];

		if (!p->why || p->growing)
			continue;
		(void)snprintf(text, room,
			       "%.700s; what there was of it ends at byte %llu, after packet %llu",
			       p->why, (unsigned long long)capfile_done(p->file),
			       (unsigned long long)capfile_packets(p->file));
		return true;
	}
	return false;
}

/* The first hole of all files in words, and how much is missing in all. false: there is none. */
static bool source_holes(struct source *s, char *text, size_t room)
{
	const struct capfile_hole *hole;
	uint64_t bytes = 0, holes = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < s->nparts; i++) {
		const uint32_t n = capfile_holes(s->part[i].file, &hole);
		const uint64_t packet = s->part[i].first_packet + (n ? hole[0].packet : 0);

		if (n && holes == 0)
			(void)snprintf(text, room, "%s%sat byte %llu, after %spacket %llu: %s",
				       s->nparts > 1 ? s->part[i].name : "",
				       s->nparts > 1 ? " " : "", (unsigned long long)hole[0].offset,
				       s->merge.wanted ? "its " : "", (unsigned long long)packet,
				       hole[0].why);
		for (uint32_t k = 0; k < n; k++)
			bytes += hole[k].bytes;
		holes += n;
	}
	size_t len = strlen(text);

	if (holes)
		(void)snprintf(text + len, room - len, "; %llu bytes are missing in %llu place%s",
			       (unsigned long long)bytes, (unsigned long long)holes,
			       holes == 1 ? "" : "s");
	return holes > 0;
}

const char *source_damage(struct source *s)
{
	if (s->damage[0])
		return s->damage;
	if (s->lost)
		(void)snprintf(s->note, sizeof(s->note), "%llu packets were missed in %llu gap%s",
			       (unsigned long long)s->lost, (unsigned long long)s->gaps,
			       s->gaps == 1 ? "" : "s");
	else if (!source_unpacked_short(s, s->note, sizeof(s->note)))
		(void)source_holes(s, s->note, sizeof(s->note));
	return s->note;
}

static const char *source_note(struct source *s)
{
	if (!s->cancelled)
		return source_damage(s);
	(void)snprintf(s->note, sizeof(s->note),
		       "stopped at byte %llu of %llu, after packet %llu: what was read stays",
		       (unsigned long long)source_done_bytes(s),
		       (unsigned long long)source_read_bytes(s), (unsigned long long)s->seen);
	return s->note;
}

void source_state(struct source *s, struct table_state *t)
{
	*t = (struct table_state){.state = WINDOW_READING};
	if (!s->live.mapped && s->nparts) {
		t->of = source_read_bytes(s);
		t->done = source_done(s) && !s->cancelled ? t->of : source_done_bytes(s);
	}
	t->note = source_note(s);
	if (source_done(s))
		t->state = t->note[0] ? WINDOW_PARTIAL : WINDOW_COMPLETE;
}
