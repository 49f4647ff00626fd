/* Transmission Control Protocol, RFC 9293; options: RFC 2018, RFC 7323 and the IANA registry of TCP
 * parameters. */
#include "rows.h"

#define TCP_HEADER_MIN 20u

enum tcp_option {
	OPTION_END,
	OPTION_NOP,
	OPTION_MSS,
	OPTION_SCALE,
	OPTION_SACK_PERMITTED,
	OPTION_SACK,
	OPTION_TIMES = 8
};

/* The header is not all here: its ports and sequence number are what an ICMP error's quote holds.
 */
static uint8_t tcp_short(struct walk *w)
{
	struct decoded *d = w->d;

	if (cursor_peek(&w->c, 8))
		d->tcp.seq = get32(w->c.data + 4);
	d->payload_bytes = d->payload_captured = 0;
	return walk_short(w, PROTO_TCP, TCP_HEADER_MIN);
}

static void tcp_fixed(struct decoded *d, const uint8_t *p)
{
	d->tcp.seq = get32(p + 4);
	d->tcp.ack = get32(p + 8);
	d->tcp.flags = p[13];
	d->tcp.window = get16(p + 14);
	d->tcp.urgent = get16(p + 18);
	d->tcp.options = p + TCP_HEADER_MIN;
}

uint8_t tcp_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, TCP_HEADER_MIN);
	struct decoded *d = w->d;
	uint32_t header, here, wire = cursor_wire(&w->c);

	if (cursor_peek(&w->c, 4)) {
		d->sport = get16(w->c.data);
		d->dport = get16(w->c.data + 2);
		d->flags |= DECODE_PORTS;
	}
	if (!p)
		return tcp_short(w);
	tcp_fixed(d, p);
	header = (p[12] >> 4) * 4u;
	if (header < TCP_HEADER_MIN || header > wire) {
		d->payload_bytes = d->payload_captured = 0;
		return walk_bad(w, PROTO_TCP, TCP_HEADER_MIN,
				header > wire ? "TCP header longer than its IP packet"
					      : "TCP header length below 20 bytes");
	}
	here = header <= cursor_left(&w->c) ? header : (uint32_t)cursor_left(&w->c);
	d->tcp.options_length = (uint8_t)(here - TCP_HEADER_MIN);
	d->flags |= DECODE_TCP;
	if (here < header)
		d->flags |= DECODE_CUT;
	if (w->o->checksums)
		checksum_transport(w, p, wire, 16);
	walk_layer(w, PROTO_TCP, header);
	d->payload_offset = cursor_offset(&w->c);
	d->payload_bytes = wire - header;
	d->payload_captured = (uint32_t)cursor_left(&w->c);
	return walk_application(w);
}

