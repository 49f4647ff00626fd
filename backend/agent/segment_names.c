/* Names of segments: by the session's pattern, or its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "folder.h"
#include "session.h"

#define SEGMENT_NAME_MAX 200u
#define SEGMENT_TRIES 1000

char *segment_path(const struct session *s, const struct segment *g, bool part)
{
	return xasprintf("%s/%s%s", s->folder, g->name, part ? ".part" : "");
}

char *segment_file(const struct segment *g, bool part)
{
	return xasprintf("%s%s", g->name, part ? ".part" : "");
}

/* One conversion of a pattern: a time, and the number. -1: there is no such one. */
static int names_convert(struct buf *out, char what, const struct tm *tm, uint32_t number)
{
	switch (what) {
	case 'Y':
		return buf_printf(out, "%04d", tm->tm_year + 1900);
	case 'm':
		return buf_printf(out, "%02d", tm->tm_mon + 1);
	case 'd':
		return buf_printf(out, "%02d", tm->tm_mday);
	case 'H':
		return buf_printf(out, "%02d", tm->tm_hour);
	case 'M':
		return buf_printf(out, "%02d", tm->tm_min);
	case 'S':
		return buf_printf(out, "%02d", tm->tm_sec);
	case 'N':
		return buf_printf(out, "%05u", number);
	case '%':
		return buf_add_byte(out, '%');
	default:
		return -1;
	}
}

/* The pattern of `names`, owned by the caller; NULL: it holds something else. */
char *segment_pattern(const char *pattern, int64_t now_ns, bool utc, uint32_t number)
{
	const time_t now = (time_t)(now_ns / NS_PER_S);
	struct buf out;
	struct tm tm;
	char *text = NULL;
	int r = (utc ? gmtime_r(&now, &tm) : localtime_r(&now, &tm)) ? 0 : -1;

	buf_init(&out, SEGMENT_NAME_MAX);
	for (const char *p = pattern; *p && r == 0; p++) {
		if (*p != '%')
			r = buf_add_byte(&out, (uint8_t)*p);
		else
			r = names_convert(&out, *++p, &tm, number);
		if (!*p)
			break;
	}
	if (r == 0 && !strstr(pattern, "%N"))
		r = buf_printf(&out, "-%05u", number);
	if (r == 0)
		text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

char *segment_choose(const struct session *s, uint32_t number)
{
	const char *suffix = s->spec.pcap ? "pcap" : "pcapng";
	char *stem = s->spec.names
			     ? segment_pattern(s->spec.names, clock_now_ns(), s->spec.utc, number)
			     : NULL;

	if (!stem)
		stem = xasprintf("%s-%05u", s->capture, number);
	for (int i = 1; i <= SEGMENT_TRIES; i++) {
		struct segment g = {.name = i == 1 ? xasprintf("%s.%s", stem, suffix)
						   : xasprintf("%s-%d.%s", stem, i, suffix)};
		char *part = segment_file(&g, true);
		const bool taken = folder_has(s->folder, g.name) || folder_has(s->folder, part);

		free(part);
		if (!taken) {
			free(stem);
			return g.name;
		}
		free(g.name);
	}
	free(stem);
	return xasprintf("%s-%05u.%s", s->capture, number,
			 suffix); /* opening it will say what is wrong */
}
