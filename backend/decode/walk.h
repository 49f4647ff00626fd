/* Inside of decode: the walk over a packet's headers, and what decoders may use. */
#ifndef DECODE_WALK_H
#define DECODE_WALK_H

#include "cursor.h"
#include "decode/decode.h"

/* Layers that a decoder may append: its own, a tunnel's behind UDP (or a frame's behind what the
 * radio knew), and what that carries as data. */
#define WALK_LAYERS_STEP 3u
#define WALK_TUNNELS_MAX 8u /* one within another; what is deeper stays closed */

/* One packet on its way through the decoders. */
struct walk {
	struct cursor c;
	struct decoded *d;
	const struct decode_options *o;
	const uint8_t *final_dst; /* a routing header's last address: what the transport's checksum
				     covers; or NULL */
	uint8_t tunnels; /* entered, one within another */
};

/* --- decoders' helpers (decode.c) --- */
/* Appends a layer that begins at the cursor and moves behind what of its `length` bytes is here.
 * The walk makes sure that there is room for one more. */
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

/* The header needs `need` bytes that are not here: cut off by the capture, or bad when the wire
 * never held them. */
uint8_t walk_short(struct walk *w, uint8_t protocol, uint32_t need);
/* The header (`length` bytes of it) contradicts itself: the walk ends with it. */
uint8_t walk_bad(struct walk *w, uint8_t protocol, uint32_t length, const char *why);
/* The rest of the packet as one layer. */
uint8_t walk_rest(struct walk *w, uint8_t protocol);
/* As walk_rest, for what has no decoder yet. */
uint8_t walk_unknown(struct walk *w, uint8_t protocol);
/* Behind IP's headers: notes transport and payload, returns the protocol of the number. */
uint8_t walk_transport(struct walk *w, uint8_t ip_protocol);
/* From `protocol` through the rows of the table until nothing more decodes. */
void walk_on(struct walk *w, uint8_t protocol);
/* Behind UDP's header: a tunnel, or an application. */
uint8_t walk_udp(struct walk *w);
/* Behind the ports: the application's layer, by content when that is asked for. */
uint8_t walk_application(struct walk *w);

/* --- tunnels (tunnel.c) --- */
/* What a tunnel carries, beginning with `inside`: describes the innermost IP packet there, or stays
 * with the tunnel's own where there is none, and the walk ends. */
uint8_t walk_tunnel(struct walk *w, uint8_t tunnel, uint8_t inside);
/* Of a tunnel, but no packet in it: its own messages, or an inside that stays closed. */
uint8_t walk_closed(struct walk *w, uint8_t tunnel);
/* Whether so much can be here; of a first fragment the rest comes later. */
bool walk_fits(const struct walk *w, uint32_t bytes);
/* By the first four bits, where no type says more. */
uint8_t walk_ip_version(const struct walk *w);
bool teredo_looks(const struct walk *w);

/* What a packet of this link type begins with (link.c). */
uint8_t link_protocol(uint32_t link_type);
/* What Ethernet's or a VLAN tag's type field announces; a length there ends the frame (the rest is
 * padding). */
uint8_t walk_ethertype(struct walk *w, uint16_t type);
uint8_t ethertype_protocol(uint16_t ethertype);
uint8_t gpe_protocol(uint8_t next);
const char *ethertype_text(uint16_t ethertype);

/* --- checksums (checksum.c): set the flags of decoded --- */
uint16_t checksum_sum(uint64_t sum, const uint8_t *p, size_t length); /* folded, not inverted */
uint64_t checksum_pseudo(const struct decoded *d, const uint8_t *dst, uint8_t ip_protocol,
			 uint32_t length);
/* What the field should hold, when `sum` covers it as it is. */
uint16_t checksum_right(uint16_t sum, uint16_t field);
void checksum_ip4(struct walk *w, const uint8_t *p, uint32_t header);
/* The transport's checksum over `length` bytes at p, its field at `field`. */
void checksum_transport(struct walk *w, const uint8_t *p, uint32_t length, uint32_t field);

/* --- applications by content (app.c) --- */
uint8_t app_by_content(const struct decoded *d, const uint8_t *payload, size_t length);
bool tls_looks(const uint8_t *p, size_t length);

#endif
