#include "errand.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"
#include "base/xalloc.h"

#define TAIL_BYTES 2048u /* kept of what it says */
#define LISTEN_READS 32u /* at most, at once: what it says further waits in its pipe */
#define NICE 19
#define MEMORY_BYTES (UINT64_C(2) << 30) /* the widest windows of xz and zstd take less */
#define ENVIRONMENT_MAX 16u

struct errand {
	struct control *control;
	pid_t pid; /* 0: it has ended */
	int words; /* what it says */
	char tail[TAIL_BYTES];
	size_t len;
	errand_fn fn;
	void *arg;
};

static char *program_at(const char *folder, size_t len, const char *name)
{
	char *path = len ? xasprintf("%.*s/%s", (int)len, folder, name) : xstrdup(name);
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *errand_program(const char *name)
{
	char *found = NULL;

	if (name[0] == '/')
		return program_at("", 0, name);
	if (!name[0] || strchr(name, '/'))
		return NULL; /* beside what? */
	for (const char *at = ERRAND_PATH; *at && !found;) {
		const size_t len = strcspn(at, ":");

		found = program_at(at, len, name);
		at += len + (at[len] == ':');
	}
	return found;
}

/* --- what it says --- */

static void tail_add(struct errand *x, const char *p, size_t len)
{
	if (len > TAIL_BYTES / 2) {
		p += len - TAIL_BYTES / 2;
		len = TAIL_BYTES / 2;
	}
	if (x->len + len > TAIL_BYTES) {
		const size_t over = x->len + len - TAIL_BYTES;

		memmove(x->tail, x->tail + over, x->len - over);
		x->len -= over;
	}
	memcpy(x->tail + x->len, p, len);
	x->len += len;
}

void errand_listen(struct errand *x)
{
	char piece[TAIL_BYTES];

	for (unsigned i = 0; i < LISTEN_READS && x->words >= 0; i++) {
		const ssize_t n = read(x->words, piece, sizeof(piece));

		if (n <= 0)
			return; /* nothing now, or for ever */
		tail_add(x, piece, (size_t)n);
	}
}

static bool is_end(char c)
{
	return c == '\n' || c == '\r' || c == ' ';
}

/* The last line, as others may see it. */
static void last_line(const struct errand *x, struct buf *out)
{
	size_t end = x->len, from;

	while (end > 0 && is_end(x->tail[end - 1]))
		end--;
	for (from = end; from > 0 && x->tail[from - 1] != '\n' && x->tail[from - 1] != '\r';)
		from--;
	if (end - from > ERRAND_LINE_MAX)
		end = from + ERRAND_LINE_MAX;
	text_escape(out, (struct str){x->tail + from, end - from}, false);
}

static void on_exit_of(void *arg, pid_t pid, int status)
{
	struct errand *x = arg;
	char line[ERRAND_LINE_MAX * 4 + 1]; /* escaped */
	struct buf text;

	(void)pid;
	x->pid = 0;
	errand_listen(x);
	buf_init(&text, TAIL_BYTES * 4);
	last_line(x, &text);
	(void)snprintf(line, sizeof(line), "%s", buf_str(&text));
	buf_release(&text);
	x->fn(x->arg, status, line);
}

const char *errand_status(int status, char *text, size_t room)
{
	if (WIFSIGNALED(status))
		(void)snprintf(text, room, "was killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, room, "ended with %d", WEXITSTATUS(status));
	return text;
}

/* --- from birth to death --- */

static pid_t errand_spawn(const struct errand_call *call, int words, struct err *e)
{
	const char *language = getenv("LANG");
	char *home = xasprintf("HOME=%s", call->account->home);
	char *lang = xasprintf("LANG=%s", language ? language : "C.UTF-8");
	char *env[ENVIRONMENT_MAX + 1] = {(char *)(uintptr_t) "PATH=" ERRAND_PATH, home, lang};
	struct spawn s = {.path = call->argv[0],
			  .argv = call->argv,
			  .envp = env,
			  .fd = {call->in, call->out >= 0 ? call->out : words, words},
			  .nfd = 3,
			  .no_new_privs = true,
			  .die_with_parent = true,
			  .new_session = true,
			  .as = account_as(call->account),
			  .folder = call->folder,
			  .nice = call->behind ? NICE : 0,
			  .idle_io = call->behind,
			  .limit = {{RLIMIT_CORE, 0}, {RLIMIT_AS, MEMORY_BYTES}},
			  .nlimits = call->behind ? 2 : 1};
	unsigned n = 3;
	pid_t pid;

	for (char *const *x = call->extra; x && *x && n < ENVIRONMENT_MAX; x++)
		env[n++] = *x;
	pid = spawn_start(&s, e);
	free(home);
	free(lang);
	return pid;
}

int errand_start(struct errand **out, const struct errand_call *call, struct err *e)
{
	struct errand *x;
	int words[2];
	pid_t pid;

	if (pipe2(words, O_CLOEXEC))
		return err_errno(e, ERR_REFUSED, "could not start %s: no pipe", call->argv[0]);
	pid = fdio_set_nonblock(words[0])
		      ? err_errno(e, ERR_REFUSED, "could not start %s", call->argv[0])
		      : errand_spawn(call, words[1], e);
	close(words[1]);
	if (pid < 0) {
		close(words[0]);
		return -1;
	}
	x = xcalloc(1, sizeof(*x));
	x->control = call->control;
	x->pid = pid;
	x->words = words[0];
	x->fn = call->fn;
	x->arg = call->arg;
	children_add(call->control->children, pid, on_exit_of, x);
	*out = x;
	return 0;
}

void errand_signal(const struct errand *x, int number)
{
	if (x->pid > 0)
		(void)kill(-x->pid, number); /* not reaped yet: it is still ours */
}

void errand_free(struct errand *x)
{
	if (!x)
		return;
	errand_signal(x, SIGKILL);
	children_forget(x->control->children, x);
	close(x->words);
	free(x);
}
