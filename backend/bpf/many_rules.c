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
	for (;;) {
		const struct bpf_insn *in = &w->insn[way->pc];
		struct way no;

		if (BPF_CLASS(in->code) == BPF_RET) {
			way_end(w, way, in);
			return;
		}
		if (w->made >= w->most || way->jumps >= WAY_JUMPS_MAX ||
		    ++w->steps > WAYS_STEPS_MAX) {
			rule_add(w, way);
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

void rules_add(struct rules *r, uint32_t program, const struct bpf_insn *insn, unsigned count,
	       uint32_t most)
{
	struct walk w = {.rules = r, .insn = insn, .program = program, .most = most};
	struct way way = {0};

	(void)count; /* bpf_load has seen that it ends within */
	way.a = way.x = expr_const(&r->exprs, 0);
	for (unsigned i = 0; i < BPF_MEMWORDS; i++)
		way.memory[i] = EXPR_NONE;
	way_follow(&w, &way);
}
