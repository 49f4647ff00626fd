#include "audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"

#define LINE_MAX_BYTES (64u * 1024)

/* A request that has no answer yet. */
struct note {
	struct note *next;
	struct reply reply;
	struct who who;
	char *request;
};

struct audit {
	uv_loop_t *loop;
	char *path;
	int fd, fd_next; /* next: taken when nothing is being written; -1 */
	uint64_t bytes;	 /* of the file */
	uint64_t lost;	 /* lines that had no room */
	struct buf queue, writing;
	size_t written; /* of `writing` */
	uv_fs_t request;
	bool busy, closing;
	struct note *notes;
	unsigned nnotes;
};

/* --- the file --- */

static int audit_file(const char *path, struct err *e)
{
	char *folder = xstrdup(path), *slash = strrchr(folder, '/');
	struct stat st;
	int fd = -1;

	if (slash && slash != folder)
		*slash = 0;
	if (fdio_make_folder(folder, e) == 0) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			  0600);
		if (fd < 0)
			err_errno(e, ERR_REFUSED, "could not open the audit log %s", path);
	}
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode) || fchmod(fd, 0600))) {
		err_set(e, ERR_REFUSED, "the audit log %s is no file of ours", path);
		close(fd);
		fd = -1;
	}
	free(folder);
	return fd;
}

