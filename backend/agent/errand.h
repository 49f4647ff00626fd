/* A program that is run for a session, as its owner: a compressor, a command of theirs. Never by a
 * shell, with no new right; what it says is kept as far as its last lines. */
#ifndef AGENT_ERRAND_H
#define AGENT_ERRAND_H

#include "account.h"
#include "control.h"

#define ERRAND_PATH "/usr/local/bin:/usr/bin:/bin" /* where programs are, whatever PATH says */
#define ERRAND_LINE_MAX 300u			   /* bytes of what is told of its words */

struct errand;
/* It has ended: status as waitpid gives it, and the last line that it wrote, printable, "" none.
 * Never called from inside; errand_free is the callee's. */
typedef void (*errand_fn)(void *arg, int status, const char *last);

struct errand_call {
	struct control *control;
	const struct account *account;
	int folder;	    /* descriptor of where it runs */
	char *const *argv;  /* argv[0]: errand_program's */
	char *const *extra; /* of its environment, ended by NULL; NULL: none */
	int in, out;	    /* -1: nothing; what it writes to standard output is words too */
	bool behind;	    /* it takes what nobody else wants of processor, disk and memory */
	errand_fn fn;
	void *arg;
};

/* The program's whole path, owned by the caller; NULL: it is nowhere in ERRAND_PATH, or not there.
 */
char *errand_program(const char *name);
int errand_start(struct errand **x, const struct errand_call *call, struct err *e);
/* Takes up what it said meanwhile: it waits for that, once a pipe is full. */
void errand_listen(struct errand *x);
/* To it and all that it started. */
void errand_signal(const struct errand *x, int number);
/* Kills it where it runs. */
void errand_free(struct errand *x);
/* "ended with 3", "was killed by signal 9 (Killed)". */
const char *errand_status(int status, char *text, size_t room);

#endif
