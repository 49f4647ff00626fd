#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "tui/known.h"

#define HOST_WAIT_NS (15 * NS_PER_S) /* for one host to answer */

static const struct column hosts_columns[] = {
	{"name", KIND_TEXT, 0, "", "as ssh(1) knows it; local is this machine"},
	{"how", KIND_TEXT, 0, "", "how it is reached"},
	{"state", KIND_TEXT, 0, "", "up, or failed"},
	{"rtt_ms", KIND_MS, 0, "", "round trip"},
	{"version", KIND_TEXT, 0, "", "of tapdeckd over there"},
	{"devices", KIND_COUNT, 0, "", "devices it has"},
	{"sessions", KIND_COUNT, 0, "", "sessions on its list"},
	{"offset_ms", KIND_MS, 0, "", "how far its clock is ahead of this one"},
	{"error", KIND_TEXT, 0, "", "why it cannot be reached"},
};
enum { H_NAME, H_HOW, H_STATE, H_RTT, H_VERSION, H_DEVICES, H_SESSIONS, H_OFFSET, H_ERROR, H_COUNT };

static const struct table_type hosts_type = {"hosts", "the hosts that are known", "", hosts_columns, ARRAY_LEN(hosts_columns)};

/* How many rows a table of the host has, and all that an answer tells of the link. */
struct probe {
	bool done;
	uint64_t total;
	struct err error;
};

static void on_probe(void *arg, struct request *r, const struct answer *a)
{
	struct probe *p = arg;

	(void)r;
	if (a->error)
		p->error = *a->error;
	else if (a->window)
		p->total = a->window->total;
	p->done = true;
}

static int host_rows(struct cli *c, struct client *client, const char *table, uint64_t *rows, struct err *e)
{
	const struct msg_query q = {.table = str_of(table), .count = 1};
	struct probe p = {.error = {.code = ERR_NONE}};
	struct request *r = client_query(client, 0, &q, on_probe, &p);
	int rc = cli_sleep(c, HOST_WAIT_NS, &p.done, e);

	if (!p.done) {
		client_cancel(r);
		return rc ? rc : err_set(e, ERR_REFUSED, "no answer within %d s", (int)(HOST_WAIT_NS / NS_PER_S));
	}
	*rows = p.total;
	if (p.error.code == ERR_NONE)
		return rc;
	*e = p.error;
	return -1;
}

static int host_probe(struct cli *c, const char *name, struct value row[H_COUNT], struct client **client, struct err *e)
{
	uint64_t devices = 0, sessions = 0;

	*client = cli_client(c, name, e);
	if (!*client || host_rows(c, *client, "devices", &devices, e) || host_rows(c, *client, "sessions", &sessions, e))
		return -1;
	row[H_DEVICES] = value_count(devices);
	row[H_SESSIONS] = value_count(sessions);
	row[H_VERSION] = value_text(client_version(*client));
	if (client_rtt_ns(*client) >= 0) {
		row[H_RTT] = value_int(client_rtt_ns(*client));
		row[H_OFFSET] = value_int(client_offset_ns(*client));
	}
	return 0;
}

static void host_row(struct cli *c, struct rowset *rows, const char *name)
{
	struct value row[H_COUNT] = {0};
	struct client *client;
	struct err e = {.code = ERR_NONE};
	int r = host_probe(c, name, row, &client, &e);

	row[H_NAME] = value_text(name);
	row[H_HOW] = value_text(strcmp(name, "local") == 0 ? "local" : "ssh");
	row[H_STATE] = value_text(r ? "failed" : "up");
	if (r)
		row[H_ERROR] = value_text(e.text);
	rowset_add(rows, row);
}

int verb_hosts(struct cli *c, int count, char **word, struct err *e)
{
	struct known known;
	struct rowset *rows;
	int r;

	if (cli_options_take(c, &count, word, e))
		return -1;
	if (count > 1)
		return err_set(e, ERR_CALL, "'%s': tapdeck hosts takes options only", word[1]);
	if (known_load(&known, e))
		return -1;
	rows = rowset_new(&hosts_type);
	host_row(c, rows, "local");
	for (size_t i = 0; i < known.count && !c->interrupted; i++)
		host_row(c, rows, known.name[i]);
	r = cli_print_rows(c, rows, e);
	rowset_free(rows);
	known_release(&known);
	return r;
}

static int host_test(struct cli *c, const char *name, struct err *e)
{
	struct value row[H_COUNT] = {0};
	struct client *client;

	if (host_probe(c, name, row, &client, e))
		return -1;
	if (fprintf(c->out, "%s: tapdeckd %s, %lld devices, %lld sessions\n", name, client_version(client),
		    (long long)row[H_DEVICES].i, (long long)row[H_SESSIONS].i) < 0)
		return err_errno(e, ERR_REFUSED, "standard output");
	return 0;
}

int verb_host(struct cli *c, int count, char **word, struct err *e)
{
	if (count != 3)
		return err_set(e, ERR_CALL, "tapdeck host add|remove|test NAME: one of these three, and one name (tapdeck help host)");
	if (known_check(word[2], e))
		return -1;
	if (strcmp(word[1], "add") == 0)
		return known_add(word[2], e);
	if (strcmp(word[1], "remove") == 0)
		return known_remove(word[2], e);
	if (strcmp(word[1], "test") == 0)
		return host_test(c, word[2], e);
	c->fault = word[1];
	return err_at(e, 0, "'%s' is none of add, remove, test", word[1]);
}
