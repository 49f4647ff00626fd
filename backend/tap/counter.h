/* Counters, and the connections that are left out: programs that each packet is shown to. Included
 * by tap_private.h. */
#ifndef TAP_COUNTER_H
#define TAP_COUNTER_H

#include "base/map.h"
#include "bpf/many.h"
#include "merge.h"
#include "source.h"

#define TAP_COUNTERS_MAX 4096u
#define TAP_OWN_MAX 256u
#define TAP_GROUPS_MAX MERGE_SOURCES_MAX

/* Totals are told at their own times: each second and at the end of minutes and hours. */
enum counter_period { COUNTER_SECOND, COUNTER_MINUTE, COUNTER_HOUR, COUNTER_PERIODS };

/* A program a group of devices: link types differ. */
struct counter {
	char *name, *text;
	uint32_t number; /* of its programs in bpf_many */
	struct bpf *program[TAP_GROUPS_MAX];
	struct bpf_tally tally;
	uint64_t told, journaled[COUNTER_PERIODS]; /* packets, when that was last done */
};

/* Devices of one link type are shown the same programs. */
struct counter_group {
	uint32_t link_type;
	struct bpf_many *many;
};

struct counters {
	struct map *names;			/* to struct counter; NULL before the first */
	struct counter *list[TAP_COUNTERS_MAX]; /* by number, NULL where none is */
	uint32_t top;				/* numbers in use are below */
	struct counter_group group[TAP_GROUPS_MAX];
	uint32_t groups;
	int64_t period[COUNTER_PERIODS]; /* the one that runs, in units of itself since the epoch */
};

/* The text is the same for all groups, so each message of a change brings it and the last one
 * stays. The program is taken. */
int counter_set(struct counters *c, struct str name, uint32_t group, struct bpf *program,
		struct str text, struct err *e);
struct counter *counter_find(struct counters *c, struct str name);
void counter_remove(struct counters *c, struct counter *one);
void counters_release(struct counters *c);
/* The group of a link type, made where it is new; TAP_GROUPS_MAX: there are too many. */
uint32_t counters_group(struct counters *c, uint32_t link_type);
/* Totals are what was counted so far. */
void counters_settle(struct counters *c);
/* Once a second: what was changed costs less from then on. */
void counters_ready(struct counters *c);

static inline void counters_run(struct counters *c, uint32_t group, const struct source_packet *p)
{
	if (group < c->groups)
		bpf_many_count(c->group[group].many, p->data, p->captured, p->length, p->ts_ns);
}

/* A connection that is left out; or what ends the session, or saves its past (when.c). */
struct own {
	char *name, *text;
	struct bpf *program[MERGE_SOURCES_MAX]; /* by device */
	uint64_t packets, bytes;
};

struct owns {
	struct own *list[TAP_OWN_MAX];
	size_t count;
};

/* own.c: the program is taken */
int owns_set(struct owns *o, struct str name, uint32_t index, struct bpf *program, struct str text,
	     struct err *e);
struct own *owns_find(struct owns *o, struct str name);
void owns_remove(struct owns *o, struct own *one);
/* The programs for a device are of no use any more. */
void owns_forget(struct owns *o, uint32_t index);
void owns_release(struct owns *o);
/* true: it matches, and counts it */
bool own_match(struct own *one, uint32_t index, const struct source_packet *p);
/* true: one of them does */
struct tap;
bool owns_match(struct tap *t, uint32_t index, const struct source_packet *p);

#endif
