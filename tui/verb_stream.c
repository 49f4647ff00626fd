#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"

/* Bytes of a stream on their way into a descriptor. */
struct copy {
	struct cli *cli;
	int fd;
	const char *path;
	uint64_t offset; /* the next byte that must come */
	bool ended;	 /* the request is gone */
	bool done;
	int r;
	struct err *e;
};

static void copy_data(struct copy *s, const struct msg_data *m)
{
	if (m->offset != s->offset) {
		s->r = err_set(s->e, ERR_REFUSED, "%s: byte %llu came where byte %llu should have", s->path,
			       (unsigned long long)m->offset, (unsigned long long)s->offset);
		return;
	}
	if (fdio_write_all(s->fd, m->bytes.p, m->bytes.len)) {
		s->r = err_errno(s->e, ERR_REFUSED, "writing %s", s->path);
		return;
	}
	s->offset += m->bytes.len;
}

static void on_bytes(void *arg, struct request *r, const struct answer *a)
{
	struct copy *s = arg;

	(void)r;
	s->ended = a->last;
	if (s->done)
		return;
	if (a->error) {
		*s->e = *a->error;
		s->r = -1;
	}
	if (a->data)
		copy_data(s, a->data);
	if (a->end && a->end->note.len > 0)
		s->r = err_set(s->e, ERR_PART, "%.*s", (int)a->end->note.len, a->end->note.p);
	if (a->end && !s->r && a->end->offset != s->offset)
		s->r = err_set(s->e, ERR_PART, "%s ended at byte %llu, but %llu came", s->path,
			       (unsigned long long)a->end->offset, (unsigned long long)s->offset);
	s->done = s->r || a->last;
}

static void copy_stop(void *arg)
{
	struct copy *s = arg;

	s->done = true;
}

/* Runs the stream to its end, to ctrl-c, or for a while (for_ns > 0). */
static int copy_run(struct copy *s, struct client *client, uint32_t channel, const char *const *words, size_t count,
		    int64_t for_ns)
{
	struct cli *c = s->cli;
	struct request *r = client_stream(client, channel, words, count, s->offset, on_bytes, s);
	int rc;

	cli_on_interrupt(c, copy_stop, s);
	rc = for_ns ? cli_sleep(c, for_ns, &s->done, s->e) : cli_wait(c, &s->done, s->e);
	cli_on_interrupt(c, NULL, NULL);
	if (!s->ended)
		client_cancel(r);
	return rc ? rc : s->r;
}

int verb_cat(struct cli *c, int count, char **word, struct err *e)
{
	static const char *const words[] = {"pcapng"};
	struct cli_source source = {0};
	struct copy s = {.cli = c, .fd = STDOUT_FILENO, .path = "standard output", .e = e};
	int r;

	if (cli_options_take(c, &count, word, e))
		return -1;
	if (count < 2)
		return err_set(e, ERR_CALL, "tapdeck cat SOURCE: SOURCE is missing");
	if (isatty(STDOUT_FILENO))
		return err_set(e, ERR_CALL, "packets are nothing for a terminal: tapdeck cat %s > FILE, or | wireshark -k -i -", word[1]);
	r = cli_sources_open(c, word + 1, count - 1, true, &source, e);
	if (r == 0)
		r = copy_run(&s, source.client, source.channel, words, ARRAY_LEN(words), source.live ? c->opt.for_ns : 0);
	if (r == 0 && c->interrupted && !source.live)
		r = err_set(e, ERR_PART, "interrupted: %llu bytes were written", (unsigned long long)s.offset);
	if (r && strstr(e->text, strerror(EPIPE)))
		r = 0; /* whoever reads has had enough */
	cli_source_close(c, &source);
	return r;
}

/* --- fetch --- */

/* Names come from another host: only one that stays in the folder is taken. */
static int name_check(const char *name, struct err *e)
{
	if (!name[0] || name[0] == '.' || strchr(name, '/'))
		return err_set(e, ERR_REFUSED, "'%s' is no name for a file here", name);
	return 0;
}

static int file_finish(int fd, const char *part, const char *path, struct err *e)
{
	if (fsync(fd))
		return err_errno(e, ERR_REFUSED, "writing %s", part);
	if (rename(part, path))
		return err_errno(e, ERR_REFUSED, "%s", path);
	return 0;
}

/* Goes on behind what a .part of an earlier try holds. `bytes`: what it must have in the end; UINT64_MAX: not known. */
static int part_fill(struct cli *c, struct client *client, const char *const *words, size_t count, const char *part,
		     const char *path, uint64_t bytes, struct err *e)
{
	struct copy s = {.cli = c, .path = part, .e = e};
	struct stat st;
	int r = -1;

	s.fd = open(part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s.fd < 0)
		return err_errno(e, ERR_REFUSED, "%s", part);
	if (fstat(s.fd, &st)) {
		err_errno(e, ERR_REFUSED, "%s", part);
		goto out;
	}
	s.offset = (uint64_t)st.st_size;
	if (s.offset > bytes) {
		err_set(e, ERR_REFUSED, "%s has %llu bytes, but the file over there %llu: remove it", part,
			(unsigned long long)s.offset, (unsigned long long)bytes);
		goto out;
	}
	r = copy_run(&s, client, 0, words, count, 0);
	if (r == 0 && (!s.ended || (bytes != UINT64_MAX && s.offset != bytes)))
		r = err_set(e, ERR_PART, "%s has %llu bytes so far: fetch again, it goes on from there", part,
			    (unsigned long long)s.offset);
	if (r == 0)
		r = file_finish(s.fd, part, path, e);
out:
	if (close(s.fd) && r == 0)
		r = err_errno(e, ERR_REFUSED, "writing %s", part);
	return r;
}

