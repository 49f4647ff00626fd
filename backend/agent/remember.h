/* What readers have learnt of large files, kept for the next time: one file a capture in the user's
 * cache folder, named by device, inode, size and times of the capture, so that a changed capture has
 * another name. What is in them is the reader's business. They can be taken away at any time. */
#ifndef AGENT_REMEMBER_H
#define AGENT_REMEMBER_H

#include <stdbool.h>
#include <sys/stat.h>

#include "reader_child.h"

#define REMEMBER_FILE_MIN (8u << 20)	       /* smaller ones are read in no time */
#define REMEMBER_BYTES_MAX (UINT64_C(2) << 30) /* of all; the longest unused go first */
#define REMEMBER_ENV "TAPDECK_CACHE"	       /* "off": nothing is kept, nothing is looked up */

struct remembered;

/* Offers the reader what is known of this file (open as fd, alone in its capture), or a place to
 * keep it. Before its READ_FILE. */
void remember_offer(struct reader_child *r, int fd, const struct stat *st);
/* CACHED has come from it. */
void remember_told(struct reader_child *r, bool sound);
/* Something is still being written. */
bool remember_busy(const struct reader_child *r);
/* NULL: nothing. */
void remember_free(struct remembered *m);

#endif
