/* The reader of a session: follows its chunks while it runs, reads its files when it has ended;
 * started again when it dies. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "folder.h"
#include "reader_child.h"
#include "session.h"
#include "session_unpack.h"

#define READER_MEMORY_BYTES (512ull << 20)
#define READER_DEATHS_NS (60 * NS_PER_S)

static bool follows(const struct session *s)
{
	return s->chunks.head != NULL;
}

static int send_journal(struct session *s, struct reader_child *r)
{
	struct msg_read_journal journal = {.name = str_of("reader.journal")};
	struct buf b;
	int rc;

	/* Without files a new reader cannot see what the former saw: it numbers on from there. */
	if (!session_recorded(s) && s->reader_deaths && s->reader_journal_fd >= 0)
		journal.base_connections = salvage_connections(s->reader_journal_fd);
	buf_init(&b, MSG_PAYLOAD_MAX);
	rc = msg_put_read_journal(&b, &journal);
	if (rc == 0 && s->reader_journal_fd >= 0)
		rc = reader_child_send(r, MSG_READ_JOURNAL, &b, &s->reader_journal_fd, 1);
	buf_release(&b);
	return rc;
}

/* Files are gone, and who reads what is left does not see who was numbered in them: the journal of
 * the former reader says it. */
static void send_former(struct session *s, struct reader_child *r)
{
	struct msg_read_journal former = {.name = str_of("reader.journal")};
	struct buf b;
	int fd;

	for (unsigned i = 0; i < s->nsegments && !former.before; i++)
		if (!s->segment[i].saved && segment_first_packet(s, &s->segment[i]) > 0)
			former.before = s->segment[i].number;
		else if (!s->segment[i].saved)
			return;
	fd = former.before ? folder_open(s->folder, former.name.p, O_RDONLY) : -1;
	if (fd < 0)
		return;
	buf_init(&b, MSG_PAYLOAD_MAX);
	if (msg_put_read_journal(&b, &former) == 0)
		(void)reader_child_send(r, MSG_READ_JOURNAL, &b, &fd, 1); /* -1: it is gone */
	buf_release(&b);
	close(fd);
}

static int send_chunks(struct session *s, struct reader_child *r)
{
	const struct msg_read_chunks chunks = {.session = str_of(s->name),
					       .record = s->spec.record,
					       .memory_bytes = READER_MEMORY_BYTES};
	const int fd[3] = {s->chunks_fd, s->release_fd, s->wake_fd};
	struct buf b;
	int rc;

	buf_init(&b, MSG_PAYLOAD_MAX);
	rc = msg_put_read_chunks(&b, &chunks);
	if (rc == 0)
		rc = reader_child_send(r, MSG_READ_CHUNKS, &b, fd, 3);
	buf_release(&b);
	return rc;
}

/* false: not yet, as nothing stands in it so far; session_tick comes again. */
static bool segment_tell(struct session *s, unsigned i)
{
	struct segment *g = &s->segment[i];
	char *name = segment_file(g, segment_is_part(g));
	int fd = folder_open(s->folder, name, O_RDONLY);
	struct stat st;

	if (fd >= 0 && !g->sealed && session_runs(s) && fstat(fd, &st) == 0 && st.st_size == 0) {
		close(fd);
		free(name);
		return false;
	}
	g->first_packet = segment_first_packet(s, g);
	if (fd < 0 && errno == ENOENT) { /* sealed, but still .part: it could not be renamed */
		free(name);
		name = segment_file(g, g->sealed);
		fd = folder_open(s->folder, name, O_RDONLY);
	}
	if (fd < 0) {
		log_warn("session %s: the reader cannot have %s", s->name, name);
	} else {
		const struct msg_read_file m = {.name = str_of(g->name),
						.first_packet = g->first_packet,
						.segment = g->number,
						.growing = (!g->sealed && session_runs(s)) ||
							   session_unpack_behind(s, i)};

		(void)reader_child_file(s->reader, fd, &m); /* -1: it is gone */
		session_unpack_sent(s);
		close(fd);
	}
	free(name);
	g->told = true;
	return true;
}

