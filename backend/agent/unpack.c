#include "unpack.h"

#include <ctype.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"

#define MAGIC_BYTES 6u
#define NOBODY 65534u /* Debian's nobody and nogroup; owns nothing */
#define WHY_BYTES 700u
#define COMPLAINT_BYTES 4096u /* of a compressor's words that are looked at */
#define COMPLAINT_SHOWN 200
#define MEMORY_BYTES_MAX (UINT64_C(1) << 30) /* of a compressor: the widest windows take less */
#define RESERVE_BYTES (UINT64_C(256) << 20)  /* stay free where the contents go */
#define RESERVE_PART 16u		     /* or, of a small file system, one such part */
#define LOOK_SOON_MS 5u
#define LOOK_MS 100u
#define PEEKS_MAX 200u /* looks at a fifo whose writer gives less than a magic number */

struct codec {
	const char *program, *package, *option;
	const char *magic;
	size_t len;
};

/* RFC 1952, RFC 8878, the LZ4 frame format, the .xz file format. */
static const struct codec codecs[] = {
	{"gzip", "gzip", NULL, "\x1f\x8b", 2},
	{"zstd", "zstd", NULL, "\x28\xb5\x2f\xfd", 4},
	{"lz4", "lz4", NULL, "\x04\x22\x4d\x18", 4},
	{"xz", "xz-utils", "--no-sparse", "\xfd\x37\x7a\x58\x5a\x00", 6},
};
/* What a fifo gives, as it is. */
static const struct codec plain = {"cat", "coreutils", NULL, "", 0};

struct unpack {
	struct control *control;
	const struct codec *codec; /* NULL: a fifo that nothing came from yet */
	char *name;
	int from, spool, look; /* look: the spool again, for reading */
	int complaint;
	uint64_t from_bytes; /* 0: a fifo */
	pid_t pid;	     /* 0: none runs */
	uv_timer_t timer;
	uv_poll_t poll;
	bool polling;
	unsigned handles, peeks;
	bool has_head, ended;
	char why[WHY_BYTES];
	unpack_fn fn;
	void *arg;
};

static const struct codec *codec_of(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < ARRAY_LEN(codecs); i++)
		if (len >= codecs[i].len && memcmp(p, codecs[i].magic, codecs[i].len) == 0)
			return &codecs[i];
	return NULL;
}

const struct codec *unpack_codec(int fd)
{
	uint8_t p[MAGIC_BYTES];
	const ssize_t n = fdio_pread(fd, p, sizeof(p), 0);

	return n < 0 ? NULL : codec_of(p, (size_t)n);
}

/* --- the file without a name --- */

/* Two ways in: who reads must not move the place where it is written. */
static int spool_open(struct unpack *u, struct err *e)
{
	const char *said = getenv("TMPDIR"), *folder = said && said[0] == '/' ? said : "/tmp";
	char *path = xasprintf("%s/tapdeck-XXXXXX", folder);
	int r = 0;

	u->spool = mkostemp(path, O_APPEND | O_CLOEXEC);
	if (u->spool >= 0) {
		u->look = open(path, O_RDONLY | O_CLOEXEC);
		(void)unlink(path); /* what stays behind is empty */
	}
	u->complaint = memfd_create("complaint", MFD_CLOEXEC);
	if (u->spool < 0 || u->look < 0 || u->complaint < 0)
		r = err_errno(e, ERR_REFUSED,
			      "%s must be unpacked, and %s takes no file for that (TMPDIR says "
			      "where)",
			      u->name, folder);
	free(path);
	return r;
}

