/* What reading a capture file to its end has taught, on disk for the same program: interfaces, holes, how far it went. */
#ifndef CAPFILE_SAVED_H
#define CAPFILE_SAVED_H

#include "base/raw.h"
#include "capfile/capfile.h"

/* Of a file at whose end capfile_end has been said. -1: past the buffer's maximum, or it is not at its end. */
int capfile_save(const struct capfile *f, struct buf *out);
/* Into a file that was just opened: as if it had been read to that end. -1: what `r` holds is nothing that capfile_save
 * wrote; the file is as it was. */
int capfile_restore(struct capfile *f, struct raw *r);

#endif
