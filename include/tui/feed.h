/* A feed: one question to one table, and the newest window of its answer. It asks again by itself when the host's link
 * is a new one, keeps what it had meanwhile, and holds still while the display is paused. */
#ifndef TUI_FEED_H
#define TUI_FEED_H

#include <stdbool.h>

#include "table/row.h"
#include "table/table.h"
#include "tui/hosts.h"

struct app;
struct feed;

enum feed_state {
	FEED_IDLE,    /* nothing asked yet */
	FEED_WAITING, /* asked, nothing came yet */
	FEED_READY,   /* the window answers the question */
	FEED_STALE,   /* the link is lost: the window is what was last known */
	FEED_FAILED,  /* refused: feed_error says why */
};

/* As QUERY's fields (wire/msg.def). Texts are copied by feed_ask; NULL is "". */
struct feed_query {
	const char *table;
	const char *const *words; /* the table's arguments */
	size_t nwords;
	const char *columns, *filter, *bpf, *sort;
	uint64_t first;
	uint32_t count;
	uint32_t period_ms; /* 0: once */
	uint32_t flags;	    /* enum query_flag */
};

/* A window came, or state or error changed. The window may be read inside; the feed may be freed inside. */
typedef void (*feed_fn)(void *arg, struct feed *f);

/* `target`: "" the host itself, else as OPEN says ("session:web", "file:/x.pcap"); channels are shared by all feeds
 * of the same host and target. */
struct feed *feed_new(struct app *a, struct host *h, const char *target, feed_fn changed, void *arg);
/* The same over a table in this process (a rowset of several hosts, the event log): filtered and sorted here. */
struct feed *feed_new_local(struct app *a, const struct table *t, feed_fn changed, void *arg);
void feed_free(struct feed *f); /* NULL is fine; no call of `changed` after it */
/* Asks, or asks something else instead: the old window stays until the new one is there. */
void feed_ask(struct feed *f, const struct feed_query *q);
/* Asks the same again, now. For local feeds: the table changed. */
void feed_again(struct feed *f);
void feed_cancel(struct feed *f); /* no more windows; what there is stays */

enum feed_state feed_state(const struct feed *f);
const struct window *feed_window(const struct feed *f); /* never NULL; no rows before the first; borrowed until the next */
const struct err *feed_error(const struct feed *f);	/* ERR_NONE unless FEED_FAILED or FEED_STALE */
uint64_t feed_serial(const struct feed *f);		/* goes up with each window that was taken */
unsigned feed_held(const struct feed *f);		/* windows not taken because of the pause */
bool feed_paused(const struct feed *f);
/* This feed alone; the app's pause holds all. */
void feed_pause(struct feed *f, bool paused);

#endif
