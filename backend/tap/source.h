/* Where packets come from: one row of source_types and one file each. */
#ifndef TAP_SOURCE_H
#define TAP_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/program.h"

struct source_spec {
	const char *name; /* borrowed for the life of the source */
	uint32_t snaplen, buffer_bytes;
	bool promiscuous;
	uint8_t direction; /* 0 both, 1 in, 2 out */
	const char *stamp; /* libpcap's name of whose clock; "": the usual */
	bool microseconds;
};

/* What was really got. */
struct source_facts {
	uint32_t link_type, snaplen;
	uint32_t buffer_bytes; /* 0: unknown */
	bool nanoseconds;
	char stamp[24]; /* whose clock; empty: the usual */
};

struct source_packet {
	int64_t ts_ns;
	uint32_t captured, length;
	const uint8_t *data; /* borrowed for the call */
	bool late;	     /* older than what went before it: said by the merge */
};
typedef void source_packet_fn(void *arg, const struct source_packet *p);

struct source_stats {
	uint64_t received, dropped_kernel; /* since the source was opened, 64 bits wide */
};

struct source;

struct source_type {
	const char *scheme, *summary, *needs;
	/* Opens; nothing is delivered before start. */
	int (*open)(struct source **s, const struct source_spec *spec, struct source_facts *facts,
		    struct err *e);
	/* From here on packets that pass the filter arrive. */
	int (*start)(struct source *s, const struct bpf *filter, struct err *e);
	int (*fd)(const struct source *s);
	/* Hands out what is there without waiting, `most` packets at most (about); their number, 0:
	 * none for now, -1. */
	int (*read)(struct source *s, int most, source_packet_fn *fn, void *arg, struct err *e);
	/* From inside `fn`: read returns after this packet. */
	void (*pause)(struct source *s);
	void (*stats)(struct source *s, struct source_stats *stats);
	void (*close)(struct source *s);
};

extern const struct source_type source_device;

#endif
