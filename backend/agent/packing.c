#include "packing.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "child_sandbox.h"
#include "errand.h"
#include "folder.h"
#include "pump.h"
#include "rights.h"

#define WHY_BYTES 1600u
#define LEVEL_TEXT 8u

static const struct compressor compressors[] = {
	{"gzip", "gzip", "gzip", ".gz", "-n", 1, 9, 10, NULL},
	{"zstd", "zstd", "zstd", ".zst", "-q", 1, 22, 20, "--ultra"},
	{"lz4", "lz4", "lz4", ".lz4", "-q", 1, 12, 13, NULL},
	{"xz", "xz", "xz-utils", ".xz", NULL, 0, 9, 10, NULL},
};

const struct compressor *compressor_named(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(compressors); i++)
		if (strcmp(compressors[i].word, word) == 0)
			return &compressors[i];
	return NULL;
}

const struct compressor *compressor_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(compressors); i++)
		if (strcmp(compressors[i].suffix, dot) == 0)
			return &compressors[i];
	return NULL;
}

int compressor_check(const struct compressor *k, int level, struct err *e)
{
	char *program = errand_program(k->program);

	if (!program)
		return err_set(e, ERR_REFUSED,
			       "\"compress %s\" needs the program %s, which is not in %s here: "
			       "apt install %s",
			       k->word, k->program, ERRAND_PATH, k->package);
	free(program);
	if (level >= 0 && (level < k->low || level > k->high))
		return err_set(e, ERR_CALL, "\"compress %s:%d\": %s has levels %d to %d", k->word,
			       level, k->word, k->low, k->high);
	return 0;
}

/* First the compressor, beside it the pump where the file is still written, then the sync. */
struct packing {
	struct control *control;
	uint32_t number;
	char *folder, *part; /* its file's name while it is made */
	struct errand *errand;
	struct pump *pump;
	pid_t sync; /* 0: not now */
	int in, out;
	bool live, sealed, done;
	bool ended;   /* the compressor has, and well */
	bool carried; /* the pump has, everything */
	uint64_t sealed_bytes, carried_bytes;
	uint64_t place; /* how far it was when we looked last */
	int64_t place_ns;
	char why[WHY_BYTES]; /* it is being ended for that */
	packing_fn fn;
	void *arg;
};

static uint64_t out_bytes(const struct packing *p)
{
	struct stat st;

	return fstat(p->out, &st) || st.st_size < 0 ? 0 : (uint64_t)st.st_size;
}

/* --- the end --- */

static void packing_tell(struct packing *p, const char *why)
{
	p->done = !why;
	p->fn(p->arg, p, out_bytes(p), why); /* it frees p */
}

static void on_synced(void *arg, pid_t pid, int status)
{
	struct packing *p = arg;

	(void)pid;
	p->sync = 0;
	if (p->why[0])
		packing_tell(p, p->why);
	else if (!WIFEXITED(status) || WEXITSTATUS(status))
		packing_tell(p, "it could not be brought to the disk");
	else
		packing_tell(p, NULL);
}

/* A disk may take its time for that: not in our loop. */
static void sync_start(struct packing *p)
{
	char *argv[] = {(char *)(uintptr_t) "tapdeckd", (char *)(uintptr_t) "--sync", NULL};
	char *envp[] = {NULL};
	const struct spawn s = {.path = "/proc/self/exe",
				.argv = argv,
				.envp = envp,
				.fd = {p->out, -1, 2},
				.nfd = 3,
				.no_new_privs = true,
				.die_with_parent = true};
	struct err e;

	p->sync = spawn_start(&s, &e);
	if (p->sync > 0) {
		children_add(p->control->children, p->sync, on_synced, p);
		return;
	}
	p->sync = 0;
	packing_tell(p, e.text);
}

int packing_sync_main(void)
{
	struct err e;

	if (rights_drop(&e) || child_sandbox_sync(&e))
		return 1;
	return fsync(STDIN_FILENO) && errno != EINVAL && errno != EROFS ? 1 : 0;
}

/* Both have ended, or there was but one. */
static void packing_step(struct packing *p)
{
	if (!p->ended || (p->live && (!p->carried || !p->sealed)))
		return;
	if (p->live && p->carried_bytes != p->sealed_bytes)
		packing_tell(p, "the file was cut behind it");
	else if (out_bytes(p) == 0)
		packing_tell(p, "nothing came out of it");
	else
		sync_start(p);
}

static void on_errand(void *arg, int status, const char *last)
{
	struct packing *p = arg;
	char how[64];

	errand_free(p->errand);
	p->errand = NULL;
	if (p->why[0]) {
		packing_tell(p, p->why);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		p->ended = true;
		packing_step(p);
		return;
	}
	(void)snprintf(p->why, sizeof(p->why), "it %s%s%s", errand_status(status, how, sizeof(how)),
		       last[0] ? ": " : "", last);
	packing_tell(p, p->why);
}

static void packing_give_up(struct packing *p, const char *why)
{
	if (!p->why[0])
		(void)snprintf(p->why, sizeof(p->why), "%s", why);
	if (p->errand)
		errand_signal(p->errand, SIGKILL); /* its exit comes */
	if (p->sync > 0)
		(void)kill(p->sync, SIGKILL);
}

/* --- while it is written --- */

static const char feeder_died[] = "what carried the packets to it died";

static void pump_said(void *arg, const char *severity, struct str sentence)
{
	struct packing *p = arg;
	char why[200];

	(void)severity;
	(void)snprintf(why, sizeof(why), "%.*s", (int)(sentence.len < 180 ? sentence.len : 180),
		       sentence.p);
	packing_give_up(p, why);
}

