/* What is asked of the user: a line (prompt), yes or no (confirm), fields (form), one of many (menu). All are layers:
 * the panes behind go on. One is open at a time; another one that is opened takes its place. */
#ifndef TUI_FORM_H
#define TUI_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/canvas.h"

struct app;
struct form;

#define FORM_FIELDS_MAX 64
#define FORM_TEXT_MAX 4096 /* bytes of one field */

/* --- a line at the bottom --- */
struct prompt_spec {
	const char *label;   /* "filter: " */
	const char *text;    /* to start with; NULL: empty */
	const char *history; /* name of its history (Up, Down, Ctrl-R), kept in the state folder; NULL: none */
	/* As it is typed: -1 with a sentence and a place puts a caret under it. Quick: no questions asked. May be NULL. */
	int (*check)(void *arg, const char *text, struct err *e);
	bool later; /* `check` asks somebody: prompt_say tells how it went, and until then what was said stays */
	/* Adds completions of the word that ends at byte `at`, one a line. May be NULL. */
	void (*complete)(void *arg, const char *text, size_t at, struct buf *out);
	/* Enter. -1 with a sentence keeps the prompt open, the caret under the place. */
	int (*accept)(void *arg, const char *text, struct err *e);
	void (*closed)(void *arg); /* after accept or Esc; may be NULL */
	void *arg;
};
void app_prompt(struct app *a, const struct prompt_spec *s);
/* Of the text that is there now, ERR_NONE: it is right. Nothing happens where no prompt of this `arg` is open. */
void prompt_say(struct app *a, const void *arg, const struct err *e);

/* --- yes or no --- */
void app_confirm(struct app *a, const char *question, void (*yes)(void *arg), void *arg);
/* The same; `loss` says what is gone then, and what stays. */
void app_confirm_loss(struct app *a, const char *question, const char *loss, void (*yes)(void *arg), void *arg);

/* --- one of many: an index of `item`, which is copied --- */
void app_menu(struct app *a, const char *title, const char *const *item, size_t count, size_t selected,
	      void (*chosen)(void *arg, size_t index), void *arg);

/* --- fields --- */
enum field_kind {
	FIELD_TEXT,
	FIELD_CHOICE, /* one of `choices`; Space and arrows change it */
	FIELD_TICK,   /* text is "yes" or "" */
	FIELD_TICKS,  /* any of `choices`: text is the ticked ones joined by commas */
	FIELD_NOTE,   /* only text, cannot be entered */
};

struct field {
	const char *name;    /* for form_text; static */
	const char *label;   /* static */
	enum field_kind kind;
	const char *text;    /* to start with; copied */
	const char *choices; /* lines, one a choice: its value, then what else is shown behind a tab; copied */
	const char *hint;    /* one sentence below while the field has the focus; static; may be NULL */
	int width;	     /* of a text field; 0: what there is */
	const char *history; /* as the prompt's; may be NULL */
};

struct form_spec {
	const char *title;
	const struct field *field;
	size_t nfields;
	const char *submit; /* label of the button: "Start" */
	/* A field changed (and once at the start): check it, say so with form_say; may start a question to a host and
	 * say so later. May be NULL. */
	void (*changed)(void *arg, struct form *f, size_t field);
	/* The equivalent command, shown below and copied with Ctrl-Y. May be NULL. */
	void (*command)(void *arg, const struct form *f, struct buf *out);
	/* Enter. -1 with a sentence keeps it open. */
	int (*submitted)(void *arg, struct form *f, struct err *e);
	void (*closed)(void *arg); /* after submitted or Esc: the form is gone then. May be NULL */
	void *arg;
};
/* Borrowed until `closed`. */
struct form *app_form(struct app *a, const struct form_spec *s);

const char *form_text(const struct form *f, const char *name); /* "" for an unknown one */
void form_set(struct form *f, const char *name, const char *text); /* calls no `changed` */
/* What is hidden is neither drawn nor entered; its text stays. */
void form_show(struct form *f, const char *name, bool shown);
void form_set_choices(struct form *f, const char *name, const char *choices);
/* A sentence below the field, "" takes it away; at: byte of the field for the caret, -1 none. */
void form_say(struct form *f, const char *name, enum style style, int at, const char *sentence);
void form_close(struct form *f);

#endif
