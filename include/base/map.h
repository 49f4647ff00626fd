/* A bounded hash map from bytes to a pointer. Keys are copied; values are the caller's. Seeded per process,
 * so that foreign keys cannot be made to collide. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map;

struct map *map_new(size_t max_entries);
void map_free(struct map *m); /* NULL is fine */
size_t map_count(const struct map *m);
void *map_get(const struct map *m, const void *key, size_t len);
/* Replaces what was there. -1 when the map is full. */
int map_put(struct map *m, const void *key, size_t len, void *value);
void *map_remove(struct map *m, const void *key, size_t len); /* the value, or NULL */
/* Any order; start with *iter = 0. false at the end. The map must not change meanwhile, except that the
 * entry just given may be removed. */
bool map_next(const struct map *m, size_t *iter, const void **key, size_t *len, void **value);

/* The hash of the map: SipHash-like quality is not needed, a random seed is. */
uint64_t map_hash(const void *key, size_t len, uint64_t seed);
uint64_t map_seed(void); /* the same for the life of the process */

#endif
