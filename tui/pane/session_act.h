/* What can be done to a session from the panes that show one: verbs, the questions before what loses something, forms. */
#ifndef PANE_SESSION_ACT_H
#define PANE_SESSION_ACT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct pane;
struct session_act;

/* The session that is meant, as the pane knows it; texts are borrowed for the call. */
struct session_ref {
	const char *host, *name, *devices, *filter;
	const char *alerts; /* that it has, as text; NULL or "": none that is known */
	bool running, recording;
	uint64_t files, file_bytes;
};

/* Its commands, for pane_type.words, and those of them that change something (all). */
#define SESSION_WORDS \
	{"stop-session", "", "ends the session, after asking"}, \
	{"dismiss-session", "", "takes an ended session off the list, after asking"}, \
	{"record-session", "", "begins recording, or ends it after asking"}, \
	{"rotate-session", "", "begins a new file now"}, \
	{"save-session", "", "writes the past that is held in memory into a file"}, \
	{"modify-session", "", "a form for another filter; no packet is lost"}, \
	{"alert-session", "", "a form for an alert"}, \
	{"counter-session", "", "a form for one counter more"}
#define SESSION_ACTS \
	"stop-session dismiss-session record-session rotate-session save-session modify-session alert-session counter-session"

struct session_act *session_act_new(struct pane *p);
void session_act_free(struct session_act *s); /* NULL is fine; questions that are open go with it */
/* One of SESSION_WORDS; false: none of them. An error is in *e. */
bool session_act_command(struct session_act *s, const struct session_ref *r, const char *word, struct err *e);
/* Asks before a counter is removed; `packets`: counted so far. */
void session_act_counter_remove(struct session_act *s, const struct session_ref *r, const char *counter, uint64_t packets);

/* --- session_form.c --- */
enum session_form_kind { SESSION_FORM_MODIFY, SESSION_FORM_ALERT, SESSION_FORM_COUNTER_ADD, SESSION_FORM_COUNTER_CHANGE };
/* `counter`, `text`: to begin with. */
void session_form(struct pane *p, const struct session_ref *r, enum session_form_kind kind, const char *counter, const char *text);

#endif
