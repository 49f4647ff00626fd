#include "capfile/capfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "blocks_private.h"
#include "capfile/saved.h"
#include "looks.h"

#define READ_BYTES (1u << 20)
#define READ_BYTES_SMALL 65536u
#define READ_AT_BYTES 16384u  /* one pread holds a usual packet */
#define TURN_BYTES (4u << 20) /* passed over in one call, without a packet */
#define MEND_BYTES_MAX 4096u  /* of a damaged block that is still read */
#define LEAP_BACK 64u	      /* bytes before what is gone to: a head may begin with zeros */

_Static_assert(READ_BYTES_SMALL / 2 >= 2 * RESYNC_NEAR_BYTES,
	       "what is kept of a hole holds all that a scan weighs");

struct capfile {
	int fd; /* -1: it was let go */
	char *name;
	struct blocks *blocks;
	/* buf[pos] to buf[len] is to be read; buf[0] lies at `base` of the file.
	 * pos <= len <= cap. */
	uint8_t *buf;
	size_t pos, len, cap;
	uint64_t base;
	uint64_t size_seen; /* the most that the file held */
	bool ended;	    /* capfile_end: no more will be written */
	bool waiting;	    /* the last record is not whole yet */
	bool in_hole;	    /* from hole_start on nothing sound was found yet */
	uint64_t hole_start;
	char hole_why[sizeof(((struct capfile_hole *)0)->why)];
	const struct capfile *learned; /* NULL, or who found the same holes before */
	uint64_t packets;
	struct capfile_hole *hole;
	uint32_t holes, holes_cap;
	bool mended; /* the last hole was: it stays by itself, so that who learns mends it too */
	uint8_t *at_buf; /* capfile_read_at */
	size_t at_cap;
};

/* --- bytes --- */

static uint64_t position(const struct capfile *f)
{
	return f->base + f->pos;
}

/* Into the last hole, where it goes on there or no other can be remembered. */
static bool hole_join(struct capfile *f, uint64_t offset, uint64_t bytes)
{
	struct capfile_hole *last = &f->hole[f->holes - 1];
	const bool goes_on = last->offset + last->bytes == offset && !f->mended;

	if (!goes_on && f->holes < CAPFILE_DAMAGE_MAX)
		return false;
	last->bytes += bytes;
	if (!goes_on)
		(void)snprintf(last->why, sizeof(last->why),
			       "more damage than is listed: from here on bytes are added up");
	return true;
}

static void hole_add(struct capfile *f, uint64_t offset, uint64_t bytes, const char *why)
{
	struct capfile_hole *hole;

	if (f->holes > 0 && hole_join(f, offset, bytes))
		return;
	f->mended = false;
	if (f->holes == f->holes_cap) {
		f->holes_cap = f->holes_cap ? f->holes_cap * 2 : 4;
		f->hole = xreallocarray(f->hole, f->holes_cap, sizeof(*f->hole));
	}
	hole = &f->hole[f->holes++];
	*hole = (struct capfile_hole){.offset = offset, .bytes = bytes, .packet = f->packets};
	(void)snprintf(hole->why, sizeof(hole->why), "%s", why);
}

/* At the end of the bytes: is the file shorter than it was? What went is told once. */
static void notice_shrinking(struct capfile *f)
{
	const uint64_t size = capfile_size(f);

	if (size < f->size_seen)
		hole_add(f, size, f->size_seen - size, "the file became shorter while it was read");
	f->size_seen = size;
}

/* Small files need no more, long records all that they are long. */
static size_t cap_for(size_t need, uint64_t there)
{
	if (need > READ_BYTES)
		return need;
	return need > READ_BYTES_SMALL || there > READ_BYTES_SMALL ? READ_BYTES : READ_BYTES_SMALL;
}

/* Room for `need` bytes behind pos; the rest of the buffer stays as it is. Only what the file holds
 * is made room for. */
static bool make_room(struct capfile *f, size_t need)
{
	const uint64_t size = capfile_size(f);
	uint64_t there;
	size_t cap;

	if (f->pos > 0) {
		memmove(f->buf, f->buf + f->pos, f->len - f->pos);
		f->base += f->pos;
		f->len -= f->pos;
		f->pos = 0;
	}
	there = size > f->base ? size - f->base : 0;
	if (need > f->cap && need > there)
		return false;
	cap = cap_for(need, there);
	if (cap > f->cap || (f->cap > READ_BYTES && f->len <= cap)) {
		f->buf = xreallocarray(f->buf, cap, 1);
		f->cap = cap;
	}
	return true;
}

