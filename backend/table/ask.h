/* One question to the server and its answer: what was asked, the view, the rows written so far. */
#ifndef TABLE_ASK_H
#define TABLE_ASK_H

#include "table/server.h"
#include "wire/msg.h"

enum step {
	STEP_VIEW,   /* rows are looked at and put in order */
	STEP_ENCODE, /* rows are written into the answer */
	STEP_WAIT,   /* for the period, for rows, or for the channel: see due_ns, wants_rows */
	STEP_KEPT,   /* answered; the same id may ask for the next rows */
};

struct ask {
	struct ask *next;
	struct channel *c;
	uint32_t channel, id;
	char *table, *words, *columns, *filter, *bpf,
		*sort; /* words: one string, each with its length */
	uint64_t first;
	uint32_t count, period_ms, flags;

	struct table source;
	struct view *view;
	unsigned column[TABLE_COLUMNS_MAX];
	unsigned ncolumns;

	enum step step;
	bool fresh;	 /* the next step of the view is the first of a snapshot */
	bool resort;	 /* that snapshot reads the cells anew */
	bool wants_rows; /* waits until more was read */
	int64_t due_ns;
	int64_t begun_ns, worked_ns; /* of this snapshot */
	struct buf rows;	     /* encoded so far */
	uint32_t encoded;
	uint64_t version; /* of the table when encoding began */
};

void ask_release(struct ask *a);
uint64_t ask_version(const struct ask *a);
/* The words as one text, that can be compared. Owned by the caller, as the next. */
char *ask_words(const struct strs *words);
char *ask_copy(struct str s);
/* The same rows in the same order: only the window, columns or period may differ. */
bool ask_is(const struct ask *a, const struct msg_query *q);
int ask_columns(struct ask *a, struct str names, struct err *e);
/* true: the rows of the answer are all there. */
bool ask_encode(struct ask *a, int64_t until_ns);
/* -1: the channel is given up. */
int ask_send(struct ask *a, const struct table_state *state);

#endif
