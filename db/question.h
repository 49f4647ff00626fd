/* A question to the history: the filter language, and times, places and tails besides.
 *   10.1.2.3 port 443 last 7d | captures        host 10.1.2.3 and between 14:00 and 15:00 on
 * edge-01 | top 20 addr_b Bare addresses, nets and :ports mean host, net and port; terms side by
 * side are joined by `and`. */
#ifndef DB_QUESTION_H
#define DB_QUESTION_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "table/filter.h"

#define QUESTION_TEXT_MAX FILTER_TEXT_MAX
#define QUESTION_LIMIT_USUAL 10000
#define QUESTION_LIMIT_MAX 1000000

#define QUESTION_KEYS_MAX 3
#define QUESTION_KEY_EITHER (-2) /* the address of either end */

enum question_kind {
	QUESTION_CAPTURES, /* also the empty question */
	QUESTION_FILES,
	QUESTION_CONNECTIONS,
	QUESTION_EVENTS,
	QUESTION_MINUTES,
	QUESTION_HOURS,
	QUESTION_TOP,
	QUESTION_COUNT,
};

struct question {
	enum question_kind kind;
	struct filter *filter; /* on table_history_connections */
	bool has_filter;       /* it says something */
	int64_t from_ns,
		to_ns;	      /* what was going on between these; INT64_MIN, INT64_MAX: any time */
	char *host, *session, *counter; /* NULL: any */
	int64_t capture;      /* 0: any */
	int64_t limit;	      /* rows */
	int key[QUESTION_KEYS_MAX]; /* TOP: columns of table_history_connections, or
				       QUESTION_KEY_EITHER */
	int keys;
	int sort; /* column of `type`; -1: the usual order */
	bool descending;
	const struct table_type *type; /* of the answer */
};

/* Errors are ERR_CALL with the place in `text`. `now_ns` is what `last` counts back from. */
int question_parse(struct question *q, struct str text, int64_t now_ns, struct err *e);
void question_release(struct question *q);

#endif
