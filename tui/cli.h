/* The command line's own: one call of `tapdeck WORD ...`, from its words to its exit status. */
#ifndef TUI_CLI_H
#define TUI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include "base/err.h"
#include "table/print.h"
#include "table/table.h"
#include "tui/hosts.h"
#include "tui/source.h"

#define CLI_WINDOW_RAW_ROWS 4096u /* where rows need not be aligned: printed while the next ones are made */
#define CLI_WINDOW_ROWS 65536u /* asked at once; a server sends fewer where they grow too big */

/* Options of every table and of every verb that prints rows. Texts are borrowed from the words. */
struct cli_options {
	struct print_options print;
	const char *columns, *sort, *filter, *bpf; /* NULL: not given */
	const char *counter;
	const char *step, *from, *to;
	uint64_t limit; /* rows; UINT64_MAX: all */
	bool outer, names;
	int64_t for_ns; /* of a device; 0: not given */
	uint64_t count; /* packets of a device; 0: not given */
};

struct cli {
	uv_loop_t loop;
	struct hosts *hosts;
	FILE *out;
	struct cli_options opt;
	const char *fault;  /* the user's text that an error's place is in; NULL: none */
	char *fault_memory; /* where it had to be put together */
	uv_signal_t signal[3];
	bool note_is_answer; /* what the far side notes is what was asked for */
	bool interrupted; /* SIGINT, SIGTERM or SIGHUP came */
	void (*on_interrupt)(void *arg);
	void *interrupt_arg;
};

/* --- cli.c --- */
/* Runs `word` (a table, a verb) to its end and returns the exit status. The error has been printed. */
int cli_run(int count, char **word);
/* "tapdeck: sentence" on stderr, and the text with a caret below the place where there is one. */
void cli_complain(const struct err *e, const char *text);
void cli_note(const char *sentence);
/* What a signal does instead of ending the wait; NULL: it ends it. */
void cli_on_interrupt(struct cli *c, void (*fn)(void *arg), void *arg);
/* Runs the loop until *done. -1: interrupted (ERR_PART). */
int cli_wait(struct cli *c, const bool *done, struct err *e);
/* As cli_wait for some time at most; 0 also when the time is over. */
int cli_sleep(struct cli *c, int64_t duration_ns, const bool *done, struct err *e);
/* The client of a host ("" is here), HELLO not awaited. */
struct client *cli_client(struct cli *c, const char *host, struct err *e);
/* A verb for the far process; its note, if any, is printed. */
int cli_command(struct cli *c, struct client *client, uint32_t channel, const char *const *words, size_t count, struct err *e);

/* --- cli_options.c --- */
/* Takes options out of word[0..*count); what stays are the other words. "--" ends them. */
int cli_options_take(struct cli *c, int *count, char **word, struct err *e);
/* Lines "--name VALUE<tab>summary" for help and manual; NULL past the end. */
struct cli_option_text {
	const char *name, *value, *summary;
};
bool cli_option_at(size_t i, struct cli_option_text *t);

/* --- cli_daemon.c --- */
/* As cli_client, for what is about sessions. */
struct client *cli_daemon(struct cli *c, const char *host, struct err *e);

/* --- cli_table.c --- */
struct cli_ask {
	struct client *client;
	uint32_t channel;
	const char *table;
	const char *const *words;
	size_t nwords;
	const char *spool; /* the file that standard input was written to; NULL: none was */
};
/* Prints a table as the options say. ERR_PART: it was printed, but is not whole. */
int cli_print(struct cli *c, const struct cli_ask *ask, struct err *e);
/* The same from rows in memory. */
int cli_print_rows(struct cli *c, struct rowset *rows, struct err *e);
/* A small table as one window (filter: of the table; "" all), for the program's own use. */
int cli_fetch_rows(struct cli *c, const struct cli_ask *ask, const char *columns, const char *filter, struct window *w,
		   struct err *e);
/* Text of a cell as scripts see it, owned by the caller. */
char *cli_cell(const struct window *w, uint32_t row, const char *column);

/* --- cli_source.c --- */
/* A source that is open: a channel bound to it. */
struct cli_source {
	struct source source;
	struct client *client;
	uint32_t channel;
	bool live;
	char *session; /* that was started for a device, and is ended again; NULL */
	char *spool;   /* file that standard input was written to; NULL */
};
/* `endless`: a device needs no --for and no --count. */
int cli_source_open(struct cli *c, const char *word, bool endless, struct cli_source *s, struct err *e);
/* Several files as one capture; one word: as above. */
int cli_sources_open(struct cli *c, char *const *word, int count, bool endless, struct cli_source *s, struct err *e);
/* A device: waits for --for or --count, or ctrl-c. */
int cli_source_wait(struct cli *c, struct cli_source *s, struct err *e);
/* The user gave no name to the file that standard input was written to. */
void cli_source_explain(const struct cli_source *s, struct err *e);
/* Stops and dismisses what was started. */
void cli_source_close(struct cli *c, struct cli_source *s);

/* --- tables.c: the tables of a capture, by name (their columns are the server's) --- */
struct capture_table {
	const char *name, *arguments, *summary;
	int nwords; /* arguments before the SOURCE */
	bool later; /* a word of this language, but no reader serves it yet: its own sentence says so */
};
const struct capture_table *capture_table_find(const char *name);
const struct capture_table *capture_table_at(size_t i); /* those that are served; NULL past the end */

/* --- verbs: word[0] is the name --- */
typedef int verb_fn(struct cli *c, int count, char **word, struct err *e);
verb_fn verb_table, verb_act, verb_new, verb_counter, verb_check, verb_devices, verb_daemon, verb_list, verb_watch, verb_cat;
verb_fn verb_of_session; /* show poll files */
verb_fn verb_fetch, verb_analyze, verb_hosts, verb_host, verb_history, verb_help;
/* verb_counter.c: runs with the words in which each line of standard input stands for the `-` behind one of the ops (ended by NULL),
 * the op in front of it. */
int with_input(struct cli *c, int count, char **word, const char *const *ops, verb_fn *run, struct err *e);

/* --- cli_manual.c --- */
int cli_manual(struct cli *c, const char *part, struct err *e); /* commands tables keys messages */
int cli_completion(struct cli *c);				 /* bash */

#endif
