/* Segments: the files of a recording. Control opens, names and removes them; the tap writes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "folder.h"
#include "outlet.h"
#include "session.h"

#define SEGMENT_NAME_MAX 200u
#define SEGMENT_TRIES 1000

struct segment *segment_open(struct session *s)
{
	for (unsigned i = s->nsegments; i > 0; i--)
		if (!s->segment[i - 1].sealed)
			return &s->segment[i - 1];
	return NULL;
}

bool segment_is_part(const struct segment *g)
{
	return !g->sealed || g->part;
}

char *segment_path(const struct session *s, const struct segment *g, bool part)
{
	return xasprintf("%s/%s%s", s->folder, g->name, part ? ".part" : "");
}

char *segment_file(const struct segment *g, bool part)
{
	return xasprintf("%s%s", g->name, part ? ".part" : "");
}

/* One conversion of a pattern: time in UTC, and the number. -1: there is no such one. */
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
char *segment_pattern(const char *pattern, int64_t now_ns, uint32_t number)
{
	const time_t now = (time_t)(now_ns / NS_PER_S);
	struct buf out;
	struct tm tm;
	char *text = NULL;
	int r = gmtime_r(&now, &tm) ? 0 : -1;

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

/* A name that nothing has yet, owned by the caller. */
static char *segment_choose(const struct session *s, uint32_t number)
{
	const char *suffix = s->spec.pcap ? "pcap" : "pcapng";
	char *stem = s->spec.names ? segment_pattern(s->spec.names, clock_now_ns(), number) : NULL;

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

struct segment *segment_add(struct session *s, uint32_t number, const char *name)
{
	struct segment *g;

	s->segment = xreallocarray(s->segment, s->nsegments + 1, sizeof(*s->segment));
	g = &s->segment[s->nsegments++];
	*g = (struct segment){
		.number = number, .name = xstrdup(name), .fd = -1, .opened_ns = clock_mono_ns()};
	return g;
}

static int segment_create(struct session *s, uint32_t number, struct err *e)
{
	char *name = segment_choose(s, number), *part;
	struct segment *g = segment_add(s, number, name);
	struct msg_tap_segment m;
	struct buf b;
	int r = 0;

	free(name);
	part = segment_file(g, true);
	g->fd = folder_open(s->folder, part, O_RDWR | O_CREAT | O_EXCL);
	if (g->fd < 0) {
		r = err_errno(e, ERR_REFUSED, "could not make the file %s/%s", s->folder, part);
		free(g->name);
		s->nsegments--;
		goto out;
	}
	m = (struct msg_tap_segment){.number = number, .name = str_of(g->name)};
	buf_init(&b, MSG_PAYLOAD_MAX);
	if (msg_put_tap_segment(&b, &m) == 0)
		(void)channel_send_fds(s->tap, MSG_TAP_SEGMENT, 0, 0, b.data, b.len, &g->fd,
				       1); /* -1: `gone` will come */
	buf_release(&b);
	s->recording = true;
	state_save(s);
	outlets_opened(s, g);
out:
	free(part);
	return r;
}

void segment_need(struct session *s, const struct msg_tap_need *m)
{
	const struct msg_tap_record off = {.on = 0};
	struct err e;

	if (!s->tap || s->state > SESSION_STOPPING)
		return;
	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].number == m->number)
			return; /* asked twice */
	if (segment_create(s, m->number, &e)) {
		control_event(s->control, "error", s->name,
			      "recording stopped, counting goes on: %s", e.text);
		s->recording = false;
		waiting_error(s->control, &s->opens, &e);
		(void)channel_put_tap_record(s->tap, 0, 0, &off); /* -1: `gone` will come */
		return;
	}
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
		r = err_errno(e, ERR_REFUSED, "could not sync the folder %s", s->folder);
	free(part);
	return r;
}

/* --- keep --- */

static bool keep_has_enough(const struct session *s)
{
	const struct spec_limits *keep = &s->spec.keep;
	const struct segment *oldest = NULL;
	unsigned sealed = 0;

	for (unsigned i = 0; i < s->nsegments; i++) {
		if (!s->segment[i].sealed)
			continue;
		oldest = oldest ? oldest : &s->segment[i];
		sealed++;
	}
	if (sealed < 2) /* the newest one always stays */
		return true;
	return (!keep->number || sealed <= keep->number) &&
	       (!keep->bytes || session_file_bytes(s) <= keep->bytes) &&
	       (!keep->time_ns || oldest->last_ns >= clock_now_ns() - keep->time_ns);
}

static void segments_expire(struct session *s)
{
	while (s->nsegments > 1 && !keep_has_enough(s)) {
		struct segment *g =
			s->segment; /* the oldest is sealed: they are sealed in their order */

		char *file = segment_file(g, segment_is_part(g));
		const bool stays = folder_unlink(s->folder, file) && errno != ENOENT;

		if (stays)
			control_event(s->control, "error", s->name,
				      "could not remove %s, which is past \"keep\": %s", file,
				      strerror(errno));
		free(file);
		if (stays)
			return;
		outlets_removed(s, g);
		free(g->name);
		s->nsegments--;
		s->removed_files++;
		memmove(s->segment, s->segment + 1, s->nsegments * sizeof(*s->segment));
	}
}

