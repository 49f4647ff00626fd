/* Values: what a cell holds, and kinds: what it means and how it prints. */
#ifndef TABLE_VALUE_H
#define TABLE_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/text.h"

/* How a column's values are meant. Raw forms are CONTRACT's. */
enum kind {
	KIND_COUNT,    /* integer; text: as it is */
	KIND_BYTES,    /* integer bytes; text: "1.21 MB" */
	KIND_TEXT,     /* text, hostile or not: always escaped when printed */
	KIND_ADDR,     /* address */
	KIND_PORT,     /* 0 to 65535 */
	KIND_FLOW,     /* integer 2 * N + (M - 1); prints N.M */
	KIND_TIME,     /* ns since the epoch; raw RFC 3339, nine decimals */
	KIND_SECONDS,  /* ns; raw seconds with nine decimals; names end in _s */
	KIND_MS,       /* ns; raw milliseconds with six decimals; names end in _ms */
	KIND_PPS,      /* real, packets a second */
	KIND_BPS,      /* real, bits a second */
	KIND_SHARE,    /* real 0..1; raw with six decimals; text: per cent */
	KIND_BOOL,     /* integer 0 1; prints no yes */
	KIND_REAL,     /* real */
	KIND_SERIES,   /* text of blank-joined numbers: a sparkline where it can be drawn */
};

enum value_type { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_ADDR };

struct value {
	enum value_type type;
	union {
		int64_t i;
		double r;
		struct str s; /* borrowed until the next cell of the same table is asked for */
		struct addr a;
	};
};

static inline struct value value_null(void)
{
	return (struct value){.type = VALUE_NULL};
}
static inline struct value value_int(int64_t i)
{
	return (struct value){.type = VALUE_INT, .i = i};
}
static inline struct value value_count(uint64_t n) /* past INT64_MAX it stays there */
{
	return (struct value){.type = VALUE_INT, .i = n > INT64_MAX ? INT64_MAX : (int64_t)n};
}
static inline struct value value_real(double r)
{
	return (struct value){.type = VALUE_REAL, .r = r};
}
static inline struct value value_text(const char *s) /* NULL gives null */
{
	return s ? (struct value){.type = VALUE_TEXT, .s = str_of(s)} : value_null();
}
static inline struct value value_str(struct str s)
{
	return (struct value){.type = VALUE_TEXT, .s = s};
}
static inline struct value value_addr(const struct addr *a) /* ADDR_NONE gives null */
{
	return a->family ? (struct value){.type = VALUE_ADDR, .a = *a} : value_null();
}

/* Null before numbers before text before addresses; text by bytes. <0, 0, >0. */
int value_compare(const struct value *a, const struct value *b);
/* Raw, as scripts see it (no quoting of csv or json yet); null adds nothing. */
void value_print_raw(struct buf *out, enum kind kind, const struct value *v);
/* For people: units, three digits, escaped. `zone` for KIND_TIME. */
void value_print_text(struct buf *out, enum kind kind, const struct value *v, enum text_zone zone);
const char *kind_name(enum kind k);

#endif
