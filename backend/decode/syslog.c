/* Syslog, RFC 5424 and RFC 3164. */
#include "app.h"
#include "lines.h"

#define PRIORITY_MAX 191u

static const char *const facilities[] = {
	"kern",	  "user",   "mail",	"daemon", "auth",   "syslog", "lpr",	"news",
	"uucp",	  "cron",   "authpriv", "ftp",	  "ntp",    "audit",  "alert",	"clock",
	"local0", "local1", "local2",	"local3", "local4", "local5", "local6", "local7",
};

static const char *const severities[] = {"emerg",   "alert",  "crit", "err",
					 "warning", "notice", "info", "debug"};

/* The priority in its brackets, at most three digits; the cursor moves behind it. -1: none. */
static int priority_pull(struct cursor *c)
{
	const uint8_t *p = c->data;
	size_t left = cursor_left(c), i = 1;
	unsigned n = 0;

	if (!left || p[0] != '<')
		return -1;
	for (; i < left && i < 5 && p[i] >= '0' && p[i] <= '9'; i++)
		n = n * 10 + (p[i] - '0');
	if (i == 1 || i >= left || p[i] != '>' || n > PRIORITY_MAX || (p[1] == '0' && i > 2))
		return -1;
	c->data += i + 1;
	return (int)n;
}

/* RFC 5424's version and time behind the priority: "1 2003-" or "1 -". */
bool syslog_speaks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	const uint8_t *p;

	if (priority_pull(&c) < 0)
		return false;
	p = cursor_peek(&c, 7);
	return p && p[0] == '1' && p[1] == ' ' &&
	       ((p[2] == '-' && p[3] == ' ') ||
		(p[2] == '2' && p[3] == '0' && p[4] >= '0' && p[4] <= '9' && p[5] >= '0' &&
		 p[5] <= '9' && p[6] == '-'));
}

bool syslog_looks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);

	return priority_pull(&c) >= 0;
}

void syslog_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	int priority = priority_pull(&c);
	struct str line;

	if (priority < 0)
		return;
	buf_printf(out, "%s.%s", facilities[priority >> 3], severities[priority & 7]);
	if (line_next(&c, &line) && line.len) {
		buf_add_byte(out, ' ');
		line_add(out, line);
	}
}

void syslog_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	int priority = priority_pull(&c);

	if (priority < 0)
		return;
	view_field(v, "facility", l->offset, cursor_offset(&c) - l->offset, "%d %s", priority >> 3,
		   facilities[priority >> 3]);
	view_field(v, "severity", l->offset, cursor_offset(&c) - l->offset, "%d %s", priority & 7,
		   severities[priority & 7]);
	view_text(v, "message", cursor_offset(&c), (uint32_t)cursor_left(&c),
		  (struct str){(const char *)c.data, cursor_left(&c)});
}
