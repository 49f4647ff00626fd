/* Segments: the files of a recording. Control opens, names and removes them; the tap says when the
 * next begins, and writes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "disk.h"
#include "folder.h"
#include "outlet.h"
#include "past.h"
#include "session.h"

struct segment *segment_open(struct session *s)
{
	for (unsigned i = s->nsegments; i > 0; i--)
		if (!s->segment[i - 1].sealed && !s->segment[i - 1].saved)
			return &s->segment[i - 1];
	return NULL;
}

bool segment_is_part(const struct segment *g)
{
	return !g->sealed || g->part;
}

struct segment *segment_add(struct session *s, uint32_t number, const char *name)
{
	struct segment *g;

	s->segment = xreallocarray(s->segment, s->nsegments + 1, sizeof(*s->segment));
	g = &s->segment[s->nsegments++];
	*g = (struct segment){
		.number = number, .name = xstrdup(name), .fd = -1, .opened_ns = clock_mono_ns()};
	return g;
}

/* The file, empty and open. NULL: *why is its errno. */
static struct segment *segment_make(struct session *s, uint32_t number, int *why, struct err *e)
{
	char *name = segment_choose(s, number), *part;
	struct segment *g = segment_add(s, number, name);

	free(name);
	part = segment_file(g, true);
	/* Known before it is there: whoever comes after a crash finds every file that is. */
	state_save(s);
	g->fd = folder_open(s->folder, part, O_RDWR | O_CREAT | O_EXCL);
	if (g->fd < 0) {
		*why = errno;
		(void)err_errno(e, ERR_REFUSED, "could not make the file %s/%s", s->folder, part);
		free(g->name);
		s->nsegments--;
		g = NULL;
	} else {
		s->last_segment = number;
	}
	free(part);
	return g;
}

/* -1 of sending: `gone` will come. */
static int segment_create(struct session *s, const struct msg_tap_need *need, int *why,
			  struct err *e)
{
	struct segment *g = segment_make(s, need->number, why, e);
	struct msg_tap_segment m = {.number = need->number};
	struct buf b;

	if (!g)
		return -1;
	g->saved = need->saved != 0;
	m.name = str_of(g->name);
	buf_init(&b, MSG_PAYLOAD_MAX);
	if (msg_put_tap_segment(&b, &m) == 0)
		(void)channel_send_fds(s->tap, MSG_TAP_SEGMENT, 0, 0, b.data, b.len, &g->fd, 1);
	buf_release(&b);
	if (g->saved) {
		state_save(s); /* that it stands nowhere in the order */
		return 0;
	}
	s->recording = true;
	outlets_opened(s, g);
	return 0;
}

void session_record(struct session *s, bool on)
{
	const struct msg_tap_record m = {.on = on};

	if (on == s->recording || !s->tap || (on && s->opening))
		return;
	s->spec.record = s->spec.record || on;
	s->persist.recorded = on;
	s->opening = on;
	state_save(s);
	(void)channel_put_tap_record(s->tap, 0, 0, &m); /* -1: `gone` will come */
}

void session_rotate(struct session *s)
{
	const struct msg_tap_rotate m = {0};
	struct segment *g = segment_open(s);

	if (!g || g->rotating || !s->tap)
		return;
	(void)channel_put_tap_rotate(s->tap, 0, 0, &m); /* -1: `gone` will come */
	g->rotating = true;
}

bool session_recorded(const struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++)
		if (!s->segment[i].saved)
			return true;
	return false;
}

void segment_need(struct session *s, const struct msg_tap_need *m)
{
	const struct msg_tap_segment none = {.number = m->number};
	int why = 0;
	struct err e;

	if (!s->tap || s->state > SESSION_STOPPING)
		return;
	s->opening = s->opening && m->saved;
	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].number == m->number)
			return; /* asked twice */
	if (segment_create(s, m, &why, &e)) {
		(void)channel_put_tap_segment(s->tap, 0, 0, &none); /* -1: `gone` will come */
		if (m->saved) {
			past_failed(s, &e);
			return;
		}
		s->recording = segment_open(s) != NULL;
		waiting_error(s->control, &s->opens, &e);
		disk_refused(s, NULL, why, e.text);
		control_changed(s->control);
		return;
	}
	if (!m->saved)
		waiting_done(s->control, &s->opens, "");
	session_reader_segments(s);
	control_changed(s->control);
}

