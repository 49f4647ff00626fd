/* Header blocks of HTTP/2 (RFC 7541), with libnghttp2's inflater: one a direction, since a block
 * refers to what earlier ones said. Memory is counted, all connections together. */
#ifndef ANALYSIS_HPACK_H
#define ANALYSIS_HPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define HPACK_TABLE_MAX 65536u		 /* bytes of a table that a sender may agree on */
#define HPACK_POOL_BYTES_MAX (64u << 20) /* of all tables; past it blocks are not read */

struct hpack;
struct hpack_pool;

struct hpack_pool *hpack_pool_new(void);
void hpack_pool_free(struct hpack_pool *p); /* when nothing of it is left */

/* NULL: there is no memory for one. Beginning in the middle is right: what a block refers to and
 * nobody saw is an error and never another header, as references count from the newest. */
struct hpack *hpack_new(struct hpack_pool *p);
void hpack_free(struct hpack *h); /* NULL is fine */

/* Headers in their order, texts borrowed for the call. */
typedef void (*hpack_fn)(void *arg, struct str name, struct str value);
/* false: not all of the block could be read, and this inflater can read no other. */
bool hpack_read(struct hpack *h, const uint8_t *block, size_t length, hpack_fn fn, void *arg);

#endif
