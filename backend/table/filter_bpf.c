/* BPF's primitives over a table's columns: [protocol] [src, dst] [host, net, port, portrange,
 * proto] id. */
#include "filter_tree.h"

#include <stdio.h>
#include <string.h>

#include "base/xalloc.h"
#include "filter_value.h"

static int shown(struct str s)
{
	return s.len > 100 ? 100 : (int)s.len;
}

static enum bpf_type type_word(struct str word)
{
	static const char *const words[] = {
		[BPF_HOST] = "host",	       [BPF_NET] = "net",     [BPF_PORT] = "port",
		[BPF_PORTRANGE] = "portrange", [BPF_PROTO] = "proto",
	};

	for (size_t i = BPF_HOST; i < ARRAY_LEN(words); i++)
		if (str_is(word, words[i]))
			return (enum bpf_type)i;
	return BPF_NONE;
}

bool bpf_is_qualifier(struct str word)
{
	return name_proto(word) || type_word(word) != BPF_NONE || str_is(word, "src") ||
	       str_is(word, "dst");
}

/* Address family by a net of nothing: every address of it. */
static struct filter_node *family_node(struct parser *p, const char *proto, int at)
{
	struct name_columns c;

	if (!name_ends(p->type, END_ADDR, SIDE_EITHER, &c)) {
		err_at(p->e, at, "%s has no addresses, which \"%s\" asks for", p->type->name,
		       proto);
		return NULL;
	}
	return node_compare(p, FILTER_EQ, &c,
			    str_of(strcmp(proto, "ip") == 0 ? "0.0.0.0/0" : "::/0"), at);
}

struct filter_node *node_proto(struct parser *p, const char *proto, int at)
{
	const struct name_columns c = {.column = table_column(p->type, str_of("proto")),
				       .column_b = -1};

	if (strcmp(proto, "ip") == 0 || strcmp(proto, "ip6") == 0)
		return family_node(p, proto, at);
	if (c.column < 0) {
		err_at(p->e, at, "%s has no column proto, which \"%s\" asks for", p->type->name,
		       proto);
		return NULL;
	}
	return node_compare(p, FILTER_EQ, &c, str_of(proto), at);
}

/* As node_compare, for one end, either, or both at once. */
static struct filter_node *ends_node(struct parser *p, const struct qualifier *q,
				     enum end_what what, struct str id, int at)
{
	struct name_columns c, src, dst;

	if (!name_ends(p->type, what, q->side, &c)) {
		err_at(p->e, at, "%s has no %s to compare with", p->type->name,
		       what == END_ADDR ? "addresses" : "ports");
		return NULL;
	}
	if (q->side != SIDE_BOTH || c.column_b < 0)
		return node_compare(p, FILTER_EQ, &c, id, at);
	src = (struct name_columns){.column = c.column, .column_b = -1};
	dst = (struct name_columns){.column = c.column_b, .column_b = -1};
	return node_join(p, FILTER_AND, node_compare(p, FILTER_EQ, &src, id, at),
			 node_compare(p, FILTER_EQ, &dst, id, at), at);
}

/* The port columns of ICMP hold an identifier: as in BPF, `port` is of protocols that have ports.
 */
static struct filter_node *port_protos(struct parser *p, struct filter_node *node, int at)
{
	struct filter_node *any;

	if (!node || table_column(p->type, str_of("proto")) < 0)
		return node;
	any = node_join(p, FILTER_OR, node_proto(p, "tcp", at), node_proto(p, "udp", at), at);
	any = node_join(p, FILTER_OR, any, node_proto(p, "sctp", at), at);
	return node_join(p, FILTER_AND, any, node, at);
}

/* Makes the value of a comparison a range, on both sides of an AND as well. */
static void range_set(struct filter_node *node, int64_t low, int64_t high)
{
	if (node->op == FILTER_AND) {
		range_set(node->left, low, high);
		range_set(node->right, low, high);
		return;
	}
	node->values[0].value = value_int(low);
	node->values[0].is_range = true;
	node->values[0].high = high;
}

static struct filter_node *portrange_node(struct parser *p, const struct qualifier *q,
					  struct str id, int at)
{
	const char *dash = memchr(id.p, '-', id.len);
	const struct str low = {id.p, dash ? (size_t)(dash - id.p) : id.len};
	const struct str high = dash ? (struct str){dash + 1, id.len - low.len - 1} : low;
	struct filter_node *node;
	int64_t first, last;

	if (filter_port_parse(low, at, &first, p->e) ||
	    filter_port_parse(high, at + (int)(high.p - id.p), &last, p->e))
		return NULL;
	node = ends_node(p, q, END_PORT, low, at);
	/* Given the wrong way round it is turned, as in BPF. */
	if (node)
		range_set(node, first < last ? first : last, first < last ? last : first);
	return node;
}

static struct filter_node *host_node(struct parser *p, const struct qualifier *q, struct str id,
				     int at)
{
	const struct name_columns text = {.column = table_column(p->type, str_of("host")),
					  .column_b = -1};
	struct name_columns c;

	/* Tables of names have a column host and no addresses. */
	if (!name_ends(p->type, END_ADDR, q->side, &c) && q->type == BPF_HOST && text.column >= 0)
		return node_compare(p, FILTER_EQ, &text, id, at);
	return ends_node(p, q, END_ADDR, id, at);
}

