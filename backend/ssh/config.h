/* What the user's own ssh configuration says of a host, as `ssh -G HOST` prints it. */
#ifndef SSH_CONFIG_H
#define SSH_CONFIG_H

#include "base/err.h"

#define CONFIG_LIST_MAX 32

struct config {
	char *host;	/* as the user wrote it */
	char *hostname; /* to connect to */
	char *port;
	char *user;
	char *host_key_alias;	/* NULL: none */
	char *identity_agent;	/* NULL: SSH_AUTH_SOCK; "none": no agent */
	char *proxy_jump;	/* NULL: none */
	char *proxy_command;	/* NULL: none */
	char *identity[CONFIG_LIST_MAX];
	int identities;
	char *known_hosts[CONFIG_LIST_MAX]; /* the user's, then the system's */
	int known_hosts_files;
	int identities_only;
	char *certificate; /* NULL: none configured */
};

/* `destination`: [USER@]HOST[:PORT], the port also as in ssh://. Error: not a name, or ssh(1) said no. */
int config_read(struct config *c, const char *destination, struct err *e);
void config_release(struct config *c);
/* The words that ssh(1) needs to reach the same place: "-p" PORT "-l" USER HOST; returns how many were added. */
int config_arguments(const struct config *c, const char **argv, int room);

#endif
