/* The past on request, and what a packet that matches asks for. Included by tap_private.h. */
#ifndef TAP_PAST_H
#define TAP_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "bpf/program.h"
#include "source.h"
#include "wire/msg.h"

struct tap;

/* A save that was asked for and has not begun, and what bounds each. */
struct past {
	uint64_t bytes;	 /* 0: the session holds no past */
	int64_t ns;	 /* 0: no bound */
	uint32_t number; /* of the one that is asked for; 0: none is */
	char *name;	 /* NULL: its file is still to come */
	int fd;
	int64_t asked_ns, asked_mono_ns;
	int64_t matched_mono_ns; /* when a match last asked for one; 0: none has */
};

/* past.c */
int past_ask(struct tap *t, struct err *e);
/* Its file, taken; -1: none could be made. */
void past_take(struct tap *t, struct str name, int fd);
bool past_waits(const struct tap *t); /* for the devices: ticks are needed */
void past_tick(struct tap *t, bool now);
void past_held(const struct tap *t, uint64_t *bytes, int64_t *ns);
void past_release(struct tap *t);

/* when.c */
void when_run(struct tap *t, uint32_t index, const struct source_packet *p);
int when_set(struct tap *t, const struct msg_tap_when *m, struct bpf *program, struct err *e);

#endif