struct filter_node *bpf_id(struct parser *p, const struct qualifier *q, struct str id, int at)
{
	struct filter_node *node = NULL;
	const char *proto;

	switch (q->type) {
	case BPF_NONE:
	case BPF_HOST:
	case BPF_NET:
		node = host_node(p, q, id, at);
		break;
	case BPF_PORT:
	case BPF_PORTRANGE:
		node = q->type == BPF_PORT ? ends_node(p, q, END_PORT, id, at)
					   : portrange_node(p, q, id, at);
		if (!q->proto || strcmp(q->proto, "ip") == 0 || strcmp(q->proto, "ip6") == 0)
			node = port_protos(p, node, at);
		break;
	case BPF_PROTO:
		proto = name_ip_proto(id);
		if (!proto)
			err_at(p->e, at,
			       "\"%.*s\" is no protocol known here: give a name such as tcp, or "
			       "its number",
			       shown(id), id.p);
		else
			node = node_proto(p, proto, at);
		break;
	}
	return q->proto && node ? node_join(p, FILTER_AND, node_proto(p, q->proto, at), node, at)
				: node;
}

static int take_side(struct parser *p, struct qualifier *q)
{
	const bool src = str_is(p->token.text, "src");

	q->side = src ? SIDE_SRC : SIDE_DST;
	if (parser_advance(p))
		return -1;
	if (p->token.kind != TOKEN_OR && p->token.kind != TOKEN_AND)
		return 0;
	q->side = p->token.kind == TOKEN_OR ? SIDE_EITHER : SIDE_BOTH;
	if (parser_advance(p))
		return -1;
	if (p->token.kind != TOKEN_WORD || !str_is(p->token.text, src ? "dst" : "src"))
		return err_at(p->e, p->token.at, "an address or \"%s\" is missing here",
			      src ? "dst" : "src");
	return parser_advance(p);
}

/* The qualifiers from p->token on. */
static int take_qualifier(struct parser *p, struct qualifier *q)
{
	*q = (struct qualifier){.proto = name_proto(p->token.text)};
	if (q->proto && parser_advance(p))
		return -1;
	if (p->token.kind == TOKEN_WORD &&
	    (str_is(p->token.text, "src") || str_is(p->token.text, "dst")) && take_side(p, q))
		return -1;
	if (p->token.kind != TOKEN_WORD)
		return 0;
	q->type = type_word(p->token.text);
	return q->type != BPF_NONE ? parser_advance(p) : 0;
}

/* `net 10.0.0.0 mask 255.0.0.0` as 10.0.0.0/8. */
static int take_mask(struct parser *p, struct str net, char out[64])
{
	struct addr mask;
	unsigned bits = 0;

	if (parser_advance(p))
		return -1;
	if (p->token.kind != TOKEN_WORD || addr_parse(p->token.text, &mask, NULL) ||
	    mask.family != ADDR_IP4)
		return err_at(p->e, p->token.at, "a mask such as 255.255.0.0 is missing here");
	while (bits < 32 && mask.bytes[bits / 8] & 0x80 >> bits % 8)
		bits++;
	for (unsigned i = bits; i < 32; i++)
		if (mask.bytes[i / 8] & 0x80 >> i % 8)
			return err_at(p->e, p->token.at,
				      "this mask has gaps: give the net as 10.0.0.0/8");
	(void)snprintf(out, 64, "%.*s/%u", net.len > 48 ? 48 : (int)net.len, net.p,
		       bits); /* fits */
	return parser_advance(p);
}

static struct filter_node *take_id(struct parser *p, const struct qualifier *q)
{
	const struct str id = p->token.text;
	const int at = p->token.at;
	char masked[64];

	if (p->token.kind == TOKEN_QUOTED) /* its text goes when the next quote comes */
		return err_at(p->e, at, "no quotes here: give the address or port as it is"), NULL;
	if (parser_advance(p))
		return NULL;
	if (q->type == BPF_NET && p->token.kind == TOKEN_WORD && str_is(p->token.text, "mask"))
		return take_mask(p, id, masked) ? NULL : bpf_id(p, q, str_of(masked), at);
	return bpf_id(p, q, id, at);
}

struct filter_node *parse_bpf(struct parser *p, const struct token *first)
{
	struct qualifier q;

	/* Back to the first word: qualifiers are read from there. */
	p->lex.next = (size_t)first->at;
	if (parser_advance(p) || take_qualifier(p, &q))
		return NULL;
	if (q.side == SIDE_EITHER && q.type == BPF_NONE && q.proto)
		return node_proto(p, q.proto, first->at);
	p->has_last = true;
	p->last = q;
	if (p->token.kind == TOKEN_OPEN)
		return parse_primary(p);
	if (p->token.kind != TOKEN_WORD && p->token.kind != TOKEN_QUOTED) {
		err_at(p->e, p->token.at, "%s is missing here",
		       q.type == BPF_PORT || q.type == BPF_PORTRANGE ? "a port" : "an address");
		return NULL;
	}
	return take_id(p, &q);
}
