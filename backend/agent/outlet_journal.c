#include <unistd.h>

#include "base/log.h"
#include "journal/journal.h"
#include "outlet_private.h"

static int journal_add_segment(int fd, const struct msg_j_segment *m, struct err *e)
{
	struct journal *j = journal_new(fd, e);
	int r;

	if (!j)
		return -1;
	r = journal_add_j_segment(j, m, e);
	if (r == 0)
		r = journal_sync(j, e);
	journal_close(j);
	return r;
}

/* The session has ended, and so has its journal: a record behind the end replaces the earlier one
 * all the same. */
static void journal_reopen(struct session *s, struct segment *g)
{
	const struct msg_j_segment m = segment_record(g, g->name, SEGMENT_COMPLETE);
	struct err e;
	bool busy;
	const int fd = capture_journal_open(s, "tap.journal", &busy, &e);

	/* A tap that is just leaving still has it. */
	g->unnoted = fd < 0 && busy && s->outlets;
	if (!g->unnoted && (fd < 0 || journal_add_segment(fd, &m, &e)))
		control_event(s->control, "warn", s->name,
			      "the journal does not know the new name of %s: %s", g->name, e.text);
}

void outlet_journal(struct session *s, struct segment *g)
{
	if (s->tap_journal_fd >= 0)
		segment_journal(s, g, g->name, SEGMENT_COMPLETE);
	else
		journal_reopen(s, g);
}

void outlet_journal_step(struct outlets *o)
{
	struct session *s = o->session;

	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (!g->unnoted)
			continue;
		journal_reopen(s, g);
		if (!g->unnoted)
			state_save(s);
	}
}