/* Between two writes. */
static void file_swap(struct audit *a)
{
	struct stat st;

	if (a->busy || a->fd_next < 0)
		return;
	if (a->fd >= 0)
		close(a->fd);
	a->fd = a->fd_next;
	a->fd_next = -1;
	a->bytes = fstat(a->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void file_rotate(struct audit *a)
{
	char *old;
	struct err e;

	if (a->bytes < AUDIT_BYTES_MAX)
		return;
	old = xasprintf("%s.1", a->path);
	if (rename(a->path, old))
		log_error("could not rename the audit log %s: %s", a->path, strerror(errno));
	free(old);
	a->fd_next = audit_file(a->path, &e);
	if (a->fd_next < 0)
		log_error("%s", e.text);
	a->bytes = 0; /* not tried again at each line */
	file_swap(a);
}

/* --- writing --- */

static void write_next(struct audit *a);

static void audit_release(struct audit *a)
{
	if (a->fd >= 0)
		close(a->fd);
	if (a->fd_next >= 0)
		close(a->fd_next);
	buf_release(&a->queue);
	buf_release(&a->writing);
	free(a->path);
	free(a);
}

static void on_written(uv_fs_t *request)
{
	struct audit *a = request->data;
	const ssize_t n = request->result;

	uv_fs_req_cleanup(request);
	a->busy = false;
	if (n > 0) {
		a->written += (size_t)n;
		a->bytes += (uint64_t)n;
	}
	if (n <= 0) {
		log_error("the audit log %s could not be written: %s", a->path,
			  n ? uv_strerror((int)n) : "nothing was taken");
		a->written = a->writing.len; /* what did not go out is lost, and told */
	}
	if (a->written == a->writing.len) {
		buf_clear(&a->writing);
		a->written = 0;
	}
	file_swap(a);
	file_rotate(a);
	if (a->closing && a->queue.len == 0 && a->writing.len == 0)
		audit_release(a);
	else
		write_next(a);
}

static void write_next(struct audit *a)
{
	if (a->busy || a->fd < 0)
		return;
	if (a->writing.len == 0) {
		const struct buf empty = a->writing;

		a->writing = a->queue;
		a->queue = empty;
	}
	if (a->writing.len == 0)
		return;
	const uv_buf_t b = uv_buf_init((char *)a->writing.data + a->written,
				       (unsigned)(a->writing.len - a->written));

	a->busy = true;
	a->request.data = a;
	if (uv_fs_write(a->loop, &a->request, a->fd, &b, 1, -1, on_written)) {
		a->busy = false;
		log_error("the audit log %s cannot be written", a->path);
	}
}

static void line_add(struct audit *a, const struct buf *line)
{
	if (a->fd < 0 || buf_add(&a->queue, line->data, line->len)) {
		if (a->lost++ == 0)
			log_error("lines of the audit log are lost: its disk does not take them");
	} else {
		a->lost = 0;
	}
	write_next(a);
}

/* --- lines --- */

static void add_field(struct buf *b, const char *key, const char *text)
{
	struct buf plain;

	buf_init(&plain, LINE_MAX_BYTES / 4);
	text_escape(&plain, str_of(text), false);
	(void)buf_printf(b, " %s=", key); /* a line that is too long is cut */
	words_quote(b, buf_str(&plain));
	buf_release(&plain);
}

static void line_write(struct audit *a, const struct who *who, const char *request,
		       const char *result, const struct err *why)
{
	const struct passwd *pw = getpwuid(who->uid);
	char when[TEXT_NUMBER_MAX];
	struct buf b;

	buf_init(&b, LINE_MAX_BYTES);
	(void)buf_printf(&b, "%s %s uid=%lu", text_rfc3339(clock_now_ns(), when), result,
			 (unsigned long)who->uid);
	add_field(&b, "user", pw ? pw->pw_name : "");
	(void)buf_printf(&b, " pid=%ld", (long)who->pid);
	add_field(&b, "request", request);
	if (why)
		add_field(&b, "why", why->text);
	if (buf_add_byte(&b, '\n') == 0)
		line_add(a, &b);
	buf_release(&b);
}

static const char *result_of(const struct err *e)
{
	return !e ? "done" : e->code == ERR_REFUSED ? "refused" : "failed";
}

/* --- requests --- */

static char *request_text(const char *verb, const struct strs *words)
{
	struct buf b;
	char *text;

	buf_init(&b, AUDIT_REQUEST_MAX);
	(void)buf_add_str(&b, verb); /* "..." stands where it is cut */
	for (uint32_t i = 0; words && i < words->count; i++) {
		char *word = xstrndup(words->at[i].p ? words->at[i].p : "", words->at[i].len);

		if (b.len + words->at[i].len + 16 > AUDIT_REQUEST_MAX) {
			(void)buf_add_str(&b, " ...");
			free(word);
			break;
		}
		if (b.len)
			(void)buf_add_byte(&b, ' ');
		words_quote(&b, word);
		free(word);
	}
	text = xstrdup(buf_str(&b));
	buf_release(&b);
	return text;
}

static void note_free(struct note *n)
{
	free(n->request);
	free(n);
}

void audit_begin(const struct peer *p, const struct reply *r, const char *verb,
		 const struct strs *words)
{
	struct audit *a = p->control->audit;
	struct note *n;
	char *request;

	if (!a)
		return;
	request = request_text(verb, words);
	if (a->nnotes >= AUDIT_NOTES_MAX) {
		line_write(a, &p->who, request, "begun", NULL);
		free(request);
		return;
	}
	n = xcalloc(1, sizeof(*n));
	*n = (struct note){.next = a->notes, .reply = *r, .who = p->who, .request = request};
	a->notes = n;
	a->nnotes++;
}

/* The first that is this client's (id and channel as well where `r` has them), off the list. */
static struct note *note_take(struct audit *a, uint64_t peer, const struct reply *r)
{
	for (struct note **at = &a->notes; *at; at = &(*at)->next) {
		struct note *n = *at;

		if (n->reply.peer != peer ||
		    (r && (n->reply.channel != r->channel || n->reply.id != r->id)))
			continue;
		*at = n->next;
		a->nnotes--;
		return n;
	}
	return NULL;
}

void audit_end(struct control *c, const struct reply *r, const struct err *e)
{
	struct note *n = c->audit ? note_take(c->audit, r->peer, r) : NULL;

	if (!n)
		return;
	line_write(c->audit, &n->who, n->request, result_of(e), e);
	note_free(n);
}

void audit_gone(const struct peer *p)
{
	struct audit *a = p->control->audit;
	struct note *n;

	while (a && (n = note_take(a, p->serial, NULL)) != NULL) {
		line_write(a, &n->who, n->request, "unanswered", NULL);
		note_free(n);
	}
}

void audit_denied(const struct peer *p, const char *table, const struct strs *words,
		  const struct err *e)
{
	char *verb, *request;

	if (!p->control->audit)
		return;
	verb = xasprintf("query %s", table);
	request = request_text(verb, words);
	line_write(p->control->audit, &p->who, request, result_of(e), e);
	free(request);
	free(verb);
}

void audit_refused(struct control *c, const struct who *who, const struct err *e)
{
	if (c->audit)
		line_write(c->audit, who, "connect", "refused", e);
}

/* --- begin and end --- */

static struct audit *audit_new(struct control *c)
{
	struct audit *a = xcalloc(1, sizeof(*a));

	a->loop = c->loop;
	a->fd = a->fd_next = -1;
	buf_init(&a->queue, AUDIT_QUEUE_MAX);
	buf_init(&a->writing, AUDIT_QUEUE_MAX);
	return a;
}

int audit_use(struct control *c, const char *path, struct err *e)
{
	char *folder = path ? NULL : paths_logs(),
	     *place = path ? xstrdup(path) : xasprintf("%s/audit.log", folder);
	const int fd = audit_file(place, e);

	free(folder);
	if (fd < 0 && path) {
		free(place);
		return -1;
	}
	if (!c->audit)
		c->audit = audit_new(c);
	if (fd < 0) {
		log_warn("nobody's requests are written down: %s", e->text);
		free(place);
		return 0;
	}
	free(c->audit->path);
	c->audit->path = place;
	if (c->audit->fd_next >= 0)
		close(c->audit->fd_next);
	c->audit->fd_next = fd;
	file_swap(c->audit);
	return 0;
}

void audit_free(struct audit *a)
{
	struct note *n;

	if (!a)
		return;
	while ((n = a->notes) != NULL) {
		a->notes = n->next;
		note_free(n);
	}
	a->closing = true;
	if (a->busy)
		return; /* the last write frees it */
	if (a->fd >= 0)
		(void)fdio_write_all(a->fd, a->queue.data,
				     a->queue.len); /* nobody is left to tell */
	audit_release(a);
}
