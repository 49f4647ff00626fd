/* The way to the daemon of this machine where there is one: its socket, without a process between. What it says of its sessions is the
 * same as by `tapdeckd --attach`, which is asked where there is none, starts one where one is needed, and opens files. */
#include <stdlib.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "cli.h"

/* sshd(8) tells both ends of the connection that carries us: it may be left out of captures. The daemon looks at what it is told. */
static void own_send(struct client *client)
{
	const char *said = getenv("SSH_CONNECTION");
	uint64_t port[2];
	struct words w;

	if (!said || words_parse(&w, said, NULL))
		return;
	if (w.count == 4 && text_parse_count(str_of(w.word[1]), &port[0], NULL) == 0 &&
	    text_parse_count(str_of(w.word[3]), &port[1], NULL) == 0 && port[0] <= UINT16_MAX && port[1] <= UINT16_MAX) {
		const struct msg_own own = {.addr_a = str_of(w.word[0]),
					    .port_a = (uint16_t)port[0],
					    .addr_b = str_of(w.word[2]),
					    .port_b = (uint16_t)port[1]};

		client_send_own(client, &own);
	}
	words_release(&w);
}

/* It answers as ours do. What does not, or lets us not in, is left to the other way, which has the sentence for it. */
static struct client *daemon_at(struct cli *c, const char *path)
{
	char *name = xasprintf("unix:%s", path);
	struct host *h = hosts_get(c->hosts, name);

	free(name);
	if (!host_client(h, NULL))
		return NULL;
	while (host_state(h) == HOST_OPENING && !c->interrupted)
		if (!uv_run(&c->loop, UV_RUN_ONCE))
			break;
	return host_state(h) == HOST_UP ? host_client(h, NULL) : NULL;
}

struct client *cli_daemon(struct cli *c, const char *host, struct err *e)
{
	const char *said = getenv("TAPDECK_SOCKET");
	struct client *client;
	char *path;

	if (host[0] && strcmp(host, "local") != 0)
		return cli_client(c, host, e);
	path = paths_socket_own(0, NULL);
	client = path ? daemon_at(c, path) : NULL;
	free(path);
	if (!client && !(said && said[0])) {
		path = paths_socket_root();
		client = daemon_at(c, path);
		free(path);
	}
	if (!client)
		return cli_client(c, host, e);
	own_send(client);
	return client;
}
