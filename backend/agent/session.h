/* A session: a tap, a reader, counters, segments, and what must be known of it when it is over. */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include "capfile/chunk.h"
#include "peer.h"
#include "spec.h"

#define SESSION_SECONDS 600u /* of totals kept in memory */
#define SESSION_CHUNKS_RECORD 64u
#define SESSION_CHUNKS_COUNT 16u
#define SESSION_STOP_NS (15 * NS_PER_S)	  /* for the tap to drain */
#define SESSION_FINISH_NS (30 * NS_PER_S) /* for the reader to publish what is left */
#define SESSION_READER_DEATHS_MAX 5u	  /* within a minute: then it is let be */
#define SESSION_WAITING_MAX 64u		  /* clients that wait for one thing */

/* INTERRUPTED: found after the daemon was killed; to be mended. */
enum session_state { SESSION_STARTING, SESSION_RUNNING, SESSION_STOPPING, SESSION_FINISHING, SESSION_INTERRUPTED, SESSION_ENDED };

struct second {
	int64_t time_ns;
	uint64_t packets, bytes, dropped_kernel;
};
/* The last SESSION_SECONDS; [0] is the oldest by history_at. */
struct history {
	struct second *at;
	unsigned first, count;
};

struct counter {
	struct counter *next;
	char *name, *filter;
	uint64_t packets, bytes;
	int64_t last_ns;
	struct history history;
};

struct session_device {
	char *name;
	bool answered;
	uint32_t link_type, snaplen, buffer_bytes;
	bool nanoseconds;
};

struct segment {
	uint32_t number;
	char *name; /* without .part */
	int fd;	    /* while it is written; -1 */
	bool sealed;
	bool told;     /* the reader has it */
	bool rotating; /* its end was asked for */
	bool salvaged; /* its tap could not say that it is complete */
	uint64_t first_packet, packets, bytes;
	int64_t first_ns, last_ns, opened_ns;
	char reason[64];
};

/* A filter that held from a time on. */
struct filter_change {
	int64_t time_ns;
	char *counter; /* "" the capture filter */
	char *filter;
	uint64_t packets, bytes;
};

/* A connection that is left out because it carries a client. */
struct own_use {
	struct own_use *next;
	char *name, *filter;
	int64_t since_ns, until_ns; /* 0: still */
	bool wanted;
};

struct waiting {
	struct reply reply[SESSION_WAITING_MAX];
	unsigned count;
};

struct job;

struct session {
	struct session *next;
	struct control *control;
	struct spec spec;
	char *name, *owner, *filter;
	uid_t uid;
	enum session_state state;
	char *reason; /* why it ended; NULL before */
	char *capture; /* unique: the stem of its files */
	char *folder;  /* whole path */
	int64_t started_ns, ended_ns, running_ns; /* running: monotonic */
	bool failed;			     /* it did not end because somebody wanted it to */
	struct session_device device[SPEC_DEVICES_MAX];
	unsigned ndevices;
	char *devices; /* names joined by commas */

	struct msg_tap_stats total;
	struct history history;
	struct counter *counters;
	struct segment *segment;
	unsigned nsegments;
	uint64_t removed_files; /* by keep */
	struct filter_change *change;
	unsigned nchanges;
	struct own_use *own;
	bool recording;

	/* while it runs */
	struct channel *tap;
	pid_t tap_pid;
	bool tap_ended;
	struct err tap_error; /* what it said before it went */
	int chunks_fd, release_fd, wake_fd, tap_journal_fd, reader_journal_fd;
	struct chunks chunks;
	uint32_t last_id;
	struct job *jobs;
	struct reader_child *reader;
	unsigned reader_deaths;
	int64_t reader_death_ns, deadline_ns;
	struct reply started;	  /* who asked for it */
	unsigned start_step;
	struct waiting stops, seals; /* who waits for its end, for a sealed segment */
};

/* --- session.c: the list --- */
struct session *session_new(struct control *c, const char *name);
void session_free(struct session *s);
struct session *session_find(struct control *c, struct str name);
/* ERR_ABSENT with the nearest name. */
struct session *session_need(struct control *c, struct str name, struct err *e);
const char *session_state_text(const struct session *s);
bool session_runs(const struct session *s);
uint64_t session_file_bytes(const struct session *s);
void history_add(struct history *h, const struct second *x);
const struct second *history_at(const struct history *h, unsigned i);
void waiting_add(struct waiting *w, const struct reply *r);
void waiting_done(struct control *c, struct waiting *w, const char *note);
void waiting_error(struct control *c, struct waiting *w, const struct err *e);
void session_note_filter(struct session *s, const char *counter, const char *filter, uint64_t packets, uint64_t bytes);
struct counter *session_counter(struct session *s, struct str name);
struct counter *session_counter_add(struct session *s, const char *name, const char *filter);
void session_counter_remove(struct session *s, struct counter *counter);

/* --- session_start.c --- */
/* Answers the client when it runs or cannot. */
void session_start(struct control *c, struct spec *spec, const struct peer *p, const struct reply *r);
/* --- session_end.c --- */
void session_stop(struct session *s, const char *reason);
void session_tap_gone(struct session *s, const struct err *why);
void session_reader_finished(struct session *s);
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
/* --- segment.c --- */
void segment_need(struct session *s, const struct msg_tap_need *m);
void segment_sealed(struct session *s, const struct msg_tap_sealed *m);
struct segment *segment_open(struct session *s); /* the one that is written; NULL */
struct segment *segment_add(struct session *s, uint32_t number, const char *name);
/* A name by the pattern of `names`, owned by the caller; NULL: it is none. */
char *segment_pattern(const char *pattern, int64_t now_ns, uint32_t number);
void segment_watch(struct session *s); /* every, size, packets, stop-after */
char *segment_path(const struct session *s, const struct segment *g, bool part);
/* Takes its last name; the folder is synced. */
int segment_name(struct session *s, struct segment *g, struct err *e);
bool session_watches_size(const struct session *s);
/* --- salvage.c --- */
/* The tap is dead: what it had published and not written goes to the files; they are cut, synced, named. */
void salvage_tap(struct session *s, const char *reason);
/* The daemon was dead. 1: somebody still writes, later; 0: mended. */
int salvage_session(struct session *s);
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
/* --- job.c: compile for each device, then send to the tap --- */
typedef void (*job_fn)(void *arg, const struct err *e); /* e NULL: done */
/* type: MSG_TAP_FILTER, _COUNTER, _OWN. arg must live until fn was called; fn NULL: nobody cares. */
void job_start(struct session *s, uint16_t type, const char *op, const char *name, const char *text, job_fn fn, void *arg);
/* An answer of the tap's; e NULL: DONE. */
void job_answer(struct session *s, uint32_t id, const struct err *e);
void job_fail_all(struct session *s, const struct err *e);
/* --- own.c --- */
void session_own_changed(struct control *c);
void session_own_apply(struct session *s);
/* --- state.c --- */
void state_save(struct session *s);
void state_forget(struct session *s);
/* Sessions that files tell of; those that ran are INTERRUPTED. */
void state_load(struct control *c);
/* --- command.c --- */
void command_run(struct peer *p, const struct frame *f);
/* --- tables.c --- */
int tables_query(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e);
void tables_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s);
bool tables_of_session(struct str table);

#endif