/* Reads on until `need` bytes stand behind pos. 1: they do; 0: the file holds no more; -1: *e. */
static int fill(struct capfile *f, size_t need, struct err *e)
{
	ssize_t n;

	if (f->len - f->pos >= need)
		return 1;
	if (!make_room(f, need)) {
		notice_shrinking(f);
		return 0;
	}
	while (f->len < need) {
		n = fdio_pread(f->fd, f->buf + f->len, f->cap - f->len, f->base + f->len);
		if (n < 0)
			return err_errno(e, ERR_PART, "%s cannot be read at byte %llu", f->name,
					 (unsigned long long)f->base + f->len);
		if (n == 0) {
			notice_shrinking(f);
			return 0;
		}
		f->len += (size_t)n;
		if (f->base + f->len > f->size_seen)
			f->size_seen = f->base + f->len;
	}
	return 1;
}

/* --- damage --- */

/* From pos on nothing is believed until two records in a row are sound. */
static void hole_begin(struct capfile *f, const char *why)
{
	f->in_hole = true;
	f->hole_start = position(f);
	(void)snprintf(f->hole_why, sizeof(f->hole_why), "%.*s", (int)sizeof(f->hole_why) - 1, why);
	if (f->pos < f->len)
		f->pos++;
}

static void hole_end(struct capfile *f)
{
	f->in_hole = false;
	if (position(f) > f->hole_start)
		hole_add(f, f->hole_start, position(f) - f->hole_start, f->hole_why);
}

/* Sound records follow at pos. What the hole itself says still counts where it is one whole block:
 * without the description of an interface its packets would be lost, and others' taken for them. */
static void hole_end_sound(struct capfile *f)
{
	const uint64_t bytes = position(f) - f->hole_start;
	uint8_t p[MEND_BYTES_MAX];

	const bool mended = bytes <= sizeof(p) &&
			    fdio_pread(f->fd, p, bytes, f->hole_start) == (ssize_t)bytes &&
			    blocks_mend(f->blocks, p, bytes);

	hole_end(f);
	f->mended = mended;
}

/* Where a file has no blocks on disk it reads as zeros, which are nothing: the next that are there
 * are gone to at once. */
static void hole_leap(struct capfile *f)
{
	const uint64_t end = f->base + f->len;
	const off_t data = lseek(f->fd, (off_t)end, SEEK_DATA);
	uint64_t to;

	if (data >= 0)
		to = (uint64_t)data;
	else if (errno == ENXIO)
		to = capfile_size(f);
	else
		return;
	if (to < end + READ_BYTES || f->len - f->pos > LEAP_BACK)
		return;
	f->base = to - LEAP_BACK;
	f->pos = f->len = 0;
}

/* true: where the hole ends is known; pos is there. */
static bool hole_known(struct capfile *f)
{
	uint32_t low = 0, high = f->learned ? f->learned->holes : 0;
	const struct capfile_hole *hole;

	if (high == CAPFILE_DAMAGE_MAX)
		high--; /* the last stands for many */
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		hole = &f->learned->hole[middle];
		if (hole->offset < f->hole_start)
			low = middle + 1;
		else if (hole->offset > f->hole_start)
			high = middle;
		else
			break;
	}
	if (low >= high)
		return false;
	hole = &f->learned->hole[low + (high - low) / 2];
	f->base = hole->offset + hole->bytes;
	f->pos = f->len = 0;
	if (f->base < position(f->learned))
		hole_end_sound(f);
	else
		hole_end(f);
	return true;
}

/* Looks for a sound record, for some megabytes at most. 1: pos stands at one; 0: the file holds no
 * more; CAPFILE_LATER; -1: *e. */
static int hole_look(struct capfile *f, struct err *e)
{
	const uint64_t turn = position(f) + TURN_BYTES;
	int more = 1;

	while (more > 0) {
		size_t undecided;
		const int64_t skip =
			blocks_scan(f->blocks, f->buf + f->pos, f->len - f->pos, false, &undecided);

		if (skip >= 0) {
			f->pos += (size_t)skip;
			return 1;
		}
		/* A made-up length must not hold up the rest: half a buffer is kept at most. */
		f->pos += undecided;
		if (f->len - f->pos > f->cap / 2)
			f->pos = f->len - f->cap / 2;
		if (position(f) >= turn)
			return CAPFILE_LATER;
		hole_leap(f);
		more = fill(f, f->len - f->pos + 1, e);
	}
	return more;
}

/* 1: pos stands at a sound record; 0: there is none in what the file holds now; CAPFILE_LATER; -1:
 * *e. */
