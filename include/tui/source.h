/* SOURCE words (CONTRACT: Shape): where packets come from and on which host. */
#ifndef TUI_SOURCE_H
#define TUI_SOURCE_H

#include <stddef.h>

#include "base/err.h"

enum source_kind { SOURCE_FILE, SOURCE_SESSION, SOURCE_DEVICE, SOURCE_STDIN };

struct source {
	enum source_kind kind;
	char *host; /* "" is here */
	char *name; /* path, session or device */
};

/* file:PATH session:NAME dev:NAME ssh://[USER@]HOST[:PORT]/PATH - HOST:/PATH HOST:NAME ./x a/b, an existing file, then
 * `unknown`: a session or device name of the host, which must be asked: kind SOURCE_SESSION with *ask true. */
int source_parse(struct source *s, const char *word, int *ask, struct err *e);
/* HOST:NAME of a verb: *host is "" where the word names none. Both are the caller's. */
int source_split(const char *word, char **host, char **name, struct err *e);
void source_release(struct source *s);
/* The OPEN target: "file:PATH" (made absolute here), "session:NAME". Owned by the caller. NULL: a device or standard
 * input, which must become a session or a file first. */
char *source_target(const struct source *s);
/* The OPEN target of files of one host as one capture. Owned by the caller. */
char *source_targets(const struct source *s, size_t count);

#endif
