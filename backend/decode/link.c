/* Which protocol a link type begins with, and the headers that capturing itself puts before a
 * packet: Netfilter's log, pktap, BSD's packet filter log and IPsec device; FDDI, InfiniBand.
 * LINKTYPE_ values and forms: https://www.tcpdump.org/linktypes.html */
#include "le.h"
#include "rows.h"

#define NFLOG_HEADER 4u
#define NFLOG_ATTRIBUTE 4u /* length (with these four bytes) and type, in the writer's order */
#define NFLOG_PAYLOAD 9u
#define NFLOG_ATTRIBUTES_MAX 32u
#define PKTAP_HEADER 12u /* length, kind of record, link type; more that is not needed here */
#define PKTAP_PACKET 1u
#define PFLOG_HEADER 4u
#define ENC_HEADER 12u
#define FDDI_HEADER 13u /* frame control, two addresses */
#define FDDI_LLC 0x50u
#define IPOIB_TYPE 40u /* behind a global route header */
#define IPOIB_HEADER 44u

static const uint8_t links[] = {
	[0] = PROTO_NULL_LOOP, /* the family in the writer's byte order */
	[1] = PROTO_ETH,
	[9] = PROTO_PPP,
	[10] = PROTO_FDDI,
	[12] = PROTO_RAW, /* as OpenBSD and others number it */
	[14] = PROTO_RAW,
	[50] = PROTO_PPP,
	[51] = PROTO_PPPOE,
	[100] = PROTO_LLC, /* ATM, RFC 1483 */
	[101] = PROTO_RAW,
	[104] = PROTO_CHDLC,
	[105] = PROTO_IEEE80211,
	[107] = PROTO_FRELAY,
	[108] = PROTO_NULL_LOOP, /* LOOP: the family in network order */
	[109] = PROTO_ENC,
	[113] = PROTO_SLL,
	[117] = PROTO_PFLOG,
	[119] = PROTO_PRISM,
	[127] = PROTO_RADIOTAP,
	[163] = PROTO_AVS,
	[149] = PROTO_PKTAP, /* a user's number; Apple's tcpdump writes it */
	[166] = PROTO_PPP,   /* pppd's: a direction in place of the address */
	[182] = PROTO_MFR,
	[186] = PROTO_USB,
	[189] = PROTO_USB,
	[192] = PROTO_PPI,
	[204] = PROTO_PPP_DIRECTION,
	[206] = PROTO_FRELAY_DIRECTION,
	[220] = PROTO_USB,
	[228] = PROTO_RAW, /* IPv4 */
	[229] = PROTO_RAW, /* IPv6 */
	[239] = PROTO_NFLOG,
	[242] = PROTO_IPOIB,
	[249] = PROTO_USB,
	[253] = PROTO_NETLINK,
	[258] = PROTO_PKTAP,
	[276] = PROTO_SLL2,
	[281] = PROTO_DSA, /* Broadcom's */
	[282] = PROTO_DSA_BEFORE,
	[284] = PROTO_DSA, /* Marvell's */
	[285] = PROTO_EDSA,
};

uint8_t link_protocol(uint32_t link_type)
{
	const uint8_t protocol = link_type < sizeof(links) ? links[link_type] : PROTO_NONE;

	return protocol ? protocol : PROTO_DATA;
}

/* The attribute at `p`, of which `left` bytes are here: its length, 0 when it cannot be. */
static uint32_t attribute_length(const uint8_t *p, size_t left, bool little)
{
	const uint32_t length = left < NFLOG_ATTRIBUTE ? 0 : little ? le16(p) : get16(p);

	return length >= NFLOG_ATTRIBUTE ? length : 0;
}

/* Where the packet stands behind the attributes, and how long it is; 0: there is none. */
static uint32_t nflog_payload(const struct walk *w, uint32_t *bytes)
{
	const uint8_t *p = w->c.data;
	const size_t left = cursor_left(&w->c);
	/* The first attribute is short: its length tells the writer's order. */
	const bool little = left > NFLOG_HEADER + 1 && p[NFLOG_HEADER] != 0;

	for (uint32_t at = NFLOG_HEADER, i = 0; at < left && i < NFLOG_ATTRIBUTES_MAX; i++) {
		const uint32_t length = attribute_length(p + at, left - at, little);

		if (!length)
			return 0;
		*bytes = length - NFLOG_ATTRIBUTE;
		if (((little ? le16(p + at + 2) : get16(p + at + 2)) & 0x3fff) == NFLOG_PAYLOAD)
			return at + NFLOG_ATTRIBUTE;
		at += (length + 3) & ~3u;
	}
	return 0;
}

