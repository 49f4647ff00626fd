/* The host's key against known_hosts: never trusted on first sight, never when it changed. */
#ifndef SSH_HOSTKEY_H
#define SSH_HOSTKEY_H

#include <libssh2.h>

#include "base/err.h"
#include "config.h"

struct hostkey;

/* Reads the known_hosts files (libssh2 stops at lines that it does not know, so lines are given one by one; @revoked is
 * kept apart, @cert-authority passed over). */
struct hostkey *hostkey_new(LIBSSH2_SESSION *session, const struct config *c);
void hostkey_free(struct hostkey *h);
/* Before the handshake: asks for the kinds of key that are known of this host, else a host with several looks changed. */
int hostkey_prefer(struct hostkey *h, struct err *e);
/* After it. ERR_REFUSED with the fingerprints when unknown, changed or revoked. */
int hostkey_check(struct hostkey *h, struct err *e);

#endif
