/* What must hold of a packet that a program accepts. Its ways are followed with values instead of
 * numbers: a comparison parts a way in two, each with one test more. The tests of a way that ends
 * in "accept" are a rule. A way that would go on too long ends early and is a rule with the tests
 * so far: that says less, and so is right as well. A load that is not there ends the program with
 * "not", so that what a rule has loaded was there. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "many_private.h"

#define WAY_JUMPS_MAX 64u /* comparisons on one way */
#define WAYS_STEPS_MAX 50000u
#define MEET_MAX 4u /* ways with values of their own that go on beside one another */

void rules_init(struct rules *r)
{
	*r = (struct rules){.tests.known = map_new(TESTS_MAX)};
	exprs_init(&r->exprs);
}

void rules_release(struct rules *r)
{
	exprs_release(&r->exprs);
	map_free(r->tests.known);
	free(r->tests.at);
	free(r->rule);
	free(r->pool);
	*r = (struct rules){0};
}

void rules_clear(struct rules *r)
{
	rules_release(r);
	rules_init(r);
}

/* The number of a test; TESTS_MAX: there is no room, it is left out. */
static uint32_t test_keep(struct tests *t, const struct test *new)
{
	const uintptr_t known = (uintptr_t)map_get(t->known, new, sizeof(*new));

	if (known)
		return (uint32_t)(known - 1);
	if (t->count == TESTS_MAX)
		return TESTS_MAX;
	if ((t->count & (t->count - 1)) == 0)
		t->at = xreallocarray(t->at, t->count ? 2 * t->count : 1, sizeof(*t->at));
	t->at[t->count] = *new;
	(void)map_put(t->known, new, sizeof(*new), (void *)(uintptr_t)(t->count + 1));
	return t->count++;
}

/* Where one way has come to. */
struct way {
	uint32_t pc, jumps;
	uint32_t a, x, memory[BPF_MEMWORDS];
	uint32_t ntests;
	struct test test[RULE_TESTS_MAX];
};

struct walk {
	struct rules *rules;
	const struct bpf_insn *insn;
	uint32_t program, made, most, steps;
	bool too_many;
};

static void rule_add(struct walk *w, const struct way *way)
{
	struct rules *r = w->rules;
	struct rule *rule;

	if (r->nrules == r->room) {
		r->room = r->room ? 2 * r->room : 256;
		r->rule = xreallocarray(r->rule, r->room, sizeof(*r->rule));
	}
	if (r->npool + RULE_TESTS_MAX > r->pool_room) {
		r->pool_room = r->pool_room ? 2 * r->pool_room : 4096;
		r->pool = xreallocarray(r->pool, r->pool_room, sizeof(*r->pool));
	}
	rule = &r->rule[r->nrules++];
	*rule = (struct rule){.program = w->program, .first = r->npool};
	for (uint32_t i = 0; i < way->ntests; i++) {
		const uint32_t number = test_keep(&r->tests, &way->test[i]);

		if (number < TESTS_MAX)
			r->pool[r->npool++] = number;
	}
	rule->count = r->npool - rule->first;
	w->made++;
}

/* The way goes on where the value lies within bounds only. false: it never does, the way ends. */
static bool way_test(struct way *way, uint32_t expr, uint32_t low, uint32_t high)
{
	if (low > high)
		return false;
	if (low == 0 && high == UINT32_MAX)
		return true;
	for (uint32_t i = 0; i < way->ntests; i++) {
		struct test *t = &way->test[i];

		if (t->expr != expr)
			continue;
		t->low = low > t->low ? low : t->low;
		t->high = high < t->high ? high : t->high;
		return t->low <= t->high;
	}
	if (way->ntests < RULE_TESTS_MAX)
		way->test[way->ntests++] = (struct test){expr, low, high};
	return true;
}

/* That the value is not k: known only at an end of what it can be. */
static bool way_test_not(struct way *way, uint32_t expr, uint32_t k)
{
	uint32_t low = 0, high = UINT32_MAX;

	for (uint32_t i = 0; i < way->ntests; i++) {
		if (way->test[i].expr != expr)
			continue;
		low = way->test[i].low;
		high = way->test[i].high;
	}
	if (low == k && high == k)
		return false;
	if (low == k)
		return way_test(way, expr, k + 1, UINT32_MAX);
	if (high == k)
		return way_test(way, expr, 0, k - 1);
	return true;
}