int segment_name(struct session *s, struct segment *g, struct err *e)
{
	char *part = segment_file(g, true);
	int r = 0;

	g->part = folder_rename(s->folder, part, g->name) != 0;
	if (g->part)
		r = err_errno(e, ERR_REFUSED, "could not rename %s to %s in %s", part, g->name,
			      s->folder);
	else if (folder_sync(s->folder))
		r = err_errno(e, ERR_PART,
			      "could not sync the folder %s: the name %s may be lost "
			      "with the machine",
			      s->folder, g->name);
	free(part);
	return r;
}

/* What the tap noted is not how it is now. */
static void segment_note_part(struct session *s, const struct segment *g, bool uncertain)
{
	char *name = segment_file(g, true);

	segment_journal(s, g, name, uncertain ? SEGMENT_UNCERTAIN : SEGMENT_COMPLETE);
	free(name);
}

static void segment_show(struct session *s, struct segment *g, const struct msg_tap_sealed *m)
{
	struct err e;

	if (m->failed == SEGMENT_NOT_SYNCED) {
		g->part = true;
		(void)snprintf(g->reason, sizeof(g->reason), "not synced: %.40s",
			       strerror((int)m->error));
		session_event(s, "error",
			      "%s keeps its name .part: whether all of it is on the disk is not "
			      "known (%s)",
			      g->name, strerror((int)m->error));
		segment_note_part(s, g, true);
		return;
	}
	if (segment_name(s, g, &e) == 0)
		return;
	if (!g->part) {
		session_event(s, "warn", "%s", e.text);
		return;
	}
	(void)snprintf(g->reason, sizeof(g->reason), "not renamed: %.40s", strerror(errno));
	session_event(s, "error", "a complete file keeps its name .part: %s", e.text);
	segment_note_part(s, g, false);
}

/* Not a byte of the past could be written: there is no file. */
static void segment_unsaved(struct session *s, struct segment *g)
{
	char *part = segment_file(g, true);
	const struct segment gone = *g;

	(void)folder_unlink(s->folder, part); /* it holds nothing */
	free(part);
	s->nsegments--;
	memmove(g, g + 1, (s->nsegments - (size_t)(g - s->segment)) * sizeof(*g));
	past_sealed(s, &gone);
	free(gone.name);
	state_save(s);
	control_changed(s->control);
}

static void segment_take(struct segment *g, const struct msg_tap_sealed *m)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	g->sealed = true;
	g->sealed_mono_ns = clock_mono_ns();
	g->packets = m->packets;
	g->bytes = m->bytes;
	g->first_ns = m->first_ns;
	g->last_ns = m->last_ns;
	(void)snprintf(g->reason, sizeof(g->reason), "%.*s", (int)m->reason.len, m->reason.p);
}

void segment_sealed(struct session *s, const struct msg_tap_sealed *m)
{
	struct segment *g = NULL;
	bool saved;

	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].number == m->number && !s->segment[i].sealed)
			g = &s->segment[i];
	if (!g) {
		log_warn("session %s: the tap sealed segment %u, which is not open", s->name,
			 m->number);
		return;
	}
	segment_take(g, m);
	saved = g->saved;
	if (saved && g->bytes == 0) {
		segment_unsaved(s, g);
		return;
	}
	(void)segment_first_packet(s, g); /* while the chunks say it */
	if (m->failed || !outlets_hold(s, g))
		segment_show(s, g, m);
	outlets_sealed(s, g);
	s->recording = segment_open(s) != NULL;
	if (saved)
		past_sealed(s, g); /* which may begin another: g is no more */
	else if (m->failed)
		disk_refused(s, g, (int)m->error, strerror((int)m->error));
	segments_expire(s);
	state_save(s);
	if (!saved)
		waiting_done(s->control, &s->seals, "");
	session_reader_segments(s);
	control_changed(s->control);
}

uint64_t segment_first_packet(struct session *s, struct segment *g)
{
	const uint64_t next = s->chunks.head ? atomic_load(&s->chunks.head->next) : 0;
	const struct segment *before = g;

	for (uint64_t n = next > CHUNK_ENTRIES ? next - CHUNK_ENTRIES : 0; n < next && !g->begun;
	     n++) {
		const uint8_t *data;
		uint32_t length;
		const struct chunk_entry *entry = chunks_get(&s->chunks, n, &data, &length);

		if (!entry || entry->segment != g->number || entry->file_offset != 0)
			continue;
		g->first_packet = entry->first_packet;
		g->begun = true;
	}
	do /* what is saved stands nowhere in the order */
		before = before > s->segment ? before - 1 : NULL;
	while (before && before->saved);
	if (!g->begun && !g->saved && before && before->sealed && g->first_packet == 0)
		return before->first_packet + before->packets;
	return g->first_packet;
}
