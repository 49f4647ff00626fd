#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define DAY_S INT64_C(86400)

/* Days since 1970-01-01 of a date of the Gregorian calendar, after Howard Hinnant's
 * days_from_civil. */
static int64_t days_of(int64_t year, unsigned month, unsigned day)
{
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const unsigned of_era = (unsigned)(y - era * 400);
	const unsigned of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + (int64_t)(of_era * 365 + of_era / 4 - of_era / 100 + of_year) -
	       719468;
}

static unsigned month_days(int64_t year, unsigned month)
{
	static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `digits` digits, taken off the front. */
static bool take_digits(struct str *s, unsigned digits, unsigned *v)
{
	*v = 0;
	if (s->len < digits)
		return false;
	for (unsigned i = 0; i < digits; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		*v = *v * 10 + (unsigned)(s->p[i] - '0');
	}
	s->p += digits;
	s->len -= digits;
	return true;
}

static bool take_char(struct str *s, char c)
{
	if (s->len == 0 || s->p[0] != c)
		return false;
	s->p++;
	s->len--;
	return true;
}

/* ".123": up to nine digits count, more are dropped. Nothing there is 0. */
static bool take_fraction(struct str *s, int64_t *ns)
{
	int64_t unit = NS_PER_S;
	unsigned digit;

	*ns = 0;
	if (!take_char(s, '.'))
		return true;
	if (!take_digits(s, 1, &digit))
		return false;
	do {
		unit /= 10;
		*ns += unit * digit;
	} while (take_digits(s, 1, &digit));
	return true;
}

static bool take_date(struct str *s, int64_t *days)
{
	unsigned year, month, day;

	if (!take_digits(s, 4, &year) || !take_char(s, '-') || !take_digits(s, 2, &month) ||
	    !take_char(s, '-') || !take_digits(s, 2, &day))
		return false;
	if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
		return false;
	*days = days_of(year, month, day);
	return true;
}

/* "HH:MM[:SS[.f]]"; 60 is a leap second (RFC 3339, 5.7). */
static bool take_clock(struct str *s, int64_t *seconds, int64_t *ns)
{
	unsigned hour, minute, second = 0;

	*ns = 0;
	if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute))
		return false;
	if (take_char(s, ':') && (!take_digits(s, 2, &second) || !take_fraction(s, ns)))
		return false;
	if (hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds = (int64_t)hour * 3600 + minute * 60 + second;
	return true;
}

/* "Z", "+02:00", "-0530"; nothing is UTC. */
static bool take_zone(struct str *s, int64_t *offset_s)
{
	unsigned hour, minute;
	bool west;

	*offset_s = 0;
	if (s->len == 0 || take_char(s, 'Z') || take_char(s, 'z'))
		return true;
	west = take_char(s, '-');
	if (!west && !take_char(s, '+'))
		return false;
	if (!take_digits(s, 2, &hour))
		return false;
	(void)take_char(s, ':');
	if (!take_digits(s, 2, &minute) || hour > 23 || minute > 59)
		return false;
	*offset_s = ((int64_t)hour * 3600 + minute * 60) * (west ? -1 : 1);
	return true;
}

static bool time_of(int64_t seconds, int64_t ns, int64_t *time_ns)
{
	return !__builtin_mul_overflow(seconds, NS_PER_S, time_ns) &&
	       !__builtin_add_overflow(*time_ns, ns, time_ns);
}

static bool epoch_parse(struct str s, int64_t *time_ns)
{
	const bool negative = take_char(&s, '-');
	int64_t seconds = 0, ns;
	unsigned digit, digits = 0;

	while (take_digits(&s, 1, &digit)) {
		if (++digits > 10)
			return false;
		seconds = seconds * 10 + digit;
	}
	if (digits == 0 || !take_fraction(&s, &ns) || s.len > 0)
		return false;
	return negative ? time_of(-seconds, -ns, time_ns) : time_of(seconds, ns, time_ns);
}

static int64_t day_of(int64_t ns)
{
	const int64_t day_ns = DAY_S * NS_PER_S;

	return ns / day_ns - (ns % day_ns < 0);
}

