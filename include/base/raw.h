/* Values as they lie in memory, for files that only the program that wrote them reads back. Taking never reads past the
 * end: what is not there is 0, and `failed` says so. */
#ifndef BASE_RAW_H
#define BASE_RAW_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

struct raw {
	const uint8_t *p;
	size_t left;
	bool failed;
};

/* `len` bytes where they lie; NULL: so many are not there. */
static inline const uint8_t *raw_bytes(struct raw *r, size_t len)
{
	const uint8_t *at = r->p;

	if (r->failed || len > r->left) {
		r->failed = true;
		return NULL;
	}
	r->p += len;
	r->left -= len;
	return at;
}

static inline bool raw_take(struct raw *r, void *to, size_t len)
{
	const uint8_t *at = raw_bytes(r, len);

	if (at)
		memcpy(to, at, len);
	else
		memset(to, 0, len);
	return at != NULL;
}

/* So many items, copied: the caller's. NULL: they are not there (never for 0 items). */
void *raw_take_array(struct raw *r, size_t count, size_t item_bytes);
/* Texts, NULL kept apart from "". -1: past the buffer's maximum. */
int raw_put_text(struct buf *b, const char *s);
/* The caller's; NULL where it was NULL, is longer than `max`, or is not there (then it has failed). */
char *raw_take_text(struct raw *r, size_t max);

/* What tells this program from any other that might have written a file: its build id (20 bytes), 0 where the linker gave it
 * none: nothing can be read back then. */
#define RAW_BUILD_BYTES 20u
bool raw_build(uint8_t id[RAW_BUILD_BYTES]);

#endif