void segment_sealed(struct session *s, const struct msg_tap_sealed *m)
{
	struct segment *g = NULL;
	struct err e;

	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].number == m->number && !s->segment[i].sealed)
			g = &s->segment[i];
	if (!g) {
		log_warn("session %s: the tap sealed segment %u, which is not open", s->name,
			 m->number);
		return;
	}
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
	g->sealed = true;
	g->packets = m->packets;
	g->bytes = m->bytes;
	g->first_ns = m->first_ns;
	g->last_ns = m->last_ns;
	(void)snprintf(g->reason, sizeof(g->reason), "%.*s", (int)m->reason.len, m->reason.p);
	if (!outlets_hold(s, g) && segment_name(s, g, &e))
		control_event(s->control, "error", s->name,
			      "a complete file keeps its name .part: %s", e.text);
	outlets_sealed(s, g);
	s->recording = segment_open(s) != NULL;
	if (str_is(m->reason, "disk") && s->tap) {
		const struct msg_tap_record off = {.on = 0};

		control_event(s->control, "error", s->name,
			      "recording stopped as the disk takes no more, counting goes on; make "
			      "room, then `record %s on`",
			      s->name);
		(void)channel_put_tap_record(s->tap, 0, 0, &off); /* -1: `gone` will come */
	}
	segments_expire(s);
	state_save(s);
	waiting_done(s->control, &s->seals, "");
	session_reader_segments(s);
	control_changed(s->control);
}

/* --- when a segment is full, when the session is --- */

bool session_watches_size(const struct session *s)
{
	return s->state == SESSION_RUNNING &&
	       (s->spec.size_bytes || s->spec.packets || s->spec.stop.bytes || s->spec.stop.number);
}

uint64_t segment_first_packet(struct session *s, struct segment *g)
{
	const uint64_t next = s->chunks.head ? atomic_load(&s->chunks.head->next) : 0;
	const struct segment *before = g > s->segment ? g - 1 : NULL;

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
	if (!g->begun && before && before->sealed && g->first_packet == 0)
		return before->first_packet + before->packets;
	return g->first_packet;
}

struct progress {
	uint64_t packets, segment_packets, segment_bytes;
};

/* What the chunks say, which is now; the tap's totals are up to a second old. */
static void progress_look(struct session *s, struct segment *g, struct progress *now)
{
	const uint64_t next = s->chunks.head ? atomic_load(&s->chunks.head->next) : 0;
	const struct chunk_entry *entry;
	const uint8_t *data;
	uint32_t length;
	struct stat st;

	*now = (struct progress){.packets = s->total.packets};
	entry = next ? chunks_get(&s->chunks, next - 1, &data, &length) : NULL;
	if (!entry)
		return;
	now->packets = entry->first_packet + atomic_load(&entry->packets);
	if (!g || entry->segment != g->number)
		return; /* nothing came into it so far */
	now->segment_packets = now->packets - segment_first_packet(s, g);
	now->segment_bytes = entry->file_offset + length;
	if (s->spec.pcap && g->fd >= 0 && fstat(g->fd, &st) == 0)
		now->segment_bytes = (uint64_t)st.st_size; /* smaller than its chunks */
}

static bool stop_due(const struct session *s, const struct progress *now)
{
	const struct spec_limits *stop = &s->spec.stop;
	const uint64_t bytes = s->spec.record ? session_file_bytes(s) + now->segment_bytes
					      : s->total.bytes;

	return (stop->number && !spec_rotates(&s->spec) && now->packets >= stop->number) ||
	       (stop->bytes && bytes >= stop->bytes) ||
	       (stop->time_ns && clock_mono_ns() - s->running_ns >= stop->time_ns);
}

static bool rotate_due(const struct session *s, const struct segment *g, const struct progress *now)
{
	if (s->spec.every_ns && clock_mono_ns() - g->opened_ns >= s->spec.every_ns)
		return true;
	if (s->spec.size_bytes && now->segment_bytes >= s->spec.size_bytes)
		return true;
	return s->spec.packets && now->segment_packets >= s->spec.packets;
}

void segment_watch(struct session *s)
{
	const struct msg_tap_rotate rotate = {0};
	struct segment *g = segment_open(s);
	struct progress now;

	if (s->state != SESSION_RUNNING || !s->tap)
		return;
	progress_look(s, g, &now);
	if (stop_due(s, &now)) {
		session_stop(s, "stop-after");
		return;
	}
	if (!g || g->rotating || !rotate_due(s, g, &now))
		return;
	if (s->spec.stop.number && g->number >= s->spec.stop.number) {
		session_stop(s, "stop-after");
		return;
	}
	g->rotating = true;
	(void)channel_put_tap_rotate(s->tap, 0, 0, &rotate); /* -1: `gone` will come */
}
