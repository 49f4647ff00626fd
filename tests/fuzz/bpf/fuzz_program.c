/* A program and a packet from a stranger: first byte says how much of the rest is the program (in
 * 64ths). */
#include <stddef.h>
#include <stdint.h>

#include "bpf/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bpf *program;
	struct err e;
	size_t cut;

	if (size < 1)
		return 0;
	cut = (size - 1) * (data[0] % 64) / 63;
	if (bpf_load(&program, (struct str){(const char *)data + 1, cut}, &e))
		return 0;
	bpf_match(program, data + 1 + cut, (uint32_t)(size - 1 - cut),
		  (uint32_t)(size - 1 - cut) + data[0]);
	bpf_free(program);
	return 0;
}
