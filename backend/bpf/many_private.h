/* What the files of "many at once" share.
 *   many_expr.c   values that programs compare, each kept once
 *   many_rules.c  what must hold where a program accepts, from following its ways
 *   many_tree.c   rules sorted so that a packet meets few
 *   many_memo.c   what was found, by the bytes that were looked at
 *   many.c        the programs, the counting */
#ifndef BPF_MANY_PRIVATE_H
#define BPF_MANY_PRIVATE_H

#include <pcap/pcap.h>

#include "base/map.h"
#include "bpf/many.h"

#define EXPRS_MAX 32768u     /* values */
#define EXPR_SIZE_MAX 16u    /* operations of one: it is worked out anew each time */
#define TESTS_MAX 262144u    /* different comparisons */
#define RULE_TESTS_MAX 32u   /* of one rule; what would be more is not looked at */
#define RULES_MAX 256u	     /* of one program, each way by itself */
#define RULES_ALL_MAX 65536u /* of all, about: programs get fewer each where they are many */
#define RULES_MEET 128u	     /* of one program whose ways meet, however many programs there are */

/* --- values --- */
enum expr_op { EXPR_CONST, EXPR_LENGTH, EXPR_LOAD, EXPR_MSH, EXPR_ALU, EXPR_NEG };
#define EXPR_NONE UINT32_MAX /* a value that is not followed */

/* Compared as bytes: no gaps. */
struct expr {
	uint32_t op;
	uint32_t k;    /* the constant, or the offset */
	uint32_t code; /* of an ALU instruction; the width of a load */
	uint32_t a, b; /* expressions: a is the index of a load, EXPR_NONE without */
};

struct exprs {
	struct expr *at;
	uint8_t *size;
	uint32_t count;
	struct map *known;
};

struct packet {
	const uint8_t *data;
	uint32_t captured, length;
};

void exprs_init(struct exprs *x);
void exprs_release(struct exprs *x);
uint32_t expr_const(struct exprs *x, uint32_t k);
uint32_t expr_length(struct exprs *x);
uint32_t expr_load(struct exprs *x, uint32_t width, uint32_t k);
uint32_t expr_load_at(struct exprs *x, uint32_t width, uint32_t k, uint32_t index);
uint32_t expr_msh(struct exprs *x, uint32_t k);
uint32_t expr_alu(struct exprs *x, uint32_t op, uint32_t a,
		  uint32_t b); /* op: BPF_OP of the code */
uint32_t expr_neg(struct exprs *x, uint32_t a);
bool expr_is_const(const struct exprs *x, uint32_t id, uint32_t *k);

/* The bytes of a packet that were looked at. */
#define FOOTPRINT_BYTES 256u
struct footprint {
	uint64_t bit[FOOTPRINT_BYTES / 64];
	bool length; /* and its length on the wire */
	bool cut;    /* one was not there: how much was captured matters */
	bool far;    /* one lies behind what can be remembered */
};
void footprint_add(struct footprint *f, uint64_t offset, uint32_t bytes, uint32_t captured);
/* false: a load that is not there, or a division by 0: no program that needs it accepts. f: NULL or
 * what is looked at is added. */
bool expr_value(const struct exprs *x, uint32_t id, const struct packet *p, struct footprint *f,
		uint32_t *value);
/* As the interpreter does; false: division by 0. */
bool alu_run(uint32_t op, uint32_t a, uint32_t b, uint32_t *result);

/* --- rules --- */
/* A value lies within bounds. Compared as bytes. */
struct test {
	uint32_t expr, low, high;
};
struct tests {
	struct test *at;
	uint32_t count;
	struct map *known;
};
/* Where the program accepts, all tests of one of its rules hold. The other way round it is run. */
struct rule {
	uint32_t program;
	uint32_t first, count; /* in pool */
};
struct rules {
	struct exprs exprs;
	struct tests tests;
	struct rule *rule;
	uint32_t nrules, room;
	uint32_t *pool; /* numbers of tests */
	uint32_t npool, pool_room;
};

void rules_init(struct rules *r);
void rules_release(struct rules *r);
void rules_clear(struct rules *r);
/* At most about `most` rules. */
void rules_add(struct rules *r, uint32_t program, const struct bpf_insn *insn, unsigned count,
	       uint32_t most);

/* --- the tree --- */
struct node {
	uint32_t expr; /* EXPR_NONE: only the list */
	uint32_t first_bound, bounds;
	uint32_t other; /* node for rules that do not ask for expr; 0 none */
	uint32_t first_program, programs;
};
struct tree {
	struct node *node; /* [0] is none */
	uint32_t nodes, node_room;
	uint32_t *bound, *child; /* child[i]: from bound[i] up to before bound[i + 1] */
	uint32_t nbounds, bound_room;
	uint32_t *program;
	uint32_t nprograms, program_room;
	uint32_t root;
};
/* A tree in the making; t is empty, and r stays as it is. */
struct tree_work *tree_begin(struct tree *t, const struct rules *r);
bool tree_step(struct tree_work *w); /* a node more; false: it is done */
void tree_end(struct tree_work *w);  /* done or not; NULL is fine */
void tree_release(struct tree *t);
/* The node for a value; 0 none. */
uint32_t tree_child(const struct tree *t, const struct node *n, uint32_t value);

/* --- what is remembered --- */
struct memo;
struct memo *memo_new(void);
void memo_free(struct memo *m);
void memo_clear(struct memo *m);
/* What was found for a packet with these bytes; EXPR_NONE: not known. */
uint32_t memo_get(struct memo *m, const struct packet *p);
/* The programs that matched; false: this is not remembered. */
bool memo_put(struct memo *m, const struct packet *p, const struct footprint *f,
	      const uint32_t *program, uint32_t count, uint32_t *set);
void memo_count(struct memo *m, uint32_t set, uint32_t length, int64_t ts_ns);
typedef void (*memo_fn)(void *arg, uint32_t program, const struct bpf_tally *more);
/* What was counted since, by program. */
void memo_settle(struct memo *m, memo_fn fn, void *arg);
bool memo_full(const struct memo *m); /* clear it */

/* Runs a program and adds what it looks at; 1 accepts, 0 not, -1: run it otherwise. */
int program_trace(const struct bpf_insn *insn, const struct packet *p, struct footprint *f);

#endif
