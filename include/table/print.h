/* Tables as text, csv, tsv, json, jsonl: a printer is fed windows and writes rows as they come. */
#ifndef TABLE_PRINT_H
#define TABLE_PRINT_H

#include <stdio.h>

#include "table/row.h"

enum print_format { PRINT_TEXT, PRINT_CSV, PRINT_TSV, PRINT_JSON, PRINT_JSONL };

struct print_options {
	enum print_format format;
	bool header;	      /* text, csv, tsv */
	enum text_zone zone;  /* text only */
	unsigned width;	      /* of the terminal: text is not cut when 0 */
};

struct printer;
int print_format_parse(struct str word, enum print_format *f, struct err *e);
/* Writes to `out`, which stays the caller's. Text aligns on what the first window holds, later rows at least that. */
struct printer *printer_new(FILE *out, const struct print_options *o);
int printer_add(struct printer *p, const struct window *w, struct err *e); /* -1: writing failed */
int printer_end(struct printer *p, struct err *e);			    /* closes json; an empty table gets its header */
void printer_free(struct printer *p);

#endif
