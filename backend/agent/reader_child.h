/* The readers: one process a session or opened file. */
#ifndef AGENT_READER_CHILD_H
#define AGENT_READER_CHILD_H

#include <sys/stat.h>

#include "peer.h"

struct reader_child {
	struct reader_child *next;
	struct control *control;
	struct channel *channel;
	pid_t pid;
	struct session *session; /* NULL: a file's */
	char *name;		 /* the session's or the path */
	struct stat opened;	 /* the file, when it was */
	struct map *bindings;	 /* its channel numbers to struct binding */
	uint32_t last_channel, last_id;
	uint32_t finish_id; /* of READ_FINISH; 0 not asked */
	struct opening *opening; /* of files on their way to it; NULL */
	struct remembered *remembered; /* what is kept of its file; NULL */
};

/* A new process that knows nothing yet. */
struct reader_child *reader_child_start(struct control *c, struct session *s, const char *name,
					struct err *e);
/* Ends it; bindings lose it. */
void reader_child_free(struct reader_child *r);
/* A message of control's, with descriptors that stay the caller's. -1: it is about to be gone. */
int reader_child_send(struct reader_child *r, uint16_t type, const struct buf *b, const int *fd,
		      size_t nfd);
/* A file of its capture; fd stays the caller's. -1: it is about to be gone. */
int reader_child_file(struct reader_child *r, int fd, const struct msg_read_file *m);
/* The reader of an opened file that is still the same; NULL. */
struct reader_child *reader_child_of(struct control *c, const char *path, const struct stat *st);
/* Opens the path with this process's rights: regular file or fifo. The descriptor, or -1. */
int reader_child_open(const char *path, struct stat *st, struct err *e);
int reader_child_bind(struct reader_child *r, struct binding *b, struct err *e);
void reader_child_unbind(struct binding *b);
/* A client's frame goes on, on the reader's channel number. */
void reader_child_forward(struct binding *b, uint16_t type, uint32_t id, const void *payload,
			  size_t len);
/* All that is bound to `from` goes over to `to`, queries included (to NULL: everything fails). */
void reader_child_move(struct reader_child *from, struct reader_child *to, const struct err *e);

/* `--read`: the process itself. */
int reader_child_main(int fd);

#endif
