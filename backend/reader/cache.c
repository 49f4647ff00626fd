#include "cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crc.h"
#include "base/fdio.h"
#include "base/raw.h"
#include "base/xalloc.h"
#include "capfile/saved.h"
#include "flow/saved.h"
#include "source_private.h"

#define MAGIC "tapdeck\1"
#define HEAD_BYTES 4096u /* before the pages */
#define STATE_BYTES_MAX (256u << 20)
#define ARRAYS 4u    /* of pages */
#define QUIET_MS 30u /* without a question, before it is written */

/* At the start, and written last. */
struct head {
	char magic[8];
	uint8_t build[RAW_BUILD_BYTES];
	uint32_t state_crc;
	uint64_t state_offset, state_bytes;
	uint32_t crc; /* of what stands before it */
};

/* Where a piece of the connections lies. */
struct place {
	uint64_t offset;
	uint32_t bytes, crc;
};

struct cache {
	int fd;
	bool filled;  /* it was when it came: it is read, else written */
	bool failed;  /* something of it could not be read or written */
	bool dropped; /* that was told */
	/* Writing: */
	unsigned array; /* of pages, that is written */
	size_t page;	/* of it, or piece */
	uint64_t end;	/* bytes so far */
	uint64_t start[ARRAYS];
	uint32_t *crc[ARRAYS]; /* owned */
	struct buf out;
	struct place *piece; /* owned */
	uint32_t pieces;
};

static struct pages *array_of(struct reader *r, unsigned i)
{
	struct pages *const arrays[ARRAYS] = {&r->index.place, &r->index.ts, &r->index.length,
					      &r->capture.tags};

	return arrays[i];
}

int cache_given(struct reader *r, int fd, bool filled, struct err *e)
{
	if (r->cache || r->source.nparts) {
		(void)close(fd);
		return err_set(e, ERR_CALL, "READ_CACHE comes once, before its file");
	}
	r->cache = xcalloc(1, sizeof(*r->cache));
	*r->cache = (struct cache){.fd = fd, .filled = filled, .end = HEAD_BYTES};
	buf_init(&r->cache->out, STATE_BYTES_MAX);
	return 0;
}

static void writing_release(struct cache *k)
{
	for (unsigned i = 0; i < ARRAYS; i++) {
		free(k->crc[i]);
		k->crc[i] = NULL;
	}
	buf_release(&k->out);
}

void cache_release(struct reader *r)
{
	if (!r->cache)
		return;
	writing_release(r->cache);
	(void)close(r->cache->fd);
	free(r->cache->piece);
	free(r->cache);
	r->cache = NULL;
}

static void cache_tell(struct reader *r, bool sound)
{
	const struct msg_cached m = {.sound = sound};

	r->cache->dropped = !sound;
	if (r->control)
		(void)channel_put_cached(r->control, 0, 0, &m); /* -1: control is gone */
}

/* --- writing --- */

static bool put(struct cache *k, const void *p, size_t len)
{
	if (fdio_pwrite_all(k->fd, p, len, k->end)) {
		k->failed = true;
		return false;
	}
	k->end += len;
	return true;
}

static void step_pages(struct reader *r, struct cache *k)
{
	const struct pages *p = array_of(r, k->array);

	if (k->page == 0) {
		k->start[k->array] = k->end;
		k->crc[k->array] = xcalloc(p->npages, sizeof(uint32_t));
	}
	if (k->page < p->npages) {
		const size_t bytes = pages_bytes(p, k->page);

		k->crc[k->array][k->page] = crc32c(0, p->page[k->page], bytes);
		(void)put(k, p->page[k->page], bytes);
		k->page++;
		return;
	}
	k->page = 0;
	k->array++;
}

/* true: there are more pieces. */
static bool step_piece(struct reader *r, struct cache *k)
{
	struct flows *f = r->capture.flows;
	struct place *at;

	if (!k->piece) {
		k->pieces = flows_pieces(f);
		k->piece = xcalloc(k->pieces, sizeof(*k->piece));
	}
	if (k->page == k->pieces)
		return false;
	buf_clear(&k->out);
	if (flows_save_piece(f, (uint32_t)k->page, &k->out) || k->out.len > FLOWS_PIECE_BYTES_MAX)
		k->failed = true;
	at = &k->piece[k->page++];
	*at = (struct place){k->end, (uint32_t)k->out.len, crc32c(0, k->out.data, k->out.len)};
	return put(k, k->out.data, k->out.len);
}

static int state_pages(const struct pages *p, uint64_t start, const uint32_t *crc, struct buf *out)
{
	return buf_add(out, &p->count, sizeof(p->count)) || buf_add(out, &start, sizeof(start)) ||
			       buf_add(out, crc, p->npages * sizeof(*crc))
		       ? -1
		       : 0;
}

