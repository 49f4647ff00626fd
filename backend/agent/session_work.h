/* What the files of a session do for one another. Included by session.h. */
#ifndef AGENT_SESSION_WORK_H
#define AGENT_SESSION_WORK_H

#include "capfile/write.h"
#include "journal/journal.h"
#include "segment.h"
#include "session.h"

/* --- session.c --- */
/* Where the clock went back, what claims to be later than x goes. */
void history_add(struct history *h, const struct second *x);
/* So many rows and no more: the newest stay. */
void history_limit(struct history *h, unsigned rows);
/* Time from a to b: of the clock of the day, but where it was set in between. */
int64_t history_between_ns(const struct second *a, const struct second *b);
const struct second *history_at(const struct history *h, unsigned i);
/* One too many is answered at once. */
void waiting_add(struct control *c, struct waiting *w, const struct reply *r);
void waiting_done(struct control *c, struct waiting *w, const char *note);
void waiting_error(struct control *c, struct waiting *w, const struct err *e);
/* --- session_start.c --- */
/* Answers the client when it runs or cannot. */
void session_start(struct control *c, struct spec *spec, const struct peer *p,
		   const struct reply *r);
/* The same, of a session that nobody else is called like. `back`: it was there before (taken); NULL. */
void session_begin(struct control *c, struct spec *spec, const struct who *who, uid_t uid,
		   const struct reply *r, const struct persist *back);
/* A session that is in no list, with its spec: its devices are found. -1: it cannot be. */
int session_try(struct control *c, struct session *s, struct err *e);
/* --- session_end.c --- */
void session_stop(struct session *s, const char *reason);
void session_tap_gone(struct session *s, const struct err *why);
void session_reader_finished(struct session *s);
/* All files are looked through: the rest of the end. */
void session_mended(struct session *s);
void session_finish(struct session *s);
void session_tick(struct session *s, int64_t now_ns);
/* --- tap_child.c --- */
int tap_child_start(struct session *s, struct err *e);
/* --- session_reader.c --- */
int session_reader_start(struct session *s, struct err *e);
void session_reader_lost(struct session *s, struct reader_child *r);
/* A channel was let go: a reader that nobody needs ends. */
void session_unbound(struct session *s);
void session_reader_segments(struct session *s);
/* The file of a segment was removed. */
void session_reader_gone(struct session *s, const struct segment *g);
/* Its tap ends it by itself. */
void session_stopping(struct session *s, const char *reason);
/* --- salvage.c --- */
/* The tap is dead: what it had published and not written goes to the files. They are looked through
 * from then on (nmending), cut, synced, named. */
void salvage_tap(struct session *s, const char *reason);
/* The daemon was dead. 1: somebody still writes, later; 0: as salvage_tap. */
int salvage_session(struct session *s);
/* What was found in a file; r NULL: nothing, e says why. */
void salvage_mended(struct session *s, uint32_t number, const struct repair *r,
		    const struct err *e);
/* The highest number of a connection in a reader's journal. */
uint64_t salvage_connections(int fd);
/* The journals' last records. */
void salvage_journals(struct session *s);
/* --- capture.c --- */
/* The folder and both journals, begun by J_CAPTURE. */
int capture_create(struct session *s, struct err *e);
/* Opens and locks a journal of the capture. -1 with *busy: its writer still lives. */
int capture_journal_open(const struct session *s, const char *name, bool *busy, struct err *e);
/* A capture that never began leaves nothing. */
void capture_remove(struct session *s);
bool capture_name_ok(struct str name);
/* --- join.c: devices by pattern, and such as come back as others --- */
/* A device of it is said by a pattern: it goes on without any. */
bool join_waits(const struct session *s);
/* The devices of now: by name, by pattern, or the default one. */
int join_resolve(struct session *s, struct err *e);
/* TAP_DEVICE: opened, or not. */
void join_answer(struct session *s, const struct msg_tap_device *m);
void join_tick(struct session *s);
/* --- job.c: compile for each device, then send to the tap --- */
typedef void (*job_fn)(void *arg, const struct err *e); /* e NULL: done */
/* type: MSG_TAP_FILTER, _OWN, _WHEN. arg must live until fn was called; fn NULL: nobody cares.
 */
void job_start(struct session *s, uint16_t type, const char *op, const char *name, const char *text,
	       job_fn fn, void *arg);
/* Counters: all of the changes, or none. They are copied. */
void job_counters(struct session *s, const struct counter_change *change, unsigned count, job_fn fn,
		  void *arg);
/* All counters, for a device of another link type than the others'. */
void job_counters_for(struct session_device *d, job_fn fn, void *arg);
/* For one that came later: with the text that holds when its turn comes, or none if it went. */
void job_start_for(struct session_device *d, uint16_t type, const char *op, const char *name,
		   job_fn fn, void *arg);
/* An answer of the tap's; e NULL: DONE. */
void job_answer(struct session *s, uint32_t id, const struct err *e);
void job_fail_all(struct session *s, const struct err *e);
/* --- session_event.c --- */
/* As control_event, and in the session's journal too: what the tap does not say by itself. */
void session_event(struct session *s, const char *severity, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* --- own.c --- */
void session_own_changed(struct control *c);
void session_own_apply(struct session *s);
/* --- session_counters.c --- */
/* Totals that the tap tells, of those that counted. */
void session_counts(struct session *s, const struct msg_tap_counts *m);
/* A second is over: a row for each. */
void session_counters_second(struct session *s, int64_t time_ns);
void session_counters_release(struct session *s);
/* --- command_counter.c --- */
struct call;
int command_counter(struct call *c, struct err *e);
/* --- state.c --- */
void state_save(struct session *s);
void state_forget(struct session *s);
/* Sessions that files tell of; those that ran are INTERRUPTED. */
void state_load(struct control *c);
/* --- command.c --- */
void command_run(struct peer *p, const struct frame *f);
/* --- tables.c --- */
int tables_query(void *arg, uint32_t channel, const struct msg_query *q, struct table *t,
		 struct err *e);
void tables_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s);
bool tables_of_session(struct str table);

#endif