/* In order, and one that is written only when it is known how many packets are before it. false:
 * one is still being unpacked. */
static bool segments_tell(struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (g->saved && follows(s))
			continue; /* what is saved of the past it has seen in the chunks */
		if (!g->told && g->packed && !session_unpack_tell(s, g))
			return false;
		if (!g->told && !segment_tell(s, i))
			return true;
		if (!g->sealed)
			break;
	}
	session_unpack_all(s);
	return true;
}

void session_reader_segments(struct session *s)
{
	if (!s->reader || !s->reader->channel || !segments_tell(s))
		return;
	if (s->chunks_owed) {
		s->chunks_owed = false;
		if (follows(s))
			(void)send_chunks(s, s->reader); /* -1: it is gone, and will be missed */
		if (s->state == SESSION_FINISHING && s->nmending == 0)
			session_mended(s); /* that waited for this */
	}
}

void session_reader_gone(struct session *s, const struct segment *g)
{
	const struct msg_read_ended m = {.number = UINT32_MAX, .gone = str_of(g->name)};
	const bool begun = session_unpack_gone(s, g);

	if ((g->told || begun) && s->reader && s->reader->channel)
		(void)channel_put_read_ended(s->reader->channel, 0, 0,
					     &m); /* -1: `gone` will come */
}

int session_reader_start(struct session *s, struct err *e)
{
	if (!follows(s) && s->nsegments == 0)
		return err_set(e, ERR_ABSENT,
			       "the session %s has ended and had recorded nothing: its totals and "
			       "the history are what is left",
			       s->name);
	s->reader = reader_child_start(s->control, s, s->name, e);
	if (!s->reader)
		return -1;
	for (unsigned i = 0; i < s->nsegments; i++)
		s->segment[i].told = false;
	session_unpack_drop(s);
	s->chunks_owed = follows(s);
	send_former(s, s->reader);
	if (follows(s))
		(void)send_journal(s, s->reader); /* -1: it is gone, and will be missed */
	session_reader_segments(s);
	return 0;
}

/* true: it may be started once more. */
static bool may_start_again(struct session *s)
{
	const int64_t now_ns = clock_mono_ns();

	if (now_ns - s->reader_death_ns > READER_DEATHS_NS)
		s->reader_deaths = 0;
	s->reader_death_ns = now_ns;
	return ++s->reader_deaths <= SESSION_READER_DEATHS_MAX;
}

void session_reader_lost(struct session *s, struct reader_child *r)
{
	struct err e;

	s->reader = NULL;
	session_unpack_drop(s);
	if (s->chunks.release)
		atomic_store(&s->chunks.release->released,
			     UINT64_MAX); /* the tap waits for nobody */
	err_set(&e, ERR_PART,
		"the process that reads the session %s died; counting and recording go on",
		s->name);
	if (s->state > SESSION_STOPPING) {
		reader_child_move(r, NULL, &e);
		session_reader_finished(s);
	} else if (!may_start_again(s)) {
		err_set(&e, ERR_PART,
			"the process that reads the session %s died %u times in a minute and is "
			"let be; counting and recording go on",
			s->name, SESSION_READER_DEATHS_MAX);
		session_event(s, "error", "%s", e.text);
		reader_child_move(r, NULL, &e);
	} else {
		session_event(s, "warn", "%s; another one has been started%s", e.text,
			      s->spec.record ? " and catches up from the files" : "");
		if (session_reader_start(s, &e))
			session_event(s, "error", "no connections any more: %s", e.text);
		reader_child_move(r, s->reader, &e);
	}
	reader_child_free(r);
}

void session_unbound(struct session *s)
{
	struct reader_child *r = s->reader;

	/* What was only counted has its connections there and nowhere else, if it saw it. */
	if (!r || s->state != SESSION_ENDED || map_count(r->bindings) ||
	    (s->chunks_fd >= 0 && !session_recorded(s)))
		return;
	s->reader = NULL;
	session_unpack_drop(s);
	reader_child_free(r);
}
