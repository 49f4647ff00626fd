/* What may be done with a device of the session. Included by tap_private.h. */
#ifndef TAP_INPUT_H
#define TAP_INPUT_H

#include "tap_private.h"

/* input.c */
int input_open(struct input *in, struct err *e);
/* Its number in the files: a new one. -1, as of input_fits: they cannot hold it. */
int input_fits(const struct input *in, struct err *e);
int input_interface(struct input *in, struct err *e);
/* It was not there, and is now: the journal has the gap. */
void input_told_start(struct input *in);
void input_look_at_lag(struct input *in);
int input_start(struct input *in, struct err *e);
int input_filter(struct input *in, struct bpf *filter, struct str text, uint32_t request,
		 struct err *e);
void input_read(struct input *in); /* drains; sets in->drained */
void input_tick(struct input *in); /* finishes a handover, looks for room after a stall */
void input_settle(
	struct input *in); /* at the end: a packet that still waits for room goes, or is counted */
void input_second(struct input *in);
void input_stats(struct input *in, struct source_stats *stats);
void input_close(struct input *in);
void input_remove(struct input *in); /* its counts stay */

/* add.c */
int add_device(struct tap *t, const struct msg_tap_add *m, struct err *e);
/* The name is taken. Which space it is in: -1, one that there is not. */
int add_name(struct input *in, char *name, struct err *e);
/* fd: of their namespaces, taken. */
int add_spaces(struct tap *t, const struct strs *names, const int *fd, struct err *e);
/* Packets of several devices go through the merge from now on. */
void add_merge(struct tap *t);

#endif
