/* The counters wall's own: wall.c is the pane, wall_rows.c what the hosts answer, merged, wall_draw.c the cells. */
#ifndef PANE_WALL_PRIVATE_H
#define PANE_WALL_PRIVATE_H

#include "base/map.h"
#include "session_act.h"
#include "tui/app.h"
#include "tui/pane.h"

#define WALL_SAMPLES 40	    /* kept of each counter's rates */
#define WALL_SAMPLE_S 5	    /* seconds each stands for: a wall that moved each second would be too much for a slow link */
#define WALL_TRACKS_MAX 4096u /* counters whose rates are kept */
#define WALL_ROWS_MAX 4096u /* asked of one host at once */
#define WALL_PASTS_MAX 32u  /* questions for what was before, under way at once */

struct wall;

/* One host's question. */
struct wall_ask {
	struct wall_ask *next;
	struct wall *wall;
	struct host *host;
	struct feed *feed;
};

/* A row of one of the windows, in the order of all. */
struct wall_cell {
	const struct wall_ask *ask;
	uint32_t row;
};

struct wall_track {
	struct wall *wall;
	double pps[WALL_SAMPLES], bps[WALL_SAMPLES];
	int count;
	int64_t live_ns; /* of the newest rates that were seen here; 0: none */
	double live_pps, live_bps;
	int64_t period; /* of the last sample: time over WALL_SAMPLE_S */
	bool past_asked;
	struct feed *past; /* what was before this console looked; NULL: it came, or was not asked */
};

struct wall {
	struct pane pane;
	const char *session; /* "": of all */
	bool all_hosts;
	struct wall_ask *asks;
	struct wall_cell *cell; /* what is here, from `first` on */
	size_t ncells;
	uint64_t first, total, top, cursor;
	char *selected; /* key of the selected one; NULL: none yet */
	bool touched;	/* the user moved: the selection follows its counter */
	char *sort, *filter;
	bool bits;     /* rates are shown in bits, else in packets */
	int across, down; /* cells on the screen, as last drawn */
	uint64_t asked_first;
	uint32_t asked_count;
	bool asked;
	struct map *tracks; /* "HOST:KEY" to struct wall_track */
	unsigned pasts;
	struct session_act *act;
};

/* wall_rows.c */
void wall_hosts(struct wall *w);	 /* every host that is known is asked */
void wall_ask(struct wall *w);		 /* what the screen needs, where it was not asked yet */
void wall_ask_again(struct wall *w);	 /* other words: from the beginning */
void wall_rows_release(struct wall *w);
void wall_move(struct wall *w, uint64_t place);
const struct wall_cell *wall_at(const struct wall *w, uint64_t place); /* NULL: not here */
struct value wall_value(const struct wall_cell *c, const char *column);
char *wall_text(const struct wall_cell *c, const char *column); /* raw; the caller's */
char *wall_key(const struct wall_cell *c); /* "HOST:SESSION/COUNTER"; the caller's */
/* The rates of that one so far, asked for where they are not known. */
const struct wall_track *wall_track(struct wall *w, const struct wall_cell *c);

/* wall_draw.c */
void wall_draw(struct pane *p, struct area a, bool focused);

#endif
