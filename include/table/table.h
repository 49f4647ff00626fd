/* A table: typed columns and rows. The only thing that anybody shows. */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "table/value.h"

#define TABLE_COLUMNS_MAX 160u
#define TABLE_NAME_MAX 64u

enum column_flag {
	COLUMN_HIDDEN = 1, /* only where it is named: for filters and --columns */
	COLUMN_RIGHT = 2,  /* set by kind; here for text columns that align right */
};

struct column {
	const char *name; /* CONTRACT's */
	enum kind kind;
	unsigned flags;
	const char *unit;    /* "", or what a person must know */
	const char *summary; /* its definition, one sentence, for the manual and the help */
};

/* What a table is, once and for all: static data. */
struct table_type {
	const char *name;
	const char *summary;
	const char *arguments; /* for the manual: "", "N", "N or N.M" */
	const struct column *columns;
	unsigned ncolumns;
};

/* A table that can be asked, somewhere in this process. */
struct table {
	const struct table_type *type;
	void *data;
	/* Rows there are now. They are only ever added at the end while `version` stays the same. */
	uint64_t (*rows)(void *data);
	/* Changes when rows went, moved or changed places. NULL: never. */
	uint64_t (*version)(void *data);
	/* One cell. Texts are borrowed until the next call for this table. */
	struct value (*cell)(void *data, uint64_t row, unsigned column);
	/* Cells never change once they are there (packets, not connections): views then go on where they were. */
	bool fixed;
	/* A further test of a row: only those that pass are in views that the server makes (--bpf). NULL: all are. */
	bool (*keep)(void *data, uint64_t row);
	/* Takes what is behind it away, when the last user is gone. May be NULL. */
	void (*release)(void *data);
};

/* -1: no such column. Synonyms (Wireshark's, and *_either) are the filter's. */
int table_column(const struct table_type *t, struct str name);

/* A table of values in memory: for small ones (devices, sessions, summaries, results of a question). */
struct rowset;
struct rowset *rowset_new(const struct table_type *type);
void rowset_free(struct rowset *r);
void rowset_clear(struct rowset *r); /* version goes up */
/* `values`: type->ncolumns of them; texts are copied. */
void rowset_add(struct rowset *r, const struct value *values);
uint64_t rowset_rows(const struct rowset *r);
struct value rowset_cell(struct rowset *r, uint64_t row, unsigned column);
/* Borrowed by the table: the rowset must live longer, unless `owned`: then release frees it. */
struct table rowset_table(struct rowset *r, bool owned);

#endif
