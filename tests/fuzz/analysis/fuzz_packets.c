/* IP packets of a few connections, decoded as a file's are, through the analyses of messages: what
 * divides packets, and what is carried by no TCP. A step is a byte that says which connection,
 * which side, and whether QUIC's protection is put around it; two of length; the packet. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/analysis.h"
#include "unit/analysis/initial.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEP 3u
#define FRAMES_MAX 1200u /* bytes of an Initial packet's frames */

static const struct analysis_type *const types[] = {&analysis_dns, &analysis_tls, &analysis_http};
static const struct table_type *const tables[] = {&type_dns, &type_tls, &type_http};

struct run {
	struct analysis_packet p;
	struct side side[2]; /* QUIC's client and server */
	uint8_t app[4];
};

static void read_all(const struct analysis_type *a, const struct table_type *t, void *state)
{
	uint64_t rows = a->rows(state);

	for (uint64_t i = 0; i < rows; i++)
		for (unsigned c = 0; c < t->ncolumns; c++)
			(void)a->cell(state, i, c);
}

/* The bytes as frames of an Initial packet in a datagram. */
static void put_frames(struct run *r, struct made *m, unsigned direction, const uint8_t *p,
		       uint32_t length)
{
	struct made plain = {.len = 0}, initial = {.len = 0};

	put(&plain, p, length < FRAMES_MAX ? length : FRAMES_MAX);
	put(&plain, "\0\0\0", 3); /* room for the sample */
	put_initial(&r->side[direction], &initial, &plain);
	put_ip4(m, 17, 8 + initial.len, 0);
	put_udp(m, 40000, 443, initial.len);
	put(m, initial.bytes, initial.len);
}

static void step(struct run *r, const struct analysis_type *a, void *state, uint8_t what,
		 const uint8_t *bytes, uint32_t length)
{
	const struct decode_options o = {.app = true};
	struct made m = {.len = 0};
	struct decoded d;
	unsigned direction = what & 1, connection = what >> 1 & 3;

	if (what & 8) {
		put_frames(r, &m, direction, bytes, length);
		bytes = m.bytes;
		length = m.len;
	}
	/* Exactly so long that a byte read behind it is found. */
	uint8_t *own = malloc(length ? length : 1);

	memcpy(own, bytes, length);
	decode_packet(&d, &o, 101, own, length, length + (what >> 4));
	r->p.d = &d;
	r->p.data = own;
	r->p.captured = length;
	r->p.length = length + (what >> 4);
	r->p.number++;
	r->p.ts_ns += 1000;
	r->p.has_time = true;
	r->p.connection = 1 + connection;
	r->p.direction = (uint8_t)direction;
	r->app[connection] = d.app ? d.app : r->app[connection];
	r->p.app = r->app[connection];
	a->packet(state, &r->p);
	free(own);
}

static void run(const struct analysis_type *a, const struct table_type *t, const uint8_t *data,
		size_t size)
{
	struct run r = {.p = {.number = 0}};
	void *state = a->start();

	side_init(&r.side[0], "firstid1", false, "firstid1", "c");
	side_init(&r.side[1], "firstid1", true, "c", "server");
	while (size > STEP) {
		uint32_t length = (uint32_t)(data[1] << 8 | data[2]) & 0x7ff;

		if (length > size - STEP)
			length = (uint32_t)(size - STEP);
		step(&r, a, state, data[0], data + STEP, length);
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
