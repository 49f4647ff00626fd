#include "base/text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"

struct suffix {
	const char *text;
	uint64_t factor;
};

static int shown(struct str s)
{
	return s.len > 100 ? 100 : (int)s.len;
}

/* "12.34" and how much of s it took: whole part, and the fraction in 1e-18 (digits beyond are
 * dropped). */
struct decimal {
	uint64_t whole, fraction_e18;
	size_t used;
};

static bool decimal_parse(struct str s, struct decimal *d)
{
	uint64_t unit = UINT64_C(1000000000000000000);
	size_t digits = 0;

	*d = (struct decimal){0};
	for (; d->used < s.len && s.p[d->used] >= '0' && s.p[d->used] <= '9'; d->used++, digits++) {
		if (__builtin_mul_overflow(d->whole, 10u, &d->whole) ||
		    __builtin_add_overflow(d->whole, (uint64_t)(s.p[d->used] - '0'), &d->whole))
			return false;
	}
	if (digits == 0)
		return false;
	if (d->used + 1 >= s.len || s.p[d->used] != '.' || s.p[d->used + 1] < '0' ||
	    s.p[d->used + 1] > '9')
		return true;
	for (d->used++; d->used < s.len && s.p[d->used] >= '0' && s.p[d->used] <= '9'; d->used++) {
		unit /= 10;
		d->fraction_e18 += unit * (uint64_t)(s.p[d->used] - '0');
	}
	return true;
}

static const struct suffix *suffix_find(struct str s, const struct suffix *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(s, list[i].text))
			return &list[i];
	return NULL;
}

/* decimal * factor, cut to an integer; false when it does not fit. */
static bool decimal_scale(const struct decimal *d, uint64_t factor, uint64_t *out)
{
	const __uint128_t part =
		(__uint128_t)d->fraction_e18 * factor / UINT64_C(1000000000000000000);
	uint64_t whole;

	return !__builtin_mul_overflow(d->whole, factor, &whole) &&
	       !__builtin_add_overflow(whole, (uint64_t)part, out);
}

int text_parse_count(struct str s, uint64_t *count, struct err *e)
{
	static const struct suffix suffixes[] = {
		{"", 1},
		{"k", 1000},
		{"K", 1000},
		{"M", 1000000},
		{"G", 1000000000},
		{"T", UINT64_C(1000000000000)},
		{"Ki", 1024},
		{"Mi", 1048576},
		{"Gi", 1073741824},
		{"Ti", UINT64_C(1099511627776)},
	};
	const struct suffix *suffix;
	struct decimal d;

	if (!decimal_parse(s, &d))
		goto wrong;
	suffix = suffix_find((struct str){s.p + d.used, s.len - d.used}, suffixes,
			     ARRAY_LEN(suffixes));
	if (!suffix || (suffix->factor == 1 && d.fraction_e18 > 0) ||
	    !decimal_scale(&d, suffix->factor, count))
		goto wrong;
	return 0;
wrong:
	return err_set(e, ERR_CALL, "\"%.*s\" is no number: give it as 500, 10k, 1.5M or 2G",
		       shown(s), s.p);
}

int text_parse_duration(struct str s, int64_t *duration_ns, struct err *e)
{
	static const struct suffix suffixes[] = {
		{"", 1000000000},
		{"ns", 1},
		{"us", 1000},
		{"ms", 1000000},
		{"s", 1000000000},
		{"m", UINT64_C(60000000000)},
		{"min", UINT64_C(60000000000)},
		{"h", UINT64_C(3600000000000)},
		{"d", UINT64_C(86400000000000)},
	};
	const bool negative = s.len > 0 && s.p[0] == '-';
	const struct str number = {s.p + negative, s.len - negative};
	const struct suffix *suffix;
	struct decimal d;
	uint64_t ns;

	if (!decimal_parse(number, &d))
		goto wrong;
	suffix = suffix_find((struct str){number.p + d.used, number.len - d.used}, suffixes,
			     ARRAY_LEN(suffixes));
	if (!suffix || !decimal_scale(&d, suffix->factor, &ns) || ns > INT64_MAX)
		goto wrong;
	*duration_ns = negative ? -(int64_t)ns : (int64_t)ns;
	return 0;
wrong:
	return err_set(e, ERR_CALL,
		       "\"%.*s\" is no length of time: give it as 250ms, 10s, 5m, 2h or 7d",
		       shown(s), s.p);
}

/* Three significant digits of a number from 0 to 999.5. */
static void three_digits(double v, const char *unit, char out[TEXT_NUMBER_MAX])
{
	const int decimals = v < 9.995 ? 2 : v < 99.95 ? 1 : 0;

	(void)snprintf(out, TEXT_NUMBER_MAX, "%.*f%s", decimals, v,
		       unit); /* at most 48: units are short */
}

static const char *scaled(double v, const char *const unit[6], char out[TEXT_NUMBER_MAX])
{
	unsigned i = 0;

	while (v >= 999.5 && i < 5) {
		v /= 1000;
		i++;
	}
	three_digits(v, unit[i], out);
	return out;
}

