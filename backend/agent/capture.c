/* The folder of a capture: its journals, and its files beside them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "folder.h"
#include "journal/journal.h"
#include "session.h"

#define CAPTURE_TRIES 100 /* captures of one name within a second */

bool capture_name_ok(struct str name)
{
	static const char usual[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (name.len == 0 || name.len > 200 || name.p[0] == '.')
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (!name.p[i] || !strchr(usual, name.p[i]))
			return false;
	return true;
}

static int folder_create(struct session *s, struct err *e)
{
	const time_t now = (time_t)(s->started_ns / NS_PER_S);
	struct tm tm;
	char when[32];

	if (fdio_make_folder(s->control->captures, e))
		return err_wrap(e, "no place for captures");
	if (!gmtime_r(&now, &tm) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm))
		return err_set(e, ERR_REFUSED, "the clock of this machine shows no time");
	for (int i = 1; i <= CAPTURE_TRIES; i++) {
		free(s->capture);
		free(s->folder);
		s->capture = i == 1 ? xasprintf("%s-%s", s->name, when)
				    : xasprintf("%s-%s-%d", s->name, when, i);
		s->folder = xasprintf("%s/%s", s->control->captures, s->capture);
		if (folder_make(s->folder, s->uid) == 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	err_errno(e, ERR_REFUSED, "could not make the folder %s", s->folder);
	free(s->folder);
	s->folder = xstrdup("");
	return -1;
}

int capture_journal_open(const struct session *s, const char *name, bool *busy, struct err *e)
{
	const int fd = folder_open(s->folder, name, O_RDWR | O_CREAT | O_APPEND);
	int r = fd;

	*busy = false;
	if (fd < 0) {
		r = err_errno(e, ERR_REFUSED, "could not open the journal %s/%s", s->folder, name);
	} else if (flock(fd, LOCK_EX | LOCK_NB)) {
		/* The lock goes with the descriptor to who writes, and ends with the last of its
		 * copies. */
		*busy = errno == EWOULDBLOCK;
		r = err_errno(e, ERR_REFUSED, "the journal %s/%s is still being written", s->folder,
			      name);
		close(fd);
	}
	return r;
}

static void capture_describe(const struct session *s, struct msg_j_capture *m)
{
	*m = (struct msg_j_capture){
		.capture = str_of(s->capture),
		.session = str_of(s->name),
		.host = str_of(s->control->host),
		.owner = str_of(s->owner),
		.devices = str_of(s->devices),
		.filter = str_of(s->filter),
		.snaplen = s->spec.snaplen,
		.started_ns = s->started_ns,
		.format = str_of(s->spec.pcap ? "pcap" : "pcapng"),
		.note = str_of(s->spec.note),
		.words = str_of(s->spec.words),
		.folder = str_of(s->folder),
	};
}

/* The first record. The descriptor stays ours: the journal gets a copy of it. */
static int journal_begin(const struct session *s, int fd, struct err *e)
{
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	struct msg_j_capture m;
	struct journal *j;
	int r;

	if (copy < 0)
		return err_errno(e, ERR_REFUSED, "could not begin a journal in %s", s->folder);
	j = journal_new(copy, e);
	if (!j)
		return -1;
	capture_describe(s, &m);
	r = journal_add_j_capture(j, &m, e);
	if (r == 0)
		r = journal_sync(j, e);
	journal_close(j);
	return r;
}

int capture_create(struct session *s, struct err *e)
{
	bool busy;

	if (folder_create(s, e))
		return -1;
	s->tap_journal_fd = capture_journal_open(s, "tap.journal", &busy, e);
	if (s->tap_journal_fd < 0 || journal_begin(s, s->tap_journal_fd, e))
		return -1;
	s->reader_journal_fd = capture_journal_open(s, "reader.journal", &busy, e);
	if (s->reader_journal_fd < 0 || journal_begin(s, s->reader_journal_fd, e))
		return -1;
	return 0;
}

void capture_remove(struct session *s)
{
	static const char *const journals[] = {"tap.journal", "reader.journal"};

	if (!s->folder[0])
		return;
	for (unsigned i = 0; i < s->nsegments; i++) {
		char *name = segment_file(&s->segment[i], true);

		/* what stays keeps the folder, and is found there */
		(void)folder_unlink(s->folder, name);
		free(name);
	}
	for (size_t i = 0; i < ARRAY_LEN(journals); i++)
		(void)folder_unlink(s->folder, journals[i]);
	(void)rmdir(s->folder);
}
