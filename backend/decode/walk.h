/* Inside of decode: the walk over a packet's headers, the views that info and fields get, and the rows of protocols. */
#ifndef DECODE_WALK_H
#define DECODE_WALK_H

#include "cursor.h"
#include "decode/decode.h"

#define WALK_LAYERS_STEP 2u /* layers that a decoder may append: its own, and what it carries as data */

/* One packet on its way through the decoders. */
struct walk {
	struct cursor c;
	struct decoded *d;
	const struct decode_options *o;
	const uint8_t *final_dst; /* a routing header's last address: what the transport's checksum covers; or NULL */
};

/* A decoded packet that is shown. `base`: where the packet begins in the one that quotes it. */
struct view {
	const struct decoded *d;
	const uint8_t *head;
	uint32_t captured, length;
	uint32_t base;
	unsigned depth;
	const struct info_context *context; /* never NULL */
	field_fn fn;
	void *arg;
};

/* A row of the protocol table. `decode` reads its header at the cursor, appends its layer and returns the next protocol,
 * PROTO_NONE at the end. `info` adds one printable line; `fields` the rows below the layer's own. All may be NULL. */
struct protocol {
	uint8_t (*decode)(struct walk *w);
	void (*info)(struct buf *out, const struct view *v, const struct layer *l);
	void (*fields)(const struct view *v, const struct layer *l);
};

extern const struct protocol protocol_rows[PROTO_COUNT];

/* --- decoders' helpers (decode.c) --- */
/* Appends a layer that begins at the cursor and moves behind what of its `length` bytes is here. The walk makes sure that
 * there is room for one more. */
static inline void walk_layer(struct walk *w, uint8_t protocol, uint32_t length)
{
	struct layer *l = &w->d->layer[w->d->nlayers++];

	if (length > cursor_left(&w->c))
		length = (uint32_t)cursor_left(&w->c);
	l->protocol = protocol;
	l->offset = cursor_offset(&w->c);
	l->length = length;
	w->c.data += length;
}

/* The header needs `need` bytes that are not here: cut off by the capture, or bad when the wire never held them. */
uint8_t walk_short(struct walk *w, uint8_t protocol, uint32_t need);
/* The header (`length` bytes of it) contradicts itself: the walk ends with it. */
uint8_t walk_bad(struct walk *w, uint8_t protocol, uint32_t length, const char *why);
/* The rest of the packet as one layer. */
uint8_t walk_rest(struct walk *w, uint8_t protocol);
/* As walk_rest, for what has no decoder yet. */
uint8_t walk_unknown(struct walk *w, uint8_t protocol);
/* Behind IP's headers: notes transport and payload, returns the protocol of the number. */
uint8_t walk_transport(struct walk *w, uint8_t ip_protocol);
/* Behind the ports: the application's layer, by content when that is asked for. */
uint8_t walk_application(struct walk *w);

/* What Ethernet's or a VLAN tag's type field announces; a length there ends the frame (the rest is padding). */
uint8_t walk_ethertype(struct walk *w, uint16_t type);
uint8_t ethertype_protocol(uint16_t ethertype);
const char *ethertype_text(uint16_t ethertype);

/* --- checksums (checksum.c): set the flags of decoded --- */
uint16_t checksum_sum(uint64_t sum, const uint8_t *p, size_t length); /* folded, not inverted */
uint64_t checksum_pseudo(const struct decoded *d, const uint8_t *dst, uint8_t ip_protocol, uint32_t length);
/* What the field should hold, when `sum` covers it as it is. */
uint16_t checksum_right(uint16_t sum, uint16_t field);
void checksum_ip4(struct walk *w, const uint8_t *p, uint32_t header);
/* The transport's checksum over `length` bytes at p, its field at `field`. */
void checksum_transport(struct walk *w, const uint8_t *p, uint32_t length, uint32_t field);

/* --- applications by content (app.c) --- */
uint8_t app_by_content(const struct decoded *d, const uint8_t *payload, size_t length);
bool tls_looks(const uint8_t *p, size_t length);

