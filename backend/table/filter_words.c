#include "filter_words.h"

#include "base/text.h"
#include "base/xalloc.h"

struct ends {
	enum end_what what;
	const char *a, *b; /* b NULL: one column holds it */
};

static const struct ends known_ends[] = {
	{END_ADDR, "addr_a", "addr_b"}, {END_ADDR, "src", "dst"},     {END_ADDR, "addr", NULL},
	{END_PORT, "port_a", "port_b"}, {END_PORT, "sport", "dport"}, {END_PORT, "port", NULL},
};

struct end_word {
	const char *name;
	enum end_what what;
	enum end_side side;
	const char *proto;
};

static const struct end_word end_words[] = {
	{"addr", END_ADDR, SIDE_EITHER, NULL},	      {"host", END_ADDR, SIDE_EITHER, NULL},
	{"port", END_PORT, SIDE_EITHER, NULL},	      {"ip.addr", END_ADDR, SIDE_EITHER, NULL},
	{"ip.host", END_ADDR, SIDE_EITHER, NULL},     {"ip.src", END_ADDR, SIDE_SRC, NULL},
	{"ip.dst", END_ADDR, SIDE_DST, NULL},	      {"ipv6.addr", END_ADDR, SIDE_EITHER, NULL},
	{"ipv6.host", END_ADDR, SIDE_EITHER, NULL},   {"ipv6.src", END_ADDR, SIDE_SRC, NULL},
	{"ipv6.dst", END_ADDR, SIDE_DST, NULL},	      {"tcp.port", END_PORT, SIDE_EITHER, "tcp"},
	{"tcp.srcport", END_PORT, SIDE_SRC, "tcp"},   {"tcp.dstport", END_PORT, SIDE_DST, "tcp"},
	{"udp.port", END_PORT, SIDE_EITHER, "udp"},   {"udp.srcport", END_PORT, SIDE_SRC, "udp"},
	{"udp.dstport", END_PORT, SIDE_DST, "udp"},   {"sctp.port", END_PORT, SIDE_EITHER, "sctp"},
	{"sctp.srcport", END_PORT, SIDE_SRC, "sctp"}, {"sctp.dstport", END_PORT, SIDE_DST, "sctp"},
};

/* Wireshark's names of what are plain columns here; the first column that the table has is meant.
 */
struct alias {
	const char *name;
	const char *column[3];
};

static const struct alias aliases[] = {
	{"frame.number", {"number", "packet", NULL}},
	{"frame.len", {"length", "bytes", NULL}},
	{"frame.cap_len", {"captured", NULL, NULL}},
	{"frame.time", {"time", "first_time", NULL}},
	{"frame.time_epoch", {"time", "first_time", NULL}},
	{"frame.time_relative", {"rel_s", "start_s", NULL}},
	{"frame.time_delta", {"delta_s", NULL, NULL}},
	{"ip.proto", {"proto", NULL, NULL}},
	{"ip.len", {"ip_bytes", NULL, NULL}},
	{"vlan.id", {"vlan", NULL, NULL}},
	{"dns.id", {"id", NULL, NULL}},
	{"dns.qry.name", {"name", NULL, NULL}},
	{"dns.qry.type", {"type", NULL, NULL}},
	{"dns.flags.rcode", {"rcode", NULL, NULL}},
	{"http.host", {"host", NULL, NULL}},
	{"http.request.method", {"method", NULL, NULL}},
	{"http.request.uri", {"uri", NULL, NULL}},
	{"http.response.code", {"status", NULL, NULL}},
	{"tls.handshake.extensions_server_name", {"sni", NULL, NULL}},
	{"tls.handshake.ciphersuite", {"cipher", NULL, NULL}},
	{"icmp.type", {"kind", NULL, NULL}},
	{"icmp.code", {"code", NULL, NULL}},
};

static const char *const protos[] = {
	"tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "arp", "rarp",
	"esp", "ah",  "gre",  "ospf", "pim",   "vrrp", "ip",  "ip6",
};

struct ip_proto {
	const char *number, *name;
};

static const struct ip_proto ip_protos[] = {
	{"1", "icmp"},	{"2", "igmp"},	{"6", "tcp"},	 {"17", "udp"},
	{"47", "gre"},	{"50", "esp"},	{"51", "ah"},	 {"58", "icmp6"},
	{"89", "ospf"}, {"103", "pim"}, {"112", "vrrp"}, {"132", "sctp"},
};