static void pump_gone(void *arg, bool whole, uint64_t bytes)
{
	struct packing *p = arg;

	pump_free(p->pump);
	p->pump = NULL;
	p->carried = whole;
	p->carried_bytes = bytes;
	if (whole)
		packing_step(p);
	else if (p->errand)
		errand_signal(p->errand,
			      SIGKILL); /* it may have died of itself: its exit says how */
	else if (p->ended)
		packing_tell(p, feeder_died);
}

static const struct pump_ops pump_ops = {pump_said, pump_gone};

uint32_t packing_number(const struct packing *p)
{
	return p->number;
}

bool packing_live(const struct packing *p)
{
	return p->live && !p->sealed;
}

bool packing_followed(const struct packing *p)
{
	return p->live;
}

void packing_sealed(struct packing *p, uint64_t bytes)
{
	p->sealed = true;
	p->sealed_bytes = bytes;
	p->place_ns = clock_mono_ns();
	if (p->pump)
		pump_no_more(p->pump);
}

void packing_look(struct packing *p)
{
	const int64_t now_ns = clock_mono_ns();
	const off_t in = p->in >= 0 ? lseek(p->in, 0, SEEK_CUR) : 0;
	const uint64_t place = out_bytes(p) + (uint64_t)(in > 0 ? in : 0);

	if (p->errand)
		errand_listen(p->errand);
	/* While a file is written nothing may come for long; whether what comes is taken, the pump
	 * sees. */
	if (place != p->place || packing_live(p) || (p->pump && !p->carried)) {
		p->place = place;
		p->place_ns = now_ns;
		return;
	}
	if (now_ns - p->place_ns > PACKING_STUCK_NS)
		packing_give_up(p, "it made no way for 60 seconds, and was ended");
}

/* --- from birth to death --- */

static int packing_run(struct packing *p, const struct packing_call *call, int in, struct err *e)
{
	const struct compressor *k = call->compressor;
	char level[LEVEL_TEXT];
	char *program = errand_program(k->program);
	char *argv[6] = {program, (char *)(uintptr_t) "-c"};
	const struct errand_call errand = {.control = call->control,
					   .account = call->account,
					   .folder = call->folder_fd,
					   .argv = argv,
					   .in = in,
					   .out = p->out,
					   .behind = true,
					   .fn = on_errand,
					   .arg = p};
	unsigned n = 2;
	int r;

	if (!program)
		return compressor_check(k, -1, e);
	if (k->option)
		argv[n++] = (char *)(uintptr_t)k->option;
	if (call->level >= k->above && k->ultra)
		argv[n++] = (char *)(uintptr_t)k->ultra;
	(void)snprintf(level, sizeof(level), "-%d", call->level);
	if (call->level >= 0)
		argv[n++] = level;
	r = errand_start(&p->errand, &errand, e);
	free(program);
	return r;
}

/* The compressor reads a pipe, into which a pump carries what is in the file so far and what
 * comes. */
static int packing_follow(struct packing *p, const struct packing_call *call, int file,
			  struct err *e)
{
	int pipe[2], r;

	if (pipe2(pipe, O_CLOEXEC))
		return err_errno(e, ERR_REFUSED, "no pipe");
	r = packing_run(p, call, pipe[0], e);
	if (r == 0)
		r = pump_start(&p->pump, call->control, PUMP_FILE, pipe[1], &file, &pump_ops, p, e);
	close(pipe[0]);
	close(pipe[1]);
	return r;
}

static int files_open(struct packing *p, const struct packing_call *call, int *file, struct err *e)
{
	char *from = xasprintf("%s%s", call->name, call->live ? ".part" : "");

	*file = folder_open(call->folder, from, O_RDONLY);
	if (*file < 0)
		err_errno(e, ERR_REFUSED, "could not open %s/%s", call->folder, from);
	free(from);
	if (*file < 0)
		return -1;
	/* What an earlier one left is of no use. */
	(void)folder_unlink(call->folder, p->part);
	p->out = folder_open(call->folder, p->part, O_RDWR | O_CREAT | O_EXCL);
	return p->out < 0 ? err_errno(e, ERR_REFUSED, "could not make the file %s/%s", call->folder,
				      p->part)
			  : 0;
}

int packing_start(struct packing **out, const struct packing_call *call, struct err *e)
{
	struct packing *p = xcalloc(1, sizeof(*p));
	int file = -1, r;

	*p = (struct packing){.control = call->control,
			      .number = call->number,
			      .folder = xstrdup(call->folder),
			      .part = xasprintf("%s%s.part", call->name, call->compressor->suffix),
			      .in = -1,
			      .out = -1,
			      .live = call->live,
			      .place_ns = clock_mono_ns(),
			      .fn = call->fn,
			      .arg = call->arg};
	r = files_open(p, call, &file, e);
	if (r == 0 && call->live)
		r = packing_follow(p, call, file, e);
	else if (r == 0)
		r = packing_run(p, call, file, e);
	/* The compressor's own place in the file is seen by this one. */
	if (r == 0 && !call->live) {
		p->in = file;
		file = -1;
	}
	if (file >= 0)
		close(file);
	if (r) {
		packing_free(p);
		return -1;
	}
	*out = p;
	return 0;
}

void packing_free(struct packing *p)
{
	if (!p)
		return;
	if (p->sync > 0)
		(void)kill(p->sync, SIGKILL);
	children_forget(p->control->children, p);
	errand_free(p->errand);
	pump_free(p->pump);
	if (p->in >= 0)
		close(p->in);
	if (p->out >= 0) {
		close(p->out);
		if (!p->done)
			(void)folder_unlink(p->folder, p->part);
	}
	free(p->folder);
	free(p->part);
	free(p);
}
