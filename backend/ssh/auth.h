/* Who we are: the agent's keys, then key files that need no passphrase. */
#ifndef SSH_AUTH_H
#define SSH_AUTH_H

#include <libssh2.h>
#include <stdbool.h>

#include "base/err.h"
#include "config.h"

/* *by_ssh: this library cannot, but ssh(1) might (RSA signatures, passphrases, certificates, FIDO, passwords). */
int auth_login(LIBSSH2_SESSION *session, const struct config *c, bool *by_ssh, struct err *e);

#endif
