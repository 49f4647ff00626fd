/* The tap of a session: started here, told what to do, listened to. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "alert.h"
#include "past.h"
#include "disk.h"
#include "netns.h"
#include "session.h"

static void tap_device(struct session *s, const struct frame *f);
static void start_step(void *arg, const struct err *e);

/* --- what it says --- */

static void tap_stats(struct session *s, const struct frame *f)
{
	struct msg_tap_stats m, before;
	struct err e;

	if (msg_get_tap_stats(f->payload, f->len, &m, &e)) {
		log_warn("session %s: %s", s->name, e.text);
		return;
	}
	before = s->total;
	/* Time to drain is for one that gets nowhere. */
	if (s->state == SESSION_STOPPING && m.written_bytes > s->total.written_bytes)
		s->deadline_ns = clock_mono_ns() + SESSION_STOP_NS;
	s->total = m;
	disk_dropped(s, &before);
	history_add(&s->history,
		    &(struct second){m.time_ns, m.packets, m.bytes, m.dropped_kernel, 0});
	session_counters_second(s, m.time_ns);
	s->tap_ended = s->tap_ended || m.ended;
	if (m.ended)
		s->deadline_ns = clock_mono_ns() + SESSION_STOP_NS;
	control_changed(s->control);
	alerts_look(s);
	segment_watch(s);
}

static void tap_counts(struct session *s, const struct frame *f)
{
	struct msg_tap_counts m;

	if (msg_get_tap_counts(f->payload, f->len, &m, NULL) == 0)
		session_counts(s, &m);
}

static void tap_error(struct session *s, const struct frame *f)
{
	struct msg_error m;
	struct err e;

	if (msg_get_error(f->payload, f->len, &m, &e) == 0) {
		err_set(&e, (enum err_code)m.code, "%.*s", (int)m.sentence.len, m.sentence.p);
		e.at = (int)m.at;
	}
	if (f->id && f->id != s->start_id) {
		if (!session_noted(s, f->id, &e))
			job_answer(s, f->id, &e);
		return;
	}
	s->tap_error = e;
	log_error("session %s: its tap says: %s", s->name, e.text);
}

static void tap_event(struct session *s, const struct frame *f)
{
	struct msg_event m;

	if (msg_get_event(f->payload, f->len, &m, NULL))
		return;
	control_event(s->control,
		      str_is(m.severity, "error")  ? "error"
		      : str_is(m.severity, "warn") ? "warn"
						   : "note",
		      s->name, "%.*s", (int)m.sentence.len, m.sentence.p);
}

/* What was asked for is there. */
static void tap_stops(struct session *s, const struct frame *f)
{
	struct msg_tap_stop m;
	char *reason;

	if (msg_get_tap_stop(f->payload, f->len, &m, NULL))
		return;
	reason = xstrndup(m.reason.p, m.reason.len);
	session_stopping(s, reason);
	free(reason);
}

static void on_message(void *arg, struct channel *channel, const struct frame *f, const int *fd,
		       size_t nfd)
{
	struct session *s = arg;
	struct msg_tap_need need;
	struct msg_tap_sealed sealed;
	struct msg_tap_saved saved;
	struct msg_tap_matched matched;

	(void)channel;
	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	switch (f->type) {
	case MSG_TAP_DEVICE:
		tap_device(s, f);
		break;
	case MSG_TAP_NEED:
		if (msg_get_tap_need(f->payload, f->len, &need, NULL) == 0)
			segment_need(s, &need);
		break;
	case MSG_TAP_SEALED:
		if (msg_get_tap_sealed(f->payload, f->len, &sealed, NULL) == 0)
			segment_sealed(s, &sealed);
		break;
	case MSG_TAP_SAVED:
		if (msg_get_tap_saved(f->payload, f->len, &saved, NULL) == 0)
			past_begun(s, &saved);
		break;
	case MSG_TAP_MATCHED:
		if (msg_get_tap_matched(f->payload, f->len, &matched, NULL) == 0)
			past_matched(s, &matched);
		break;
	case MSG_TAP_STATS:
		tap_stats(s, f);
		break;
	case MSG_TAP_COUNTS:
		tap_counts(s, f);
		break;
	case MSG_TAP_STOP:
		tap_stops(s, f);
		break;
	case MSG_DONE:
		if (f->id == s->start_id && s->state == SESSION_STARTING)
			start_step(s, NULL);
		else if (!session_noted(s, f->id, NULL))
			job_answer(s, f->id, NULL);
		break;
	case MSG_ERROR:
		tap_error(s, f);
		break;
	case MSG_EVENT:
		tap_event(s, f);
		break;
	default:
		log_debug("session %s: its tap says %s", s->name, msg_name(f->type));
	}
}