static int state_capture(const struct capture *c, struct buf *out)
{
	const struct totals *t = &c->totals;

	if (buf_add(out, t, sizeof(*t)) ||
	    buf_add(out, t->interface, t->ninterfaces * sizeof(*t->interface)) ||
	    buf_add(out, &c->start_ns, sizeof(c->start_ns)) ||
	    buf_add(out, &c->has_start, sizeof(c->has_start)) ||
	    buf_add(out, &c->settled, sizeof(c->settled)) ||
	    buf_add(out, &c->ended_packets, sizeof(c->ended_packets)))
		return -1;
	return flows_save(c->flows, out);
}

/* Last of all, as taking it up cannot be undone. */
static int state_source(const struct source *s, struct buf *out)
{
	if (buf_add(out, &s->given, sizeof(s->given)) || buf_add(out, &s->seen, sizeof(s->seen)) ||
	    buf_add(out, &s->seen_ns, sizeof(s->seen_ns)))
		return -1;
	return capfile_save(s->part[0].file, out);
}

static int state_save(struct reader *r, struct cache *k)
{
	const struct index *x = &r->index;
	struct buf *out = &k->out;

	buf_clear(out);
	if (buf_add(out, &x->nruns, sizeof(x->nruns)) ||
	    buf_add(out, x->run, x->nruns * sizeof(*x->run)))
		return -1;
	for (unsigned i = 0; i < ARRAYS; i++)
		if (state_pages(array_of(r, i), k->start[i], k->crc[i], out))
			return -1;
	if (state_capture(&r->capture, out) || buf_add(out, &k->pieces, sizeof(k->pieces)))
		return -1;
	if (buf_add(out, k->piece, k->pieces * sizeof(*k->piece)))
		return -1;
	return state_source(&r->source, out);
}

static void step_end(struct reader *r, struct cache *k)
{
	struct head h = {.magic = MAGIC};

	if (k->failed || !raw_build(h.build) || state_save(r, k)) {
		k->failed = true;
		return;
	}
	h.state_offset = k->end;
	h.state_bytes = k->out.len;
	h.state_crc = crc32c(0, k->out.data, k->out.len);
	h.crc = crc32c(0, &h, offsetof(struct head, crc));
	if (put(k, k->out.data, k->out.len) && fdio_pwrite_all(k->fd, &h, sizeof(h), 0))
		k->failed = true;
}

/* Whether there is something to be remembered: all of a file that was read without a fault. */
static bool cache_wants(const struct reader *r)
{
	const struct source *s = &r->source;

	return r->has_capture && s->nparts == 1 && !s->merge.wanted && !s->live.mapped &&
	       !s->cancelled && !s->damage[0] && !s->part[0].growing && !s->part[0].why &&
	       !r->base_connections && r->index.first == 0 && flows_whole(r->capture.flows);
}

/* Rows are asked for piece by piece: who waits for the next may have them first. */
static bool somebody_waits(const struct reader *r)
{
	return !table_server_idle(r->tables) || r->streams || r->nheld ||
	       clock_mono_ns() - table_server_worked_ns(r->tables) < QUIET_MS * NS_PER_MS;
}

static bool cache_waits(const struct reader *r)
{
	return r->cache && !r->cache->filled && pipeline_done(r);
}

uint64_t cache_rest_ms(const struct reader *r)
{
	return cache_waits(r) ? QUIET_MS : 0;
}

bool cache_step(struct reader *r)
{
	struct cache *k = r->cache;
	const int64_t deadline = clock_mono_ns() + READER_SLICE_NS;
	bool more = true;

	if (!cache_waits(r) || somebody_waits(r))
		return false;
	k->failed = k->failed || !cache_wants(r);
	while (more && !k->failed && clock_mono_ns() < deadline)
		if (k->array < ARRAYS)
			step_pages(r, k);
		else
			more = step_piece(r, k);
	if (more && !k->failed)
		return true;
	step_end(r, k);
	cache_tell(r, !k->failed);
	cache_release(r);
	return false;
}

void cache_left(struct reader *r)
{
	if (!r->cache || r->cache->filled || pipeline_done(r))
		return;
	cache_tell(r, false);
	cache_release(r);
}

/* --- reading --- */

static int read_whole(struct cache *k, const struct place *at, struct buf *out)
{
	uint8_t *p = buf_reserve(out, at->bytes);

	if (!p || fdio_pread(k->fd, p, at->bytes, at->offset) != (ssize_t)at->bytes)
		return -1;
	out->len += at->bytes;
	return crc32c(0, p, at->bytes) == at->crc ? 0 : -1;
}

static int on_piece(void *cache, uint32_t piece, struct buf *out)
{
	struct cache *k = cache;
	const int r = piece < k->pieces ? read_whole(k, &k->piece[piece], out) : -1;

	k->failed = k->failed || r;
	return r;
}

