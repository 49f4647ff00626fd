/* What a reader process holds. reader.c speaks, pipeline.c reads and counts, the tables answer. */
#ifndef READER_STATE_H
#define READER_STATE_H

#include <uv.h>

#include "capture.h"
#include "counter.h"
#include "journal/journal.h"
#include "pass.h"
#include "source.h"
#include "survey.h"
#include "table/server.h"
#include "wire/channel.h"

#define READER_PASSES_MAX 8u		/* filters (--bpf) that are kept at once */
#define READER_HELD_MAX 1024u		/* queries that wait for a filter or a packet */
#define READER_SLICE_NS (2 * NS_PER_MS) /* of reading, between two looks at messages */

struct stream;
struct held;
struct cache;
struct owners;

/* A numbering of its own over the same packets (--outer): goes through them behind the main one. */
struct follower {
	struct capture capture;
	struct walker walker;
	uint64_t row;
};

struct reader {
	uv_loop_t loop;
	uv_idle_t idle;	 /* runs while there is something to read or to count */
	uv_timer_t look; /* a file that grows */
	uv_timer_t beat; /* the journal's heartbeat and what live sessions forget */
	uv_poll_t wake;	 /* live: the tap has published something */
	bool waking;
	struct channel *control;
	int control_fd; /* the channel's */
	struct table_server *tables;
	struct source source;
	struct index index;
	bool drained;	  /* the source had no more when it was last looked at */
	struct capture capture;
	struct counter *counter; /* of packets into capture */
	bool has_capture;
	struct follower *outer; /* NULL until somebody asks */
	struct pass *passes;
	struct survey *surveys;
	uint64_t turn;
	uint32_t compile_id; /* of the last COMPILE */
	struct held *held;
	uint32_t nheld;
	struct stream *streams;
	struct journal *journal;
	int former_fd; /* a journal whose numbers hold; -1: none */
	uint32_t former_before; /* for connections that began in segments before it */
	struct owners *owners; /* owner.h; NULL: nobody has told of any */
	struct cache *cache; /* NULL: nothing is remembered */
	bool journal_failed;
	uint64_t base_connections, memory_bytes;
	struct err failed; /* why there is nothing to read */
	bool finishing, finish_answered;
	uint32_t finish_id;
};

/* --- pipeline.c --- */
void pipeline_init(struct reader *r);
void pipeline_release(struct reader *r);
/* There may be something to do: the idle callback runs until there is not. */
void pipeline_kick(struct reader *r);
/* Reads at once what a live session has ready, before its table is shown. */
void pipeline_clock(struct reader *r);
struct capture *pipeline_capture(struct reader *r, bool outer);
/* Everything that will ever come has been read and counted. */
bool pipeline_done(const struct reader *r);
/* Everything that is there now has been read and counted (by `outer`'s numbering). */
bool pipeline_current(const struct reader *r, bool outer);
/* The rows that are counted by that numbering. */
uint64_t pipeline_rows(const struct reader *r, bool outer);

/* --- passes.c --- */
/* The pass of a filter, made where it is not there; NULL when too many are in use. */
struct pass *passes_find(struct reader *r, struct str text, bool outer, struct err *e);
/* Asks for programs that it will need. 1: it can run; 0: not yet; -1: its words are wrong, *e. */
int passes_ready(struct reader *r, struct pass *p, struct err *e);
bool passes_done(const struct reader *r, const struct pass *p);
/* true: there is more to look at. */
bool passes_step(struct reader *r);
void passes_compiled(struct reader *r, uint32_t id, struct str blob, const struct err *failed);
void passes_release(struct reader *r);

/* --- surveys.c --- */
/* The second look that makes an analysis, begun where it is not there; the caller is a user of it. */
struct survey *surveys_find(struct reader *r, const struct analysis_type *t, struct capture *c,
			    struct pass *p);
void surveys_leave(struct reader *r, struct survey *v);
bool surveys_done(const struct reader *r, const struct survey *v);
/* true: there is more to look at. */
bool surveys_step(struct reader *r);
/* Until a step is due again, 0: nothing waits. */
uint64_t surveys_rest_ms(const struct reader *r);
void surveys_release(struct reader *r);

/* --- held.c: queries that cannot be answered yet --- */
void held_query(struct reader *r, uint32_t channel, uint32_t id, const uint8_t *payload,
		size_t len);
void held_look(struct reader *r);
/* id 0: all of the channel. */
void held_drop(struct reader *r, uint32_t channel, uint32_t id);
void held_release(struct reader *r);

/* --- stream.c --- */
void stream_start(struct reader *r, uint32_t channel, uint32_t id, const struct msg_stream *m);
void stream_credit(struct reader *r, uint32_t channel, uint32_t id, uint64_t bytes);
void stream_drop(struct reader *r, uint32_t channel, uint32_t id); /* id 0: all of the channel */
void stream_fail(struct reader *r, const struct err *e); /* all: there is nothing to send */
bool stream_step(struct reader *r); /* true: there is more that can be sent now */
void stream_release(struct reader *r);

/* --- journal_out.c --- */
/* The numbers of a former reader, once there is a table to take them. */
void journal_former(struct reader *r);
int journal_start(struct reader *r, int fd, const struct msg_read_journal *m, struct err *e);
void journal_connection(void *reader, const struct connection *c, bool final);
void journal_gap(struct reader *r);
void journal_beat(struct reader *r);
int journal_finish(struct reader *r, struct err *e);

/* --- sandbox.c --- */
int reader_sandbox_enter(struct err *e);

#endif
