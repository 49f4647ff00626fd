/* What a second look at a capture gives: endpoints, protocols, and the messages of dns, tls, http and icmp. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "list_pane.h"
#include "panes.h"

#define PERIOD_MS 1000u

static const struct list_column endpoint_columns[] = {
	{.name = "addr", .title = "ADDRESS", .width = 15, .stretch = true},
	{.name = "packets_tx", .title = "PKTS SENT", .width = 9},
	{.name = "bytes_tx", .title = "SENT", .width = 9},
	{.name = "packets_rx", .title = "PKTS GOT", .width = 9, .priority = 2},
	{.name = "bytes_rx", .title = "GOT", .width = 9},
	{.name = "connections", .title = "CONNS", .width = 7, .priority = 1},
	{.name = "first_time", .title = "FIRST", .width = 26, .priority = 4},
	{.name = "last_time", .title = "LAST", .width = 26, .priority = 3},
};

static const struct list_column protocol_columns[] = {
	{.name = "protocol", .title = "PROTOCOL", .width = 16, .stretch = true},
	{.name = "packets", .title = "PACKETS", .width = 10},
	{.name = "bytes", .title = "BYTES", .width = 9},
	{.name = "share", .title = "SHARE", .width = 8},
};

static const struct list_column dns_columns[] = {
	{.name = "packet", .title = "PACKET", .width = 8},
	{.name = "connection", .title = "CONN", .width = 6, .priority = 1},
	{.name = "id", .title = "ID", .width = 6, .priority = 3},
	{.name = "response", .title = "RESP", .width = 4},
	{.name = "name", .title = "NAME", .width = 14, .stretch = true},
	{.name = "type", .title = "TYPE", .width = 6},
	{.name = "rcode", .title = "RCODE", .width = 9},
	{.name = "latency_ms", .title = "LATENCY", .width = 8, .priority = 2},
};

static const struct list_column tls_columns[] = {
	{.name = "packet", .title = "PACKET", .width = 8},
	{.name = "connection", .title = "CONN", .width = 6, .priority = 1},
	{.name = "kind", .title = "KIND", .width = 12},
	{.name = "version", .title = "VERSION", .width = 8},
	{.name = "sni", .title = "SERVER NAME", .width = 14, .stretch = true},
	{.name = "alpn", .title = "ALPN", .width = 12, .priority = 2},
	{.name = "cipher", .title = "CIPHER", .width = 40, .priority = 4},
	{.name = "detail", .title = "ALERT", .width = 24, .priority = 3},
};

static const struct list_column http_columns[] = {
	{.name = "packet", .title = "PACKET", .width = 8},
	{.name = "connection", .title = "CONN", .width = 6, .priority = 1},
	{.name = "method", .title = "METHOD", .width = 7},
	{.name = "status", .title = "STATUS", .width = 6},
	{.name = "latency_ms", .title = "LATENCY", .width = 8, .priority = 2},
	{.name = "host", .title = "HOST", .width = 20, .priority = 3},
	{.name = "uri", .title = "URI", .width = 14, .stretch = true},
};

static const struct list_column icmp_columns[] = {
	{.name = "packet", .title = "PACKET", .width = 8},
	{.name = "connection", .title = "CONN", .width = 6, .priority = 1},
	{.name = "kind", .title = "KIND", .width = 16, .stretch = true},
	{.name = "code", .title = "CODE", .width = 4, .priority = 2},
	{.name = "reason", .title = "REASON", .width = 22, .priority = 3},
	{.name = "about", .title = "ABOUT", .width = 6},
};

/* One of the tables, under its own name. */
struct look {
	const char *table;
	const struct list_column *column;
	size_t ncolumns;
	const char *key, *sort, *empty, *also;
};

static const struct look looks[] = {
	{"endpoints", endpoint_columns, ARRAY_LEN(endpoint_columns), "addr", "", "No address in this capture.", NULL},
	{"protocols", protocol_columns, ARRAY_LEN(protocol_columns), "protocol", "", "No packet in this capture.", "depth"},
	{"dns", dns_columns, ARRAY_LEN(dns_columns), "packet", "", "No message of DNS in this capture.", NULL},
	{"tls", tls_columns, ARRAY_LEN(tls_columns), "packet", "", "No readable message of TLS in this capture.", NULL},
	{"http", http_columns, ARRAY_LEN(http_columns), "packet", "", "No request or response of HTTP in this capture.", NULL},
	{"icmp", icmp_columns, ARRAY_LEN(icmp_columns), "packet", "", "No message of ICMP in this capture.", NULL},
};

