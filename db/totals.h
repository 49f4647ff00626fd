/* Totals by the minute and by the hour: of a session with what it dropped, and of its counters.
 * They lie in the catalog; how many rows there are is bounded, a capture. */
#ifndef DB_TOTALS_H
#define DB_TOTALS_H

#include <sqlite3.h>

#include "base/err.h"
#include "wire/msg.h"

#define TOTALS_COUNTERS_MAX 16384 /* names of a capture; later ones are left out */
/* Rows of a capture and a period, about: with many counters they go back less far, but never less
 * than TOTALS_PERIODS_LEAST and never further than TOTALS_PERIODS_MOST. */
#define TOTALS_ROWS_MAX 1000000
#define TOTALS_PERIODS_LEAST 120
#define TOTALS_PERIODS_MOST 10000

struct totals;

/* Makes its tables where they are not. */
int totals_open(struct totals **t, sqlite3 *db, struct err *e);
void totals_close(struct totals *t);
/* What records with a period say; the rest is passed over. A journal may be taken up again. */
int totals_put_session(struct totals *t, int64_t capture, const struct msg_j_second *m,
		       struct err *e);
int totals_put_counter(struct totals *t, int64_t capture, const struct msg_j_counter *m,
		       struct err *e);

/* Rows of table_history_minutes: ?1 and ?2 times, ?3 the period, ?4 the counter ("" all), ?5 how
 * many at most. */
extern const char totals_sql[];

#endif
