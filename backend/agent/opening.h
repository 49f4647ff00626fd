/* Files on their way to a reader: opened with this process's rights, unpacked where they are
 * compressed, handed over in the order in which they were named. */
#ifndef AGENT_OPENING_H
#define AGENT_OPENING_H

#include "control.h"

#define OPENING_FILES_MAX 128u /* of one merged capture: each has a buffer in the reader */

/* Paths of one capture. */
struct targets {
	size_t count;
	const char *path[OPENING_FILES_MAX]; /* ended by 0 */
	char *memory;			     /* of the paths; NULL where they are borrowed */
};

/* What stands behind "files:" in a target: for each path its bytes, a colon, the path. -1: *e. */
int targets_read(struct targets *t, const char *list, struct err *e);
void targets_release(struct targets *t);

struct opening;
/* The reader of these files: the one that has them open where nothing has changed, else a new one.
 * NULL: *e. */
struct reader_child *opening_start(struct control *c, const struct targets *t, struct err *e);
/* Ends what still unpacks for it. NULL: nothing. */
void opening_free(struct opening *o);

#endif
