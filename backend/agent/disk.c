#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "folder.h"

#define NEAR_BYTES (UINT64_C(2) << 30) /* no disk is filled faster within a second */
#define JOURNAL_AHEAD_MOST (UINT64_C(1) << 20)
#define JOURNAL_AHEAD_PART 4u /* of the reserve, a journal */
#define AGAIN_NS (10 * NS_PER_S)
#define TELL_NS (60 * NS_PER_S)
#define GRACE_NS (100 * NS_PER_MS) /* for readers to let go of what was removed */

int disk_room(const struct control *c, int fd, struct disk_room *r)
{
	struct statvfs st;

	*r = (struct disk_room){0};
	if (fd < 0 || fstatvfs(fd, &st))
		return -1;
	r->total = (uint64_t)st.f_blocks * st.f_frsize;
	r->free = (uint64_t)st.f_bavail * st.f_frsize;
	r->keep = limits_free(&c->limits, r->total);
	return 0;
}

uint64_t disk_left(const struct disk_room *r)
{
	return r->free > r->keep ? r->free - r->keep : 0;
}

/* --- the journals' own blocks --- */

/* Not every file system can: then they take their chance with the reserve. */
static void journal_ahead(int fd, uint64_t reserve)
{
	const uint64_t part = reserve / JOURNAL_AHEAD_PART;
	const uint64_t ahead = part < JOURNAL_AHEAD_MOST ? part : JOURNAL_AHEAD_MOST;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) ||
	    (uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size + ahead / 2)
		return;
	(void)fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, (off_t)ahead);
}

static void journals_ahead(const struct session *s, uint64_t total)
{
	journal_ahead(s->tap_journal_fd, limits_reserve(total));
	journal_ahead(s->reader_journal_fd, limits_reserve(total));
}

static void journal_trim(int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0)
		(void)!ftruncate(fd, st.st_size); /* what it never had goes back all the same */
}

void disk_end(struct session *s)
{
	journal_trim(s->tap_journal_fd);
	journal_trim(s->reader_journal_fd);
}

int disk_begin(struct session *s, struct err *e)
{
	char free_text[TEXT_NUMBER_MAX], keep_text[TEXT_NUMBER_MAX];
	struct disk_room room;

	if (!s->spec.record || disk_room(s->control, s->tap_journal_fd, &room))
		return 0;
	if (disk_left(&room) == 0 && s->spec.on_full != SPEC_FULL_WAIT)
		return err_set(e, ERR_REFUSED,
			       "nothing can be recorded in %s: of its disk %s are free, and %s "
			       "stay so; make room, or lower \"limit free\" of this daemon",
			       s->control->captures, text_bytes(room.free, free_text),
			       text_bytes(room.keep, keep_text));
	journals_ahead(s, room.total);
	return 0;
}

/* --- recording on and off --- */

static void record(struct session *s, bool on, const char *reason, bool lost)
{
	const struct msg_tap_record m = {.on = on, .reason = str_of(reason), .lost = lost};

	if (s->tap)
		(void)channel_put_tap_record(s->tap, 0, 0, &m); /* -1: `gone` will come */
}

void disk_asked(struct session *s, bool on)
{
	s->disk.waits = s->disk.stopped = false;
	s->disk.begun_ns = clock_mono_ns();
	s->disk.begun_bytes = s->total.written_bytes;
	if (!on && !s->recording)
		record(s, false, "off", false);
}

static void stop_recording(struct session *s, const char *why)
{
	if (s->disk.stopped)
		return;
	s->disk.stopped = true;
	record(s, false, "disk", true);
	session_event(s, "error",
		      "recording stopped as the disk takes no more (%s), counting goes on; make "
		      "room, then `record %s on`",
		      why, s->name);
}

static void pause_recording(struct session *s, const char *why)
{
	if (s->disk.waits)
		return;
	s->disk.waits = true;
	s->disk.again_ns = clock_mono_ns() + NS_PER_S;
	record(s, false, "disk", true);
	session_event(s, "error",
		      "recording waits, as the disk takes no more (%s): what comes is counted and "
		      "not recorded until there is room",
		      why);
}

