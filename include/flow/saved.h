/* Connections on disk, for the same program to read back: what was counted of a capture that was read to its end. They lie
 * in pieces of FLOWS_PIECE in the order of their numbers; a piece comes into memory when somebody looks at one of it. */
#ifndef FLOW_SAVED_H
#define FLOW_SAVED_H

#include "base/raw.h"
#include "flow/flows.h"

#define FLOWS_PIECE 2048u
#define FLOWS_PIECE_BYTES_MAX (64u << 20) /* of one piece, as it is written */

/* Whether they can be kept: all are in memory, nothing is held back. */
bool flows_whole(const struct flows *f);
uint32_t flows_pieces(const struct flows *f);
/* Appends. -1: past the buffer's maximum. */
int flows_save(const struct flows *f, struct buf *out);
int flows_save_piece(const struct flows *f, uint32_t piece, struct buf *out);

/* What flows_save_piece wrote, into *out; -1: it cannot be read. */
typedef int (*flows_piece_fn)(void *arg, uint32_t piece, struct buf *out);
/* NULL: what `r` holds is nothing that flows_save wrote. */
struct flows *flows_restore(const struct flows_options *o, struct raw *r, flows_piece_fn read, void *arg);
/* Before more packets are counted, and before flows_find: everything comes into memory. -1: some pieces cannot be read; what
 * they held is not found. */
int flows_wake(struct flows *f);

#endif
