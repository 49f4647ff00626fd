/* Who on this machine has the connections of a live session: processes by their sockets, as control
 * hears of them from the kernel. Beside the connections, by number, so that those of files carry
 * nothing. */
#ifndef READER_OWNER_H
#define READER_OWNER_H

#include <stdint.h>

#include "flow/flows.h"
#include "wire/msg.h"

#define OWNERS_MAX 65536u	   /* different ones that are remembered */
#define OWNERS_SOCKETS_MAX 131072u /* sockets that are known at a time */
#define OWNERS_LOOK_MAX 50000u	   /* new connections that are looked up in a round, the newest */
#define OWNERS_ROUNDS 8u	   /* so many rounds a connection is looked up again */

struct owner {
	char *process, *user, *unit; /* "" unknown */
	uint32_t pid;
};

struct owners;

void owners_free(struct owners *o);
/* One message of control's. The end of a round gives new connections their owner: 1, somebody got
 * one. -1: it is wrong. *o is made with the first one. */
int owners_take(struct owners **o, const struct flows *flows, const struct msg_read_socket *m,
		struct err *e);
/* NULL: not known. Stays until owners_free. */
const struct owner *owners_of(const struct owners *o, uint64_t connection);

#endif
