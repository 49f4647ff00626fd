#ifndef DB_STORE_H
#define DB_STORE_H

#include "base/err.h"

/* Serves descriptor 0 until it closes and no other console is left. */
int store_run(const char *folder, struct err *e);
/* An ERROR message that answers nobody in particular: why the link will end. */
void store_say_error(int fd, const struct err *e);

#endif
