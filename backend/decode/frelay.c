/* Frame Relay: Q.922 addresses, the protocol as RFC 2427 or Cisco say it; several links as one
 * (FRF.16). */
#include "rows.h"

#define ADDRESS_MAX 4u
#define CONTROL_UI 3u
#define SNAP_BYTES 5u /* organisation and type */
#define MFR_HEADER 2u

enum nlpid {
	NLPID_Q933 = 0x08,
	NLPID_SNAP = 0x80,
	NLPID_IP6 = 0x8e,
	NLPID_IP = 0xcc,
	NLPID_PPP = 0xcf
};

/* Bytes of the address: the last has its lowest bit set. 0: not here, or none. */
static uint32_t address_length(const uint8_t *p, size_t left)
{
	for (uint32_t n = 2; n <= ADDRESS_MAX && n <= left; n++) {
		if (p[n - 1] & 1)
			return n;
	}
	return 0;
}

/* RFC 2427 4.1: a routed protocol by its type, bridged Ethernet with or without its checksum. */
static uint8_t snap_next(const uint8_t *p)
{
	if (!p[0] && !p[1] && !p[2])
		return ethertype_protocol(get16(p + 3));
	if (!p[0] && p[1] == 0x80 && p[2] == 0xc2 && (get16(p + 3) == 1 || get16(p + 3) == 7))
		return PROTO_ETH;
	return PROTO_DATA;
}

/* From the control byte on; `*length` grows by what names the protocol. */
static uint8_t relay_next(const uint8_t *p, size_t left, uint32_t *length)
{
	const uint32_t at = *length + (left > *length + 1 && !p[*length + 1] ? 2 : 1);

	if (left <= at)
		return PROTO_NONE;
	*length = at + 1;
	switch (p[at]) {
	case NLPID_IP:
		return PROTO_IP;
	case NLPID_IP6:
		return PROTO_IP6;
	case NLPID_PPP:
		return PROTO_PPP;
	case NLPID_SNAP:
		if (left < at + 1 + SNAP_BYTES)
			return PROTO_NONE;
		*length += SNAP_BYTES;
		return snap_next(p + at + 1);
	default:
		return PROTO_DATA;
	}
}

uint8_t frelay_decode(struct walk *w)
{
	const size_t left = cursor_left(&w->c);
	const uint8_t *p = w->c.data;
	uint32_t length = address_length(p, left);
	uint8_t next;

	if (!length || left < length + 2)
		return walk_short(w, PROTO_FRELAY, ADDRESS_MAX);
	if (p[length] == CONTROL_UI) {
		next = relay_next(p, left, &length);
	} else { /* Cisco's: a type as Ethernet's */
		next = ethertype_protocol(get16(p + length));
		length += 2;
	}
	walk_layer(w, PROTO_FRELAY, length);
	return next;
}

uint8_t frelay_direction_decode(struct walk *w)
{
	if (!cursor_pull(&w->c, 1))
		return walk_short(w, PROTO_FRELAY, 1);
	return PROTO_FRELAY;
}

/* A frame that begins and ends here is whole; what is in parts, or control, is named. */
uint8_t mfr_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, MFR_HEADER);

	if (!p)
		return walk_short(w, PROTO_MFR, MFR_HEADER);
	if ((p[0] & 0xe0) != 0xc0)
		return walk_rest(w, PROTO_MFR);
	walk_layer(w, PROTO_MFR, MFR_HEADER);
	return PROTO_FRELAY;
}

static uint32_t dlci(const uint8_t *p, uint32_t length)
{
	uint32_t id = (uint32_t)(p[0] >> 2) << 4 | p[1] >> 4;

	if (length >= 3)
		id = id << 7 | p[2] >> 1;
	return length >= 4 ? (id >> 7) << 13 | (uint32_t)(p[2] >> 1) << 6 | p[3] >> 2 : id;
}

void frelay_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	const uint32_t length = address_length(p, l->length);

	if (length)
		buf_printf(out, "dlci %u", dlci(p, length));
}

void frelay_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	const uint32_t length = address_length(p, l->length);

	if (!length)
		return;
	view_field(v, "dlci", l->offset, length, "%u", dlci(p, length));
	view_field(v, "congestion", l->offset + 1, 1, "%s%s%s", p[1] & 8 ? "forward " : "",
		   p[1] & 4 ? "backward " : "", p[1] & 12 ? "set" : "none");
}
