/* Which files stay: `keep`, and room for others. A file that goes is noted in the journal, so that
 * the history knows that it is gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "folder.h"
#include "outlet.h"
#include "session.h"

static unsigned sealed_count(const struct session *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->nsegments; i++)
		n += s->segment[i].sealed && !s->segment[i].mending;
	return n;
}

static uint64_t sealed_bytes(const struct session *s)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < s->nsegments; i++)
		bytes += s->segment[i].sealed ? s->segment[i].bytes : 0;
	return bytes;
}

static struct segment *oldest_sealed(struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].sealed && !s->segment[i].mending)
			return &s->segment[i];
	return NULL;
}

int segment_remove(struct session *s, struct segment *g, const char *why)
{
	const unsigned at = (unsigned)(g - s->segment);
	char *file = segment_file(g, segment_is_part(g));
	const bool stays = folder_unlink(s->folder, file) && errno != ENOENT;

	if (stays && !s->removing_failed)
		session_event(s, "error", "could not remove %s, which is %s: %s", file, why,
			      strerror(errno));
	free(file);
	s->removing_failed = stays;
	if (stays)
		return -1;
	(void)snprintf(g->reason, sizeof(g->reason), "%.60s", why);
	session_reader_gone(s, g);
	segment_journal(s, g, g->name, SEGMENT_REMOVED);
	outlets_removed(s, g);
	free(g->name);
	s->nsegments--;
	s->removed_files++;
	memmove(s->segment + at, s->segment + at + 1, (s->nsegments - at) * sizeof(*s->segment));
	return 0;
}

/* Why the oldest is one too many; NULL: it is not. The newest one always stays. */
static const char *past_keep(struct session *s)
{
	const struct spec_limits *keep = &s->spec.keep;
	const struct segment *oldest = oldest_sealed(s);
	const unsigned sealed = sealed_count(s);

	if (!oldest || (sealed < 2 && !segment_open(s)))
		return NULL;
	if (keep->number && sealed > keep->number)
		return "past \"keep\": files";
	if (keep->bytes && sealed > 1 && sealed_bytes(s) > keep->bytes)
		return "past \"keep\": bytes";
	/* What no packet ever came into is as old as its end, which is when it was sealed. */
	if (keep->time_ns && oldest->last_ns && oldest->last_ns < clock_now_ns() - keep->time_ns)
		return "past \"keep\": age";
	if (keep->time_ns && !oldest->last_ns &&
	    clock_mono_ns() - oldest->sealed_mono_ns > keep->time_ns)
		return "past \"keep\": age";
	return NULL;
}

void segments_expire(struct session *s)
{
	const char *why;
	bool any = false;

	while ((why = past_keep(s)) != NULL && segment_remove(s, oldest_sealed(s), why) == 0)
		any = true;
	if (!any)
		return;
	state_save(s);
	control_changed(s->control);
}

void segments_missed(struct session *s)
{
	for (unsigned i = s->nsegments; i > 0; i--) {
		struct segment *g = &s->segment[i - 1];
		char *file = segment_file(g, segment_is_part(g));

		if (g->sealed && !g->mending && !folder_has(s->folder, file))
			(void)segment_remove(s, g, "removed by somebody");
		free(file);
	}
}

bool segments_let_go(struct session *s, uint64_t *bytes)
{
	struct segment *g = oldest_sealed(s);

	if (!g || (sealed_count(s) < 2 && !segment_open(s)))
		return false; /* it is all that there is */
	*bytes = g->bytes;
	return segment_remove(s, g, "the oldest, and the disk is full") == 0;
}
