#include "table/value.h"

#include <math.h>
#include <string.h>

#include "base/xalloc.h"

/* INT and REAL are of one rank: they compare as numbers. */
static int value_rank(enum value_type t)
{
	static const int rank[] = {[VALUE_NULL] = 0,
				   [VALUE_INT] = 1,
				   [VALUE_REAL] = 1,
				   [VALUE_TEXT] = 2,
				   [VALUE_ADDR] = 3};

	return rank[t];
}

static int number_compare(const struct value *a, const struct value *b)
{
	long double x, y; /* holds every int64 and every double exactly */

	if (a->type == VALUE_INT && b->type == VALUE_INT)
		return (a->i > b->i) - (a->i < b->i);
	x = a->type == VALUE_INT ? (long double)a->i : (long double)a->r;
	y = b->type == VALUE_INT ? (long double)b->i : (long double)b->r;
	return (x > y) - (x < y);
}

static int text_compare(struct str a, struct str b)
{
	const size_t len = a.len < b.len ? a.len : b.len;
	const int c = len ? memcmp(a.p, b.p, len) : 0;

	if (c)
		return c;
	return (a.len > b.len) - (a.len < b.len);
}

int value_compare(const struct value *a, const struct value *b)
{
	const int rank_a = value_rank(a->type), rank_b = value_rank(b->type);

	if (rank_a != rank_b)
		return rank_a < rank_b ? -1 : 1;
	if (rank_a == 1)
		return number_compare(a, b);
	if (rank_a == 2)
		return text_compare(a->s, b->s);
	return rank_a == 3 ? addr_compare(&a->a, &b->a) : 0;
}

static void print_real(struct buf *out, unsigned decimals, double r)
{
	char *to = (char *)buf_reserve(out, TEXT_NUMBER_MAX);
	char *end = to ? text_put_fixed(r, decimals, to) : NULL;

	if (end) {
		*end = 0;
		out->len += (size_t)(end - to);
	} else if (isfinite(r)) {
		(void)buf_printf(out, "%.*f", (int)decimals, r);
	}
}

/* ns of a value that may have come as a real. */
static int64_t value_ns(const struct value *v)
{
	if (v->type == VALUE_INT)
		return v->i;
	return v->r >= -9.2e18 && v->r <= 9.2e18 ? (int64_t)v->r : 0;
}

static double value_number(const struct value *v)
{
	return v->type == VALUE_INT ? (double)v->i : v->r;
}

/* Where it is to stand: most of a large table are numbers. */
static void put_number(struct buf *out, char *(*put)(int64_t, char to[TEXT_NUMBER_MAX]), int64_t n)
{
	char *to = (char *)buf_reserve(out, TEXT_NUMBER_MAX), *end = to ? put(n, to) : NULL;

	if (!to)
		return;
	*end = 0;
	out->len += (size_t)(end - to);
}

static void print_integer(struct buf *out, const struct value *v)
{
	if (v->type == VALUE_INT)
		put_number(out, text_put_integer, v->i);
	else
		print_real(out, 6, v->r);
}

static void print_flow(struct buf *out, const struct value *v)
{
	const int64_t n = value_ns(v);
	char text[TEXT_NUMBER_MAX];

	(void)buf_add_str(out, text_integer(n / 2, text));
	(void)buf_add_str(out, n % 2 ? ".2" : ".1");
}

static void number_print_raw(struct buf *out, enum kind kind, const struct value *v)
{
	char text[TEXT_NUMBER_MAX];

	switch (kind) {
	case KIND_FLOW:
		print_flow(out, v);
		break;
	case KIND_TIME:
		(void)buf_add_str(out, text_rfc3339(value_ns(v), text));
		break;
	case KIND_SECONDS:
		put_number(out, text_put_seconds9, value_ns(v));
		break;
	case KIND_MS:
		put_number(out, text_put_ms6, value_ns(v));
		break;
	case KIND_PPS:
	case KIND_BPS:
		print_real(out, 3, value_number(v));
		break;
	case KIND_SHARE:
	case KIND_REAL:
		print_real(out, 6, value_number(v));
		break;
	case KIND_BOOL:
		(void)buf_add_str(out, value_number(v) != 0 ? "yes" : "no");
		break;
	case KIND_COUNT:
	case KIND_BYTES:
	case KIND_PORT:
	case KIND_TEXT:
	case KIND_ADDR:
	case KIND_SERIES:
		print_integer(out, v);
		break;
	}
}

/* Text and addresses print alike in both forms. */
static bool plain_print(struct buf *out, const struct value *v)
{
	char text[ADDR_TEXT_MAX];

	if (v->type == VALUE_TEXT)
		text_escape(out, v->s, false);
	else if (v->type == VALUE_ADDR)
		(void)buf_add_str(out, addr_text(&v->a, text));
	else
		return v->type == VALUE_NULL;
	return true;
}

void value_print_raw(struct buf *out, enum kind kind, const struct value *v)
{
	if (!plain_print(out, v))
		number_print_raw(out, kind, v);
}

static void print_bytes(struct buf *out, const struct value *v)
{
	const double n = value_number(v);
	char text[TEXT_NUMBER_MAX];

	if (!(n >= 0 && n <= 1.8e19)) /* and what is no number */
		print_integer(out, v);
	else
		(void)buf_add_str(out, text_bytes((uint64_t)n, text));
}

void value_print_text(struct buf *out, enum kind kind, const struct value *v, enum text_zone zone)
{
	char text[TEXT_NUMBER_MAX];

	if (plain_print(out, v))
		return;
	if (kind == KIND_BYTES)
		print_bytes(out, v);
	else if (kind == KIND_PPS || kind == KIND_BPS)
		(void)buf_add_str(out, text_rate(value_number(v), text));
	else if (kind == KIND_MS)
		(void)buf_add_str(out, text_duration(value_ns(v), text));
	else if (kind ==
		 KIND_SECONDS) /* packets lie microseconds apart, late in a capture as well */
		(void)buf_add_str(out, text_seconds6(value_ns(v), text));
	else if (kind == KIND_TIME)
		(void)buf_add_str(out, text_time(value_ns(v), zone, text));
	else if (kind == KIND_SHARE && isfinite(value_number(v)))
		(void)buf_printf(out, "%.1f %%", value_number(v) * 100);
	else if (kind == KIND_REAL)
		print_real(out, 3, value_number(v));
	else
		number_print_raw(out, kind, v);
}

const char *kind_name(enum kind k)
{
	static const char *const names[] = {
		[KIND_COUNT] = "count",	   [KIND_BYTES] = "bytes",     [KIND_TEXT] = "text",
		[KIND_ADDR] = "address",   [KIND_PORT] = "port",       [KIND_FLOW] = "flow",
		[KIND_TIME] = "time",	   [KIND_SECONDS] = "seconds", [KIND_MS] = "ms",
		[KIND_PPS] = "pps",	   [KIND_BPS] = "bps",	       [KIND_SHARE] = "share",
		[KIND_BOOL] = "yes or no", [KIND_REAL] = "real",       [KIND_SERIES] = "series",
	};

	return (unsigned)k < ARRAY_LEN(names) ? names[k] : "?";
}
