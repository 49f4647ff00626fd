/* Random segments of a few connections through every analysis: bounds hold, and each cell can be
 * asked for. The first bytes of a step say which connection, which side, where, and how much. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 6u

static const uint8_t apps[] = {0,	   PROTO_DNS,	PROTO_TLS,  PROTO_HTTP,
			       PROTO_QUIC, PROTO_HTTP2, PROTO_DTLS, PROTO_MDNS};
static const struct analysis_type *const types[] = {&analysis_protocols, &analysis_dns,
						    &analysis_tls, &analysis_http, &analysis_icmp};
static const struct table_type *const tables[] = {&type_protocols, &type_dns, &type_tls, &type_http,
						  &type_icmp};

static void read_all(const struct analysis_type *a, const struct table_type *t, void *state)
{
	uint64_t rows = a->rows(state);
	char note[ANALYSIS_NOTE_MAX];

	for (uint64_t i = 0; i <= rows; i++)
		for (unsigned c = 0; c < t->ncolumns; c++) {
			struct value v = a->cell(state, i, c);

			assert(i < rows || v.type == VALUE_NULL);
		}
	if (a->lacks)
		(void)a->lacks(state, note);
}

static void packet_make(struct analysis_packet *p, struct decoded *d, const uint8_t *step,
			const uint8_t *payload, uint32_t length)
{
	memset(d, 0, sizeof(*d));
	d->flags = DECODE_IP | (step[0] & 1 ? DECODE_TCP | DECODE_PORTS : DECODE_PORTS);
	d->ip_protocol = step[0] & 1 ? 6 : step[0] & 2 ? 17 : 132;
	d->nlayers = 1;
	d->layer[0].protocol = apps[step[1] & 7];
	d->payload_captured = length;
	d->payload_bytes = length + (step[1] & 8 ? step[2] : 0);
	d->tcp.seq = (uint32_t)step[3] << 4 | (step[4] & 15);
	d->tcp.ack = (uint32_t)step[4] << 4;
	d->tcp.flags = step[5] & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK);
	p->d = d;
	p->data = payload;
	p->captured = length;
	p->length = d->payload_bytes + 54;
	p->number++;
	p->ts_ns += step[2];
	p->has_time = true;
	p->connection = 1 + (step[0] >> 4 & 3);
	p->direction = step[0] >> 6 & 1;
	p->app = apps[step[1] >> 4 & 7];
}

static void run(const struct analysis_type *a, const struct table_type *t, const uint8_t *data,
		size_t size)
{
	struct analysis_packet p = {0};
	struct decoded d;
	void *state = a->start();

	while (size >= STEP) {
		uint32_t length = data[2];

		if (length > size - STEP)
			length = (uint32_t)(size - STEP);
		/* Exactly so long that a byte read behind it is found. */
		uint8_t *payload = malloc(length ? length : 1);

		memcpy(payload, data + STEP, length);
		packet_make(&p, &d, data, payload, length);
		a->packet(state, &p);
		free(payload);
		data += STEP + length;
		size -= STEP + length;
	}
	if (a->end)
		a->end(state);
	read_all(a, t, state);
	a->free(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		run(types[i], tables[i], data, size);
	return 0;
}
