#include "walker.h"

#include <fcntl.h>

void walker_init(struct walker *w, struct source *s)
{
	*w = (struct walker){.source = s, .row = UINT64_MAX};
}

void walker_release(struct walker *w)
{
	capfile_close(w->file);
	walker_init(w, w->source);
}

static int walker_open(struct walker *w, uint32_t part, struct err *e)
{
	const struct part *p = &w->source->part[part];
	int fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 0);

	capfile_close(w->file);
	w->file = NULL;
	w->part = part;
	if (fd < 0)
		return err_errno(e, ERR_PART, "%s cannot be read once more", p->name);
	return capfile_open(&w->file, fd, p->name, e);
}

/* The next packet of the walk; it must lie at `offset` of part `part`. */
static int walker_next(struct walker *w, uint32_t part, uint64_t offset, struct packet *pk, struct err *e)
{
	if ((!w->file || w->part != part) && walker_open(w, part, e) < 0)
		return -1;
	int r = capfile_next(w->file, pk, e);

	if (r == 0) {
		capfile_end(w->file);
		r = capfile_next(w->file, pk, e);
	}
	if (r < 0)
		return -1;
	if (r == 0 || pk->offset != offset)
		return err_set(e, ERR_PART, "the file was changed while it was read");
	return 0;
}

int walker_read(struct walker *w, const struct index *x, uint64_t row, struct packet *pk, struct err *e)
{
	struct index_entry entry;
	uint64_t number;

	if (!index_get(x, row, &entry))
		return err_set(e, ERR_PART, "the packet left the memory");
	number = index_number(x, row);
	if (row == 0 && !w->source->live.mapped) {
		walker_release(w);
		w->row = 0;
	}
	if (row == w->row) {
		struct part *p = source_part_of(w->source, entry.place);

		if (p && walker_next(w, (uint32_t)(p - w->source->part), entry.place - p->place, pk, e) == 0) {
			w->row++;
			pk->number = number;
			return 0;
		}
		walker_release(w);
	}
	return source_read(w->source, &entry, number, pk, e);
}