/* Twice what stays free, so that it is not done for each packet. Blocks come back when whoever
 * reads a file has let go of it, a moment later: its bytes count at once. false: nothing is left
 * that may go. */
static bool make_room(struct session *s, unsigned least, unsigned *removed)
{
	struct disk_room room;
	uint64_t gone = 0, bytes;

	*removed = 0;
	if (disk_room(s->control, s->tap_journal_fd, &room))
		return false;
	while (*removed < least || room.free + gone < room.keep + limits_reserve(room.total)) {
		if (!segments_let_go(s, &bytes))
			return *removed >= least && room.free + gone > room.keep;
		gone += bytes;
		++*removed;
	}
	return true;
}

static void drop_oldest(struct session *s, bool refused, const char *why)
{
	unsigned removed;
	const bool room = make_room(s, refused, &removed);

	s->disk.grace_ns = clock_mono_ns() + GRACE_NS;
	s->disk.untold += removed;
	if (s->disk.untold && (!s->disk.told_ns || s->disk.grace_ns > s->disk.told_ns + TELL_NS)) {
		session_event(s, "warn",
			      "the disk takes no more (%s): %u of the oldest files of this session "
			      "%s removed, so that recording goes on",
			      why, s->disk.untold, s->disk.untold == 1 ? "was" : "were");
		s->disk.told_ns = s->disk.grace_ns;
		s->disk.untold = 0;
	}
	if (!room) {
		stop_recording(s, removed ? "and nothing is left to be removed"
					  : "and there is nothing to be removed");
	} else if (!s->recording) {
		s->disk.waits = true;
		s->disk.again_ns = 0;
	}
	state_save(s);
}

/* refused: a file was, it is no look ahead. */
static void disk_full(struct session *s, bool refused, const char *why)
{
	switch (s->spec.on_full) {
	case SPEC_FULL_STOP:
		stop_recording(s, why);
		break;
	case SPEC_FULL_OLDEST:
		drop_oldest(s, refused, why);
		break;
	case SPEC_FULL_WAIT:
		pause_recording(s, why);
		break;
	}
}

static bool is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

void disk_refused(struct session *s, struct segment *g, int error, const char *why)
{
	const int64_t now_ns = clock_mono_ns();
	const bool again = s->disk.refused_ns && now_ns - s->disk.refused_ns < AGAIN_NS;
	/* A limit for the size of files ends one after the other, each with what it may have. */
	const bool goes_on = error == EFBIG && g && g->packets;

	s->disk.refused_ns = now_ns;
	if (g && g->packets == 0 && g->sealed)
		(void)segment_remove(s, g, "nothing could be written to it"); /* it said so */
	if (s->state != SESSION_RUNNING || s->disk.stopped)
		return;
	if (is_full(error)) {
		disk_full(s, true, why);
	} else if (again && !goes_on) {
		stop_recording(s, why); /* a file that follows is no better */
	} else {
		if (!again)
			session_event(s, "warn", "recording goes on in another file (%s)", why);
		record(s, true, "", false);
	}
}

/* --- limits --- */

uint64_t disk_limit_bytes(const struct session *s)
{
	const struct spec_limits *keep = &s->spec.keep;
	const bool said = s->spec.stop.bytes || keep->number || keep->bytes || keep->time_ns;

	return said ? 0 : s->control->limits.size_bytes;
}

int64_t disk_limit_ns(const struct session *s)
{
	const bool said = s->spec.stop.time_ns || s->spec.keep.time_ns || s->spec.persist;

	return said ? 0 : s->control->limits.time_ns;
}

int64_t disk_limit_left_ns(const struct session *s)
{
	const int64_t begun_ns = s->disk.begun_ns ? s->disk.begun_ns : s->running_ns;
	const int64_t left_ns = disk_limit_ns(s) - (clock_mono_ns() - begun_ns);

	return left_ns > 0 ? left_ns : 0;
}

