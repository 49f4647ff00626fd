/* What a host says of one session beyond its row: the table `session`, asked again each second while it is looked at. */
#ifndef PANE_SESSION_FACTS_H
#define PANE_SESSION_FACTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"
#include "tui/hosts.h"

struct app;
struct session_facts;

struct session_facts *session_facts_new(struct app *a);
void session_facts_free(struct session_facts *f); /* NULL is fine */
/* From now on this one; the same one again costs nothing. */
void session_facts_of(struct session_facts *f, struct host *h, const char *session);
/* The first fact of that name; empty where there is none. Borrowed until the next answer. */
struct str session_fact(const struct session_facts *f, const char *name);
/* Its alerts as the host has them, joined; nothing where the facts are not of that session. */
void session_facts_alerts(const struct session_facts *f, const char *session, struct buf *out);
/* The facts one by one, as they came; false past the last. */
bool session_fact_at(const struct session_facts *f, unsigned i, struct str *name, struct str *value);
unsigned session_facts_serial(const struct session_facts *f); /* another one: they are others */
/* "recording", "recorded: 3 files", "counting, nothing is recorded", "own SSH traffic left out: 1204 packets": joined by blanks; may be nothing. */
void session_facts_print(const struct session_facts *f, struct buf *out);

#endif
