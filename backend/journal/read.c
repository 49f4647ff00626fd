#include <string.h>

#include "base/crc.h"
#include "journal/journal.h"

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Made-up lengths could have every byte summed a million times. */
#define RESYNC_SUM_BYTES_MAX (64u << 20)

enum record_state { RECORD_WHOLE, RECORD_MORE, RECORD_NONE, RECORD_WRONG_SUM };

/* The record at p; *bytes with its header. */
static enum record_state record_judge(const uint8_t *p, size_t len, size_t *bytes)
{
	uint32_t payload;

	if (len < JOURNAL_HEADER_BYTES)
		return RECORD_MORE;
	payload = load32(p);
	*bytes = JOURNAL_HEADER_BYTES + (size_t)payload;
	if (payload > JOURNAL_RECORD_MAX || p[6] != 0 || p[7] != 0)
		return RECORD_NONE;
	if (len < *bytes)
		return RECORD_MORE;
	if (crc32c(crc32c(0, p + 4, 4), p + JOURNAL_HEADER_BYTES, payload) != load32(p + 8))
		return RECORD_WRONG_SUM;
	return RECORD_WHOLE;
}

/* An empty payload is not believed here: too little would have to fit by chance. */
uint64_t journal_resync(const uint8_t *p, size_t len, uint64_t offset)
{
	size_t bytes, summed = 0;

	for (size_t i = 1; i + JOURNAL_HEADER_BYTES < len && summed < RESYNC_SUM_BYTES_MAX; i++) {
		const enum record_state state = record_judge(p + i, len - i, &bytes);

		if (state == RECORD_WHOLE && bytes > JOURNAL_HEADER_BYTES)
			return offset + i;
		if (state == RECORD_WRONG_SUM)
			summed += bytes;
	}
	return 0;
}

int journal_get(const uint8_t *p, size_t len, uint64_t offset, struct journal_record *r,
		struct err *e)
{
	size_t bytes = 0;

	*r = (struct journal_record){0};
	if (offset == 0) {
		const size_t seen = len < JOURNAL_MAGIC_BYTES ? len : JOURNAL_MAGIC_BYTES;

		if (seen > 0 && memcmp(p, JOURNAL_MAGIC, seen) != 0)
			return err_set(e, ERR_REFUSED, "it does not begin as a journal does");
		if (seen < JOURNAL_MAGIC_BYTES)
			return 0;
		p += seen;
		len -= seen;
		offset += seen;
	}
	switch (record_judge(p, len, &bytes)) {
	case RECORD_MORE:
		return 0;
	case RECORD_NONE:
	case RECORD_WRONG_SUM:
		r->next = journal_resync(p, len, offset);
		return err_set(e, ERR_PART, "the journal is damaged at byte %llu",
			       (unsigned long long)offset);
	case RECORD_WHOLE:
		break;
	}
	r->type = (uint16_t)(p[4] << 8 | p[5]);
	r->payload = p + JOURNAL_HEADER_BYTES;
	r->len = bytes - JOURNAL_HEADER_BYTES;
	r->next = offset + bytes;
	return 1;
}
