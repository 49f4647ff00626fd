/* What the daemon's configuration says: tapdeckd.conf(5). */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/log.h"
#include "limits.h"

#define SETTINGS_BYTES_MAX (256u * 1024) /* of the file */

struct settings {
	char *group;	/* NULL: not said; "" nobody */
	char *captures; /* NULL: the usual folder */
	char *log;	/* NULL: standard error */
	char *audit;	/* NULL: the usual place */
	int log_level;	/* enum log_level; -1: not said */
	struct limits limits;
	unsigned sessions, clients;
	uint64_t buffer_bytes; /* of a device's ring, at most */
};

/* The usual ones; release them. */
void settings_init(struct settings *s);
void settings_release(struct settings *s);
/* One line of the file; a comment is none. Errors are ERR_CALL. */
int settings_line(struct settings *s, const char *line, struct err *e);
/* The file over what is there. Errors name file and line. `needed` false: a file that is not there
 * says nothing. */
int settings_read(struct settings *s, const char *path, bool needed, struct err *e);
/* A group by its name or number. */
int settings_group(const char *text, gid_t *group, struct err *e);

#endif
