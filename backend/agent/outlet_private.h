/* What the files of the outlets share: outlet.c (the way of a file), outlet_pack.c,
 * outlet_announce.c, outlet_pipe.c, outlet_hold.c, outlet_recover.c. */
#ifndef AGENT_OUTLET_PRIVATE_H
#define AGENT_OUTLET_PRIVATE_H

#include "account.h"
#include "base/words.h"
#include "errand.h"
#include "outlet.h"
#include "packing.h"
#include "pump.h"
#include "watch.h"

/* A command that runs, and how long it may. */
struct outlet_command {
	struct errand *errand; /* NULL: none runs */
	int64_t limit_ns;      /* monotonic; 0 none */
	bool termed, late;
};

struct outlets {
	struct session *session;
	struct account account;
	int folder; /* descriptor: the capture's */
	uv_timer_t timer;

	const struct compressor *compressor;
	struct packing *packing[OUTLETS_PACKING_MAX + 1]; /* one more may follow what is written */
	unsigned npacking, failures;
	bool behind_told, live_failed;

	struct outlet_command announce;
	uint32_t announcing; /* the segment's number */
	uint64_t dropped, dropped_told;

	struct watch *watch;
	bool shown, watch_asked, watch_told,
		stuck_told; /* shown: a file was, since when the next ones wait */
	int64_t watch_ns;

	struct outlet_command pipe;
	struct pump *pump;
	bool pump_lost, ended;
};

struct segment *outlet_segment(struct outlets *o, uint32_t number);
/* Looks at all files: what is to be done now is begun. */
void outlet_step(struct outlets *o);
/* The arguments of a command, the program's whole path first, owned by the caller (free, and
 * words_release). */
int outlet_arguments(const char *command, const char *word, struct words *w, struct err *e);
/* Ends what runs too long, and takes up what it says. */
void outlet_command_look(struct outlets *o, struct outlet_command *k, const char *what);
/* A command with TAPDECK_SESSION, TAPDECK_FOLDER and `extra` (ended by NULL) in its environment;
 * one more argument: `last`, or NULL. */
int outlet_run(struct outlets *o, struct outlet_command *k, const char *word, const char *command,
	       const char *last, char *const *extra, int in, errand_fn fn, struct err *e);

/* --- outlet_pack.c --- */
void outlet_pack_step(struct outlets *o);
void outlet_pack_open(struct outlets *o, const struct segment *g);
void outlet_pack_sealed(struct outlets *o, struct segment *g);
void outlet_pack_drop(struct outlets *o, uint32_t number);
/* Nobody writes any more. */
void outlet_pack_ended(struct outlets *o);
void outlet_pack_look(struct outlets *o);
unsigned outlet_packing_all(const struct control *c);
/* --- outlet_announce.c --- */
void outlet_announce_step(struct outlets *o);
/* --- outlet_pipe.c --- */
int outlet_pipe_start(struct outlets *o, struct err *e);
void outlet_pipe_ended(struct outlets *o);
/* --- outlet_hold.c --- */
void outlet_hold_step(struct outlets *o);
/* Takes its last name. */
void outlet_show(struct outlets *o, struct segment *g);
/* --- outlet_journal.c --- */
/* A file has another name and size: the journal says so. */
void outlet_journal(struct session *s, struct segment *g);
/* What could not be said to it before. */
void outlet_journal_step(struct outlets *o);

#endif
