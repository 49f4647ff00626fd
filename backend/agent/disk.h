/* The disk of a recording: how much room there is, what happens when there is none, and the limits
 * that hold for those who say none themselves. */
#ifndef AGENT_DISK_H
#define AGENT_DISK_H

#include "limits.h"
#include "session.h"

/* A file system as it is now. */
struct disk_room {
	uint64_t total, free; /* free: for who is not root */
	uint64_t keep;	      /* stays free: limits, or the reserve */
};

/* -1: it cannot be asked. */
int disk_room(const struct control *c, int fd, struct disk_room *r);
/* What may still be recorded. */
uint64_t disk_left(const struct disk_room *r);

/* Room for the journals, before there is any file. -1: the disk is too full to begin with. */
int disk_begin(struct session *s, struct err *e);
/* The journals' blocks that were never used. */
void disk_end(struct session *s);
/* A file could not be made or written: `error` is its errno, g the file that ends, or NULL. */
void disk_refused(struct session *s, struct segment *g, int error, const char *why);
/* Somebody said `record on` or `off`: limits begin anew, nothing is waited for. */
void disk_asked(struct session *s, bool on);
/* Each second, and more often when disk_near. */
void disk_watch(struct session *s);
bool disk_near(const struct session *s);
/* Drops were told of: since when, until when. */
void disk_dropped(struct session *s, const struct msg_tap_stats *before);

/* Limits of a recording and what is left; 0 and -1: none. */
uint64_t disk_limit_bytes(const struct session *s);
int64_t disk_limit_ns(const struct session *s);
int64_t disk_limit_left_ns(const struct session *s);
uint64_t disk_recorded(const struct session *s);

#endif
