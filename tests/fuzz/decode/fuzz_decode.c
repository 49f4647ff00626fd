/* Any bytes to any decoder: decoding, its line and its tree stay inside the bytes and within the
 * lengths. The first byte says which: a link type, an IP protocol behind a header that we make, a
 * tunnel's port, or an application, whose lines and trees are asked for whatever the bytes are. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

#define LINK_RAW 101u
#define IP_TCP 6u
#define IP_UDP 17u
#define IP6_HEADER 40u
#define APPS_FIRST PROTO_DNS
#define APPS (PROTO_COUNT - APPS_FIRST)
#define FRAME_HEADERS_MAX 60u

enum { LONGER = 8, BY_TCP = 16, BY_IP6 = 32, FROM_PORT = 64 }; /* bits of the second byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct extent {
	uint32_t captured;
	size_t sum;
};

static void field(void *arg, unsigned depth, const char *name, struct str value, uint32_t offset,
		  uint32_t length)
{
	struct extent *x = arg;

	assert(depth < 16 && name[0] && offset <= x->captured && length <= x->captured - offset);
	for (size_t i = 0; i < value.len; i++)
		x->sum += (uint8_t)value.p[i];
	x->sum += length;
}

static void check(const struct decoded *d, uint32_t captured)
{
	assert(d->nlayers <= DECODE_LAYERS_MAX);
	for (unsigned i = 0; i < d->nlayers; i++)
		assert(d->layer[i].protocol < PROTO_COUNT &&
		       d->layer[i].offset + d->layer[i].length <= captured);
	assert(d->payload_captured <= d->payload_bytes || !(d->flags & DECODE_IP));
	assert(!d->payload_captured || d->payload_offset + d->payload_captured <= captured);
	assert(!(d->flags & DECODE_BAD) || d->why);
	assert(!(d->flags & DECODE_IP) || d->family == 4 || d->family == 6);
}

/* What the bytes are given to. */
struct entry {
	uint32_t link;
	bool ip; /* behind an IP header of ours */
	uint8_t ip_protocol;
	uint16_t port;
	uint8_t app; /* shown as this one, 0: as what it is */
};

static const uint32_t links[] = {0,   1,    9,	 12,  101, 105, 108, 113, 127, 228, 229, 253,
				 276, 9999, 50,	 51,  100, 104, 107, 109, 117, 119, 163, 166,
				 182, 192,  204, 206, 239, 258, 10,  242, 149, 281, 282, 285};
static const uint8_t protocols[] = {1,	 2,   4,   6,	17,  33,  41, 47, 50, 51, 58,  88,  89, 97,
				    103, 112, 115, 132, 136, 137, 0,  43, 44, 60, 135, 139, 255};
static const uint16_t tunnels[] = {1701, 2152, 3544, 4754, 4789, 4790, 6081, 6635, 8472};

enum {
	LINKS = sizeof(links) / sizeof(links[0]),
	PROTOCOLS = sizeof(protocols) / sizeof(protocols[0]),
	TUNNELS = sizeof(tunnels) / sizeof(tunnels[0]),
	/* Of the first byte: seeds keep their decoder when one is added. */
	FIRST_PROTOCOL = 64,
	FIRST_TUNNEL = 112,
	FIRST_APP = 128,
};

/* A port that suggests the application, 9 where none does. */
static uint16_t app_port(uint8_t app, uint8_t ip_protocol)
{
	static uint16_t known[PROTO_COUNT][2];
	uint16_t *port = &known[app][ip_protocol == IP_TCP];

	for (uint32_t p = 1; !*port && p <= UINT16_MAX; p++) {
		if (app_by_port(ip_protocol, (uint16_t)p) == app)
			*port = (uint16_t)p;
	}
	if (!*port)
		*port = 9;
	return *port;
}

static struct entry entry_of(uint8_t row, uint8_t how)
{
	struct entry e = {.link = LINK_RAW};

