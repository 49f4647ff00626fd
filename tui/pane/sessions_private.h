/* The dashboard's own: sessions.c is the pane, sessions_rows.c the table of all hosts, sessions_draw.c what is drawn round it. */
#ifndef PANE_SESSIONS_PRIVATE_H
#define PANE_SESSIONS_PRIVATE_H

#include "base/map.h"
#include "session_act.h"
#include "session_facts.h"
#include "tui/app.h"
#include "tui/list.h"

#define SESSIONS_SAMPLES 120	  /* seconds kept of each session's rate */
#define SESSIONS_TRACKS_MAX 4096u /* sessions whose rates are kept */

enum sessions_column {
	KEY, NAME, HOST, DEVICES, FILTER, STATE, BPS, PPS, DROPPED, PACKETS, BYTES, FILES, FILE_BYTES, SINCE, OWNER, RECORDING, SERIES,
	ALERT, REASON, CPU, MEMORY, COLUMNS
};
extern const struct table_type sessions_type;

/* One host's question. */
struct asked {
	struct asked *next;
	struct sessions *sessions;
	struct host *host;
	struct feed *feed;
};

struct track {
	double sample[SESSIONS_SAMPLES];
	int count;
	uint64_t serial; /* of the window that the last sample is of */
	int64_t sampled_ns; /* by the console's clock: where that stands, as in a script, there is one sample */
	struct sessions *sessions;
	struct feed *past; /* what was before this console looked; NULL: it came */
};

struct sessions {
	struct pane pane;
	struct list *list;
	struct rowset *rows;
	struct asked *asked;
	struct map *tracks; /* "HOST:NAME" to struct track */
	struct session_act *act;
	struct session_facts *facts; /* of the selected one */
};

/* sessions_rows.c */
void sessions_ask(struct sessions *s); /* every host that is known and was not asked yet */
void sessions_rows_make(struct sessions *s);
void sessions_rows_release(struct sessions *s);

/* sessions_draw.c */
void sessions_draw(struct pane *p, struct area a, bool focused);
enum style sessions_style(void *arg, const struct window *w, uint32_t row);
bool sessions_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style);

#endif
