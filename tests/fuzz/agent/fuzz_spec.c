/* The words of `new` come from clients: one word a line. */
#include <stdint.h>
#include <string.h>

#include "../../../backend/agent/alert.h"

#define FUZZ_WORDS 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str word[FUZZ_WORDS];
	size_t count = 0, from = 0;
	struct spec s;
	struct err e;

	for (size_t i = 0; i <= size && count < FUZZ_WORDS; i++) {
		if (i < size && data[i] != '\n')
			continue;
		word[count++] = (struct str){(const char *)data + from, i - from};
		from = i + 1;
	}
	if (spec_parse(&s, word, count, &e) == 0)
		(void)alerts_check(&s, &e);
	spec_release(&s);
	return 0;
}
