/* The hosts that the user has named: a file of names, one a line, in the state folder. Written whole, then renamed. */
#ifndef TUI_KNOWN_H
#define TUI_KNOWN_H

#include <stddef.h>

#include "base/err.h"

#define KNOWN_MAX 1024u	    /* hosts */
#define KNOWN_NAME_MAX 255u /* bytes of a name */

struct known {
	char **name; /* in the order of adding */
	size_t count;
};

/* No file is no host. */
int known_load(struct known *k, struct err *e);
void known_release(struct known *k);
int known_check(const char *name, struct err *e); /* what ssh(1) may be given as a host */
int known_add(const char *name, struct err *e);	  /* one that is there already stays */
int known_remove(const char *name, struct err *e);

#endif
