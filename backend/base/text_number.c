#include "base/text.h"

#include <limits.h>
#include <math.h>
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

/* --- numbers for people: a table prints a million of them, so that none takes printf's way --- */

/* All write at `to` and return the place behind; who is last puts the 0. */
static char *put_text(char *to, const char *s)
{
	const size_t len = strlen(s);

	memcpy(to, s, len); /* NOLINT(bugprone-not-null-terminated-result): who is last puts it */
	return to + len;
}

/* With zeros in front where it has fewer than `least` digits. */
static char *put_digits(char *to, uint64_t v, unsigned least)
{
	char digit[20]; /* of UINT64_MAX */
	unsigned n = 0;

	do {
		digit[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	for (; least > n; least--)
		*to++ = '0';
	while (n > 0)
		*to++ = digit[--n];
	return to;
}

#define DECIMALS_MAX 6u
#define FIXED_END 8796093022208.0 /* 2^43: times 10^6 fits into 63 bits */

static const uint64_t power_of_ten[DECIMALS_MAX + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* v, from 0 to 2^53, in parts of 10^-decimals, where these fit into 64 bits. Exact, halves to even:
 * the digits that printf gives. */
static uint64_t fixed_parts(double v, unsigned decimals)
{
	unsigned __int128 product, rest;
	uint64_t bits, parts;
	unsigned shift;

	memcpy(&bits, &v,
	       sizeof(bits)); /* IEEE 754: 11 bits of exponent, 52 of a fraction of 1.f */
	shift = 1075u - (unsigned)(bits >> 52);
	if (shift > 80) /* below half a part: the product has 73 bits */
		return 0;
	product = (unsigned __int128)((bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52) *
		  power_of_ten[decimals];
	parts = (uint64_t)(product >> shift);
	rest = product - ((unsigned __int128)parts << shift);
	if (shift == 0 || rest < (unsigned __int128)1 << (shift - 1))
		return parts;
	return parts + (rest > (unsigned __int128)1 << (shift - 1) || parts % 2);
}

static char *put_fixed(char *to, double v, unsigned decimals)
{
	const uint64_t parts = fixed_parts(v, decimals);

	to = put_digits(to, parts / power_of_ten[decimals], 1);
	if (decimals == 0)
		return to;
	*to++ = '.';
	return put_digits(to, parts % power_of_ten[decimals], decimals);
}

char *text_put_fixed(double v, unsigned decimals, char to[TEXT_NUMBER_MAX])
{
	const double size = fabs(v);

	if (!(size < FIXED_END) || decimals > DECIMALS_MAX)
		return NULL;
	if (signbit(v))
		*to++ = '-';
	return put_fixed(to, size, decimals);
}

/* Three significant digits of a number from 0 to 2^53. */
static char *put_three(char *to, double v)
{
	return put_fixed(to, v, v < 9.995 ? 2 : v < 99.95 ? 1 : 0);
}

static uint64_t magnitude(int64_t n)
{
	return n < 0 ? (uint64_t)0 - (uint64_t)n : (uint64_t)n;
}

static const char *scaled(double v, const char *const unit[6], char out[TEXT_NUMBER_MAX])
{
	unsigned i = 0;

	while (v >= 999.5 && i < 5) {
		v /= 1000;
		i++;
	}
	*put_text(put_three(out, v), unit[i]) = 0;
	return out;
}

char *text_put_integer(int64_t n, char to[TEXT_NUMBER_MAX])
{
	if (n < 0)
		*to++ = '-';
	return put_digits(to, magnitude(n), 1);
}

const char *text_integer(int64_t n, char out[TEXT_NUMBER_MAX])
{
	*text_put_integer(n, out) = 0;
	return out;
}

const char *text_count(uint64_t count, char out[TEXT_NUMBER_MAX])
{
	static const char *const unit[6] = {"", "k", "M", "G", "T", "P"};

	if (count < 1000) {
		*put_digits(out, count, 1) = 0;
		return out;
	}
	return scaled((double)count, unit, out);
}

const char *text_bytes(uint64_t bytes, char out[TEXT_NUMBER_MAX])
{
	static const char *const unit[6] = {" B", " kB", " MB", " GB", " TB", " PB"};

	if (bytes < 1000) {
		*put_text(put_digits(out, bytes, 1), " B") = 0;
		return out;
	}
	return scaled((double)bytes, unit, out);
}

const char *text_rate(double per_second, char out[TEXT_NUMBER_MAX])
{
	static const char *const unit[6] = {"", "k", "M", "G", "T", "P"};

	if (!(per_second > 0.0) || !isfinite(per_second) || per_second > 1e18) {
		*put_text(out, per_second > 0 ? "inf" : "0") = 0;
		return out;
	}
	return scaled(per_second, unit, out);
}

struct long_unit {
	int64_t ns, part_ns;
	const char *name, *part;
};

/* Less than a minute, in the unit that gives three digits. */
static char *put_seconds(char *to, uint64_t ns)
{
	const double v = (double)ns;

	if (ns < 1000)
		return put_text(put_digits(to, ns, 1), " ns");
	if (v < 999.5e3)
		return put_text(put_three(to, v / 1e3), " us");
	if (v < 999.5e6)
		return put_text(put_three(to, v / 1e6), " ms");
	return put_text(put_three(to, v / 1e9), " s");
}

const char *text_duration(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	static const struct long_unit units[] = {
		{86400 * NS_PER_S, 3600 * NS_PER_S, "d", "h"},
		{3600 * NS_PER_S, 60 * NS_PER_S, "h", "m"},
		{60 * NS_PER_S, NS_PER_S, "m", "s"},
	};
	const uint64_t n = magnitude(ns);
	char *to = put_text(out, ns < 0 ? "-" : "");

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const uint64_t unit = (uint64_t)units[i].ns, part = (uint64_t)units[i].part_ns;

		if (n < unit)
			continue;
		to = put_text(put_digits(to, n / unit, 1), " ");
		to = put_text(put_text(to, units[i].name), " ");
		to = put_text(put_digits(to, n % unit / part, 1), " ");
		*put_text(to, units[i].part) = 0;
		return out;
	}
	*put_seconds(to, n) = 0;
	return out;
}

/* n parts, of which `one` make a whole, as a decimal. */
static char *put_decimal(bool negative, uint64_t n, uint64_t one, unsigned decimals,
			 char to[TEXT_NUMBER_MAX])
{
	if (negative)
		*to++ = '-';
	to = put_digits(to, n / one, 1);
	*to++ = '.';
	return put_digits(to, n % one, decimals);
}

char *text_put_seconds9(int64_t ns, char to[TEXT_NUMBER_MAX])
{
	return put_decimal(ns < 0, magnitude(ns), 1000000000, 9, to);
}

char *text_put_ms6(int64_t ns, char to[TEXT_NUMBER_MAX])
{
	return put_decimal(ns < 0, magnitude(ns), 1000000, 6, to);
}

const char *text_seconds9(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	*text_put_seconds9(ns, out) = 0;
	return out;
}

const char *text_seconds6(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	*put_decimal(ns < 0, (magnitude(ns) + 500) / 1000, 1000000, 6, out) = 0;
	return out;
}

const char *text_ms6(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	*text_put_ms6(ns, out) = 0;
	return out;
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