static void on_gone(void *arg, struct channel *channel, const struct err *why)
{
	struct session *s = arg;

	channel_close(channel);
	s->tap = NULL;
	session_tap_gone(s, why);
}

static const struct channel_ops tap_ops = {on_message, on_gone, NULL};

/* --- starting: devices, counters, own traffic, and the filter last, which starts them --- */

static void tap_device(struct session *s, const struct frame *f)
{
	struct msg_tap_device m;

	if (msg_get_tap_device(f->payload, f->len, &m, NULL) || m.index >= s->ndevices)
		log_warn("session %s: its tap told of a device that was not asked for", s->name);
	else
		join_answer(s, &m);
}

static void started(void *arg, const struct err *e)
{
	struct session *s = arg;

	if (e) {
		s->tap_error = *e;
		session_tap_gone(s, e);
		return;
	}
	s->state = SESSION_RUNNING;
	s->running_ns = clock_mono_ns();
	persist_started(s);
	session_note_filter(s, "", s->filter, 0, 0);
	alerts_begin(s);
	state_save(s);
	session_own_apply(s);
	control_event(s->control, "note", s->name, "started on %s", s->devices);
	for (unsigned i = 0; i < s->ndevices; i++)
		s->device[i].started = s->device[i].answered;
	reply_done(s->control, &s->started,
		   s->ndevices ? persist_note(s)
			       : "no such device is here yet: one that appears is captured");
}

/* All counters together, what a match asks for, then the filter, which starts the devices. */
static void start_step(void *arg, const struct err *e)
{
	struct session *s = arg;
	struct counter_change *change;
	const struct {
		const char *op, *filter;
	} when[] = {{"save", s->spec.save_when}, {"stop", s->spec.stop_when}};

	if (e) {
		s->tap_error = *e;
		session_tap_gone(s, e);
		return;
	}
	if (s->start_step == 0 && s->spec.ncounters > 0) {
		s->start_step = 1;
		change = xcalloc(s->spec.ncounters, sizeof(*change));
		for (unsigned i = 0; i < s->spec.ncounters; i++) {
			const struct spec_counter *k = &s->spec.counter[i];

			change[i] = (struct counter_change){"add", k->name, k->filter};
		}
		job_counters(s, change, s->spec.ncounters, start_step, s);
		free(change);
		return;
	}
	s->start_step += s->start_step == 0;
	for (; s->start_step <= ARRAY_LEN(when); s->start_step++) {
		const unsigned i = s->start_step - 1;

		if (!when[i].filter)
			continue;
		s->start_step++;
		job_start(s, MSG_TAP_WHEN, when[i].op, "", when[i].filter, start_step, s);
		return;
	}
	session_own_apply(s);
	job_start(s, MSG_TAP_FILTER, "change", "", s->filter, started, s);
}

/* --- the process --- */

/* TAPDECK_TAP: where the one with the right to capture lies, when it is not among the usual places.
 * Where there is none, as on a host that got a single static file, this very program serves under
 * that name. */
static char *tap_path(void)
{
	const char *said = getenv("TAPDECK_TAP");
	char *path = said && said[0] == '/' ? xstrdup(said) : spawn_sibling("tapdeck-tap", NULL);

	return path ? path : xstrdup("/proc/self/exe");
}

static int tap_spawn(struct session *s, int fd, struct err *e)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeck-tap", NULL};
	/* names and alignments of files are by one clock */
	char *zone = getenv("TZ") ? xasprintf("TZ=%s", getenv("TZ")) : NULL;
	char *envp[] = {(char *)(uintptr_t) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", zone, NULL};
	/* no_new_privs would take the file's capability away: the tap sets it itself. It outlives
	 * us to drain what it has. */
	struct spawn p = {
		.argv = argv, .envp = envp, .nfd = 4, .fd = {-1, 2, 2, fd}, .new_session = true};
	char *path = tap_path();

	p.path = path;
	s->tap_pid = spawn_start(&p, e);
	if (s->tap_pid < 0 && errno == EACCES)
		err_set(e, ERR_REFUSED,
			"%s may not be run by you: join the group tapdeck-capture, or ask root",
			path);
	free(path);
	free(zone);
	return s->tap_pid < 0 ? -1 : 0;
}

