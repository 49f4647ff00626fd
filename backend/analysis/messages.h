/* What an analysis of messages is besides its messages: rows, and the connections that they are
 * read from. Its state begins with this, so that these functions take the state as struct
 * analysis_type gives it. */
#ifndef ANALYSIS_MESSAGES_H
#define ANALYSIS_MESSAGES_H

#include "rows.h"
#include "talk.h"

struct messages {
	struct rows rows;
	struct talks talks;
};

/* `state`: the analysis' own, which m is the beginning of. */
void messages_init(struct messages *m, size_t row_bytes, const struct talk_type *talk, void *state);
void messages_release(struct messages *m);
void messages_end(void *state);
uint64_t messages_rows(const void *state);
uint64_t messages_version(const void *state);
bool messages_lack(const void *state, char note[ANALYSIS_NOTE_MAX]);

#endif
