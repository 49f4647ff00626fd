/* The packet index: where each packet's record lies, when it came and how long it was: 20 bytes,
 * and 4 more for its connection (capture.h). Rows are counted from 0 in the order of reading; a row
 * and a packet's number differ by what was missed before it. */
#ifndef READER_INDEX_H
#define READER_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "pages.h"

/* Bytes that the index may take. A file with more packets has rows for the first ones only, and
 * says so; a live session lets the oldest go. */
#define INDEX_FILE_BYTES_MAX (UINT64_C(1) << 30)
#define INDEX_LIVE_BYTES_MAX (UINT64_C(64) << 20)
#define INDEX_PACKET_BYTES 24u

#define INDEX_NO_TIME NS_NONE
#define INDEX_PLACE_BITS 44u /* of the place: 16 TB */
#define INDEX_INTERFACE_MAX (1u << (64 - INDEX_PLACE_BITS))

struct index_entry {
	uint64_t place;	    /* the source's address of the record */
	uint32_t interface; /* the source's number of it */
	uint32_t length;    /* on the wire */
	int64_t ts_ns;	    /* INDEX_NO_TIME: none */
};

/* From row `row` on, packet numbers are row + shift. */
struct index_run {
	uint64_t row, shift;
};

struct index {
	struct pages place, ts, length;
	uint64_t first; /* rows before it went */
	struct index_run *run;
	size_t nruns;
};

void index_init(struct index *x);
void index_release(struct index *x);
void index_add(struct index *x, uint64_t number, const struct index_entry *e);
/* false: no such row (any more). */
bool index_get(const struct index *x, uint64_t row, struct index_entry *e);
uint64_t index_count(const struct index *x); /* rows added so far, those that went included */
void index_drop(struct index *x, uint64_t first);
uint64_t index_number(const struct index *x, uint64_t row);
/* The row of a packet's number, UINT64_MAX if it has none. */
uint64_t index_row(const struct index *x, uint64_t number);
/* The first row of a packet with that number or a higher one. */
uint64_t index_row_from(const struct index *x, uint64_t number);

#endif