uint8_t nflog_decode(struct walk *w)
{
	uint32_t bytes, at;

	if (!cursor_peek(&w->c, NFLOG_HEADER))
		return walk_short(w, PROTO_NFLOG, NFLOG_HEADER);
	at = nflog_payload(w, &bytes);
	if (!at)
		return walk_rest(w, PROTO_NFLOG);
	walk_layer(w, PROTO_NFLOG, at);
	if (bytes < cursor_wire(&w->c))
		cursor_limit(&w->c, bytes);
	return walk_ip_version(w);
}

void nflog_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= NFLOG_HEADER)
		buf_printf(out, "family %u group %u", p[0], get16(p + 2));
}

void nflog_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < NFLOG_HEADER)
		return;
	view_field(v, "family", l->offset, 1, "%u", p[0]);
	view_field(v, "version", l->offset + 1, 1, "%u", p[1]);
	view_field(v, "group", l->offset + 2, 2, "%u", get16(p + 2));
}

uint8_t pktap_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, PKTAP_HEADER);
	uint8_t next;

	if (!p)
		return walk_short(w, PROTO_PKTAP, PKTAP_HEADER);
	if (le32(p) < PKTAP_HEADER)
		return walk_bad(w, PROTO_PKTAP, PKTAP_HEADER, "a pktap header below 12 bytes");
	if (!cursor_peek(&w->c, le32(p)))
		return walk_short(w, PROTO_PKTAP, le32(p));
	next = le32(p + 4) == PKTAP_PACKET ? link_protocol(le32(p + 8)) : PROTO_NONE;
	walk_layer(w, PROTO_PKTAP, le32(p));
	/* One within another would have no end. */
	return next == PROTO_PKTAP ? PROTO_DATA : next;
}

void pktap_info(struct buf *out, const struct view *v, const struct layer *l)
{
	if (l->length >= PKTAP_HEADER)
		buf_printf(out, "link type %u", le32(v->head + l->offset + 8));
}

uint8_t pflog_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, PFLOG_HEADER);
	uint32_t length;

	if (!p)
		return walk_short(w, PROTO_PFLOG, PFLOG_HEADER);
	length = (p[0] + 3u) & ~3u;
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_PFLOG, length);
	walk_layer(w, PROTO_PFLOG, length);
	return walk_ip_version(w);
}

uint8_t enc_decode(struct walk *w)
{
	if (!cursor_peek(&w->c, ENC_HEADER))
		return walk_short(w, PROTO_ENC, ENC_HEADER);
	walk_layer(w, PROTO_ENC, ENC_HEADER);
	return walk_ip_version(w);
}

/* ISO 9314-2; frames of control have nothing for us in them. */
uint8_t fddi_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, FDDI_HEADER);

	if (!p)
		return walk_short(w, PROTO_FDDI, FDDI_HEADER);
	walk_layer(w, PROTO_FDDI, FDDI_HEADER);
	if ((p[0] & 0xf0) == FDDI_LLC)
		return PROTO_LLC;
	return cursor_left(&w->c) ? walk_rest(w, PROTO_DATA) : PROTO_NONE;
}

void fddi_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char src[ADDR_LINE_MAX], dst[ADDR_LINE_MAX];

	if (l->length >= FDDI_HEADER)
		buf_printf(out, "%s > %s control 0x%02x", text_mac(p + 7, src),
			   text_mac(p + 1, dst), p[0]);
}

/* RFC 4391: a type as Ethernet's behind the route. */
uint8_t ipoib_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, IPOIB_HEADER);

	if (!p)
		return walk_short(w, PROTO_IPOIB, IPOIB_HEADER);
	walk_layer(w, PROTO_IPOIB, IPOIB_HEADER);
	return ethertype_protocol(get16(p + IPOIB_TYPE));
}
