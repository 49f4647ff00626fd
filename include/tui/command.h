/* Commands: one verb each, one table. Keys, the `:` prompt, the configuration file, the shell and scripts all say them. */
#ifndef TUI_COMMAND_H
#define TUI_COMMAND_H

#include "base/err.h"

enum command_context {
	COMMAND_SHELL = 1,   /* tapdeck VERB ... */
	COMMAND_CONSOLE = 2, /* `:` prompt, keys, palette */
	COMMAND_CONFIG = 4,  /* tapdeck.conf */
	COMMAND_ACTS = 8,    /* changes something: a read-only console has none of these */
};

struct app; /* the console; NULL when run from the shell */
struct cli; /* the command line; NULL in the console */

struct command {
	const char *name;
	const char *words;   /* "NAME [filter F] ...": for help and manual */
	unsigned contexts;   /* enum command_context */
	const char *summary; /* one line */
	/* Console: word[0] is the name. 0 or -1 with a sentence. Never waits: what takes time reports later. */
	int (*run)(struct app *a, int count, char **word, struct err *e);
	/* Shell: runs to the end. 0, or -1 with a sentence whose code is the exit status; NULL where it is none of the
	 * shell's. */
	int (*shell)(struct cli *c, int count, char **word, struct err *e);
};

/* Each array ends with a row without a name. */
extern const struct command shell_commands[];	/* tui/command.c: verbs of the shell */
extern const struct command console_commands[]; /* the console's own */

/* The command of that name which is good in one of `contexts`; NULL. */
const struct command *command_find(const char *name, unsigned contexts);
/* The next one, all arrays one behind the other; NULL begins and ends. */
const struct command *command_next(const struct command *before);

#endif
