/* Ethernet, and what its type field says (IEEE 802.3;
 * https://www.iana.org/assignments/ieee-802-numbers). */
#include "rows.h"

#define ETH_HEADER 14u
#define ETHERTYPE_MIN 0x600u /* below it the field is a length */

static const struct code_name ethertypes[] = {
	{0x0800, "IPv4"},
	{0x0806, "ARP"},
	{0x86dd, "IPv6"},
	{0x8100, "VLAN"},
	{0x88a8, "service VLAN"},
	{0x9100, "VLAN (QinQ)"},
	{0x8847, "MPLS"},
	{0x8848, "MPLS multicast"},
	{0x8863, "PPPoE discovery"},
	{0x8864, "PPPoE session"},
	{0x88cc, "LLDP"},
	{0x888e, "EAPOL"},
	{0x8035, "RARP"},
	{0x6558, "Ethernet bridging"},
	{0x88f7, "PTP"},
	{0x8809, "slow protocols (LACP)"},
	{0x88e5, "MACsec"},
	{0x88e7, "backbone bridge"},
	{0x8903, "FabricPath"},
	{0x8909, "Cisco metadata"},
	{0x8926, "VN-Tag"},
	{0x894f, "service header"},
	{0x9000, "loopback test"},
	{0x809b, "AppleTalk"},
	{0x8137, "IPX"},
	{0x0842, "wake on LAN"},
	{0x22f0, "AVTP"},
	{0x6003, "DECnet"},
	{0x80f3, "AppleTalk ARP"},
	{0x8892, "PROFINET"},
	{0x88a2, "ATA over Ethernet"},
	{0x88a4, "EtherCAT"},
	{0x88ba, "sampled values"},
	{0x88b8, "GOOSE"},
	{0x88ca, "TIPC"},
	{0x8902, "connectivity fault management"},
	{0x8906, "FCoE"},
	{0x8914, "FCoE initialization"},
	{0x8915, "RoCE"},
	{0, NULL},
};

uint8_t ethertype_protocol(uint16_t ethertype)
{
	switch (ethertype) {
	case 0x0800:
		return PROTO_IP;
	case 0x86dd:
		return PROTO_IP6;
	case 0x0806:
		return PROTO_ARP;
	case 0x8100:
	case 0x88a8:
	case 0x9100:
	case 0x9200:
		return PROTO_VLAN;
	case 0x8847:
	case 0x8848:
		return PROTO_MPLS;
	case 0x8863:
	case 0x8864:
		return PROTO_PPPOE;
	case 0x88cc:
		return PROTO_LLDP;
	case 0x88e5:
		return PROTO_MACSEC;
	case 0x88e7:
		return PROTO_PBB;
	case 0x8903:
		return PROTO_FABRICPATH;
	case 0x8909:
		return PROTO_CMD;
	case 0x8926:
		return PROTO_VNTAG;
	case 0x894f:
		return PROTO_NSH;
	default:
		return PROTO_DATA;
	}
}

const char *ethertype_text(uint16_t ethertype)
{
	return code_text(ethertypes, ethertype, ethertype < ETHERTYPE_MIN ? "length" : "unknown");
}

/* The type field of Ethernet and of a VLAN tag; a length ends the frame where it says (the rest is
 * padding). */
uint8_t walk_ethertype(struct walk *w, uint16_t type)
{
	if (type >= ETHERTYPE_MIN)
		return ethertype_protocol(type);
	if (type < cursor_wire(&w->c))
		cursor_limit(&w->c, type);
	return PROTO_LLC;
}

uint8_t eth_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, ETH_HEADER);

	if (!p)
		return walk_short(w, PROTO_ETH, ETH_HEADER);
	walk_layer(w, PROTO_ETH, ETH_HEADER);
	return walk_ethertype(w, get16(p + 12));
}

void eth_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char src[ADDR_LINE_MAX], dst[ADDR_LINE_MAX];

	if (l->length < ETH_HEADER)
		return;
	buf_printf(out, "%s > %s", text_mac(p + 6, src), text_mac(p, dst));
	if (get16(p + 12) >= ETHERTYPE_MIN)
		buf_printf(out, " type 0x%04x %s", get16(p + 12), ethertype_text(get16(p + 12)));
	else
		buf_printf(out, " length %u", get16(p + 12));
}

void eth_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char text[ADDR_LINE_MAX];
	uint16_t type;

	if (l->length >= 6)
		view_field(v, "dst", l->offset, 6, "%s", text_mac(p, text));
	if (l->length >= 12)
		view_field(v, "src", l->offset + 6, 6, "%s", text_mac(p + 6, text));
	if (l->length < ETH_HEADER)
		return;
	type = get16(p + 12);
	if (type >= ETHERTYPE_MIN)
		view_field(v, "type", l->offset + 12, 2, "0x%04x %s", type, ethertype_text(type));
	else
		view_field(v, "length", l->offset + 12, 2, "%u", type);
}
