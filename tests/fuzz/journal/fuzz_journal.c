/* Bytes of a journal: records, damage, and the messages in them. */
#include <stdlib.h>
#include <string.h>

#include "journal/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void record_print(const struct journal_record *r)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	msg_print(&out, r->type, r->payload, r->len);
	buf_release(&out);
}

/* Once as the bytes are, and once with the magic before them: else few inputs get past it. */
static void walk(const uint8_t *data, size_t size, uint64_t start)
{
	uint8_t *own = malloc(size ? size : 1);
	struct journal_record r;
	struct err e;
	uint64_t at = start;
	int got;

	memcpy(own, data, size);
	while (at - start <= size) {
		got = journal_get(own + (at - start), size - (size_t)(at - start), at, &r, &e);
		if (got == 0 || (got < 0 && r.next == 0))
			break;
		if (r.next <= at || r.next - start > size)
			abort();
		if (got > 0)
			record_print(&r);
		at = r.next;
	}
	free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(data, size, 0);
	walk(data, size, JOURNAL_MAGIC_BYTES);
	return 0;
}
