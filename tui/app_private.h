/* The console's own: what app.c, its drawing, its commands and its layers share. */
#ifndef TUI_APP_PRIVATE_H
#define TUI_APP_PRIVATE_H

#include "edit.h"
#include "hub.h"
#include "layer.h"
#include "tui/app.h"
#include "tui/fill.h"
#include "tui/key.h"
#include "tui/profile.h"
#include "tui/theme.h"

#define APP_TABS 6
#define APP_STACK_MAX 16	/* panes on one tab */
#define APP_LEAST_WIDTH 40
#define APP_LEAST_HEIGHT 10

struct terminal;

/* A verb that is under way. */
struct verb {
	struct verb *next;
	struct app *app;
	struct pane *pane; /* NULL: nobody's, or closed meanwhile */
	struct route *route;
	struct request *request;
	app_verb_fn done;
	void *arg;
	char *name; /* "stop web" */
	char *session; /* its second word */
	bool begins, ends; /* a session that goes with this console */
};

struct named_history {
	struct named_history *next;
	char *name;
	struct history *history;
};

struct filling {
	struct filling *next;
	struct app *app;
	struct host *host;
	struct fill *fill; /* NULL: not under way */
	int64_t last_ns;   /* monotonic */
	bool told;	   /* what went wrong last time */
};

struct app {
	uv_loop_t loop;
	struct hosts *hosts;
	struct hub hub;
	struct options options;
	enum option_id setting; /* that the settings ask for a value of */
	struct keymap *keymap;
	const struct theme *theme;
	struct canvas canvas;
	struct pane *tab[APP_TABS]; /* tops of the stacks */
	int current;
	struct layer *layer;
	struct verb *verbs;
	struct named_history *histories;
	struct filling *fillings;
	char *state_folder; /* NULL: nothing is kept (scripts) */

	struct event *event; /* ring, oldest first from event_first */
	uint64_t events_dropped;
	size_t nevents, event_first;
	char *toast;
	char *toast_text; /* the user's text that the sentence is about, NULL: none */
	int toast_at;
	enum severity toast_severity;
	int64_t toast_until_ns; /* monotonic */

	struct terminal *term; /* NULL: a script */
	bool fixed_clock, quit, closing;
	bool readonly_fixed; /* --readonly was said */
	bool configuring;    /* the configuration file is being read */
	bool no_config;	     /* none is read, and none is written */
	struct profiles *profiles;
	struct mine *mine;   /* sessions that go with this console */
	bool dirty;	/* something changed since the last frame */
	bool hurry;	/* and somebody waits for it */
	int64_t drawn_ns; /* monotonic, of the last frame */
	double draw_credit; /* frames that may be drawn at once after keys */
	uv_timer_t tick, draw;
	uv_poll_t input;
	uv_signal_t signal[6];
	int nsignals;
	unsigned skipped; /* frames left out because the terminal was slow */
};

/* app.c */
struct app *app_new(const struct console_options *o, struct err *e);
void app_free(struct app *a);
void app_key(struct app *a, const char *key);
void app_resize(struct app *a, int width, int height);
void app_compose(struct app *a); /* draws all into the canvas */
void app_hurry(struct app *a);	 /* draw soon: somebody waits */
void app_tick(struct app *a);	 /* a second passed */
void app_set_pause(struct app *a, bool paused);
int app_set_option(struct app *a, const char *name, const char *text, struct err *e);
const char *pane_context(const struct app *a, bool *list);
struct history *app_history(struct app *a, const char *name);
void app_pane_free(struct pane *p);

/* event.c */
void events_init(struct app *a);
void events_release(struct app *a);
/* A host's: what is no mere note is seen on every screen. */
void app_event_told(struct app *a, int64_t time_ns, enum severity s, const char *where, const char *sentence);
void app_toast_caret(struct app *a, const char *text, const struct err *e);

/* asking.c */
void verbs_release(struct app *a);
void verbs_forget(struct app *a, struct pane *p);
void verbs_link_changed(struct app *a, const void *link_arg);

/* frame.c */
void frame_draw(struct app *a, struct area screen);

/* help.c */
void app_help(struct app *a);
void app_palette(struct app *a);
void app_settings(struct app *a);

/* config.c */
int config_read(struct app *a, struct err *e);
/* A profile is known from now on and, but while the configuration file is read, kept in that file. */
int app_profile(struct app *a, const char *name, const char *words, struct err *e);

/* console.c */
void app_command_prompt(struct app *a, const char *begin); /* `begin` may be NULL */
/* All words that can be said now, with their summaries. false past the end. */
struct said {
	const char *name, *words, *summary;
};
bool app_said(const struct app *a, size_t i, struct said *s);

/* script.c */
int script_run(struct app *a, const char *path, struct err *e);

/* filling.c */
void filling_tick(struct app *a);
void filling_release(struct app *a);

#endif