	if (row < FIRST_PROTOCOL) {
		e.link = links[row % LINKS];
		return e;
	}
	e.ip = true;
	if (row < FIRST_TUNNEL) {
		e.ip_protocol = protocols[(row - FIRST_PROTOCOL) % PROTOCOLS];
	} else if (row < FIRST_APP) {
		e.ip_protocol = IP_UDP;
		e.port = tunnels[(row - FIRST_TUNNEL) % TUNNELS];
	} else {
		e.app = (uint8_t)(APPS_FIRST + (row - FIRST_APP) % APPS);
		e.ip_protocol = how & BY_TCP ? IP_TCP : IP_UDP;
		e.port = app_port(e.app, e.ip_protocol);
	}
	return e;
}

static uint32_t transport_put(uint8_t *p, const struct entry *e, uint8_t how, uint32_t payload)
{
	const bool tcp = e->ip_protocol == IP_TCP;
	uint8_t *port = p + (how & FROM_PORT ? 0 : 2), *other = p + (how & FROM_PORT ? 2 : 0);

	if (!e->port)
		return 0;
	port[0] = (uint8_t)(e->port >> 8);
	port[1] = (uint8_t)e->port;
	other[0] = 0xc0;
	p[tcp ? 12 : 4] = tcp ? 0x50 : (uint8_t)((payload + 8) >> 8);
	p[tcp ? 13 : 5] = tcp ? 0x18 : (uint8_t)(payload + 8);
	return tcp ? 20 : 8;
}

/* The headers that the entry needs before `payload` bytes. */
static uint32_t headers_put(uint8_t p[FRAME_HEADERS_MAX], const struct entry *e, uint8_t how,
			    uint32_t payload)
{
	const uint32_t ip = how & BY_IP6 ? IP6_HEADER : 20;
	uint32_t rest;

	memset(p, 0, FRAME_HEADERS_MAX);
	rest = transport_put(p + ip, e, how, payload);
	if (how & BY_IP6) {
		p[0] = 0x60;
		p[4] = (uint8_t)((rest + payload) >> 8);
		p[5] = (uint8_t)(rest + payload);
		p[6] = e->ip_protocol;
	} else {
		p[0] = 0x45;
		p[2] = (uint8_t)((ip + rest + payload) >> 8);
		p[3] = (uint8_t)(ip + rest + payload);
		p[9] = e->ip_protocol;
	}
	return ip + rest;
}

static void show(struct decoded *d, const struct entry *e, const uint8_t *packet, uint32_t captured,
		 uint32_t length)
{
	struct extent x = {captured, 0};
	struct layer *last = d->nlayers ? &d->layer[d->nlayers - 1] : NULL;
	struct buf line;

	if (e->app && last && (last->protocol == PROTO_DATA || last->protocol >= APPS_FIRST))
		last->protocol = e->app;
	buf_init(&line, 4096);
	decode_info(&line, d, packet, captured, NULL);
	decode_fields(d, packet, captured, length, field, &x);
	buf_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t headers[FRAME_HEADERS_MAX], how, *packet;
	struct decode_options o;
	struct decoded d;
	struct entry e;
	uint32_t before, captured, length;

	if (size < 3)
		return 0;
	how = data[1];
	e = entry_of(data[0], how);
	o = (struct decode_options){how & 1, how & 2, how & 4};
	before = e.ip ? headers_put(headers, &e, how, (uint32_t)size - 3) : 0;
	captured = before + (uint32_t)size - 3;
	length = captured + (how & LONGER ? data[2] * 7u : 0);
	/* A copy of its own, so that one byte too far is seen. */
	packet = malloc(captured + !captured);
	if (!packet)
		abort();
	memcpy(packet, headers, before);
	memcpy(packet + before, data + 3, size - 3);
	memset(&d, 0xaa, sizeof(d)); /* it is reused from packet to packet */
	decode_packet(&d, &o, e.link, packet, captured, length);
	check(&d, captured);
	show(&d, &e, packet, captured, length);
	free(packet);
	return 0;
}
