/* Carries bytes between our descriptor and the far program, until one of them ends. */
#ifndef SSH_PUMP_H
#define SSH_PUMP_H

#include <libssh2.h>

#include "base/err.h"

#define PUMP_WINDOW_BYTES (4u * 1024 * 1024) /* 2 x bandwidth x round trip, within 2 to 8 MB */

/* `local` is our stream socket, `remote` the connection's socket. 0: our side closed. -1: the far side or the link
 * ended: *e says how, with what the far program wrote on its stderr. `*started`: bytes of its stream came. */
int pump_run(LIBSSH2_SESSION *session, LIBSSH2_CHANNEL *channel, int local, int remote, int *started, struct err *e);

#endif