const char *text_count(uint64_t count, char out[TEXT_NUMBER_MAX])
{
	static const char *const unit[6] = {"", "k", "M", "G", "T", "P"};

	if (count < 1000) {
		(void)snprintf(out, TEXT_NUMBER_MAX, "%u", (unsigned)count); /* fits */
		return out;
	}
	return scaled((double)count, unit, out);
}

const char *text_bytes(uint64_t bytes, char out[TEXT_NUMBER_MAX])
{
	static const char *const unit[6] = {" B", " kB", " MB", " GB", " TB", " PB"};

	if (bytes < 1000) {
		(void)snprintf(out, TEXT_NUMBER_MAX, "%u B", (unsigned)bytes); /* fits */
		return out;
	}
	return scaled((double)bytes, unit, out);
}

const char *text_rate(double per_second, char out[TEXT_NUMBER_MAX])
{
	static const char *const unit[6] = {"", "k", "M", "G", "T", "P"};

	if (!(per_second > 0.0) || !isfinite(per_second) || per_second > 1e18) {
		(void)snprintf(out, TEXT_NUMBER_MAX, "%s", per_second > 0 ? "inf" : "0"); /* fits */
		return out;
	}
	return scaled(per_second, unit, out);
}

struct long_unit {
	int64_t ns, part_ns;
	const char *name, *part;
};

const char *text_duration(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	static const struct long_unit units[] = {
		{86400 * NS_PER_S, 3600 * NS_PER_S, "d", "h"},
		{3600 * NS_PER_S, 60 * NS_PER_S, "h", "m"},
		{60 * NS_PER_S, NS_PER_S, "m", "s"},
	};
	const char *sign = ns < 0 ? "-" : "";
	const uint64_t n = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;
	char number[TEXT_NUMBER_MAX / 2];
	const double v = (double)n;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const uint64_t unit = (uint64_t)units[i].ns, part = (uint64_t)units[i].part_ns;

		if (n < unit)
			continue;
		(void)snprintf(out, TEXT_NUMBER_MAX, "%s%llu %s %llu %s", sign,
			       (unsigned long long)(n / unit), units[i].name,
			       (unsigned long long)(n % unit / part), units[i].part); /* fits */
		return out;
	}
	if (n < 1000)
		(void)snprintf(number, sizeof(number), "%u ns", (unsigned)n); /* fits */
	else if (v < 999.5e3)
		(void)snprintf(number, sizeof(number), "%.*f us",
			       v < 9.995e3   ? 2
			       : v < 99.95e3 ? 1
					     : 0,
			       v / 1e3);
	else if (v < 999.5e6)
		(void)snprintf(number, sizeof(number), "%.*f ms",
			       v < 9.995e6   ? 2
			       : v < 99.95e6 ? 1
					     : 0,
			       v / 1e6);
	else
		(void)snprintf(number, sizeof(number), "%.*f s", v < 9.995e9 ? 2 : 1, v / 1e9);
	(void)snprintf(out, TEXT_NUMBER_MAX, "%s%s", sign, number);
	return out;
}

/* ns as a decimal of `unit_ns` with all its digits. */
static const char *exact(int64_t ns, uint64_t unit_ns, int decimals, char out[TEXT_NUMBER_MAX])
{
	const uint64_t n = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;

	(void)snprintf(out, TEXT_NUMBER_MAX, "%s%llu.%0*llu", ns < 0 ? "-" : "",
		       (unsigned long long)(n / unit_ns), decimals,
		       (unsigned long long)(n % unit_ns)); /* at most 22 */
	return out;
}

const char *text_seconds9(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	return exact(ns, 1000000000, 9, out);
}

const char *text_ms6(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	return exact(ns, 1000000, 6, out);
}

#define NEAR_WORD_MAX 64u

static unsigned least3(unsigned a, unsigned b, unsigned c)
{
	const unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's distance, a row at a time; UINT_MAX for words too long to be compared. */
static unsigned word_distance(struct str a, struct str b)
{
	unsigned row[NEAR_WORD_MAX + 1];

	if (a.len > NEAR_WORD_MAX || b.len > NEAR_WORD_MAX)
		return UINT_MAX;
	for (unsigned j = 0; j <= b.len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a.len; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b.len; j++) {
			const unsigned above = row[j];
			const unsigned change = a.p[i - 1] == b.p[j - 1] ? 0 : 1;

			row[j] = least3(above + 1, row[j - 1] + 1, diagonal + change);
			diagonal = above;
		}
	}
	return row[b.len];
}

const char *text_nearest(struct str word, const char *const *known, size_t count)
{
	const unsigned limit = word.len <= 3 ? 1 : word.len <= 6 ? 2 : 3;
	const char *best = NULL;
	unsigned best_distance = limit + 1;

	for (size_t i = 0; i < count; i++) {
		const unsigned distance = word_distance(word, str_of(known[i]));

		if (distance < best_distance && distance < strlen(known[i])) {
			best = known[i];
			best_distance = distance;
		}
	}
	if (best || word.len < 3)
		return best;
	for (size_t i = 0; i < count; i++) /* the beginning of a longer word */
		if (strlen(known[i]) > word.len && memcmp(known[i], word.p, word.len) == 0)
			return known[i];
	return NULL;
}