/* What a comparison that came out as `yes` says of its values. false: it cannot come out so. */
static bool way_compared(struct walk *w, struct way *way, const struct bpf_insn *in, bool yes)
{
	struct exprs *x = &w->rules->exprs;
	uint32_t k = in->k, both, value;

	if (BPF_SRC(in->code) == BPF_X && !expr_is_const(x, way->x, &k))
		return true;
	if (BPF_OP(in->code) == BPF_JSET) {
		both = expr_alu(x, BPF_AND, way->a, expr_const(x, k));
		if (both == EXPR_NONE)
			return true;
		if (expr_is_const(x, both, &value))
			return (value != 0) == yes;
		return way_test(way, both, yes ? 1 : 0, yes ? UINT32_MAX : 0);
	}
	if (way->a == EXPR_NONE)
		return true;
	if (expr_is_const(x, way->a, &value)) {
		const bool is = BPF_OP(in->code) == BPF_JEQ   ? value == k
				: BPF_OP(in->code) == BPF_JGT ? value > k
							      : value >= k;
		return is == yes;
	}
	if (BPF_OP(in->code) == BPF_JEQ)
		return yes ? way_test(way, way->a, k, k) : way_test_not(way, way->a, k);
	if (BPF_OP(in->code) == BPF_JGE && k == 0)
		return yes;
	if (BPF_OP(in->code) == BPF_JGE) /* from here on: above k - 1 */
		k--;
	if (yes)
		return k < UINT32_MAX && way_test(way, way->a, k + 1, UINT32_MAX);
	return way_test(way, way->a, 0, k);
}

static uint32_t load_expr(struct exprs *x, const struct bpf_insn *in, const struct way *way)
{
	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		return expr_const(x, in->k);
	case BPF_ABS:
		return expr_load(x, BPF_SIZE(in->code), in->k);
	case BPF_IND:
		return expr_load_at(x, BPF_SIZE(in->code), in->k, way->x);
	case BPF_MEM:
		return way->memory[in->k & (BPF_MEMWORDS - 1)];
	case BPF_LEN:
		return expr_length(x);
	default: /* BPF_MSH */
		return expr_msh(x, in->k);
	}
}

static uint32_t alu_expr(struct exprs *x, const struct bpf_insn *in, const struct way *way)
{
	const uint32_t op = BPF_OP(in->code);

	if (op == BPF_NEG)
		return expr_neg(x, way->a);
	if (BPF_SRC(in->code) == BPF_X)
		return expr_alu(x, op, way->a, way->x);
	if ((op == BPF_LSH || op == BPF_RSH) && in->k >= 32)
		return EXPR_NONE; /* each machine does it in its own way */
	return expr_alu(x, op, way->a, expr_const(x, in->k));
}

/* An instruction that neither jumps nor ends. */
static void way_step(struct walk *w, struct way *way, const struct bpf_insn *in)
{
	struct exprs *x = &w->rules->exprs;

	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		way->a = load_expr(x, in, way);
		break;
	case BPF_LDX:
		way->x = load_expr(x, in, way);
		break;
	case BPF_ST:
		way->memory[in->k & (BPF_MEMWORDS - 1)] = way->a;
		break;
	case BPF_STX:
		way->memory[in->k & (BPF_MEMWORDS - 1)] = way->x;
		break;
	case BPF_ALU:
		way->a = alu_expr(x, in, way);
		break;
	default: /* BPF_MISC */
		if (BPF_MISCOP(in->code) == BPF_TAX)
			way->x = way->a;
		else
			way->a = way->x;
	}
	way->pc++;
}

static void way_end(struct walk *w, struct way *way, const struct bpf_insn *in)
{
	uint32_t value;

	if (BPF_RVAL(in->code) == BPF_K) {
		if (in->k != 0)
			rule_add(w, way);
		return;
	}
	if (expr_is_const(&w->rules->exprs, way->a, &value)) {
		if (value != 0)
			rule_add(w, way);
		return;
	}
	if (way->a == EXPR_NONE || way_test(way, way->a, 1, UINT32_MAX))
		rule_add(w, way);
}

/* Jumps go forward only, so every way ends. The depth is bounded by WAY_JUMPS_MAX. */
static void way_follow(struct walk *w, struct way *way)
{
	while (!w->too_many) {
		const struct bpf_insn *in = &w->insn[way->pc];
		struct way no;

		if (BPF_CLASS(in->code) == BPF_RET) {
			way_end(w, way, in);
			return;
		}
		if (w->made >= w->most || way->jumps >= WAY_JUMPS_MAX ||
		    ++w->steps > WAYS_STEPS_MAX) {
			w->too_many = true;
			return;
		}
		if (in->code == (BPF_JMP | BPF_JA)) {
			way->pc += 1 + in->k;
			continue;
		}
		if (BPF_CLASS(in->code) != BPF_JMP) {
			way_step(w, way, in);
			continue;
		}
		no = *way;
		no.jumps = ++way->jumps;
		no.pc += 1u + in->jf;
		if (way_compared(w, &no, in, false))
			way_follow(w, &no);
		way->pc += 1u + in->jt;
		if (!way_compared(w, way, in, true))
			return;
	}
}

/* --- where there are too many ways: they are one again where they meet --- */

