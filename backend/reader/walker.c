#include "walker.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "source_private.h"

#define WALK_RUN 64u	      /* rows one after another before the walk moves to them */
#define WALK_SKIP_MAX 100000u /* packets that it passes over for that, about 10 ms */

void walker_init(struct walker *w, struct source *s)
{
	*w = (struct walker){.source = s, .row = UINT64_MAX};
}

static void walker_close(struct walker *w, uint32_t part)
{
	if (w->file && part < w->nfiles) {
		capfile_close(w->file[part]);
		w->file[part] = NULL;
	}
}

void walker_release(struct walker *w)
{
	for (uint32_t i = 0; i < w->nfiles; i++)
		capfile_close(w->file[i]);
	free(w->file);
	w->file = NULL;
	w->nfiles = w->part = w->run = 0;
	w->held = false;
	w->last = 0;
	w->row = UINT64_MAX;
}

/* Files that follow one another are walked one at a time; those that are merged, at once. */
static int walker_open(struct walker *w, uint32_t part, struct err *e)
{
	const struct part *p = &w->source->part[part];
	int fd = p->fd < 0 ? -1 : fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
	struct capfile *f;

	if (!w->source->merge.wanted)
		walker_close(w, w->part);
	w->part = part;
	if (p->fd < 0)
		return err_set(e, ERR_PART, "%s was removed", p->name);
	if (fd < 0)
		return err_errno(e, ERR_PART, "%s cannot be read once more", p->name);
	if (w->nfiles < w->source->nparts)
		w->file = xreallocarray(w->file, w->source->nparts, sizeof(struct capfile *));
	while (w->nfiles < w->source->nparts)
		w->file[w->nfiles++] = NULL;
	if (!w->file) { /* a part of no source */
		(void)close(fd);
		return err_set(e, ERR_PART, "there is no file to walk");
	}
	if (capfile_open(&f, fd, p->name, e) < 0)
		return -1;
	capfile_learn(f, p->file);
	w->file[part] = f;
	return 0;
}

static int walker_look(struct capfile *f, struct packet *pk, struct err *e)
{
	int r;

	do
		r = capfile_next(f, pk, e);
	while (r == CAPFILE_LATER); /* the ends of holes are known: there are few such turns */
	return r;
}

/* The next packet of the walk; it must lie at `offset` of part `part`. */
static int walker_next(struct walker *w, uint32_t part, uint64_t offset, struct packet *pk,
		       struct err *e)
{
	if ((!w->file || part >= w->nfiles || !w->file[part]) && walker_open(w, part, e) < 0)
		return -1;
	struct capfile *f = w->file[part];
	int r = walker_look(f, pk, e);

	if (r == 0) {
		capfile_end(f);
		r = walker_look(f, pk, e);
	}
	if (r < 0)
		return -1;
	if (r == 0 || pk->offset != offset)
		return err_set(e, ERR_PART, "the file was changed while it was read");
	return 0;
}

/* One row forward. -1: the walk is over. */
static int walker_step(struct walker *w, const struct index *x, struct packet *pk, struct err *e)
{
	struct index_entry entry;
	struct part *p =
		index_get(x, w->row, &entry) ? source_part_of(w->source, entry.place) : NULL;

	if (!p || walker_next(w, (uint32_t)(p - w->source->part),
			      source_part_offset(p, entry.place), pk, e) < 0) {
		walker_release(w);
		return -1;
	}
	w->row++;
	w->pk = *pk;
	w->held = true;
	return 0;
}

/* Rows come one after another, but not where the walk stands: it moves there, unless that is too
 * far. */
static bool walker_move(struct walker *w, const struct index *x, uint64_t row)
{
	uint64_t from = w->row <= row ? w->row : 0;
	struct packet pk;
	struct err e;

	if (row - from > WALK_SKIP_MAX)
		return false;
	if (from == 0)
		walker_release(w);
	w->row = from;
	while (w->row < row)
		if (walker_step(w, x, &pk, &e) < 0)
			return false;
	return true;
}

int walker_read(struct walker *w, const struct index *x, uint64_t row, struct packet *pk,
		struct err *e)
{
	struct index_entry entry;

	if (!index_get(x, row, &entry))
		return err_set(e, ERR_PART, "the packet left the memory");
	if (w->held && row + 1 == w->row) {
		*pk = w->pk;
		pk->number = index_number(x, row);
		return 0;
	}
	if (row == 0 && w->row == UINT64_MAX)
		w->row = 0;
	if (row != w->row) {
		w->run = row == w->last + 1 ? w->run + 1 : 0;
		w->last = row;
	}
	bool walk = !w->source->live.mapped &&
		    (row == w->row || (w->run >= WALK_RUN && walker_move(w, x, row)));

	if (walk && walker_step(w, x, pk, e) == 0) {
		pk->number = index_number(x, row);
		return 0;
	}
	return source_read(w->source, &entry, index_number(x, row), pk, e);
}
