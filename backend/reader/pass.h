/* A second look at the packets through a filter (--bpf): only those that match count, and keep the
 * numbers that they and their connections have in the whole capture. Made in slices; kept while
 * somebody asks. */
#ifndef READER_PASS_H
#define READER_PASS_H

#include "bpf/program.h"
#include "capture.h"
#include "source.h"
#include "walker.h"

#define PASS_LINK_TYPES_MAX                                                                        \
	64u /* of one capture; packets of further ones do not match, and it is told */

enum program_state { PROGRAM_WAITING, PROGRAM_READY, PROGRAM_FAILED };

struct pass_program {
	uint32_t link_type, id; /* id: of the COMPILE */
	enum program_state state;
	struct bpf *bpf;
};

/* What the matching packets of one direction add up to. */
struct pass_flow {
	uint64_t packets, bytes, ip_bytes, payload, retrans_bytes;
	uint32_t retrans_packets;
	int64_t first_ns, last_ns;
};

struct pass_connection {
	uint64_t number;
	struct pass_flow flow[2];
};

struct pass {
	struct pass *next;
	char *text;
	struct capture *capture; /* whose numbers count */
	struct pass_program program[PASS_LINK_TYPES_MAX];
	uint32_t nprograms;
	struct err failed; /* the first program that did not compile */
	unsigned users;
	uint64_t used; /* turn of the last use: the longest unused goes first */
	struct walker walker;
	uint64_t row;	  /* of the index, looked at next */
	uint64_t skipped; /* packets that could not be read again, or whose link type has no program
			   */
	struct totals totals;
	struct pages matches; /* uint64_t: rows that match */
	struct pages place; /* uint32_t by connection number: its place in `connections`, plus 1 */
	struct pages connections; /* struct pass_connection, in the order of their first match */
	uint64_t base;		  /* connections numbered before */
	uint32_t *order;	  /* of `connections` by number, when ordered */
	uint64_t nordered, version;
};

struct pass *pass_new(struct capture *c, struct source *s, struct str text);
void pass_free(struct pass *p);
/* The program for a link type; NULL when it has none yet. *full: no room for it. */
struct pass_program *pass_program(struct pass *p, uint32_t link_type, bool *full);
/* Looks at rows before `end` until `deadline_ns` (monotonic). true: all were looked at. A link type
 * without a program stops it: *link_type then, for which pass_want is to be called. */
bool pass_step(struct pass *p, const struct index *x, uint64_t end, int64_t deadline_ns,
	       bool *wants, uint32_t *link_type);
/* The compiler's answer to `id`. false: none of ours. */
bool pass_compiled(struct pass *p, uint32_t id, struct str blob, const struct err *failed);
struct pass_program *pass_want(struct pass *p, uint32_t link_type, uint32_t id);
/* Connections with a packet that matches, in the order of their numbers once ordered. */
uint64_t pass_connections(struct pass *p);
void pass_order(struct pass *p); /* puts them in the order of their numbers; version goes up where
				    that moves rows */
const struct pass_connection *pass_connection(const struct pass *p, uint64_t place);

#endif
