/* Many programs shown the same packets: what each would say alone, for far less than one run each.
 * What costs is told apart once: the values that the programs compare (a field, a part of one, a
 * sum) are looked up in a tree of what they are compared with, so that of a thousand hosts and
 * ports the few are run that can match. Where many match all the same, what was found is remembered
 * by the bytes that were looked at. Every match is what bpf_match says. */
#ifndef BPF_MANY_H
#define BPF_MANY_H

#include <stdint.h>

#include "bpf/program.h"

#define BPF_MANY_MAX 8192u /* programs; their numbers are below it */

struct bpf_tally {
	uint64_t packets, bytes;
	int64_t last_ns; /* the latest one's time */
};

/* Programs of one link type. */
struct bpf_many;
struct bpf_many *bpf_many_new(void);
void bpf_many_free(struct bpf_many *m); /* NULL is fine; tallies are not touched any more */
/* Program `id` is another one from the next packet on; NULL: none. Both are borrowed until then.
 * -1: no such number. */
int bpf_many_set(struct bpf_many *m, uint32_t id, const struct bpf *program,
		 struct bpf_tally *tally);
/* Shows it a packet. */
void bpf_many_count(struct bpf_many *m, const uint8_t *data, uint32_t captured, uint32_t length,
		    int64_t ts_ns);
/* Brings all tallies to what was counted: before they are looked at. */
void bpf_many_settle(struct bpf_many *m);
/* Takes up what was set since into the tree. That takes milliseconds for thousands of programs, and so
 * goes in steps: some now, others between packets. Once a second; where very many were set, the next
 * packet does all of it. */
void bpf_many_ready(struct bpf_many *m);

/* For measuring. */
struct bpf_many_facts {
	uint64_t packets, remembered; /* of them by what was remembered */
	uint64_t runs;		      /* programs that were run */
	uint32_t programs, rules, nodes, expressions;
	uint32_t waiting; /* programs that the tree does not hold yet */
};
struct bpf_many_facts bpf_many_facts(const struct bpf_many *m);

#endif
