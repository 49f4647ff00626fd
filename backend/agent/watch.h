/* `watch-file`: a file whose coming is a sign, looked at and taken away with its owner's rights by
 * a process of theirs, so that a path that hangs holds up nobody else. */
#ifndef AGENT_WATCH_H
#define AGENT_WATCH_H

#include "account.h"
#include "control.h"

#define WATCH_PATH_MAX 4096u

struct watch;
enum watch_seen {
	WATCH_WAITS, /* no answer has come yet */
	WATCH_ABSENT,
	WATCH_TAKEN, /* it was there, and is removed */
	WATCH_STUCK, /* it is there and cannot be removed: `why` */
};

int watch_start(struct watch **w, struct control *c, const struct account *account,
		const char *path, struct err *e);
/* Begins a look; the answer comes later, one to each. -1: its process is gone. */
int watch_ask(struct watch *w);
/* enum watch_seen; -1: its process is gone. */
int watch_answer(struct watch *w, const char **why);
void watch_free(struct watch *w);

/* `--watch`, the process: paths come on descriptor 3, one message a look, and its answers go there.
 */
int watch_main(void);

#endif
