/* Packets made by hand, one connection, into an analysis; and its rows as text. */
#ifndef TESTS_ANALYSIS_FEED_H
#define TESTS_ANALYSIS_FEED_H

#include <stdlib.h>

#include "analysis/analysis.h"
#include "unit/decode/packets.h"

enum { AB, BA };
enum { CLIENT_PORT = 40000, SERVER_PORT = 4433 };

struct feed {
	const struct analysis_type *analysis;
	const struct table_type *table;
	void *state;
	uint64_t packets;
	uint8_t app;	 /* of the connection */
	uint32_t seq[2]; /* TCP: where each side goes on */
	char text[4096];
};

static inline void feed_start(struct feed *f, const struct analysis_type *a,
			      const struct table_type *t)
{
	*f = (struct feed){.analysis = a, .table = t, .seq = {1000, 5000}};
	f->state = a->start();
}

static inline void feed_end(struct feed *f)
{
	if (f->analysis->end)
		f->analysis->end(f->state);
}

static inline void feed_free(struct feed *f)
{
	f->analysis->free(f->state);
}

/* An IP packet, decoded as a file's is, a millisecond after the one before. */
static inline void feed_packet(struct feed *f, struct made *m, unsigned direction)
{
	struct decoded d;
	uint8_t *own = malloc(m->len); /* of its own, so that one byte too far is seen */
	struct analysis_packet p = {.d = &d,
				    .data = own,
				    .captured = m->len,
				    .length = m->len,
				    .number = ++f->packets,
				    .ts_ns = (int64_t)f->packets * 1000000,
				    .has_time = true,
				    .connection = 1,
				    .direction = (uint8_t)direction};

	memcpy(own, m->bytes, m->len);
	decode_packet(&d, &made_options, 101, own, m->len, m->len);
	if (d.app)
		f->app = d.app;
	p.app = f->app;
	f->analysis->packet(f->state, &p);
	free(own);
}

static inline void feed_ports(unsigned direction, unsigned port[2])
{
	port[0] = direction == AB ? CLIENT_PORT : SERVER_PORT;
	port[1] = direction == AB ? SERVER_PORT : CLIENT_PORT;
}

static inline void feed_udp(struct feed *f, unsigned direction, const void *payload, uint32_t len)
{
	struct made m = {.len = 0};
	unsigned port[2];

	feed_ports(direction, port);
	put_ip4(&m, 17, 8 + len, 0);
	put_udp(&m, port[0], port[1], len);
	put(&m, payload, len);
	feed_packet(f, &m, direction);
}

static inline void feed_tcp(struct feed *f, unsigned direction, const void *payload, uint32_t len)
{
	struct made m = {.len = 0};
	unsigned port[2];

	feed_ports(direction, port);
	put_ip4(&m, 6, 20 + len, 0);
	put_tcp(&m, port[0], port[1], f->seq[direction], f->seq[!direction], TCP_ACK | TCP_PSH, 5);
	put(&m, payload, len);
	f->seq[direction] += len;
	feed_packet(f, &m, direction);
}

/* The first `columns` columns of all rows: cells divided by '|', rows ended by '\n'. */
static inline const char *feed_rows(struct feed *f, unsigned columns)
{
	uint64_t rows = f->analysis->rows(f->state);
	size_t n = 0;

	f->text[0] = '\0';
	for (uint64_t i = 0; i < rows; i++)
		for (unsigned c = 0; c < columns; c++) {
			struct value v = f->analysis->cell(f->state, i, c);
			const char *end = c + 1 < columns ? "|" : "\n";

			if (v.type == VALUE_TEXT)
				n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%.*s%s",
						      (int)v.s.len, v.s.p, end);
			else if (v.type == VALUE_NULL)
				n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%s", end);
			else
				n += (size_t)snprintf(f->text + n, sizeof(f->text) - n, "%lld%s",
						      (long long)v.i, end);
			assert_true(n < sizeof(f->text));
		}
	return f->text;
}

#endif
