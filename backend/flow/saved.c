/* A piece is its slots as they lie in memory, then for each what hangs on it: addresses, figures
 * with what waits for an ACK and with what is told by payload, what only some need with its holes.
 * Pointers say only whether there is something. */
#include "flow/saved.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "bulk.h"
#include "sent.h"
#include "track.h"

_Static_assert(FLOWS_PIECE == SLAB_SLOTS, "a piece is a slab");

struct saved {
	flows_piece_fn read;
	void *arg;
	uint32_t asleep; /* pieces that were not read yet */
	bool keyed;	 /* all are in the table of keys */
	bool failed;
};

static uint32_t piece_slots(const struct flows *f, uint32_t piece)
{
	const uint32_t left = f->slots - piece * SLAB_SLOTS;

	return left < SLAB_SLOTS ? left : SLAB_SLOTS;
}

bool flows_whole(const struct flows *f)
{
	return !f->o.memory_bytes && !f->saved && f->slots == f->given - f->o.base;
}

uint32_t flows_pieces(const struct flows *f)
{
	return f->slabs;
}

/* --- writing --- */

int flows_save(const struct flows *f, struct buf *out)
{
	const uint64_t counts[] = {f->given, f->o.base, f->slots};

	return buf_add(out, counts, sizeof(counts));
}

static int spread_save(const struct spread *d, struct buf *out)
{
	const size_t bytes = spread_bytes(d);

	return bytes ? buf_add(out, d->of.at, bytes) : 0;
}

static int bulk_save(const struct bulk *b, struct buf *out)
{
	if (buf_add(out, b, sizeof(*b)) || spread_save(&b->sizes, out) ||
	    spread_save(&b->rtts, out))
		return -1;
	return b->round_trips ? buf_add(out, b->round_trips, sizeof(*b->round_trips)) : 0;
}

static int figures_save(const struct figures *fg, struct buf *out)
{
	const struct sent *t = fg->sent;

	if (buf_add(out, fg, sizeof(*fg)))
		return -1;
	if (t && (buf_add(out, &t->count, sizeof(t->count)) ||
		  buf_add(out, t->at + t->first, t->count * sizeof(*t->at))))
		return -1;
	return fg->has_bulk ? bulk_save(fg->of.bulk, out) : 0;
}

static int more_save(const struct more *more, struct buf *out)
{
	if (buf_add(out, more, sizeof(*more)))
		return -1;
	for (unsigned i = 0; i < 2; i++) {
		const struct more_flow *m = &more->flow[i];

		if (buf_add(out, m->hole, m->holes * sizeof(struct hole)) ||
		    (m->repeats && buf_add(out, m->repeats, sizeof(*m->repeats))))
			return -1;
	}
	return 0;
}

static int slot_save(const struct slot *s, struct buf *out)
{
	if (s->ip6 && buf_add(out, s->ends.ip6, 2 * sizeof(*s->ends.ip6)))
		return -1;
	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].figures && figures_save(s->side[i].figures, out))
			return -1;
	return s->more ? more_save(s->more, out) : 0;
}

int flows_save_piece(const struct flows *f, uint32_t piece, struct buf *out)
{
	const uint32_t n = piece_slots(f, piece);

	if (buf_add(out, f->slab[piece], n * sizeof(struct slot)))
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (slot_save(&f->slab[piece][i], out))
			return -1;
	return 0;
}

/* --- reading --- */

static void sent_take(struct flows *f, struct figures *fg, struct raw *r)
{
	struct sent_segment segment;
	uint32_t count;

	fg->sent = NULL;
	if (!raw_take(r, &count, sizeof(count)) || count > SENT_ROOM_MAX) {
		r->failed = true;
		return;
	}
	while (count-- && raw_take(r, &segment, sizeof(segment)))
		sent_add(f, fg, segment);
}

/* A copy of `bytes` bytes on the heap; NULL: they are not there. */
static void *heap_take(struct flows *f, struct raw *r, size_t bytes)
{
	void *at = raw_take_array(r, 1, bytes);

	if (at)
		f->more_bytes += bytes;
	return at;
}

static void spread_take(struct flows *f, struct spread *d, struct raw *r)
{
	const size_t bytes = spread_bytes(d);
	uint32_t *at = bytes ? heap_take(f, r, bytes) : NULL;

	if (bytes && !at)
		*d = (struct spread){0};
	else if (bytes)
		d->of.at = at;
}

static struct bulk *bulk_read(struct flows *f, struct raw *r)
{
	struct bulk *b = xmalloc(sizeof(*b));

	f->more_bytes += sizeof(*b);
	(void)raw_take(r, b, sizeof(*b));
	spread_take(f, &b->sizes, r);
	spread_take(f, &b->rtts, r);
	if (b->round_trips)
		b->round_trips = heap_take(f, r, sizeof(*b->round_trips));
	return b;
}

static struct figures *figures_read(struct flows *f, struct raw *r)
{
	struct figures *fg = store_figures(f);

