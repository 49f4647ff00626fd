/* The form for a new session: devices with their rates, a filter that is checked where it will run, the equivalent command. */
#ifndef TUI_NEW_SESSION_H
#define TUI_NEW_SESSION_H

#include "base/err.h"

struct app;

/* `host`, `device`: to start with; "" for this host and its default device. */
int new_session_form(struct app *a, const char *host, const char *device, struct err *e);

#endif
