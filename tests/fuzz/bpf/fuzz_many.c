/* Programs and packets from a stranger: many at once find what each finds alone. The first byte
 * says how much of the rest are programs (in 64ths), each of them one byte that says its
 * instructions. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "bpf/many.h"

#define PROGRAMS_MAX 24u
#define INSN_BYTES 8u

struct pair {
	struct bpf *program;
	struct bpf_tally together;
	uint64_t alone;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From `at` on; the bytes that it took, 0 at the end. */
static size_t program_take(const uint8_t *at, size_t left, struct pair *pair)
{
	const size_t count = left ? at[0] % 64 + 1u : 0, bytes = count * INSN_BYTES;
	struct buf blob;
	struct err e;

	if (left < 1 || left - 1 < bytes)
		return 0;
	buf_init(&blob, 4096);
	(void)buf_add_u32(&blob, (uint32_t)count);
	(void)buf_add(&blob, at + 1, bytes);
	(void)bpf_load(&pair->program, (struct str){(const char *)blob.data, blob.len}, &e);
	buf_release(&blob);
	return 1 + bytes;
}

static void packets_show(struct bpf_many *m, struct pair *pair, const uint8_t *p, size_t len)
{
	/* often enough that what is found is remembered */
	for (unsigned i = 0; i < 9000; i++) {
		const size_t from = i % 7 < len ? i % 7 : 0;
		const uint32_t captured = (uint32_t)(len - from), length = captured + i % 3;

		bpf_many_count(m, p + from, captured, length, i);
		for (unsigned k = 0; k < PROGRAMS_MAX; k++)
			pair[k].alone += pair[k].program &&
					 bpf_match(pair[k].program, p + from, captured, length);
	}
	bpf_many_settle(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pair pair[PROGRAMS_MAX] = {0};
	struct bpf_many *m;
	size_t cut, at = 1, took = 1;

	if (size < 1)
		return 0;
	cut = 1 + (size - 1) * (data[0] % 64) / 63;
	m = bpf_many_new();
	for (unsigned i = 0; i < PROGRAMS_MAX && took; i++) {
		took = program_take(data + at, cut - at, &pair[i]);
		at += took;
		(void)bpf_many_set(m, i, pair[i].program, &pair[i].together);
	}
	packets_show(m, pair, data + cut, size - cut);
	for (unsigned i = 0; i < PROGRAMS_MAX; i++)
		if (pair[i].alone != pair[i].together.packets)
			abort();
	bpf_many_free(m);
	for (unsigned i = 0; i < PROGRAMS_MAX; i++)
		bpf_free(pair[i].program);
	return 0;
}
