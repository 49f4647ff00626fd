/* Records for a session's journal, whose writer is the tap while it lives. */
#include <stdlib.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "session.h"

/* A record that the tap has not answered for. */
struct session_note {
	struct session_note *next;
	uint32_t id;
	uint16_t type;
	struct buf payload;
};

static void note_free(struct session_note *n)
{
	buf_release(&n->payload);
	free(n);
}

void session_note(struct session *s, uint16_t type, const struct buf *payload)
{
	struct session_note *n, **at = &s->notes;
	const struct msg_tap_journal m = {.type = type,
					  .payload = {(const char *)payload->data, payload->len}};

	if (s->tap_journal_fd < 0)
		return; /* the capture's books are closed */
	n = xcalloc(1, sizeof(*n));
	n->type = type;
	buf_init(&n->payload, JOURNAL_RECORD_MAX);
	(void)buf_add(&n->payload, payload->data, payload->len); /* it came from such a buffer */
	while (*at)
		at = &(*at)->next;
	*at = n;
	if (!s->tap)
		return;
	n->id = ++s->last_id;
	(void)channel_put_tap_journal(s->tap, 0, n->id, &m); /* -1: `gone` will come */
}

bool session_noted(struct session *s, uint32_t id, const struct err *e)
{
	for (struct session_note **at = &s->notes; *at; at = &(*at)->next) {
		struct session_note *n = *at;

		if (n->id != id || id == 0)
			continue;
		if (e)
			log_error("session %s: its journal did not take a record: %s", s->name,
				  e->text);
		*at = n->next;
		note_free(n);
		return true;
	}
	return false;
}

int session_notes_add(struct session *s, struct journal *j, struct err *e)
{
	int r = 0;

	for (const struct session_note *n = s->notes; n && r == 0; n = n->next)
		r = journal_add(j, n->type, &n->payload, e);
	return r;
}

void session_notes_forget(struct session *s)
{
	while (s->notes) {
		struct session_note *n = s->notes;

		s->notes = n->next;
		note_free(n);
	}
}

struct msg_j_segment segment_record(const struct segment *g, const char *name,
				    enum segment_sealed sealed)
{
	return (struct msg_j_segment){.number = g->number,
				      .name = str_of(name),
				      .sealed = (uint8_t)sealed,
				      .packets = g->packets,
				      .bytes = g->bytes,
				      .first_ns = g->first_ns,
				      .last_ns = g->last_ns,
				      .reason = str_of(g->reason),
				      .first_packet = g->first_packet};
}

void segment_journal(struct session *s, const struct segment *g, const char *name,
		     enum segment_sealed sealed)
{
	const struct msg_j_segment m = segment_record(g, name, sealed);
	struct buf b;

	buf_init(&b, JOURNAL_RECORD_MAX);
	if (msg_put_j_segment(&b, &m) == 0)
		session_note(s, MSG_J_SEGMENT, &b);
	buf_release(&b);
}
