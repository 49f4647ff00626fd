/* The answering side of QUERY: one for a process that serves tables. Keeps views between windows of the same request,
 * repeats windows each period, works in slices, skips a snapshot while the channel is congested. */
#ifndef TABLE_SERVER_H
#define TABLE_SERVER_H

#include "table/view.h"
#include "wire/channel.h"

#define TABLE_WINDOW_ROWS_MAX 65536u /* rows of one WINDOW; fewer are sent where they pass MSG_PAYLOAD_MAX / 2 */
#define TABLE_REQUESTS_MAX 4096u     /* of all clients */

struct table_server;

/* What the process can say of a table beyond its rows. */
struct table_state {
	uint8_t state; /* enum window_state */
	uint64_t done, of;
	const char *note; /* borrowed for the call; may be NULL */
};

struct table_server_ops {
	/* The table that is asked for on this channel (--bpf: its `keep`). The server calls its release. An error goes to
	 * who asked (unknown table: ERR_ABSENT with the nearest name). */
	int (*table)(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e);
	/* May be NULL: complete, nothing to say. */
	void (*state)(void *arg, uint32_t channel, const struct table *t, struct table_state *s);
};

struct table_server *table_server_new(uv_loop_t *loop, const struct table_server_ops *ops, void *arg);
void table_server_free(struct table_server *s);
/* A QUERY came on c. A query of the same channel object, channel and id replaces the former. A one-shot query on a
 * table that is still READING is answered when everything is there, unless first rows suffice (its window is full,
 * there is neither filter nor sort, and the table's cells are `fixed`). */
void table_server_query(struct table_server *s, struct channel *c, uint32_t channel, uint32_t id, const struct msg_query *q);
void table_server_cancel(struct table_server *s, struct channel *c, uint32_t channel, uint32_t id);
/* Everything of a channel number (CLOSE), or of a client that is gone (channel UINT32_MAX); c NULL: of all clients. */
void table_server_drop(struct table_server *s, struct channel *c, uint32_t channel);
/* Rows came or changed: waiting queries are looked at again soon. Cheap; may be called for each block read. */
void table_server_wake(struct table_server *s);
/* No more will come for now: they are looked at at once. */
void table_server_complete(struct table_server *s);
bool table_server_watched(const struct table_server *s); /* an answer is repeated: somebody looks on */
bool table_server_idle(const struct table_server *s); /* no view is being made */
int64_t table_server_worked_ns(const struct table_server *s); /* when one was last (monotonic); 0: never */

#endif
