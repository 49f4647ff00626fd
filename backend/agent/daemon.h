/* `--daemon`: its door, its configuration, its signals. */
#ifndef AGENT_DAEMON_H
#define AGENT_DAEMON_H

#include "control.h"

/* As the command line has them; NULL: not said. What is said there holds against the file. */
struct daemon_options {
	bool on_demand, verbose;
	const char *config, *group, *log, *socket, *captures;
	int ready; /* told by a byte when it may be asked; -1 */
};

/* Until it is told to end. */
int daemon_run(struct control *c, const struct daemon_options *o, struct err *e);

/* report.c: what it does and holds, into the log. */
void report_log(struct control *c);

#endif
