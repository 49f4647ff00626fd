/* A WINDOW from a hostile server: read, and printed in every format. */
#include <stdio.h>
#include <stdlib.h>

#include "table/print.h"
#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_all(const struct window *w)
{
	for (enum print_format f = PRINT_TEXT; f <= PRINT_JSONL; f++) {
		const struct print_options o = {.format = f, .header = true, .width = 80};
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);
		struct printer *p = printer_new(out, &o);

		if (printer_add(p, w, NULL) || printer_end(p, NULL))
			abort();
		printer_free(p);
		(void)fclose(out); /* memory */
		for (size_t i = 0; i < len; i++)
			if ((text[i] < 0x20 && text[i] >= 0 && text[i] != '\n' &&
			     text[i] != '\t') ||
			    text[i] == 0x7f)
				abort();
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct window w = {0};
	struct msg_window m;
	struct err e;

	if (msg_get_window(data, size, &m, &e) == 0 && window_read(&w, &m, &e) == 0 &&
	    (uint64_t)w.rows * w.ncolumns < 4096)
		print_all(&w);
	window_release(&w);
	return 0;
}