static uint64_t fd_bytes(int fd)
{
	struct stat st;

	return fstat(fd, &st) || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

/* --- what it says --- */

static void unpack_told(struct unpack *u)
{
	if (u->fn)
		u->fn(u->arg);
}

/* The last line of what was said, without the program's own name for the stream. */
static void complaint_read(const struct unpack *u, char *text, size_t room)
{
	char said[COMPLAINT_BYTES + 1];
	const ssize_t n = fdio_pread(u->complaint, said, COMPLAINT_BYTES, 0);
	size_t len = n > 0 ? (size_t)n : 0, from;
	const char *line;

	while (len > 0 && isspace((unsigned char)said[len - 1]))
		len--;
	said[len] = 0;
	for (from = len; from > 0 && said[from - 1] != '\n' && said[from - 1] != '\r';)
		from--;
	line = said + from;
	for (const char *at = strstr(line, ": "); at; at = strstr(at, ": "))
		line = at += 2;
	(void)snprintf(text, room, "%.*s", COMPLAINT_SHOWN,
		       line[0] ? line : "nothing, and that it failed");
}

static uint64_t bytes_most(void)
{
	struct rlimit own;

	return getrlimit(RLIMIT_FSIZE, &own) == 0 && own.rlim_cur < UNPACK_BYTES_MAX
		       ? own.rlim_cur
		       : UNPACK_BYTES_MAX;
}

/* How far it came; of a fifo what it is itself is not known. */
static void why_stopped(struct unpack *u, const char *rest)
{
	char from[40] = "";

	if (u->from_bytes)
		(void)snprintf(from, sizeof(from), " (%llu bytes)",
			       (unsigned long long)u->from_bytes);
	(void)snprintf(u->why, sizeof(u->why), "%.300s%s was %s %llu bytes, %s", u->name, from,
		       u->codec->len ? "unpacked to" : "read up to",
		       (unsigned long long)fd_bytes(u->look), rest);
}

static bool room_is_short(const struct unpack *u)
{
	struct statvfs fs;
	uint64_t left, reserve;

	if (fstatvfs(u->spool, &fs))
		return false;
	left = (uint64_t)fs.f_bavail * fs.f_frsize;
	reserve = (uint64_t)fs.f_blocks * fs.f_frsize / RESERVE_PART;
	return left < (reserve < RESERVE_BYTES ? reserve : RESERVE_BYTES);
}

static void why_no_room(struct unpack *u)
{
	why_stopped(u, "and then the disk for that was nearly full: TMPDIR says where there is "
		       "more room");
}

static void why_failed(struct unpack *u, int status)
{
	char said[COMPLAINT_SHOWN + 1];

	if (u->why[0] || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
		return;
	/* Each says in its own way that it could not write. */
	if (fd_bytes(u->look) >= bytes_most()) {
		why_stopped(u, "which is the most that is: unpack it where there is room, and open "
			       "that");
		return;
	}
	if (room_is_short(u)) {
		why_no_room(u);
		return;
	}
	complaint_read(u, said, sizeof(said));
	if (WIFSIGNALED(status))
		(void)snprintf(said, sizeof(said), "nothing, it was killed by signal %d",
			       WTERMSIG(status));
	(void)snprintf(u->why, sizeof(u->why), "%.300s is not whole, %s says: %s", u->name,
		       u->codec->program, said);
}

static void on_exit_of(void *arg, pid_t pid, int status)
{
	struct unpack *u = arg;

	(void)pid;
	u->pid = 0;
	u->ended = true;
	u->has_head = fd_bytes(u->look) >= UNPACK_HEAD_BYTES;
	why_failed(u, status);
	(void)uv_timer_stop(&u->timer);
	unpack_told(u);
}

/* --- while it runs --- */

/* Nobody's disk is filled by a file that unpacks to a thousand times what it is. */
static void unpack_check_room(struct unpack *u)
{
	if (!room_is_short(u))
		return;
	why_no_room(u);
	(void)kill(-u->pid, SIGKILL); /* its exit comes */
}

static void on_timer(uv_timer_t *timer)
{
	struct unpack *u = timer->data;

	if (!u->pid)
		return;
	unpack_check_room(u);
	if (u->has_head || fd_bytes(u->look) < UNPACK_HEAD_BYTES)
		return;
	u->has_head = true;
	(void)uv_timer_start(&u->timer, on_timer, LOOK_MS, LOOK_MS);
	unpack_told(u);
}

/* It runs already, for a moment: no limit is near. One that the user has set stays. */
static void child_limits(pid_t pid)
{
	const struct rlimit bytes = {bytes_most(), bytes_most()};
	const struct rlimit memory = {MEMORY_BYTES_MAX, MEMORY_BYTES_MAX};
	const struct rlimit none = {0, 0};

	(void)prlimit(pid, RLIMIT_FSIZE, &bytes, NULL); /* fails where it has ended */
	(void)prlimit(pid, RLIMIT_AS, &memory, NULL);
	(void)prlimit(pid, RLIMIT_CORE, &none, NULL);
}

static int child_start(struct unpack *u, struct err *e)
{
	const char *path = getenv("PATH");
	char *search = xasprintf("PATH=%s", path ? path : "/usr/bin:/bin");
	char *argv[] = {(char *)(uintptr_t)u->codec->program,
			(char *)(uintptr_t)(u->codec->len ? "-dc" : "-"),
			(char *)(uintptr_t)u->codec->option, NULL};
	char *envp[] = {search, (char *)(uintptr_t) "LC_ALL=C", NULL};
	/* Both files come as descriptors: nobody else's rights are needed to read a user's. */
	static const struct spawn_as nobody = {.uid = NOBODY, .gid = NOBODY};
	const bool daemon_of_root = u->control->role == CONTROL_DAEMON && geteuid() == 0;
	const struct spawn s = {.path = u->codec->program,
				.argv = argv,
				.envp = envp,
				.fd = {u->from, u->spool, u->complaint},
				.nfd = 3,
				.no_new_privs = true,
				.die_with_parent = true,
				.new_session = true,
				.as = daemon_of_root ? &nobody : NULL};
	const pid_t pid = spawn_start(&s, e);

	free(search);
	if (pid < 0)
		return err_wrap(e,
				"%s is compressed with %s, which is needed here (apt install %s)",
				u->name, u->codec->program, u->codec->package);
	u->pid = pid;
	child_limits(pid);
	children_add(u->control->children, pid, on_exit_of, u);
	(void)uv_timer_start(&u->timer, on_timer, LOOK_SOON_MS, LOOK_SOON_MS);
	(void)close(u->from);
	u->from = -1;
	return 0;
}

/* --- a fifo --- */

static void fifo_failed(struct unpack *u, const struct err *e)
{
	u->ended = true;
	(void)snprintf(u->why, sizeof(u->why), "%.690s", e->text);
	unpack_told(u);
}

/* Its first bytes, left where they are. -1: none yet. */
static ssize_t fifo_peek(int fd, uint8_t *p, size_t len)
{
	int copy[2];
	ssize_t n;

	if (pipe2(copy, O_CLOEXEC | O_NONBLOCK))
		return -1;
	n = tee(fd, copy[1], len, SPLICE_F_NONBLOCK);
	if (n > 0)
		n = read(copy[0], p, (size_t)n);
	(void)close(copy[0]);
	(void)close(copy[1]);
	return n;
}

static void fifo_look(struct unpack *u);

static void on_fifo_timer(uv_timer_t *timer)
{
	fifo_look(timer->data);
}

static void fifo_look(struct unpack *u)
{
	uint8_t p[MAGIC_BYTES];
	const ssize_t n = fifo_peek(u->from, p, sizeof(p));
	const int flags = fcntl(u->from, F_GETFL);
	struct err e;

	if (n < 0)
		return; /* nobody writes yet */
	(void)uv_poll_stop(&u->poll);
	if (n > 0 && n < (ssize_t)sizeof(p) && ++u->peeks < PEEKS_MAX) {
		(void)uv_timer_start(&u->timer, on_fifo_timer, LOOK_SOON_MS, 0);
		return;
	}
	u->codec = codec_of(p, (size_t)n);
	if (!u->codec)
		u->codec = &plain;
	if (flags < 0 || fcntl(u->from, F_SETFL, flags & ~O_NONBLOCK) < 0)
		err_errno(&e, ERR_REFUSED, "%s cannot be read", u->name);
	else if (child_start(u, &e) == 0)
		return;
	fifo_failed(u, &e);
}

static void on_fifo(uv_poll_t *poll, int status, int events)
{
	(void)status; /* a look says what it is */
	(void)events;
	fifo_look(poll->data);
}

/* --- from birth to death --- */

static void on_closed(uv_handle_t *handle)
{
	struct unpack *u = handle->data;

	if (--u->handles > 0)
		return;
	free(u->name);
	free(u);
}

void unpack_free(struct unpack *u)
{
	const int fd[] = {u->from, u->spool, u->look, u->complaint};

	u->fn = NULL;
	if (u->pid)
		(void)kill(-u->pid, SIGKILL); /* not reaped yet: it is still ours */
	children_forget(u->control->children, u);
	for (size_t i = 0; i < ARRAY_LEN(fd); i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
	if (u->polling)
		uv_close((uv_handle_t *)&u->poll, on_closed);
	uv_close((uv_handle_t *)&u->timer, on_closed);
}

static int fifo_start(struct unpack *u, struct err *e)
{
	if (uv_poll_init(u->control->loop, &u->poll, u->from))
		return err_set(e, ERR_REFUSED, "%s cannot be waited for", u->name);
	u->polling = true;
	u->handles++;
	u->poll.data = u;
	(void)uv_poll_start(&u->poll, UV_READABLE | UV_DISCONNECT, on_fifo);
	return 0;
}

int unpack_start(struct unpack **out, struct control *c, const struct codec *codec, int fd,
		 const char *name, struct err *e)
{
	struct unpack *u = xcalloc(1, sizeof(*u));

	*u = (struct unpack){.control = c,
			     .codec = codec,
			     .name = xstrdup(name),
			     .from = fd,
			     .spool = -1,
			     .look = -1,
			     .complaint = -1,
			     .from_bytes = codec ? fd_bytes(fd) : 0,
			     .handles = 1};
	(void)uv_timer_init(c->loop, &u->timer);
	u->timer.data = u;
	if (spool_open(u, e) || (codec ? child_start(u, e) : fifo_start(u, e))) {
		unpack_free(u);
		return -1;
	}
	*out = u;
	return 0;
}

void unpack_tell(struct unpack *u, unpack_fn fn, void *arg)
{
	u->fn = fn;
	u->arg = arg;
}

int unpack_fd(const struct unpack *u)
{
	return u->look;
}

bool unpack_has_head(const struct unpack *u)
{
	return u->has_head;
}

bool unpack_ended(const struct unpack *u)
{
	return u->ended;
}

const char *unpack_why(const struct unpack *u)
{
	return u->why;
}

bool unpack_compressed(const struct unpack *u)
{
	return u->codec && u->codec->len > 0;
}