static const struct look *look_of(const struct pane *p)
{
	for (size_t i = 0; i < ARRAY_LEN(looks); i++)
		if (strcmp(looks[i].table, p->type->name) == 0)
			return &looks[i];
	return NULL;
}

/* A protocol stands as far in as it has layers around it. */
static bool protocol_cell(void *arg, const struct window *w, uint32_t row, const char *column, struct buf *out, enum style *style)
{
	const struct value depth = window_cell(w, row, window_column(w, "depth")), name = window_cell(w, row, window_column(w, "protocol"));

	(void)arg;
	(void)style;
	if (strcmp(column, "protocol") != 0 || depth.type != VALUE_INT)
		return false;
	for (int64_t i = 0; i < depth.i && i < 64; i++)
		(void)buf_add_str(out, "  ");
	value_print_text(out, KIND_TEXT, &name, TEXT_UTC);
	return true;
}

static int look_open(struct pane *p, struct err *e)
{
	struct list_pane *lp = (struct list_pane *)p;
	const struct look *l = look_of(p);

	if (!*p->target)
		return err_set(e, ERR_CALL, "%s of what: open a session or a capture first", l->table);
	const struct list_spec spec = {
		.table = l->table, .column = l->column, .ncolumns = l->ncolumns, .key = l->key, .sort = l->sort, .also = l->also,
		.period_ms = PERIOD_MS, .empty = l->empty, .filter = p->argument && *p->argument ? p->argument : NULL,
		.cell = strcmp(l->table, "protocols") == 0 ? protocol_cell : NULL,
	};
	lp->list = list_new(p, &spec);
	return 0;
}

/* Enter: what the row is about. */
static unsigned look_select(struct pane *p, struct list *l, struct err *e)
{
	const bool file = strncmp(p->target, "file:", 5) == 0, address = strcmp(p->type->name, "endpoints") == 0;
	char *text, *argument;
	int r;

	if (!list_has_row(l) || strcmp(p->type->name, "protocols") == 0)
		return REACT_DONE;
	text = list_text(l, address ? "addr" : "packet");
	argument = address ? xasprintf("addr == %s", text) : xasprintf("packet %s", text);
	r = app_open(p->app, !address ? "packets" : file ? "capture-connections" : "connections", host_name(p->host), p->target, argument, e);
	free(text);
	free(argument);
	return r == 0 ? REACT_DRAW : REACT_DONE;
}

static unsigned look_command(struct pane *p, int count, char **word, struct err *e)
{
	if (strcmp(word[0], "select") == 0)
		return look_select(p, ((struct list_pane *)p)->list, e);
	return list_pane_command(p, count, word, e);
}

static void look_name(struct pane *p, struct buf *out)
{
	pane_view_name(p, p->type->name, out);
}

const struct pane_type pane_endpoints = {
	.name = "endpoints", .title = "Endpoints", .summary = "each address of a capture, with what it sent and received", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .open = look_open, .close = list_pane_close, .update = list_pane_update,
	.draw = list_pane_draw, .command = look_command, .status = list_pane_status, .name_of = look_name,
};

const struct pane_type pane_protocols = {
	.name = "protocols", .title = "Protocols", .summary = "packets and bytes by protocol, as a tree of layers", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .open = look_open, .close = list_pane_close, .update = list_pane_update,
	.draw = list_pane_draw, .command = look_command, .status = list_pane_status, .name_of = look_name,
};

const struct pane_type pane_dns = {
	.name = "dns", .title = "DNS", .summary = "questions and answers of DNS, and how long they took", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .open = look_open, .close = list_pane_close, .update = list_pane_update,
	.draw = list_pane_draw, .command = look_command, .status = list_pane_status, .name_of = look_name,
};

const struct pane_type pane_tls = {
	.name = "tls", .title = "TLS", .summary = "hellos, certificates and alerts of TLS", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .open = look_open, .close = list_pane_close, .update = list_pane_update,
	.draw = list_pane_draw, .command = look_command, .status = list_pane_status, .name_of = look_name,
};

const struct pane_type pane_http = {
	.name = "http", .title = "HTTP", .summary = "requests and responses of HTTP, and how long they took", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .open = look_open, .close = list_pane_close, .update = list_pane_update,
	.draw = list_pane_draw, .command = look_command, .status = list_pane_status, .name_of = look_name,
};

const struct pane_type pane_icmp = {
	.name = "icmp", .title = "ICMP", .summary = "messages of ICMP, and the connections that errors are about", .tab = '6',
	.size = sizeof(struct list_pane), .list = true, .open = look_open, .close = list_pane_close, .update = list_pane_update,
	.draw = list_pane_draw, .command = look_command, .status = list_pane_status, .name_of = look_name,
};