static uint32_t same_or_none(uint32_t a, uint32_t b)
{
	return a == b ? a : EXPR_NONE;
}

static bool same_values(const struct way *a, const struct way *b)
{
	return a->a == b->a && a->x == b->x && memcmp(a->memory, b->memory, sizeof(a->memory)) == 0;
}

/* What holds on both. */
static void way_join(struct way *to, const struct way *from)
{
	uint32_t kept = 0;

	to->a = same_or_none(to->a, from->a);
	to->x = same_or_none(to->x, from->x);
	for (unsigned i = 0; i < BPF_MEMWORDS; i++)
		to->memory[i] = same_or_none(to->memory[i], from->memory[i]);
	for (uint32_t i = 0; i < to->ntests; i++) {
		struct test t = to->test[i];
		uint32_t j = 0;

		while (j < from->ntests && from->test[j].expr != t.expr)
			j++;
		if (j == from->ntests)
			continue;
		t.low = from->test[j].low < t.low ? from->test[j].low : t.low;
		t.high = from->test[j].high > t.high ? from->test[j].high : t.high;
		if (t.low > 0 || t.high < UINT32_MAX)
			to->test[kept++] = t;
	}
	to->ntests = kept;
}

struct meeting {
	struct walk *walk;
	struct way (
		*at)[MEET_MAX]; /* of each instruction: ways that have loaded different values */
	uint8_t *ways;
	struct way rest; /* of ends that are too many for a rule each */
	bool has_rest;
};

/* A way comes to an instruction. Ends are rules of their own, so that one of a long list of hosts
 * is told from the others. */
static void way_meet(struct meeting *m, struct way *way)
{
	const struct bpf_insn *in = &m->walk->insn[way->pc];

	if (BPF_CLASS(in->code) == BPF_RET && m->walk->made < m->walk->most) {
		way_end(m->walk, way, in);
	} else if (BPF_CLASS(in->code) == BPF_RET) {
		if (BPF_RVAL(in->code) == BPF_K && in->k == 0)
			return;
		if (m->has_rest)
			way_join(&m->rest, way);
		else
			m->rest = *way;
		m->has_rest = true;
	} else {
		struct way *at = m->at[way->pc];
		uint8_t *ways = &m->ways[way->pc], i = 0;

		while (i < *ways && !same_values(&at[i], way))
			i++;
		if (i == *ways && *ways < MEET_MAX)
			at[(*ways)++] = *way;
		else
			way_join(&at[i < *ways ? i : MEET_MAX - 1], way);
	}
}

/* Goes on from an instruction. */
static void way_on(struct meeting *m, struct way *way)
{
	const struct bpf_insn *in = &m->walk->insn[way->pc];
	struct way no;

	if (in->code == (BPF_JMP | BPF_JA)) {
		way->pc += 1 + in->k;
		way_meet(m, way);
	} else if (BPF_CLASS(in->code) != BPF_JMP) {
		way_step(m->walk, way, in);
		way_meet(m, way);
	} else {
		no = *way;
		no.pc += 1u + in->jf;
		if (way_compared(m->walk, &no, in, false))
			way_meet(m, &no);
		way->pc += 1u + in->jt;
		if (way_compared(m->walk, way, in, true))
			way_meet(m, way);
	}
}

/* All ways to an instruction have come when it is its turn: jumps go forward only. */
static void ways_meet(struct walk *w, unsigned count, struct way *first)
{
	struct meeting m = {.walk = w};

	m.at = xcalloc(count, sizeof(*m.at));
	m.ways = xcalloc(count, sizeof(*m.ways));
	way_meet(&m, first);
	for (unsigned pc = 0; pc < count; pc++)
		for (uint8_t i = 0; i < m.ways[pc]; i++) {
			struct way way = m.at[pc][i];

			way.pc = pc;
			way_on(&m, &way);
		}
	if (m.has_rest)
		rule_add(w, &m.rest);
	free(m.at);
	free(m.ways);
}

static struct way way_first(struct rules *r)
{
	struct way way = {0};

	way.a = way.x = expr_const(&r->exprs, 0);
	for (unsigned i = 0; i < BPF_MEMWORDS; i++)
		way.memory[i] = EXPR_NONE;
	return way;
}

void rules_add(struct rules *r, uint32_t program, const struct bpf_insn *insn, unsigned count,
	       uint32_t most)
{
	struct walk w = {.rules = r, .insn = insn, .program = program, .most = most};
	const uint32_t nrules = r->nrules, npool = r->npool;
	struct way way = way_first(r);

	way_follow(&w, &way);
	if (!w.too_many)
		return;
	r->nrules = nrules;
	r->npool = npool;
	w.made = 0;
	w.most = most < RULES_MEET ? RULES_MEET : most;
	way = way_first(r);
	ways_meet(&w, count, &way);
}