static int hole_pass(struct capfile *f, struct err *e)
{
	size_t undecided;
	int64_t skip;
	int r;

	if (hole_known(f))
		return 1;
	r = hole_look(f, e);
	if (r == 1)
		hole_end_sound(f);
	if (r != 0)
		return r;
	skip = blocks_scan(f->blocks, f->buf + f->pos, f->len - f->pos, true, &undecided);
	if (skip < 0 && !f->ended)
		return 0;
	if (skip >= 0) {
		f->pos += (size_t)skip;
		hole_end_sound(f);
		return 1;
	}
	f->pos = f->len;
	hole_end(f);
	return 0;
}

/* --- forward --- */

/* The file does not hold all of the record at pos. 1: go on behind it; 0: wait, or the end. */
static int tail_incomplete(struct capfile *f)
{
	f->waiting = true;
	if (!f->ended || f->pos == f->len)
		return 0;
	hole_begin(f, "the record that begins here is cut short");
	return 1;
}

int capfile_next(struct capfile *f, struct packet *pk, struct err *e)
{
	const uint64_t turn = position(f) + TURN_BYTES;
	bool last = false;
	size_t used;
	struct err why;
	int r;

	f->waiting = false;
	for (;;) {
		if (f->in_hole && (r = hole_pass(f, e)) != 1) {
			f->waiting = r == 0;
			return r;
		}
		if (position(f) >= turn && !last)
			return CAPFILE_LATER;
		switch (blocks_step(f->blocks, f->buf + f->pos, f->len - f->pos, position(f), last,
				    pk, &used, &why)) {
		case BLOCKS_PACKET:
			f->pos += used;
			f->packets++;
			return 1;
		case BLOCKS_OTHER:
			f->pos += used;
			break;
		case BLOCKS_BAD:
			hole_begin(f, why.text);
			break;
		case BLOCKS_MORE:
			if (last) {
				if (tail_incomplete(f) == 0)
					return 0;
				break;
			}
			r = fill(f, used, e);
			if (r < 0)
				return -1;
			last = r == 0;
			continue;
		}
		last = false;
	}
}

void capfile_end(struct capfile *f)
{
	struct err e;

	f->ended = true;
	if (!f->waiting)
		return;
	if (!f->in_hole && tail_incomplete(f) == 0)
		return;
	if (hole_pass(f, &e) < 0) {
		f->pos = f->len;
		hole_end(f);
	}
}

void capfile_resume(struct capfile *f)
{
	const struct capfile_hole *last = f->holes ? &f->hole[f->holes - 1] : NULL;

	f->ended = false;
	if (f->in_hole || !last || last->offset + last->bytes != position(f) ||
	    f->holes == CAPFILE_DAMAGE_MAX)
		return;
	f->base = last->offset;
	f->pos = f->len = 0;
	f->holes--;
}

void capfile_learn(struct capfile *f, const struct capfile *other)
{
	f->learned = other;
}

/* A usual packet takes one pread; the room of a long one is given back at the next. */
static void at_room(struct capfile *f, size_t want)
{
	if (want <= f->at_cap && (f->at_cap <= READ_BYTES || want > READ_BYTES))
		return;
	f->at_buf = xreallocarray(f->at_buf, want, 1);
	f->at_cap = want;
}

int capfile_read_at(struct capfile *f, uint64_t offset, uint32_t interface, uint64_t number,
		    struct packet *pk, struct err *e)
{
	enum blocks_result result;
	size_t want = READ_AT_BYTES, used;
	ssize_t n;

	for (;;) {
		at_room(f, want);
		n = fdio_pread(f->fd, f->at_buf, want, offset);
		if (n < 0)
			return err_errno(e, ERR_PART, "packet %llu of %s cannot be read",
					 (unsigned long long)number, f->name);
		result = blocks_packet_at(f->blocks, interface, f->at_buf, (size_t)n, pk, &used, e);
		/* More is asked for only where the file holds it. */
		if (result != BLOCKS_MORE || (size_t)n < want || capfile_size(f) - offset < used)
			break;
		want = used;
	}
	if (result == BLOCKS_PACKET) {
		pk->number = number;
		pk->offset = offset;
		return 0;
	}
	return err_set(e, ERR_PART,
		       "packet %llu is not at byte %llu of %s any more: the file was changed",
		       (unsigned long long)number, (unsigned long long)offset, f->name);
}

/* --- open, close, ask --- */

/* A section header is known by more than its lengths: true where only those are damaged and other
 * blocks follow. */
