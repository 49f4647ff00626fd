/* What source.c, source_file.c, source_merge.c and source_live.c share. */
#ifndef READER_SOURCE_PRIVATE_H
#define READER_SOURCE_PRIVATE_H

#include "source.h"

/* As source_next, of the files alone; packets that were given out are passed over. */
int source_file_next(struct source *s, struct taken *t);
int source_merge_next(struct source *s, struct taken *t);
int source_part_next(struct source *s, struct part *p, struct packet *pk);
void source_taken(struct source *s, const struct part *p, struct taken *t);
int source_live_next(struct source *s, struct taken *t);
int source_live_read(struct source *s, const struct index_entry *entry, uint64_t number,
		     struct packet *pk, struct err *e);
void source_live_release(struct source *s);
struct part *source_part_of(struct source *s, uint64_t place);
uint64_t source_part_offset(const struct part *p, uint64_t place);
void part_release(struct part *p);
/* What was said by these blocks is shown on, and they are freed. */
void source_blocks_gone(struct source *s, const struct blocks *b);
/* Makes the interfaces of b known. One that was known from elsewhere (same name, same link type) is
 * shown as that. false: too many. */
bool source_interfaces(struct source *s, struct interface_map *map, const struct blocks *b);
/* Packets of a recorded session that left the chunks. */
int source_segment_read(struct source *s, uint64_t offset, uint32_t interface, uint64_t number,
			struct packet *pk, struct err *e);

#endif