uint64_t disk_recorded(const struct session *s)
{
	return s->total.written_bytes - s->disk.begun_bytes;
}

/* true: one is reached. */
static bool limits_look(struct session *s)
{
	const uint64_t bytes = disk_limit_bytes(s);
	const int64_t ns = disk_limit_ns(s);
	char text[TEXT_NUMBER_MAX];

	if (bytes && disk_recorded(s) >= bytes)
		(void)text_bytes(bytes, text);
	else if (ns && disk_limit_left_ns(s) == 0)
		(void)text_duration(ns, text);
	else
		return false;
	s->disk.stopped = true;
	record(s, false, "limit", false);
	session_event(s, "warn",
		      "recording ended, as it has reached this daemon's limit of %s; counting goes "
		      "on. `record %s on` records as much again; \"stop-after\" or \"keep\" with "
		      "`new`, or \"limit\" in the daemon's configuration, set others",
		      text, s->name);
	return true;
}

/* --- looking --- */

static void wait_look(struct session *s, const struct disk_room *room)
{
	/* Files that went for it are room enough; else some more, so that it is for a while. */
	const uint64_t more = s->spec.on_full == SPEC_FULL_OLDEST ? 0 : limits_reserve(room->total);

	if (clock_mono_ns() < s->disk.again_ns || room->free <= room->keep + more)
		return;
	/* Where room is not what is lacking (a quota), it is tried now and then. */
	s->disk.again_ns = clock_mono_ns() + AGAIN_NS;
	s->disk.waits = false;
	session_event(s, "note",
		      "there is room on the disk again: recording goes on in another file");
	record(s, true, "", false);
}

void disk_watch(struct session *s)
{
	char free_text[TEXT_NUMBER_MAX], why[128];
	struct disk_room room;

	if (s->state != SESSION_RUNNING || !s->tap || (!s->recording && !s->disk.waits) ||
	    s->disk.stopped)
		return;
	if (s->recording && limits_look(s))
		return;
	if (disk_room(s->control, s->tap_journal_fd, &room))
		return;
	s->disk.left = disk_left(&room);
	journals_ahead(s, room.total);
	if (s->disk.left == 0 || s->disk.waits)
		segments_missed(s);
	if (s->disk.waits)
		wait_look(s, &room);
	if (s->disk.left > 0 || clock_mono_ns() < s->disk.grace_ns ||
	    (s->disk.waits && s->spec.on_full != SPEC_FULL_OLDEST))
		return;
	(void)snprintf(why, sizeof(why), "%s are left, which stay free",
		       text_bytes(room.free, free_text));
	disk_full(s, s->disk.waits, why);
}

bool disk_near(const struct session *s)
{
	const uint64_t bytes = disk_limit_bytes(s);

	if (s->state != SESSION_RUNNING || s->disk.stopped)
		return false;
	if (!s->recording)
		return s->disk.waits && s->spec.on_full == SPEC_FULL_OLDEST;
	return s->disk.left < NEAR_BYTES || (bytes && disk_recorded(s) + NEAR_BYTES > bytes);
}

/* --- when packets were dropped --- */

static void dropped(struct drop_time *t, uint64_t now, uint64_t was, int64_t from_ns, int64_t to_ns)
{
	if (now <= was)
		return;
	t->first_ns = t->first_ns ? t->first_ns : from_ns;
	t->last_ns = to_ns;
}

void disk_dropped(struct session *s, const struct msg_tap_stats *before)
{
	const struct msg_tap_stats *now = &s->total;
	const int64_t from_ns = before->time_ns ? before->time_ns : s->started_ns;

	dropped(&s->disk.dropped_disk, now->dropped_disk, before->dropped_disk, from_ns,
		now->time_ns);
	dropped(&s->disk.dropped_buffer, now->dropped_buffer, before->dropped_buffer, from_ns,
		now->time_ns);
}
