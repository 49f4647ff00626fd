#include <fcntl.h>
#include <unistd.h>

#include "capfile/capfile.h"
#include "capfile/write.h"

/* Reads to the end; the times are the earliest and the latest. */
static int repair_walk(struct capfile *f, struct repair *r, struct err *e)
{
	struct packet pk;
	bool timed = false;
	int got;

	capfile_end(f);
	while ((got = capfile_next(f, &pk, e)) > 0) {
		if (got == CAPFILE_LATER)
			continue;
		r->wire_bytes += pk.length;
		if (!pk.has_time)
			continue;
		if (!timed || pk.ts_ns < r->first_ns)
			r->first_ns = pk.ts_ns;
		if (!timed || pk.ts_ns > r->last_ns)
			r->last_ns = pk.ts_ns;
		timed = true;
	}
	r->packets = capfile_packets(f);
	return got;
}

int capfile_examine(int fd, struct repair *r, struct err *e)
{
	const struct capfile_hole *hole;
	struct capfile *f;
	uint64_t size;
	uint32_t holes;
	const int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	*r = (struct repair){0};
	if (own < 0)
		return err_errno(e, ERR_REFUSED, "the recording cannot be read");
	if (capfile_open(&f, own, "the recording", e) < 0)
		return -1;
	size = capfile_size(f);
	if (repair_walk(f, r, e) < 0) {
		capfile_close(f);
		return -1;
	}
	/* Damage in the middle stays, sound records follow it; damage that reaches the end goes. */
	r->bytes = size;
	holes = capfile_holes(f, &hole);
	if (holes > 0 && hole[holes - 1].offset + hole[holes - 1].bytes == size)
		r->bytes = hole[holes - 1].offset;
	r->cut_bytes = size - r->bytes;
	capfile_close(f);
	if (fsync(fd) < 0)
		return err_errno(e, ERR_PART, "the recording cannot be brought to the disk");
	return 0;
}

int capfile_repair(int fd, struct repair *r, struct err *e)
{
	if (capfile_examine(fd, r, e))
		return -1;
	if (r->cut_bytes == 0)
		return 0;
	if (ftruncate(fd, (off_t)r->bytes) < 0)
		return err_errno(e, ERR_PART, "the recording cannot be cut at byte %llu",
				 (unsigned long long)r->bytes);
	if (fsync(fd) < 0)
		return err_errno(e, ERR_PART, "the recording cannot be brought to the disk");
	return 0;
}
