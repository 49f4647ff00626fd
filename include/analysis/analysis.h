/* What is computed from the packets of a capture, or from its connections, on a second look: one
 * file each, rows for a table. Whoever looks feeds them in order and in slices; rows are there
 * while that goes on. Memory is bounded by the limits named here; what a limit took is told. */
#ifndef ANALYSIS_ANALYSIS_H
#define ANALYSIS_ANALYSIS_H

#include "decode/decode.h"
#include "flow/connection.h"
#include "table/table.h"

#define ANALYSIS_ROWS_BYTES_MAX                                                                    \
	(UINT64_C(256) << 20)		  /* rows of one table; behind it the oldest go */
#define ANALYSIS_ENDPOINTS_MAX (4u << 20) /* addresses */
#define ANALYSIS_NODES_MAX 4096u	  /* protocols in protocols */
#define ANALYSIS_TALKS_MAX 65536u	  /* TCP connections that are followed at once */
#define ANALYSIS_NOTE_MAX 256u

/* A packet on its way into an analysis; nothing of it is kept. */
struct analysis_packet {
	const struct decoded *d;
	const uint8_t *data;
	uint32_t captured, length;
	uint64_t number;
	int64_t ts_ns;
	bool has_time;
	uint64_t connection; /* 0: none */
	uint8_t direction;   /* 0: A to B, 1: B to A */
	uint8_t app;	     /* of its connection, enum proto, 0 unknown */
	uint64_t about;	     /* the connection that an ICMP error quotes, 0: none */
};

/* One analysis. `state` is what start made. Either `packet` is fed, or `connection` is, between
 * begin and commit, again and again: what was committed last is shown. */
struct analysis_type {
	bool stands; /* rows do not change once they are there */
	bool quotes; /* wants `about` */
	void *(*start)(void);
	void (*free)(void *state);
	void (*packet)(void *state, const struct analysis_packet *p);
	void (*end)(void *state); /* no more packets will come; may be NULL */
	void (*begin)(void *state);
	void (*connection)(void *state, const struct connection *c);
	void (*commit)(void *state);
	uint64_t (*rows)(const void *state);
	uint64_t (*version)(const void *state); /* as a table's; NULL: never changes */
	struct value (*cell)(void *state, uint64_t row, unsigned column);
	/* What the rows lack, a sentence; false: nothing. May be NULL. */
	bool (*lacks)(const void *state, char note[ANALYSIS_NOTE_MAX]);
};

extern const struct table_type type_endpoints, type_protocols, type_dns, type_tls, type_http,
	type_icmp;
extern const struct analysis_type analysis_endpoints, analysis_protocols, analysis_dns,
	analysis_tls, analysis_http, analysis_icmp;

#endif