static int tap_send_start(struct session *s, struct err *e)
{
	int fd[4 + NETNS_MAX] = {s->chunks_fd, s->release_fd, s->wake_fd, s->tap_journal_fd};
	struct msg_tap_start m = {
		.session = str_of(s->name),
		.snaplen = s->spec.snaplen,
		.buffer_bytes = s->spec.buffer_bytes,
		.chunks = s->chunks.slots,
		.promiscuous = s->spec.promiscuous,
		.direction = s->spec.direction,
		.record = s->spec.record,
		.file_format = str_of(s->spec.pcap ? "pcap" : "pcapng"),
		.wait_ms = s->spec.wait_ms,
		.rotate_bytes = s->spec.size_bytes,
		.rotate_packets = s->spec.packets,
		.rotate_ns = s->spec.every_ns,
		.aligned = !s->spec.aligned ? 0
			   : s->spec.utc    ? 2
					    : 1,
		.stop_bytes = s->spec.stop.bytes,
		.may_wait = join_waits(s),
		.sample = s->spec.sample,
		.stamp = str_of(s->spec.stamp ? s->spec.stamp : ""),
		.microseconds = s->spec.microseconds,
		.past_bytes = s->spec.past_bytes,
		.past_ns = s->spec.past_ns,
	};
	struct buf b;
	int r;

	if (s->spec.record && spec_rotates(&s->spec)) /* files, not packets */
		m.stop_segments = s->spec.stop.number < UINT32_MAX ? (uint32_t)s->spec.stop.number
								   : UINT32_MAX;
	else
		m.stop_packets = s->spec.stop.number;
	for (unsigned i = 0; i < s->ndevices; i++)
		m.devices.at[i] = str_of(s->device[i].name);
	m.devices.count = s->ndevices;
	for (unsigned i = 0; i < netns_count(s->netns); i++) {
		m.spaces.at[i] = str_of(netns_name(s->netns, i));
		fd[4 + m.spaces.count++] = netns_fd(s->netns, i);
	}
	s->start_id = ++s->last_id;
	buf_init(&b, MSG_PAYLOAD_MAX);
	r = msg_put_tap_start(&b, &m);
	if (r == 0)
		r = channel_send_fds(s->tap, MSG_TAP_START, 0, s->start_id, b.data, b.len, fd,
				     4 + m.spaces.count);
	buf_release(&b);
	netns_close(s->netns);
	return r ? err_set(e, ERR_REFUSED, "the tap of %s could not be told what to do", s->name)
		 : 0;
}

/* Its number may be another process's from now on. What it had said is still read, then `gone`
 * comes. */
static void on_exit_of_tap(void *arg, pid_t pid, int status)
{
	struct session *s = arg;

	s->tap_pid = 0;
	if (WIFSIGNALED(status))
		log_error("session %s: its tap (pid %ld) was ended by signal %d", s->name,
			  (long)pid, WTERMSIG(status));
	if (WIFSIGNALED(status) && !s->tap_error.code)
		err_set(&s->tap_error, ERR_REFUSED, "ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
}

int tap_child_start(struct session *s, struct err *e)
{
	uint32_t slots;
	int fd[2];

	if (past_chunks(s, &slots, e) || chunks_create(slots, &s->chunks_fd, &s->release_fd, e) ||
	    chunks_map(&s->chunks, s->chunks_fd, s->release_fd, CHUNKS_CONTROL, e))
		return -1;
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake_fd < 0)
		return err_errno(e, ERR_REFUSED, "no eventfd");
	if (fdio_socketpair(fd, e))
		return -1;
	if (tap_spawn(s, fd[1], e) || fdio_set_nonblock(fd[0])) {
		close(fd[0]);
		close(fd[1]);
		return -1;
	}
	close(fd[1]);
	children_add(s->control->children, s->tap_pid, on_exit_of_tap, s);
	s->tap = channel_new(s->control->loop, fd[0], -1, &tap_ops, s);
	return tap_send_start(s, e);
}
