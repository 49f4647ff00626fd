/* The console: tabs with stacks of panes, drawing, keys, events. What panes may ask of it. */
#ifndef TUI_APP_H
#define TUI_APP_H

#include <stdbool.h>
#include <uv.h>

#include "base/err.h"
#include "table/table.h"
#include "tui/feed.h"
#include "tui/form.h"
#include "tui/hosts.h"
#include "tui/option.h"
#include "tui/pane.h"

#define APP_EVENTS_MAX 2000u /* kept; the oldest go */

struct console_options {
	const char *const *open; /* commands that are run at the start, in order ("open capture file:/x.pcap") */
	size_t nopen;
	const char *script;	 /* file of keys and commands: no terminal is used; NULL: the terminal */
	int width, height;	 /* of a script's canvas; 0: 80x24 */
	const char *charset;	 /* "ascii" "utf8" or NULL: as the locale says */
	const char *theme;	 /* NULL: as configured */
	bool fixed_clock;	 /* the clock of a script stands at 2026-01-02 03:04:05 UTC */
	bool no_config;		 /* the configuration file is not read */
	bool readonly;		 /* as the option, and it cannot be set back */
};

/* Runs to the end. 0, or -1 with a sentence (no terminal that will do, a script that fails). The terminal is as it was. */
int console_run(const struct console_options *o, struct err *e);

/* --- for panes and commands --- */
uv_loop_t *app_loop(struct app *a);
struct hosts *app_hosts(struct app *a);
const struct options *app_options(const struct app *a);
bool app_paused(const struct app *a);
bool app_readonly(const struct app *a);
/* The first word of a command line is one that changes something (command.h, pane.h). */
bool app_acts(const struct app *a, const char *command);
bool app_narrow(const struct app *a); /* less than 80 columns or 20 rows: only what matters most */
/* By the fixed clock of a script where there is one. */
int64_t app_now_ns(const struct app *a);

/* Puts a pane on top of its tab's stack and shows that tab. An equal one that is on it already is shown instead (what lies
 * above it is closed). host "" is here; target and argument may be "". */
int app_open(struct app *a, const char *pane, const char *host, const char *target, const char *argument, struct err *e);
void app_back(struct app *a);
void app_tab(struct app *a, char tab); /* '1' to '6' */
struct pane *app_pane(struct app *a);  /* that has the focus; NULL at the start */
/* It was seen that a session is over: it no longer ends with this console. */
void app_session_ended(struct app *a, const struct host *h, struct str name);
/* A capture in the words of CONTRACT (SOURCE): "x.pcap", "web", "db-02:web", "session:web". */
int app_open_source(struct app *a, const char *word, struct err *e);
/* Brings the history what the journals of the hosts that are up have beyond it; a host that was looked at less than `older_ns`
 * ago, or is being looked at, is left as it is. */
void app_fill(struct app *a, int64_t older_ns);
/* A model changed: update and draw soon (data: at most once a second; after a key: at once). */
void app_dirty(struct app *a);
/* Runs a command line as if typed after `:`. Errors become a toast; -1 then. */
int app_run(struct app *a, const char *line);
int app_run_words(struct app *a, int count, char **word, struct err *e);

/* A verb (CONTRACT: Verbs) for the daemon of a host: never waits. `done` tells how it went, or a toast where it is NULL or
 * its pane was closed before; p NULL: nobody's. e->code ERR_NONE is success. */
typedef void (*app_verb_fn)(struct pane *p, void *arg, const struct err *e, const char *note);
void app_verb(struct app *a, struct pane *p, struct host *h, const char *const *words, size_t count, app_verb_fn done,
	      void *arg);
/* The same on a channel of the host (a capture opened there). */
void app_verb_on(struct app *a, struct pane *p, struct host *h, const char *target, const char *const *words, size_t count,
		 app_verb_fn done, void *arg);

enum severity { SEVERITY_NOTE, SEVERITY_WARN, SEVERITY_ERROR };
/* A line for 5 s above the function bar; kept in the event log. */
void app_toast(struct app *a, enum severity s, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void app_toast_err(struct app *a, const struct err *e);
/* The event log alone. time_ns 0: now. where: host, session or "". */
void app_event(struct app *a, int64_t time_ns, enum severity s, const char *where, const char *sentence);
struct table app_events(struct app *a); /* time severity where sentence */
/* The newest first; false past the oldest. Texts are borrowed. */
bool app_event_at(struct app *a, size_t back, struct value column[4]);
/* To the terminal's clipboard (OSC 52, 64 kB at most) and to copy.txt in the state folder; a toast says so. */
void app_copy(struct app *a, const char *text);
/* The canvas as text into a file ("-": standard output). */
int app_screenshot(struct app *a, const char *path, struct err *e);

#endif