static const struct bit_name flag_names[] = {
	{TCP_SYN, "SYN"}, {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"}, {TCP_ACK, "ACK"},
	{TCP_URG, "URG"}, {TCP_ECE, "ECE"}, {TCP_CWR, "CWR"}, {0, NULL},
};

static const struct code_name option_names[] = {
	{0, "end"},
	{1, "nop"},
	{2, "mss"},
	{3, "window scale"},
	{4, "sack permitted"},
	{5, "sack"},
	{8, "timestamps"},
	{14, "alternate checksum"},
	{19, "md5"},
	{28, "user timeout"},
	{29, "authentication"},
	{30, "multipath"},
	{34, "fast open"},
	{253, "experiment 1"},
	{254, "experiment 2"},
	{0, NULL},
};

/* The next option: its kind, bytes and length; NULL at the end or where the length is wrong
 * (`*bad`). */
static const uint8_t *option_next(struct cursor *c, uint32_t *length, bool *bad)
{
	const uint8_t *p = cursor_peek(c, 1);

	*bad = false;
	if (!p)
		return NULL;
	*length = 1;
	if (*p == OPTION_END)
		return NULL;
	if (*p != OPTION_NOP) {
		*length = cursor_peek(c, 2) ? p[1] : 0;
		*bad = *length < 2 || *length > cursor_left(c);
	}
	if (*bad)
		return NULL;
	c->data += *length;
	return p;
}

static struct cursor option_cursor(const struct view *v)
{
	uint32_t at = (uint32_t)(v->d->tcp.options - v->head);

	return cursor_over(v->head, at, v->d->tcp.options_length);
}

static void option_info(struct buf *out, const uint8_t *p, uint32_t length, bool syn)
{
	if (p[0] == OPTION_MSS && length == 4)
		buf_printf(out, " mss %u", get16(p + 2));
	else if (p[0] == OPTION_SCALE && length == 3)
		buf_printf(out, " ws %u", p[2]);
	else if (p[0] == OPTION_SACK_PERMITTED && syn)
		buf_add_str(out, " sack-ok");
	else if (p[0] == OPTION_TIMES && length == 10 && syn)
		buf_printf(out, " ts %u:%u", get32(p + 2), get32(p + 6));
}

static void sack_info(struct buf *out, const uint8_t *p, uint32_t length, uint32_t base)
{
	buf_add_str(out, " sack");
	for (uint32_t at = 2; at + 8 <= length; at += 8)
		buf_printf(out, " %u-%u", get32(p + at) - base, get32(p + at + 4) - base);
}

static void tcp_options_info(struct buf *out, const struct view *v, uint32_t base)
{
	struct cursor c = option_cursor(v);
	const uint8_t *p;
	uint32_t length;
	bool bad;

	while ((p = option_next(&c, &length, &bad))) {
		if (p[0] == OPTION_SACK)
			sack_info(out, p, length, base);
		else
			option_info(out, p, length, v->d->tcp.flags & TCP_SYN);
	}
}

void tcp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const struct decoded *d = v->d;
	const struct info_context *x = v->context;
	uint32_t base_seq = x->relative ? x->base_seq : 0, base_ack = x->relative ? x->base_ack : 0;
	uint32_t window = d->tcp.window;
	char flags[64];

	if (!(d->flags & DECODE_PORTS))
		return;
	buf_printf(out, "%u > %u", d->sport, d->dport);
	if (l->length < TCP_HEADER_MIN) {
		if (l->length >= 8)
			buf_printf(out, " seq %u", d->tcp.seq - base_seq);
		return;
	}
	if (x->scale > 0 && x->scale <= 14 && !(d->tcp.flags & TCP_SYN))
		window <<= x->scale;
	buf_printf(out, " [%s] seq %u", text_bits(d->tcp.flags, flag_names, flags, sizeof(flags)),
		   d->tcp.seq - base_seq);
	if (d->tcp.flags & TCP_ACK)
		buf_printf(out, " ack %u", d->tcp.ack - base_ack);
	buf_printf(out, " win %u len %u", window, d->payload_bytes);
	if (d->tcp.flags & TCP_URG)
		buf_printf(out, " urg %u", d->tcp.urgent);
	tcp_options_info(out, v, base_ack);
}

static void option_field(const struct view *v, const uint8_t *p, uint32_t length)
{
	uint32_t at = (uint32_t)(p - v->head);
	const char *name = code_text(option_names, p[0], "unknown");

	if (p[0] == OPTION_MSS && length == 4) {
		view_field(v, "option", at, length, "mss %u", get16(p + 2));
	} else if (p[0] == OPTION_SCALE && length == 3) {
		view_field(v, "option", at, length, "window scale %u (times %u)", p[2],
			   1u << (p[2] > 14 ? 14 : p[2]));
	} else if (p[0] == OPTION_TIMES && length == 10) {
		view_field(v, "option", at, length, "timestamps value %u echo %u", get32(p + 2),
			   get32(p + 6));
	} else if (p[0] == OPTION_SACK) {
		for (uint32_t i = 2; i + 8 <= length; i += 8)
			view_field(v, "option", at + i, 8, "sack %u-%u", get32(p + i),
				   get32(p + i + 4));
	} else if (p[0] != OPTION_NOP) {
		view_field(v, "option", at, length, "%s (%u)", name, p[0]);
	}
}

static void option_fields(const struct view *v)
{
	struct cursor c = option_cursor(v);
	const uint8_t *p;
	uint32_t length;
	bool bad;

	while ((p = option_next(&c, &length, &bad)))
		option_field(v, p, length);
	if (bad)
		view_field(v, "option", cursor_offset(&c), (uint32_t)cursor_left(&c), "bad length");
}

void tcp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char flags[64];

	if (l->length >= 4) {
		view_field(v, "sport", l->offset, 2, "%u", get16(p));
		view_field(v, "dport", l->offset + 2, 2, "%u", get16(p + 2));
	}
	if (l->length >= 8)
		view_field(v, "seq", l->offset + 4, 4, "%u", get32(p + 4));
	if (l->length < TCP_HEADER_MIN)
		return;
	view_field(v, "ack", l->offset + 8, 4, "%u", get32(p + 8));
	view_field(v, "header_length", l->offset + 12, 1, "%u", (p[12] >> 4) * 4u);
	view_field(v, "flags", l->offset + 13, 1, "%s",
		   text_bits(p[13], flag_names, flags, sizeof(flags)));
	view_field(v, "window", l->offset + 14, 2, "%u", get16(p + 14));
	view_checksum(v, l, 16);
	view_field(v, "urgent", l->offset + 18, 2, "%u", get16(p + 18));
	if (v->d->flags & DECODE_TCP) {
		option_fields(v);
		view_field(v, "payload", v->d->payload_offset, v->d->payload_captured, "%u bytes",
			   v->d->payload_bytes);
	}
}