static int load_pages(struct cache *k, struct pages *p, struct raw *r)
{
	struct pages_saved saved = {.fd = k->fd, .failed = &k->failed};
	uint64_t count;

	(void)raw_take(r, &count, sizeof(count));
	if (!raw_take(r, &saved.offset, sizeof(saved.offset)) ||
	    count > INDEX_FILE_BYTES_MAX / INDEX_PACKET_BYTES)
		return -1;
	const size_t pages = (size_t)((count + PAGES_ITEMS - 1) / PAGES_ITEMS);

	saved.crc = raw_take_array(r, pages, sizeof(*saved.crc));
	if (!saved.crc)
		return -1;
	pages_restore(p, count, &saved);
	return 0;
}

static int load_index(struct reader *r, struct raw *raw)
{
	struct index *x = &r->index;

	if (!raw_take(raw, &x->nruns, sizeof(x->nruns)))
		return -1;
	x->run = raw_take_array(raw, x->nruns, sizeof(*x->run));
	if (!x->run)
		return -1;
	for (unsigned i = 0; i < ARRAYS; i++)
		if (load_pages(r->cache, array_of(r, i), raw) ||
		    array_of(r, i)->count != x->place.count)
			return -1;
	return 0;
}

static int load_totals(struct totals *t, struct raw *raw)
{
	(void)raw_take(raw, t, sizeof(*t));
	t->interface = raw_take_array(raw, t->ninterfaces, sizeof(*t->interface));
	return t->interface ? 0 : -1;
}

static int load_capture(struct reader *r, struct raw *raw)
{
	struct capture *c = &r->capture;
	struct cache *k = r->cache;
	const struct flows_options o = {0};
	struct flows *f;

	if (load_totals(&c->totals, raw))
		return -1;
	(void)raw_take(raw, &c->start_ns, sizeof(c->start_ns));
	(void)raw_take(raw, &c->has_start, sizeof(c->has_start));
	(void)raw_take(raw, &c->settled, sizeof(c->settled));
	(void)raw_take(raw, &c->ended_packets, sizeof(c->ended_packets));
	f = flows_restore(&o, raw, on_piece, k);
	if (!f)
		return -1;
	flows_free(c->flows);
	c->flows = f;
	if (!raw_take(raw, &k->pieces, sizeof(k->pieces)) || k->pieces != flows_pieces(f))
		return -1;
	k->piece = raw_take_array(raw, k->pieces, sizeof(*k->piece));
	return k->piece ? 0 : -1;
}

static int load_source(struct source *s, struct raw *raw)
{
	struct part *p = &s->part[0];
	struct source said = *s;

	(void)raw_take(raw, &said.given, sizeof(said.given));
	(void)raw_take(raw, &said.seen, sizeof(said.seen));
	(void)raw_take(raw, &said.seen_ns, sizeof(said.seen_ns));
	if (capfile_restore(p->file, raw))
		return -1;
	s->given = said.given;
	s->seen = said.seen;
	s->seen_ns = said.seen_ns;
	s->reading = 1;
	p->ended = true;
	return source_interfaces(s, &p->map, capfile_blocks(p->file)) ? 0 : -1;
}

/* The state's bytes, of this program's; -1: they are not. */
static int load_state(struct cache *k)
{
	struct head h;
	uint8_t build[RAW_BUILD_BYTES];

	if (fdio_pread(k->fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0 ||
	    h.crc != crc32c(0, &h, offsetof(struct head, crc)) || !raw_build(build) ||
	    memcmp(h.build, build, sizeof(build)) != 0 || h.state_bytes > STATE_BYTES_MAX)
		return -1;
	return read_whole(k, &(struct place){h.state_offset, (uint32_t)h.state_bytes, h.state_crc},
			  &k->out);
}

/* What was begun of it goes: the file is read as if nothing were remembered. */
static void load_undo(struct reader *r)
{
	capture_release(&r->capture);
	index_release(&r->index);
	index_init(&r->index);
	r->has_capture = false;
}

bool cache_load(struct reader *r)
{
	struct cache *k = r->cache;
	const struct flows_options o = {0};

	if (!k || !k->filled || r->has_capture || r->source.nparts != 1)
		return false;
	if (load_state(k))
		goto useless;
	struct raw raw = {.p = k->out.data, .left = k->out.len};

	capture_init(&r->capture, &o, false, false);
	r->has_capture = true;
	if (load_index(r, &raw) || load_capture(r, &raw) || k->failed ||
	    load_source(&r->source, &raw)) {
		load_undo(r);
		goto useless;
	}
	buf_release(&k->out);
	return true;
useless:
	cache_tell(r, false);
	cache_release(r);
	return false;
}

void cache_look(struct reader *r)
{
	struct cache *k = r->cache;

	if (!k || !k->filled || !k->failed || k->dropped)
		return;
	(void)snprintf(r->source.damage, sizeof(r->source.damage),
		       "what was remembered of it cannot be read back: close it and open it again");
	cache_tell(r, false);
}