static bool date_parse(struct str s, int64_t now_ns, int64_t *time_ns)
{
	int64_t days = day_of(now_ns), seconds = 0, ns = 0, offset_s;
	const bool dated = s.len >= 5 && s.p[4] == '-';
	bool clock = !dated;

	if (dated && !take_date(&s, &days))
		return false;
	if (dated)
		clock = take_char(&s, 'T') || take_char(&s, 't') || take_char(&s, ' ');
	if (clock && !take_clock(&s, &seconds, &ns))
		return false;
	if (!take_zone(&s, &offset_s) || s.len > 0)
		return false;
	return time_of(days * DAY_S + seconds - offset_s, ns, time_ns);
}

int text_parse_time(struct str s, int64_t now_ns, int64_t *time_ns, struct err *e)
{
	const int64_t today_ns = day_of(now_ns) * DAY_S * NS_PER_S;

	if (str_is(s, "now")) {
		*time_ns = now_ns;
		return 0;
	}
	if (str_is(s, "today") || str_is(s, "yesterday")) {
		*time_ns = today_ns - (s.len > 5 ? DAY_S * NS_PER_S : 0);
		return 0;
	}
	if (s.len > 0 && s.p[0] == '@' ? epoch_parse((struct str){s.p + 1, s.len - 1}, time_ns)
				       : date_parse(s, now_ns, time_ns))
		return 0;
	return err_set(e, ERR_CALL,
		       "\"%.*s\" is no time: give it as 2026-01-31T10:20:30Z, \"2026-01-31 "
		       "10:20\", 10:20, @1769854830 or now",
		       s.len > 100 ? 100 : (int)s.len, s.p);
}

static int64_t split_seconds(int64_t ns, int64_t *rest_ns)
{
	*rest_ns = ns % NS_PER_S;
	if (*rest_ns >= 0)
		return ns / NS_PER_S;
	*rest_ns += NS_PER_S;
	return ns / NS_PER_S - 1;
}

/* int64 ns reach from 1677 to 2262, so that a year has four digits and neither call can fail. */
static void civil(int64_t seconds, bool local, struct tm *tm)
{
	const time_t t = (time_t)seconds;

	memset(tm, 0, sizeof(*tm));
	if (local)
		(void)localtime_r(&t, tm);
	else
		(void)gmtime_r(&t, tm);
}

static char *put_digits(char *to, unsigned v, unsigned digits)
{
	for (unsigned i = digits; i-- > 0; v /= 10)
		to[i] = (char)('0' + v % 10);
	return to + digits;
}

static char *put_date(char *to, const struct tm *tm, char between)
{
	to = put_digits(to, (unsigned)tm->tm_year + 1900, 4);
	*to++ = '-';
	to = put_digits(to, (unsigned)tm->tm_mon + 1, 2);
	*to++ = '-';
	to = put_digits(to, (unsigned)tm->tm_mday, 2);
	*to++ = between;
	to = put_digits(to, (unsigned)tm->tm_hour, 2);
	*to++ = ':';
	to = put_digits(to, (unsigned)tm->tm_min, 2);
	*to++ = ':';
	to = put_digits(to, (unsigned)tm->tm_sec, 2);
	*to++ = '.';
	return to;
}

const char *text_rfc3339(int64_t ns, char out[TEXT_NUMBER_MAX])
{
	int64_t rest_ns;
	struct tm tm;
	char *to;

	civil(split_seconds(ns, &rest_ns), false, &tm);
	to = put_digits(put_date(out, &tm, 'T'), (unsigned)rest_ns, 9);
	*to++ = 'Z';
	*to = 0;
	return out;
}

const char *text_time(int64_t ns, enum text_zone zone, char out[TEXT_NUMBER_MAX])
{
	int64_t rest_ns;
	struct tm tm;
	char *to;

	if (zone == TEXT_EPOCH) {
		const uint64_t n = ns < 0 ? (uint64_t)0 - (uint64_t)ns : (uint64_t)ns;

		(void)snprintf(out, TEXT_NUMBER_MAX, "%s%llu.%06llu", ns < 0 ? "-" : "",
			       (unsigned long long)(n / 1000000000),
			       (unsigned long long)(n % 1000000000 / 1000)); /* fits */
		return out;
	}
	civil(split_seconds(ns, &rest_ns), zone == TEXT_LOCAL, &tm);
	to = put_digits(put_date(out, &tm, ' '), (unsigned)(rest_ns / 1000), 6);
	*to = 0;
	return out;
}
