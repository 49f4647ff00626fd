#include "auth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"

/* Whether the agent's key is one that the user named (IdentitiesOnly): its public half lies beside the private one. */
static bool auth_named(const struct config *c, const struct libssh2_agent_publickey *key)
{
	if (!c->identities_only)
		return true;
	for (int i = 0; i < c->identities; i++)
		if (key->comment && strcmp(key->comment, c->identity[i]) == 0)
			return true;
	return false;
}

static bool auth_agent(LIBSSH2_SESSION *session, const struct config *c, struct buf *tried)
{
	LIBSSH2_AGENT *agent;
	struct libssh2_agent_publickey *key = NULL;
	bool in = false;
	const char *path = c->identity_agent;

	if (path && strcmp(path, "none") == 0)
		return false;
	agent = libssh2_agent_init(session);
	if (!agent)
		return false;
	if (path && strcmp(path, "SSH_AUTH_SOCK") != 0)
		libssh2_agent_set_identity_path(agent, path);
	if (libssh2_agent_connect(agent) == 0) {
		if (libssh2_agent_list_identities(agent) == 0)
			while (!in && libssh2_agent_get_identity(agent, &key, key) == 0)
				in = auth_named(c, key) && libssh2_agent_userauth(agent, c->user, key) == 0;
		(void)buf_add_str(tried, "the agent's keys");
		libssh2_agent_disconnect(agent);
	}
	libssh2_agent_free(agent);
	return in;
}

static bool auth_files(LIBSSH2_SESSION *session, const struct config *c, struct buf *tried)
{
	for (int i = 0; i < c->identities; i++) {
		if (access(c->identity[i], R_OK) != 0)
			continue;
		(void)buf_printf(tried, "%s%s", tried->len ? ", " : "", c->identity[i]);
		if (libssh2_userauth_publickey_fromfile(session, c->user, NULL, c->identity[i], "") == 0)
			return true;
	}
	return false;
}

int auth_login(LIBSSH2_SESSION *session, const struct config *c, bool *by_ssh, struct err *e)
{
	struct buf tried;
	int r = 0;

	*by_ssh = false;
	buf_init(&tried, 4096);
	/* Some servers let in with "none"; asking also tells what they take. */
	(void)libssh2_userauth_list(session, c->user, (unsigned)strlen(c->user));
	if (!libssh2_userauth_authenticated(session) && !auth_agent(session, c, &tried) &&
	    !auth_files(session, c, &tried)) {
		*by_ssh = true;
		r = err_set(e, ERR_REFUSED, "%s@%s lets in none of: %s", c->user, c->hostname,
			    tried.len ? buf_str(&tried) : "no key is there");
	}
	buf_release(&tried);
	return r;
}
