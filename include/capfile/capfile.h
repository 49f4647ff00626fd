/* A capture file, read in blocks of about 1 MB with pread: forward once, and any record by its offset. Passes over damage
 * and says where. The file may grow, shrink or be cut while it is read. */
#ifndef CAPFILE_CAPFILE_H
#define CAPFILE_CAPFILE_H

#include "capfile/blocks.h"

#define CAPFILE_DAMAGE_MAX 1024u /* holes remembered one by one; the bytes of more are added to the last */
#define CAPFILE_LATER 2		 /* of capfile_next */

struct capfile;

struct capfile_hole {
	uint64_t offset, bytes; /* the bytes that are no records */
	uint64_t packet;	/* the number of the last packet before it */
	char why[96];
};

/* Takes the descriptor (closed by capfile_close, and on error too). Error: no capture file, empty, a folder. `name` is
 * for sentences. */
int capfile_open(struct capfile **f, int fd, const char *name, struct err *e);
void capfile_close(struct capfile *f);
/* 1: the next packet, borrowed until the next call; 0: no more for now (the end, or a record that is not whole yet);
 * CAPFILE_LATER: some megabytes of damage were passed over, and nothing sound was met: call again, others may have their
 * turn first; -1: reading failed (EIO): *e. Damage inside is passed over and remembered. */
int capfile_next(struct capfile *f, struct packet *pk, struct err *e);
/* `other` has read these bytes before: the ends of its holes are known. It must stay until this one is closed. */
void capfile_learn(struct capfile *f, const struct capfile *other);
/* The packet whose record is at `offset` (from struct packet), on `interface`; borrowed until the next read_at.
 * Does not disturb capfile_next. -1: it is not there any more. */
int capfile_read_at(struct capfile *f, uint64_t offset, uint32_t interface, uint64_t number, struct packet *pk, struct err *e);
/* No more will be written (for a file that does not grow: say so at once): a record that is not whole at the end becomes a
 * hole ("cut short"). capfile_next may give more after it: what lies behind a record that lied about its size. */
void capfile_end(struct capfile *f);
/* Its bytes are not needed any more: the descriptor is closed, so that a file that was removed frees its disk. What was
 * learnt of it stays; packets of it are not there. */
void capfile_let_go(struct capfile *f);
/* It was read to its end: the memory for reading is free until somebody reads again. */
void capfile_rest(struct capfile *f);
/* More was written after all: a record that was cut short at the end is looked at again, and is no hole any more. */
void capfile_resume(struct capfile *f);

uint64_t capfile_size(struct capfile *f);	 /* bytes now, by fstat */
uint64_t capfile_done(const struct capfile *f);	 /* bytes behind us */
uint64_t capfile_packets(const struct capfile *f); /* packets behind us */
const struct blocks *capfile_blocks(const struct capfile *f);
uint32_t capfile_holes(const struct capfile *f, const struct capfile_hole **hole); /* count; array borrowed */

#endif
