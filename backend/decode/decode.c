/* The walk: from the link type through the rows of the protocol table until nothing more decodes.
 */
#include "decode/decode.h"

#include "rows.h"

uint8_t walk_short(struct walk *w, uint8_t protocol, uint32_t need)
{
	if (cursor_wire(&w->c) < need)
		return walk_bad(w, protocol, need, "the packet ends inside this header");
	w->d->flags |= DECODE_CUT;
	walk_layer(w, protocol, need);
	return PROTO_NONE;
}

uint8_t walk_bad(struct walk *w, uint8_t protocol, uint32_t length, const char *why)
{
	w->d->flags |= DECODE_BAD;
	w->d->why = why;
	walk_layer(w, protocol, length);
	return PROTO_NONE;
}

uint8_t walk_rest(struct walk *w, uint8_t protocol)
{
	walk_layer(w, protocol, (uint32_t)cursor_left(&w->c));
	return PROTO_NONE;
}

uint8_t walk_unknown(struct walk *w, uint8_t protocol)
{
	w->d->flags |= DECODE_UNKNOWN;
	return walk_rest(w, protocol);
}

uint8_t walk_application(struct walk *w)
{
	struct decoded *d = w->d;

	if (!cursor_left(&w->c))
		return PROTO_NONE;
	if (w->o->app)
		d->app = app_by_content(d, w->c.data, cursor_left(&w->c));
	return walk_rest(w, d->app ? d->app : PROTO_DATA);
}

/* Layers are written before they are read, and are not cleared. Field by field: this is faster than
 * memset for so little, and it happens for every packet. */
static void decoded_clear(struct decoded *d)
{
	d->flags = 0;
	d->nlayers = 0;
	d->family = d->ip_protocol = d->ttl = 0;
	d->ip_id = 0;
	d->src = d->dst = NULL;
	d->sport = d->dport = 0;
	d->ip_bytes = 0;
	d->payload_offset = d->payload_bytes = d->payload_captured = 0;
	d->vlan = 0;
	d->vlan_count = 0;
	d->vlan_first = NULL;
	d->tunnel = d->icmp_type = d->icmp_code = 0;
	d->quote_offset = d->fragment_id = 0;
	d->fragment_offset = 0;
	d->more_fragments = false;
	d->app = PROTO_NONE;
	d->tcp.seq = d->tcp.ack = 0;
	d->tcp.window = d->tcp.urgent = 0;
	d->tcp.flags = d->tcp.options_length = 0;
	d->tcp.options = NULL;
	d->why = NULL;
}

void walk_on(struct walk *w, uint8_t protocol)
{
	struct decoded *d = w->d;

	while (protocol != PROTO_NONE) {
		const struct protocol *row = &protocol_rows[protocol];

		if (d->nlayers + WALK_LAYERS_STEP > DECODE_LAYERS_MAX) {
			d->flags |= DECODE_BAD;
			d->why = "more headers within each other than any network makes";
			return;
		}
		protocol = row->decode ? row->decode(w) : walk_unknown(w, protocol);
	}
}

static const struct decode_options options_none;

void decode_packet(struct decoded *d, const struct decode_options *o, uint32_t link_type,
		   const uint8_t *data, uint32_t captured, uint32_t length)
{
	struct walk w = {
		.c = {data, data, data + captured, length}, .d = d, .o = o ? o : &options_none};

	if (length < captured)
		w.c.end = captured;
	decoded_clear(d);
	walk_on(&w, link_protocol(link_type));
}

void decode_ip(struct decoded *d, const struct decode_options *o, const uint8_t *data,
	       uint32_t captured, uint32_t length)
{
	decode_packet(d, o, 101, data, captured, length);
}
