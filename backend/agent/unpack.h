/* A compressed file, or a fifo, into a file without a name: packets are read at places, which
 * streams have not. The compressor's own process does it, with limits, while the reader reads what
 * is there already. */
#ifndef AGENT_UNPACK_H
#define AGENT_UNPACK_H

#include "control.h"

#define UNPACK_BYTES_MAX (UINT64_C(64) << 30) /* of the contents of one file */
#define UNPACK_HEAD_BYTES 28u /* enough to see what capture it is, or that it is none */

struct codec;
struct unpack;
/* Its first bytes are there, or it has ended. */
typedef void (*unpack_fn)(void *arg);

/* What a file is compressed with, by its first bytes; NULL: with nothing that is known. */
const struct codec *unpack_codec(int fd);
/* Takes `fd`: a fifo where `codec` is NULL. -1: *e (the compressor is not on this machine, no room
 * for the contents). */
int unpack_start(struct unpack **u, struct control *c, const struct codec *codec, int fd,
		 const char *name, struct err *e);
/* What is told from now on; never from within. */
void unpack_tell(struct unpack *u, unpack_fn fn, void *arg);
/* Ends it where it runs. */
void unpack_free(struct unpack *u);
/* The contents, for reading; the descriptor stays its own. */
int unpack_fd(const struct unpack *u);
bool unpack_has_head(const struct unpack *u);
bool unpack_ended(const struct unpack *u);
/* What is missing, "" for nothing. */
const char *unpack_why(const struct unpack *u);
bool unpack_compressed(const struct unpack *u);

#endif