static const char *const apps[] = {"dns", "tls",  "http", "ssh", "dhcp",
				   "ntp", "quic", "smtp", "ftp"};

bool name_ends(const struct table_type *t, enum end_what what, enum end_side side,
	       struct name_columns *c)
{
	for (size_t i = 0; i < ARRAY_LEN(known_ends); i++) {
		const struct ends *ends = &known_ends[i];
		const int a = table_column(t, str_of(ends->a));
		const int b = ends->b ? table_column(t, str_of(ends->b)) : -1;

		if (ends->what != what || a < 0 || (ends->b && b < 0))
			continue;
		*c = (struct name_columns){.column = side == SIDE_DST && b >= 0 ? b : a,
					   .column_b = -1};
		if (side == SIDE_EITHER || side == SIDE_BOTH)
			c->column_b = b;
		return true;
	}
	return false;
}

static bool alias_find(const struct table_type *t, struct str name, struct name_columns *c)
{
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
		if (!str_is(name, aliases[i].name))
			continue;
		for (size_t j = 0; j < ARRAY_LEN(aliases[i].column) && aliases[i].column[j]; j++) {
			c->column = table_column(t, str_of(aliases[i].column[j]));
			if (c->column >= 0)
				return true;
		}
	}
	return false;
}

bool name_find(const struct table_type *t, struct str name, struct name_columns *c)
{
	*c = (struct name_columns){.column = table_column(t, name), .column_b = -1};
	if (c->column >= 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(end_words); i++) {
		const struct end_word *w = &end_words[i];

		if (!str_is(name, w->name))
			continue;
		if (!name_ends(t, w->what, w->side, c))
			return false;
		c->proto = w->proto;
		return true;
	}
	return alias_find(t, name, c);
}

const char *name_proto(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(protos); i++)
		if (str_is(word, protos[i]))
			return protos[i];
	return NULL;
}

const char *name_ip_proto(struct str word)
{
	for (size_t i = 0; i < ARRAY_LEN(ip_protos); i++)
		if (str_is(word, ip_protos[i].number) || str_is(word, ip_protos[i].name))
			return ip_protos[i].name;
	return NULL;
}

bool name_app(const struct table_type *t, struct str word)
{
	if (table_column(t, str_of("app")) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(apps); i++)
		if (str_is(word, apps[i]))
			return true;
	return false;
}

const char *name_nearest(const struct table_type *t, struct str word)
{
	static const char *const joins[] = {"and", "or", "not", "in"};
	static const char *const qualifiers[] = {"host", "net", "src", "dst"};
	static const char *const of_ports[] = {"port", "portrange"};
	const bool proto = table_column(t, str_of("proto")) >= 0;
	const char *known[TABLE_COLUMNS_MAX + ARRAY_LEN(joins) + ARRAY_LEN(qualifiers) +
			  ARRAY_LEN(of_ports) + ARRAY_LEN(end_words) + ARRAY_LEN(aliases) +
			  ARRAY_LEN(protos)];
	struct name_columns c;
	size_t count = 0;

	for (unsigned i = 0; i < t->ncolumns; i++)
		known[count++] = t->columns[i].name;
	for (size_t i = 0; i < ARRAY_LEN(joins); i++)
		known[count++] = joins[i];
	/* A word that this table would not take is no advice. */
	for (size_t i = 0; i < ARRAY_LEN(qualifiers) && name_ends(t, END_ADDR, SIDE_EITHER, &c);
	     i++)
		known[count++] = qualifiers[i];
	for (size_t i = 0; i < ARRAY_LEN(of_ports) && name_ends(t, END_PORT, SIDE_EITHER, &c); i++)
		known[count++] = of_ports[i];
	for (size_t i = 0; i < ARRAY_LEN(end_words); i++)
		if (name_find(t, str_of(end_words[i].name), &c))
			known[count++] = end_words[i].name;
	for (size_t i = 0; i < ARRAY_LEN(aliases); i++)
		if (name_find(t, str_of(aliases[i].name), &c))
			known[count++] = aliases[i].name;
	for (size_t i = 0; i < ARRAY_LEN(protos) && proto; i++)
		known[count++] = protos[i];
	return text_nearest(word, known, count);
}
