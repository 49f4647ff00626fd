#ifndef DB_RELAY_H
#define DB_RELAY_H

#include <sys/un.h>

#include "base/err.h"

/* The socket of the folder's writer. */
int relay_address(const char *folder, struct sockaddr_un *a, struct err *e);
/* The writer is another process: bytes between it and descriptor 0 go through unchanged, until
 * either ends. */
int relay_run(const char *folder, struct err *e);

#endif
