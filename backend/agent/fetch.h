/* Bytes of files to clients, within credit. */
#ifndef AGENT_FETCH_H
#define AGENT_FETCH_H

#include "peer.h"

#define FETCH_PIECE_BYTES (256u * 1024)
#define FETCH_TURN_PIECES 16u
#define FETCHES_MAX 1024u

/* Takes fd. `note` is said at the end, may be "". */
int fetch_start(struct peer *p, uint32_t channel, uint32_t id, int fd, uint64_t offset,
		uint64_t credit, const char *note, struct err *e);
/* true: it was a stream of ours. */
bool fetch_credit(struct peer *p, uint32_t channel, uint32_t id, uint64_t bytes);
bool fetch_cancel(struct peer *p, uint32_t channel, uint32_t id);
/* All of the peer, or of a channel of it (UINT32_MAX: all). */
void fetch_drop(struct peer *p, uint32_t channel);
void fetch_pump(struct control *c, const struct peer *p); /* NULL: of all */

#endif
