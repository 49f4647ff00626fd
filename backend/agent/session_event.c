/* What control has to tell of a session: to its clients, and to its journal, from which the history
 * has it. */
#include <stdarg.h>

#include "base/clock.h"
#include "folder.h"
#include "session.h"

/* Behind its end: what its outlets do goes on. */
static void event_behind(const struct session *s, const struct msg_j_event *m)
{
	struct journal *j;
	struct err e;
	bool busy;
	int fd;

	if (!s->folder[0] || !folder_has(s->folder, "tap.journal"))
		return;
	fd = capture_journal_open(s, "tap.journal", &busy, &e);
	j = fd < 0 ? NULL : journal_new(fd, &e);
	if (!j)
		return; /* the clients know it all the same */
	(void)journal_add_j_event(j, m, &e);
	journal_close(j);
}

static void event_note(struct session *s, const struct msg_j_event *m)
{
	struct buf b;

	buf_init(&b, JOURNAL_RECORD_MAX);
	if (msg_put_j_event(&b, m) == 0)
		session_note(s, MSG_J_EVENT, &b);
	buf_release(&b);
}

void session_event(struct session *s, const char *severity, const char *fmt, ...)
{
	struct msg_j_event m = {.time_ns = clock_now_ns(), .severity = str_of(severity)};
	struct buf text;
	va_list ap;

	buf_init(&text, ERR_TEXT_MAX * 4);
	va_start(ap, fmt);
	(void)buf_vprintf(&text, fmt, ap); /* what is too long stays empty */
	va_end(ap);
	m.sentence = str_of(buf_str(&text));
	control_event(s->control, severity, s->name, "%s", buf_str(&text));
	if (s->tap_journal_fd >= 0)
		event_note(s, &m);
	else if (s->state == SESSION_ENDED)
		event_behind(s, &m);
	buf_release(&text);
}
