/* Text in and out: hostile bytes, numbers with units, times. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* --- hostile text --- */
/* Adds s with everything that is not printable UTF-8 (controls, C1, bidi controls, broken UTF-8,
 * unassigned) written as \xNN, and a backslash doubled when `escape_backslash`. */
void text_escape(struct buf *out, struct str s, bool escape_backslash);
/* Next code point of valid UTF-8; -1 for a broken byte (one is consumed). */
int32_t text_utf8_next(struct str *s);
/* Terminal columns of a code point: 0, 1 or 2; -1 if it must not reach a terminal. */
int text_width(int32_t code_point);

/* --- numbers --- */
/* "10", "10k", "1.5M", "2G" (powers of 1000; Ki Mi Gi of 1024). The whole text must be it. */
int text_parse_count(struct str s, uint64_t *count, struct err *e);
/* "250ms", "10s", "5m", "2h", "7d", "3us", "8ns"; a plain number is seconds. To nanoseconds. */
int text_parse_duration(struct str s, int64_t *duration_ns, struct err *e);
/* RFC 3339 with or without zone (without: UTC), "YYYY-MM-DD HH:MM[:SS[.f]]", "YYYY-MM-DD", "HH:MM[:SS[.f]]"
 * (the day of now_ns), "@epoch[.f]", "now", "today", "yesterday". */
int text_parse_time(struct str s, int64_t now_ns, int64_t *time_ns, struct err *e);

#define TEXT_NUMBER_MAX 48
/* For people, short: three significant digits with k M G T ("1.21M"). */
const char *text_count(uint64_t count, char out[TEXT_NUMBER_MAX]);
const char *text_bytes(uint64_t bytes, char out[TEXT_NUMBER_MAX]); /* "1.21 MB" */
const char *text_rate(double per_second, char out[TEXT_NUMBER_MAX]);
const char *text_duration(int64_t ns, char out[TEXT_NUMBER_MAX]); /* "51.2 ms", "3 h 12 m" */
const char *text_seconds6(int64_t ns, char out[TEXT_NUMBER_MAX]); /* seconds to the microsecond */
/* Exact, for scripts. Those that put give the end of what they wrote, without a 0. */
char *text_put_integer(int64_t n, char to[TEXT_NUMBER_MAX]);
char *text_put_seconds9(int64_t ns, char to[TEXT_NUMBER_MAX]);
char *text_put_ms6(int64_t ns, char to[TEXT_NUMBER_MAX]);
/* As printf's "%.*f", of six decimals at most; NULL: the number is too large (2^43) or none. */
char *text_put_fixed(double v, unsigned decimals, char to[TEXT_NUMBER_MAX]);
const char *text_integer(int64_t n, char out[TEXT_NUMBER_MAX]);
const char *text_seconds9(int64_t ns, char out[TEXT_NUMBER_MAX]);  /* "-0.000001000" */
const char *text_ms6(int64_t ns, char out[TEXT_NUMBER_MAX]);	   /* "51.210000" */
const char *text_rfc3339(int64_t ns, char out[TEXT_NUMBER_MAX]);  /* UTC, nine decimals, "Z" */

enum text_zone { TEXT_UTC, TEXT_LOCAL, TEXT_EPOCH };
/* For people: date and time to the microsecond, or epoch seconds. */
const char *text_time(int64_t ns, enum text_zone zone, char out[TEXT_NUMBER_MAX]);

/* --- the nearest known word (for "did you mean"); NULL when none is near --- */
const char *text_nearest(struct str word, const char *const *known, size_t count);

#endif
