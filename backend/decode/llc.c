/* IEEE 802.2 logical link control, with SNAP. */
#include "rows.h"

#define LLC_SNAP 8u /* aa aa 03, organisation, type */
#define CISCO 0x00000cu
#define PVST 0x010bu
#define BRIDGE_TUNNEL 0x0000f8u /* types as Ethernet's all the same (IEEE 802.1H) */

/* Cisco's types behind SNAP: the talk of its switches. */
static const struct code_name cisco_types[] = {
	{PVST, "PVST+"}, {0x0111, "UDLD"}, {0x2000, "CDP"},
	{0x2003, "VTP"}, {0x2004, "DTP"},  {0, NULL},
};

static const struct code_name service_points[] = {
	{0x06, "IP"},	   {0x42, "Spanning Tree"}, {0x82, "BACnet"}, {0xe0, "IPX"},
	{0xf0, "NetBIOS"}, {0xfe, "OSI"},	    {0, NULL},
};

static uint32_t snap_organisation(const uint8_t *p)
{
	return get32(p + 2) & 0xffffff;
}

static bool snap_is_ethernet(const uint8_t *p)
{
	return !snap_organisation(p) || snap_organisation(p) == BRIDGE_TUNNEL;
}

static const char *snap_type(const uint8_t *p)
{
	if (snap_is_ethernet(p))
		return ethertype_text(get16(p + 6));
	return snap_organisation(p) == CISCO ? code_text(cisco_types, get16(p + 6), "unknown")
					     : "unknown";
}

uint8_t llc_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, 3);

	if (!p)
		return walk_short(w, PROTO_LLC, 3);
	if (p[0] == 0x42 && p[1] == 0x42) {
		walk_layer(w, PROTO_LLC, 3);
		return PROTO_STP;
	}
	if (p[0] != 0xaa || p[1] != 0xaa || p[2] != 3)
		return walk_unknown(w, PROTO_LLC);
	if (!cursor_peek(&w->c, LLC_SNAP))
		return walk_short(w, PROTO_LLC, LLC_SNAP);
	walk_layer(w, PROTO_LLC, LLC_SNAP);
	if (snap_is_ethernet(p))
		return ethertype_protocol(get16(p + 6));
	if (snap_organisation(p) == CISCO && get16(p + 6) == PVST)
		return PROTO_STP;
	/* Known messages have nothing more inside that would be missed. */
	if (snap_organisation(p) == CISCO && *code_text(cisco_types, get16(p + 6), ""))
		return cursor_left(&w->c) ? walk_rest(w, PROTO_DATA) : PROTO_NONE;
	return PROTO_DATA;
}

void llc_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	const char *sap;

	if (l->length < 3)
		return;
	sap = code_text(service_points, p[0], "");
	if (l->length != LLC_SNAP || p[0] != 0xaa)
		buf_printf(out, "dsap 0x%02x ssap 0x%02x control 0x%02x%s%s", p[0], p[1], p[2],
			   *sap ? " " : "", sap);
	else if (snap_organisation(p) == CISCO)
		buf_printf(out, "Cisco 0x%04x %s", get16(p + 6), snap_type(p));
	else
		buf_printf(out, "organisation 0x%06x type 0x%04x %s", snap_organisation(p),
			   get16(p + 6), snap_type(p));
}

void llc_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < 3)
		return;
	view_field(v, "dsap", l->offset, 1, "0x%02x", p[0]);
	view_field(v, "ssap", l->offset + 1, 1, "0x%02x", p[1]);
	view_field(v, "control", l->offset + 2, 1, "0x%02x", p[2]);
	if (l->length != LLC_SNAP || p[0] != 0xaa)
		return;
	view_field(v, "organisation", l->offset + 3, 3, "%02x:%02x:%02x", p[3], p[4], p[5]);
	view_field(v, "type", l->offset + 6, 2, "0x%04x %s", get16(p + 6), snap_type(p));
}