static int file_fetch(struct cli *c, struct client *client, const char *const *words, size_t count, const char *folder,
		      const char *name, uint64_t bytes, struct err *e)
{
	char *path, *part;
	struct stat st;
	int r = 0;

	if (name_check(name, e))
		return -1;
	path = xasprintf("%s/%s", folder, name);
	part = xasprintf("%s.part", path);
	if (lstat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode) || bytes == UINT64_MAX || (uint64_t)st.st_size != bytes)
			r = err_set(e, ERR_REFUSED, "%s is there already, and is another file: nothing was brought", path);
	} else {
		r = part_fill(c, client, words, count, part, path, bytes, e);
	}
	free(path);
	free(part);
	return r;
}

/* A file that is not there under the name that was listed: compressed in between, it has another, which is in *file then. What
 * was begun under the old name is of no use. false: there is none. */
static bool file_again(struct cli *c, struct client *client, const char *session, int64_t number, const char *folder,
		       char **file, uint64_t *bytes)
{
	const char *const words[] = {session};
	const struct cli_ask ask = {.client = client, .table = "files", .words = words, .nwords = 1};
	char *filter = xasprintf("number == %lld", (long long)number), *name = NULL, *part;
	struct window w = {0};
	struct value size;
	bool other = false;
	struct err e;

	if (cli_fetch_rows(c, &ask, "", filter, &w, &e) == 0 && w.rows == 1) {
		name = cli_cell(&w, 0, "name");
		size = window_cell(&w, 0, window_column(&w, "file_bytes"));
		*bytes = size.type == VALUE_INT ? (uint64_t)size.i : UINT64_MAX;
		other = strcmp(name, *file) != 0;
	}
	if (other) {
		part = xasprintf("%s/%s.part", folder, *file);
		(void)unlink(part);
		free(part);
		free(*file);
		*file = name;
		name = NULL;
	}
	window_release(&w);
	free(filter);
	free(name);
	return other;
}

static int segment_fetch(struct cli *c, struct client *client, const char *session, const struct window *w, uint32_t row,
			 const char *folder, struct err *e)
{
	const struct value size = window_cell(w, row, window_column(w, "file_bytes")),
			   number = window_cell(w, row, window_column(w, "number"));
	uint64_t bytes = size.type == VALUE_INT ? (uint64_t)size.i : UINT64_MAX;
	char *file = cli_cell(w, row, "name");
	bool again;
	int r;

	do {
		const char *stream[] = {"segment", session, file};

		r = file_fetch(c, client, stream, ARRAY_LEN(stream), folder, file, bytes, e);
		again = r && e->code == ERR_ABSENT && number.type == VALUE_INT &&
			file_again(c, client, session, number.i, folder, &file, &bytes);
	} while (again);
	free(file);
	return r;
}

/* The complete segments of a session, one behind the other. */
static int session_fetch(struct cli *c, struct client *client, const char *name, const char *folder, struct err *e)
{
	const char *const words[] = {name};
	const struct cli_ask ask = {.client = client, .table = "files", .words = words, .nwords = 1};
	struct window w = {0};
	uint64_t fetched = 0;
	int r;

	r = cli_fetch_rows(c, &ask, "", "", &w, e);
	for (uint32_t i = 0; r == 0 && i < w.rows; i++) {
		char *state = cli_cell(&w, i, "state");

		if (strcmp(state, "writing") != 0) {
			r = segment_fetch(c, client, name, &w, i, folder, e);
			fetched++;
		}
		free(state);
	}
	window_release(&w);
	if (r == 0 && fetched == 0)
		r = err_set(e, ERR_ABSENT, "session '%s' has no complete file yet: tapdeck rotate %s begins another", name, name);
	return r;
}

int verb_fetch(struct cli *c, int count, char **word, struct err *e)
{
	const char *folder = count > 2 ? word[2] : ".";
	const char *stream[] = {"file", NULL};
	struct client *client;
	char *host, *name;
	int r = -1;

	if (count != 2 && count != 3)
		return err_set(e, ERR_CALL, "tapdeck fetch NAME|HOST:/PATH [DIR]: %s (tapdeck help fetch)", count < 2 ? "a word is missing" : "that is too many words");
	if (source_split(word[1], &host, &name, e))
		return -1;
	client = cli_client(c, host, e);
	if (!client || fdio_make_folder(folder, e))
		goto out;
	stream[1] = name;
	if (strchr(name, '/'))
		r = file_fetch(c, client, stream, ARRAY_LEN(stream), folder, strrchr(name, '/') + 1, UINT64_MAX, e);
	else
		r = session_fetch(c, client, name, folder, e);
out:
	free(host);
	free(name);
	return r;
}
