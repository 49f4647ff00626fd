/* Linux cooked captures: https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html and LINUX_SLL2.
 */
#include "rows.h"

#define SLL_HEADER 16u
#define SLL2_HEADER 20u
#define ARPHRD_NETLINK 824u
#define SLL_ADDRESS_MAX 8u

static const struct code_name packet_types[] = {
	{0, "to us"},	{1, "broadcast"}, {2, "multicast"}, {3, "to somebody else"},
	{4, "from us"}, {0, NULL},
};

/* Numbers below 1536 are the kernel's own (linux/if_ether.h); 4 is 802.2 without a length. */
static uint8_t cooked_next(uint16_t hardware, uint16_t protocol)
{
	if (hardware == ARPHRD_NETLINK)
		return PROTO_NETLINK;
	return protocol == 4 ? PROTO_LLC : ethertype_protocol(protocol);
}

uint8_t sll_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, SLL_HEADER);

	if (!p)
		return walk_short(w, PROTO_SLL, SLL_HEADER);
	walk_layer(w, PROTO_SLL, SLL_HEADER);
	return cooked_next(get16(p + 2), get16(p + 14));
}

uint8_t sll2_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, SLL2_HEADER);

	if (!p)
		return walk_short(w, PROTO_SLL2, SLL2_HEADER);
	walk_layer(w, PROTO_SLL2, SLL2_HEADER);
	return cooked_next(get16(p + 8), get16(p));
}

void sll_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length == SLL_HEADER)
		buf_printf(out, "%s, type 0x%04x %s", code_text(packet_types, get16(p), "unknown"),
			   get16(p + 14), ethertype_text(get16(p + 14)));
}

void sll2_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length == SLL2_HEADER)
		buf_printf(out, "%s, interface %u, type 0x%04x %s",
			   code_text(packet_types, p[10], "unknown"), get32(p + 4), get16(p),
			   ethertype_text(get16(p)));
}

static void address_field(const struct view *v, uint32_t offset, uint32_t length)
{
	char text[ADDR_LINE_MAX];

	if (length == 6)
		view_field(v, "src", offset, 6, "%s", text_mac(v->head + offset, text));
	else if (length && length <= SLL_ADDRESS_MAX)
		view_hex(v, "src", offset, length);
}

void sll_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < SLL_HEADER)
		return;
	view_field(v, "packet_type", l->offset, 2, "%u %s", get16(p),
		   code_text(packet_types, get16(p), "unknown"));
	view_field(v, "hardware", l->offset + 2, 2, "%u", get16(p + 2));
	address_field(v, l->offset + 6, get16(p + 4));
	view_field(v, "type", l->offset + 14, 2, "0x%04x %s", get16(p + 14),
		   ethertype_text(get16(p + 14)));
}

void sll2_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < SLL2_HEADER)
		return;
	view_field(v, "type", l->offset, 2, "0x%04x %s", get16(p), ethertype_text(get16(p)));
	view_field(v, "interface", l->offset + 4, 4, "%u", get32(p + 4));
	view_field(v, "hardware", l->offset + 8, 2, "%u", get16(p + 8));
	view_field(v, "packet_type", l->offset + 10, 1, "%u %s", p[10],
		   code_text(packet_types, p[10], "unknown"));
	address_field(v, l->offset + 12, p[11]);
}
