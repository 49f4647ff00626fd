/* A question that is being answered: its child, and the rows that came so far, as a table. */
#ifndef DB_RESULT_H
#define DB_RESULT_H

#include <uv.h>

#include "base/err.h"
#include "table/table.h"

#define RESULT_ROWS_MAX 1000000u

struct result;

struct result_ops {
	void (*changed)(void *arg);		    /* rows came: look at the tables again */
	void (*ended)(void *arg, struct result *r); /* the table was released: forget it */
	void (*unread)(void *arg, int64_t shard);   /* a shard could not be read */
};

struct result_spec {
	uv_loop_t *loop;
	const char *program, *folder; /* borrowed, longer than the result */
	struct str question;	      /* copied */
	const struct table_type *type;
	bool live;  /* asked for again and again: kept up to date */
	bool still; /* nobody writes the history */
};

/* Starts `program --ask` for the question. */
struct result *result_new(const struct result_spec *spec, const struct result_ops *ops, void *arg,
			  struct err *e);
struct table result_table(struct result *r); /* its release frees the result */
/* Something was taken up: asks again, if it is kept up to date. The rows stay until the new ones
 * are all there. true: not now, ask me later. */
bool result_again(struct result *r);
void result_reaped(
	struct result *r,
	pid_t pid); /* a child was waited for: if it was this one's, its number is free */
bool result_running(const struct result *r);
/* What there is to say: NULL, or why rows are missing. */
const char *result_note(const struct result *r);

#endif
