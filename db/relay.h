#ifndef DB_RELAY_H
#define DB_RELAY_H

#include <sys/un.h>

#include "base/err.h"

/* The socket of the folder's writer. */
int relay_address(const char *folder, struct sockaddr_un *a, struct err *e);
/* One try to reach the writer. -1: it does not listen, not yet or no more. */
int relay_connect(const char *folder, struct err *e);
/* The writer is another process: bytes between it and descriptor 0 go through unchanged, until
 * either ends. Closes the socket. */
int relay_run(int sock);

#endif
