/* Internet Protocol version 4, RFC 791. */
#include "rows.h"

#define IP4_HEADER_MIN 20u
#define MORE_FRAGMENTS 0x2000u
#define DONT_FRAGMENT 0x4000u
#define FRAGMENT_OFFSET 0x1fffu /* in units of eight bytes */

/* Where the datagram ends: by its length; by the wire where that is 0 (segmentation offload, BIG
 * TCP). */
static void ip4_limit(struct walk *w, uint16_t total)
{
	if (!total)
		return;
	if (total > cursor_wire(&w->c))
		w->d->flags |= DECODE_LONG;
	cursor_limit(&w->c, total);
}

static void ip4_fragment(struct decoded *d, uint16_t fragment)
{
	if (!(fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET)))
		return;
	d->flags |= DECODE_FRAGMENT;
	d->fragment_id = d->ip_id;
	d->fragment_offset = (uint16_t)((fragment & FRAGMENT_OFFSET) * 8);
	d->more_fragments = fragment & MORE_FRAGMENTS;
}

uint8_t ip4_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, IP4_HEADER_MIN);
	struct decoded *d = w->d;
	uint32_t header;
	uint16_t total;

	if (!p)
		return walk_short(w, PROTO_IP, IP4_HEADER_MIN);
	header = (p[0] & 15u) * 4;
	total = get16(p + 2);
	if (p[0] >> 4 != 4)
		return walk_bad(w, PROTO_IP, IP4_HEADER_MIN, "an IPv4 header of another version");
	d->family = 4;
	d->src = p + 12;
	d->dst = p + 16;
	d->ttl = p[8];
	d->ip_id = get16(p + 4);
	d->ip_protocol = p[9];
	d->flags |= DECODE_IP;
	ip4_limit(w, total);
	d->ip_bytes = cursor_wire(&w->c);
	if (header < IP4_HEADER_MIN)
		return walk_bad(w, PROTO_IP, IP4_HEADER_MIN, "IPv4 header length below 20 bytes");
	if (header > d->ip_bytes)
		return walk_bad(w, PROTO_IP, header, "IPv4 total length below its header length");
	if (!cursor_peek(&w->c, header)) {
		d->payload_bytes = d->ip_bytes - header;
		return walk_short(w, PROTO_IP, header);
	}
	if (w->o->checksums)
		checksum_ip4(w, p, header);
	walk_layer(w, PROTO_IP, header);
	ip4_fragment(d, get16(p + 6));
	return walk_transport(w, p[9]);
}

void ip4_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char src[ADDR_LINE_MAX], dst[ADDR_LINE_MAX];
	uint16_t fragment;

	if (l->length < IP4_HEADER_MIN)
		return;
	fragment = get16(p + 6);
	buf_printf(out, "%s > %s %s ttl %u length %u", text_ip(4, p + 12, src),
		   text_ip(4, p + 16, dst), ip_protocol_name(p[9]), p[8], get16(p + 2));
	if (fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET))
		buf_printf(out, " fragment 0x%04x offset %u%s", get16(p + 4),
			   (fragment & FRAGMENT_OFFSET) * 8u,
			   fragment & MORE_FRAGMENTS ? " more" : " last");
}

static const struct code_name option_names[] = {
	{0, "end"},
	{1, "no operation"},
	{7, "record route"},
	{68, "timestamp"},
	{130, "security"},
	{131, "loose source route"},
	{136, "stream id"},
	{137, "strict source route"},
	{148, "router alert"},
	{0, NULL},
};

static void option_fields(const struct view *v, const struct layer *l)
{
	uint32_t at = IP4_HEADER_MIN;
	const uint8_t *p = v->head + l->offset;

	while (at < l->length && p[at] != 0) {
		uint32_t length = p[at] == 1 ? 1 : at + 1 < l->length ? p[at + 1] : 0;

		if (length < 1 || (p[at] != 1 && length < 2) || length > l->length - at) {
			view_field(v, "option", l->offset + at, l->length - at, "bad length");
			return;
		}
		view_field(v, "option", l->offset + at, length, "%s",
			   code_text(option_names, p[at], "unknown"));
		at += length;
	}
}

static void ip4_checksum_field(const struct view *v, const struct layer *l, uint32_t header)
{
	const uint8_t *p = v->head + l->offset;
	uint16_t field = get16(p + 10), sum;

	if (l->length < header || header < IP4_HEADER_MIN) {
		view_field(v, "checksum", l->offset + 10, 2, "0x%04x not checked (header cut)",
			   field);
		return;
	}
	sum = checksum_sum(0, p, header);
	if (sum == 0xffff)
		view_field(v, "checksum", l->offset + 10, 2, "0x%04x right", field);
	else if (!field)
		view_field(v, "checksum", l->offset + 10, 2, "0x0000 left to the device (offload)");
	else
		view_field(v, "checksum", l->offset + 10, 2, "0x%04x wrong, should be 0x%04x",
			   field, checksum_right(sum, field));
}

static const char *const ecn_names[4] = {"not ECN", "ECT(1)", "ECT(0)", "congestion"};

void ip4_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];
	uint16_t fragment;

	if (l->length < IP4_HEADER_MIN)
		return;
	fragment = get16(p + 6);
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 4);
	view_field(v, "header_length", l->offset, 1, "%u", (p[0] & 15u) * 4);
	view_field(v, "dscp", l->offset + 1, 1, "%u", p[1] >> 2);
	view_field(v, "ecn", l->offset + 1, 1, "%u %s", p[1] & 3u, ecn_names[p[1] & 3]);
	view_field(v, "total_length", l->offset + 2, 2, "%u%s", get16(p + 2),
		   get16(p + 2) ? "" : " (offload: the wire's length counts)");
	view_field(v, "id", l->offset + 4, 2, "0x%04x", get16(p + 4));
	view_field(v, "flags", l->offset + 6, 1, "%s%s%s%s", fragment & 0x8000 ? "reserved " : "",
		   fragment & DONT_FRAGMENT ? "DF " : "", fragment & MORE_FRAGMENTS ? "MF " : "",
		   fragment & 0xe000 ? "set" : "none");
	view_field(v, "fragment_offset", l->offset + 6, 2, "%u", (fragment & FRAGMENT_OFFSET) * 8u);
	view_field(v, "ttl", l->offset + 8, 1, "%u", p[8]);
	view_field(v, "protocol", l->offset + 9, 1, "%u %s", p[9], ip_protocol_name(p[9]));
	ip4_checksum_field(v, l, (p[0] & 15u) * 4);
	view_field(v, "src", l->offset + 12, 4, "%s", text_ip(4, p + 12, text));
	view_field(v, "dst", l->offset + 16, 4, "%s", text_ip(4, p + 16, text));
	option_fields(v, l);
}