/* --- views' helpers (view.c) --- */
struct cursor view_cursor(const struct view *v, const struct layer *l);
void view_text(const struct view *v, const char *name, uint32_t offset, uint32_t length, struct str value);
void view_field(const struct view *v, const char *name, uint32_t offset, uint32_t length, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Bytes as hex, the first of many. */
void view_hex(const struct view *v, const char *name, uint32_t offset, uint32_t length);
/* The view one level deeper. */
struct view view_below(const struct view *v);
/* "right", "wrong, should be 0x1234", "not checked (...)" for the transport's checksum field at l's offset + at. */
void view_checksum(const struct view *v, const struct layer *l, uint32_t at);
/* A packet within the packet (an ICMP error's quote), its whole tree or its one line. */
void view_quote(const struct view *v, uint32_t offset);
void info_quote(struct buf *out, const struct view *v, uint32_t offset);

#define ADDR_LINE_MAX 64 /* "[2001:db8::1]:65535" and its end */
const char *text_ip(uint8_t family, const uint8_t *bytes, char out[ADDR_LINE_MAX]);
const char *text_mac(const uint8_t *bytes, char out[ADDR_LINE_MAX]);
/* Names of bits that are set, "SYN ACK"; "none" if none is. */
struct bit_name {
	uint32_t bit;
	const char *name;
};
const char *text_bits(uint32_t bits, const struct bit_name *names, char *out, size_t size);
/* The text of a code, "unknown" where the table (ended by NULL) has none. */
struct code_name {
	uint32_t code;
	const char *name;
};
const char *code_text(const struct code_name *names, uint32_t code, const char *otherwise);

/* --- the rows --- */
uint8_t eth_decode(struct walk *w);
void eth_info(struct buf *out, const struct view *v, const struct layer *l);
void eth_fields(const struct view *v, const struct layer *l);
uint8_t vlan_decode(struct walk *w);
void vlan_info(struct buf *out, const struct view *v, const struct layer *l);
void vlan_fields(const struct view *v, const struct layer *l);
uint8_t llc_decode(struct walk *w);
void llc_info(struct buf *out, const struct view *v, const struct layer *l);
void llc_fields(const struct view *v, const struct layer *l);
uint8_t sll_decode(struct walk *w);
void sll_info(struct buf *out, const struct view *v, const struct layer *l);
void sll_fields(const struct view *v, const struct layer *l);
uint8_t sll2_decode(struct walk *w);
void sll2_info(struct buf *out, const struct view *v, const struct layer *l);
void sll2_fields(const struct view *v, const struct layer *l);
uint8_t raw_decode(struct walk *w);
uint8_t null_decode(struct walk *w);
void null_fields(const struct view *v, const struct layer *l);
uint8_t arp_decode(struct walk *w);
void arp_info(struct buf *out, const struct view *v, const struct layer *l);
void arp_fields(const struct view *v, const struct layer *l);
uint8_t ip4_decode(struct walk *w);
void ip4_info(struct buf *out, const struct view *v, const struct layer *l);
void ip4_fields(const struct view *v, const struct layer *l);
/* The address that the transport's checksum covers when a routing header changes it; NULL else. */
const uint8_t *ip6_final_dst(const struct view *v);
uint8_t ip6_decode(struct walk *w);
void ip6_info(struct buf *out, const struct view *v, const struct layer *l);
void ip6_fields(const struct view *v, const struct layer *l);
void ip6_ext_info(struct buf *out, const struct view *v, const struct layer *l);
void ip6_ext_fields(const struct view *v, const struct layer *l);
uint8_t icmp_decode(struct walk *w);
void icmp_info(struct buf *out, const struct view *v, const struct layer *l);
void icmp_fields(const struct view *v, const struct layer *l);
uint8_t icmp6_decode(struct walk *w);
void icmp6_info(struct buf *out, const struct view *v, const struct layer *l);
void icmp6_fields(const struct view *v, const struct layer *l);
uint8_t igmp_decode(struct walk *w);
void igmp_info(struct buf *out, const struct view *v, const struct layer *l);
void igmp_fields(const struct view *v, const struct layer *l);
uint8_t tcp_decode(struct walk *w);
void tcp_info(struct buf *out, const struct view *v, const struct layer *l);
void tcp_fields(const struct view *v, const struct layer *l);
uint8_t udp_decode(struct walk *w);
void udp_info(struct buf *out, const struct view *v, const struct layer *l);
void udp_fields(const struct view *v, const struct layer *l);
uint8_t sctp_decode(struct walk *w);
void sctp_info(struct buf *out, const struct view *v, const struct layer *l);
void sctp_fields(const struct view *v, const struct layer *l);
void dns_info(struct buf *out, const struct view *v, const struct layer *l);
void dns_fields(const struct view *v, const struct layer *l);
void tls_info(struct buf *out, const struct view *v, const struct layer *l);
void tls_fields(const struct view *v, const struct layer *l);
void http_info(struct buf *out, const struct view *v, const struct layer *l);
void http_fields(const struct view *v, const struct layer *l);
void line_info(struct buf *out, const struct view *v, const struct layer *l);
void line_fields(const struct view *v, const struct layer *l);
void dhcp_info(struct buf *out, const struct view *v, const struct layer *l);
void dhcp_fields(const struct view *v, const struct layer *l);
void ntp_info(struct buf *out, const struct view *v, const struct layer *l);
void ntp_fields(const struct view *v, const struct layer *l);
void data_fields(const struct view *v, const struct layer *l);

#endif
