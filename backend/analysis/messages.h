/* What an analysis of messages is besides its messages: rows, and the connections that they are
 * read from. Its state begins with this, so that these functions take the state as struct
 * analysis_type gives it. */
#ifndef ANALYSIS_MESSAGES_H
#define ANALYSIS_MESSAGES_H

#include "datagram.h"
#include "rows.h"
#include "talk.h"

struct messages {
	struct rows rows;
	struct talks talks;
	struct datagrams datagrams;
};

/* `state`: the analysis' own, which m is the beginning of. */
void messages_init(struct messages *m, size_t row_bytes, const struct talk_type *talk, void *state);
void messages_release(struct messages *m);
/* As datagrams_whole. */
const struct analysis_packet *messages_whole(struct messages *m, const struct analysis_packet *p);
void messages_end(void *state);
uint64_t messages_rows(const void *state);
uint64_t messages_version(const void *state);
bool messages_lack(const void *state, char note[ANALYSIS_NOTE_MAX]);

#endif