	(void)raw_take(r, fg, sizeof(*fg));
	if (fg->sent)
		sent_take(f, fg, r);
	if (fg->has_bulk)
		fg->of.bulk = bulk_read(f, r);
	return fg;
}

static void more_flow_read(struct flows *f, struct more_flow *m, struct raw *r)
{
	const size_t bytes = m->holes * sizeof(*m->hole);

	m->hole = bytes ? heap_take(f, r, bytes) : NULL;
	m->holes = m->holes_room = m->hole ? m->holes : 0;
	if (m->repeats)
		m->repeats = heap_take(f, r, sizeof(*m->repeats));
}

static void more_read(struct flows *f, struct slot *s, struct raw *r)
{
	struct more *more = store_more(f, s);

	(void)raw_take(r, more, sizeof(*more));
	more_flow_read(f, &more->flow[0], r);
	more_flow_read(f, &more->flow[1], r);
}

/* What hangs on a slot whose pointers say only that there is something. */
static void slot_read(struct flows *f, struct slot *s, struct raw *r)
{
	const bool more = s->more;

	s->more = NULL;
	if (s->ip6) {
		s->ends.ip6 = xreallocarray(NULL, 2, sizeof(*s->ends.ip6));
		f->more_bytes += 2 * sizeof(*s->ends.ip6);
		(void)raw_take(r, s->ends.ip6, 2 * sizeof(*s->ends.ip6));
	}
	for (unsigned i = 0; i < 2; i++)
		if (s->side[i].figures)
			s->side[i].figures = figures_read(f, r);
	if (more)
		more_read(f, s, r);
}

/* Slots that cannot be read are connections of which nothing is known but their number. */
static void piece_blank(const struct flows *f, uint32_t piece)
{
	memset(f->slab[piece], 0, SLAB_SLOTS * sizeof(struct slot));
	for (uint32_t i = 0; i < piece_slots(f, piece); i++) {
		f->slab[piece][i].number = f->o.base + piece * SLAB_SLOTS + i + 1;
		f->slab[piece][i].handshake_ns = -1;
	}
}

static bool piece_read(struct flows *f, uint32_t piece, struct raw *r)
{
	const uint32_t n = piece_slots(f, piece);
	const uint8_t *slots = raw_bytes(r, n * sizeof(struct slot));

	if (!slots)
		return false;
	memcpy(f->slab[piece], slots, n * sizeof(struct slot));
	for (uint32_t i = 0; i < n; i++)
		if (f->slab[piece][i].number != f->o.base + piece * SLAB_SLOTS + i + 1)
			return false;
	for (uint32_t i = 0; i < n; i++)
		slot_read(f, &f->slab[piece][i], r);
	return !r->failed;
}

void saved_piece(struct flows *f, uint32_t piece)
{
	struct buf b;

	if (!f->saved || f->slab[piece])
		return;
	f->slab[piece] = xmalloc(SLAB_SLOTS * sizeof(struct slot));
	f->saved->asleep--;
	buf_init(&b, FLOWS_PIECE_BYTES_MAX);
	bool sound = f->saved->read(f->saved->arg, piece, &b) == 0;
	struct raw r = {.p = b.data, .left = b.len};

	if (!sound || !piece_read(f, piece, &r)) {
		f->saved->failed = true;
		piece_blank(f, piece);
	}
	buf_release(&b);
}

struct flows *flows_restore(const struct flows_options *o, struct raw *r, flows_piece_fn read,
			    void *arg)
{
	uint64_t counts[3];
	struct flows *f;

	if (!raw_take(r, counts, sizeof(counts)) || o->memory_bytes || counts[1] != o->base ||
	    counts[2] >= SLOTS_MAX || counts[0] != o->base + counts[2])
		return NULL;
	f = flows_new(o);
	f->given = counts[0];
	f->in_memory = counts[2];
	f->slots = (uint32_t)counts[2];
	f->slabs = f->slabs_room = (f->slots + SLAB_SLOTS - 1) / SLAB_SLOTS;
	f->slab = xcalloc(f->slabs, sizeof(struct slot *));
	f->saved = xcalloc(1, sizeof(*f->saved));
	*f->saved = (struct saved){.read = read, .arg = arg, .asleep = f->slabs};
	return f;
}

/* In the order of numbers, so that of several with one key the latest is found. */
static void keys_insert(struct flows *f)
{
	for (uint32_t i = 0; i < f->slots; i++) {
		uint8_t direction;
		struct key k;

		key_of(f, &k, flows_slot(f, i));
		const uint32_t old = key_find(f, &k, &direction);

		if (old == NONE)
			key_insert(f, k.hash, i);
		else
			key_replace(f, k.hash, old, i);
	}
}

int flows_wake(struct flows *f)
{
	struct saved *saved = f->saved;

	if (!saved || saved->keyed)
		return 0;
	for (uint32_t i = 0; saved->asleep && i < f->slabs; i++)
		saved_piece(f, i);
	keys_insert(f);
	saved->keyed = true;
	return saved->failed ? -1 : 0;
}
