/* What a file is that is no capture of ours. */
#ifndef CAPFILE_LOOKS_H
#define CAPFILE_LOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* true: its first bytes are known for something else, and *e says so and what to do. */
bool looks_foreign(const char *name, const uint8_t *p, size_t len, struct err *e);
/* -1: it is no plain file, and *e says so. */
int looks_kind(int fd, const char *name, struct err *e);

#endif