static bool begin_damaged(struct capfile *f, const char *why)
{
	struct blocks *b = blocks_new();
	size_t undecided;
	bool follows;

	follows = blocks_begin_damaged(b, f->buf, f->len) &&
		  blocks_scan(b, f->buf + 12, f->len - 12, false, &undecided) >= 0;
	blocks_free(b);
	if (!follows || !blocks_begin_damaged(f->blocks, f->buf, f->len))
		return false;
	hole_begin(f, why);
	return true;
}

/* The file header or section header must be there, and known; *e says what is there else. */
static int read_begin(struct capfile *f, struct err *e)
{
	struct packet pk;
	enum blocks_result result;
	size_t used = 4;
	struct err why;
	int r;

	do {
		r = fill(f, used, e);
		if (r < 0)
			return -1;
		result = blocks_step(f->blocks, f->buf, f->len, 0, false, &pk, &used, &why);
	} while (result == BLOCKS_MORE && r > 0);
	if (result == BLOCKS_OTHER) {
		f->pos = used;
		return 0;
	}
	if (begin_damaged(f, result == BLOCKS_BAD ? why.text : "the section is cut short"))
		return 0;
	if (f->len == 0)
		return err_set(e, ERR_REFUSED, "%s is empty: a capture has at least a header",
			       f->name);
	if (result == BLOCKS_BAD && looks_foreign(f->name, f->buf, f->len, e))
		return -1;
	if (result == BLOCKS_BAD)
		return err_set(e, ERR_REFUSED, "%s is no capture that can be read: %s", f->name,
			       why.text);
	return err_set(e, ERR_REFUSED,
		       "%s is too short for a capture: it ends within its header, after %zu bytes",
		       f->name, f->len);
}

int capfile_open(struct capfile **out, int fd, const char *name, struct err *e)
{
	struct capfile *f = xcalloc(1, sizeof(*f));

	f->fd = fd;
	f->name = xstrdup(name);
	f->blocks = blocks_new();
	f->cap = READ_BYTES_SMALL;
	f->buf = xmalloc(f->cap);
	if (looks_kind(fd, name, e) < 0 || read_begin(f, e) < 0) {
		capfile_close(f);
		return -1;
	}
	*out = f;
	return 0;
}

void capfile_close(struct capfile *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		(void)close(f->fd);
	blocks_free(f->blocks);
	free(f->name);
	free(f->buf);
	free(f->at_buf);
	free(f->hole);
	free(f);
}

void capfile_let_go(struct capfile *f)
{
	f->size_seen = capfile_size(f);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	capfile_rest(f);
}

void capfile_rest(struct capfile *f)
{
	free(f->at_buf);
	free(f->buf);
	f->base += f->pos;
	f->at_buf = f->buf = NULL;
	f->at_cap = f->pos = f->len = f->cap = 0;
}

uint64_t capfile_size(struct capfile *f)
{
	struct stat st;

	if (f->fd < 0)
		return f->size_seen;
	return fstat(f->fd, &st) < 0 || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

uint64_t capfile_done(const struct capfile *f)
{
	return position(f);
}

uint64_t capfile_packets(const struct capfile *f)
{
	return f->packets;
}

const struct blocks *capfile_blocks(const struct capfile *f)
{
	return f->blocks;
}

uint32_t capfile_holes(const struct capfile *f, const struct capfile_hole **hole)
{
	*hole = f->hole;
	return f->holes;
}

/* --- on disk --- */

struct progress {
	uint64_t done, size_seen, packets;
	uint32_t holes;
};

int capfile_save(const struct capfile *f, struct buf *out)
{
	const struct progress at = {position(f), f->size_seen, f->packets, f->holes};

	if (!f->ended || f->in_hole || buf_add(out, &at, sizeof(at)) ||
	    buf_add(out, f->hole, f->holes * sizeof(*f->hole)))
		return -1;
	return blocks_save(f->blocks, out);
}

int capfile_restore(struct capfile *f, struct raw *r)
{
	struct progress at;
	struct capfile_hole *holes;
	struct blocks *b;

	if (!raw_take(r, &at, sizeof(at)) || at.holes > CAPFILE_DAMAGE_MAX)
		return -1;
	holes = raw_take_array(r, at.holes, sizeof(*holes));
	b = holes ? blocks_restore(r) : NULL;
	if (!b) {
		free(holes);
		return -1;
	}
	blocks_free(f->blocks);
	free(f->hole);
	f->blocks = b;
	f->hole = holes;
	f->holes = f->holes_cap = at.holes;
	f->packets = at.packets;
	f->size_seen = at.size_seen;
	f->base = at.done;
	f->pos = f->len = 0;
	f->ended = true;
	return 0;
}
