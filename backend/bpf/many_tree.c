/* Rules sorted so that a packet meets few. A node asks for one value: the rules that say something
 * of it hang below, by what they say, and those that say nothing hang beside it. Most rules about
 * the value, and few of them alike, make a good question. Where no question parts the rules that
 * are left, their programs are listed, and run. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "many_private.h"

#define LIST_MAX 2u /* rules that are not worth a question */
#define SPAN_MAX 8u /* intervals that a rule is put under; one that spans more hangs beside */
#define DEPTH_MAX 2048u

struct builder {
	struct tree *tree;
	const struct rules *rules;
	uint32_t depth;
	bool *used;	/* of expr: asked above */
	uint32_t *seen; /* of a program: in which list it was last */
	uint32_t lists;
	uint32_t *tests;	/* of a test: rules with it */
	uint32_t *asked, *most; /* of an expr: rules with it, and with its most usual test */
	uint32_t *touched, *touched_expr;
};

void tree_release(struct tree *t)
{
	free(t->node);
	free(t->bound);
	free(t->child);
	free(t->program);
	*t = (struct tree){0};
}

static uint32_t node_add(struct tree *t)
{
	if (t->nodes == t->node_room) {
		t->node_room = t->node_room ? 2 * t->node_room : 64;
		t->node = xreallocarray(t->node, t->node_room, sizeof(*t->node));
	}
	t->node[t->nodes] = (struct node){.expr = EXPR_NONE};
	return t->nodes++;
}

static uint32_t bounds_add(struct tree *t, uint32_t count)
{
	const uint32_t first = t->nbounds;

	if (t->nbounds + count > t->bound_room) {
		t->bound_room = 2 * t->bound_room + count + 256;
		t->bound = xreallocarray(t->bound, t->bound_room, sizeof(*t->bound));
		t->child = xreallocarray(t->child, t->bound_room, sizeof(*t->child));
	}
	t->nbounds += count;
	return first;
}

/* The programs of these rules, each once. */
static void node_list(struct builder *b, uint32_t node, const uint32_t *rule, size_t count)
{
	struct tree *t = b->tree;
	const uint32_t first = t->nprograms;

	b->lists++;
	if (t->nprograms + count > t->program_room) {
		t->program_room = 2 * t->program_room + (uint32_t)count + 256;
		t->program = xreallocarray(t->program, t->program_room, sizeof(*t->program));
	}
	for (size_t i = 0; i < count; i++) {
		const uint32_t program = b->rules->rule[rule[i]].program;

		if (b->seen[program] == b->lists)
			continue;
		b->seen[program] = b->lists;
		t->program[t->nprograms++] = program;
	}
	t->node[node].first_program = first;
	t->node[node].programs = t->nprograms - first;
}

static uint32_t tests_count(struct builder *b, const uint32_t *rule, size_t count)
{
	const struct rules *r = b->rules;
	uint32_t touched = 0;

	for (size_t i = 0; i < count; i++) {
		const struct rule *one = &r->rule[rule[i]];

		for (uint32_t j = 0; j < one->count; j++) {
			const uint32_t test = r->pool[one->first + j];

			if (b->used[r->tests.at[test].expr])
				continue;
			if (b->tests[test]++ == 0)
				b->touched[touched++] = test;
		}
	}
	return touched;
}

/* The value to ask for; EXPR_NONE: none parts the rules. */
static uint32_t tree_choose(struct builder *b, const uint32_t *rule, size_t count)
{
	const uint32_t touched = tests_count(b, rule, count);
	uint32_t exprs = 0, best = EXPR_NONE;
	uint64_t best_score = 0;

	for (uint32_t i = 0; i < touched; i++) {
		const uint32_t test = b->touched[i], expr = b->rules->tests.at[test].expr;

		if (b->asked[expr] == 0)
			b->touched_expr[exprs++] = expr;
		b->asked[expr] += b->tests[test];
		if (b->tests[test] > b->most[expr])
			b->most[expr] = b->tests[test];
		b->tests[test] = 0;
	}
	for (uint32_t i = 0; i < exprs; i++) {
		const uint32_t expr = b->touched_expr[i];
		const uint64_t score = 2ull * b->asked[expr] - b->most[expr];

		if (b->asked[expr] > 1 && score > best_score) {
			best_score = score;
			best = expr;
		}
		b->asked[expr] = b->most[expr] = 0;
	}
	return best;
}

static int compare_u32(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* The first value of each interval that some rule's test makes of all values. */
static size_t points_make(const struct test *const *test, size_t count, uint32_t *point)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!test[i])
			continue;
		point[n++] = test[i]->low;
		if (test[i]->high < UINT32_MAX)
			point[n++] = test[i]->high + 1;
	}
	qsort(point, n, sizeof(*point), compare_u32);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || point[kept - 1] != point[i])
			point[kept++] = point[i];
	return kept;
}

/* The index of the last point that is not above the value; SIZE_MAX: all are. */
static size_t point_of(const uint32_t *point, size_t count, uint32_t value)
{
	size_t low = 0;

	while (count > 0) {
		const size_t half = count / 2;

		if (point[low + half] <= value) {
			low += half + 1;
			count -= half + 1;
		} else {
			count = half;
		}
	}
	return low - 1;
}

static const struct test *rule_test(const struct rules *r, uint32_t rule, uint32_t expr)
{
	const struct rule *one = &r->rule[rule];

	for (uint32_t j = 0; j < one->count; j++) {
		const struct test *t = &r->tests.at[r->pool[one->first + j]];

		if (t->expr == expr)
			return t;
	}
	return NULL;
}

static uint32_t build(struct builder *b, const uint32_t *rule, size_t count);

/* Rules of one node, parted by a value. */
struct split {
	const uint32_t *rule;
	const struct test **test; /* NULL: hangs beside */
	size_t count;
	uint32_t *point;
	size_t points;
	uint32_t *start; /* of a point: where its rules begin in `sorted` */
	uint32_t *sorted;
};

static void split_sort(struct split *s)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < s->count; i++) {
			size_t at;

			if (!s->test[i])
				continue;
			for (at = point_of(s->point, s->points, s->test[i]->low);
			     at < s->points && s->point[at] <= s->test[i]->high; at++) {
				if (pass)
					s->sorted[s->start[at]++] = s->rule[i];
				else
					s->start[at + 1]++;
			}
		}
		for (size_t at = 0; at < s->points && !pass; at++)
			s->start[at + 1] += s->start[at];
		if (!pass)
			s->sorted = xcalloc(s->start[s->points] + 1u, sizeof(*s->sorted));
	}
	/* each begin has moved to its end, which is the next one's begin */
	memmove(s->start + 1, s->start, s->points * sizeof(*s->start));
	s->start[0] = 0;
}

/* Returns how many hang beside, in s->sorted's stead: the caller's array. */
static size_t split_others(const struct split *s, uint32_t *other)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		if (!s->test[i])
			other[n++] = s->rule[i];
	return n;
}

static void split_take(struct builder *b, struct split *s, uint32_t expr)
{
	for (size_t i = 0; i < s->count; i++)
		s->test[i] = rule_test(b->rules, s->rule[i], expr);
	s->points = points_make(s->test, s->count, s->point);
	for (size_t i = 0; i < s->count; i++) {
		if (s->test[i] && point_of(s->point, s->points, s->test[i]->high) -
						  point_of(s->point, s->points, s->test[i]->low) >=
					  SPAN_MAX)
			s->test[i] = NULL;
	}
	s->start = xcalloc(s->points + 1, sizeof(*s->start));
	split_sort(s);
}

static void tree_part(struct builder *b, uint32_t node, uint32_t expr, struct split *s)
{
	struct tree *t = b->tree;
	uint32_t *other = xcalloc(s->count, sizeof(*other)), first, child;
	size_t others;

	split_take(b, s, expr);
	others = split_others(s, other);
	first = bounds_add(t, (uint32_t)s->points);
	memcpy(t->bound + first, s->point, s->points * sizeof(*s->point));
	t->node[node].expr = expr;
	t->node[node].first_bound = first;
	t->node[node].bounds = (uint32_t)s->points;
	b->used[expr] = true;
	for (size_t i = 0; i < s->points; i++) {
		child = build(b, s->sorted + s->start[i], s->start[i + 1] - s->start[i]);
		t->child[first + i] = child; /* not before: the array may have moved */
	}
	child = build(b, other, others);
	t->node[node].other = child;
	b->used[expr] = false;
	free(other);
	free(s->sorted);
	free(s->start);
}

static uint32_t build(struct builder *b, const uint32_t *rule, size_t count)
{
	struct split s = {.rule = rule, .count = count};
	uint32_t node, expr;

	if (count == 0)
		return 0;
	node = node_add(b->tree);
	expr = count > LIST_MAX && b->depth < DEPTH_MAX ? tree_choose(b, rule, count) : EXPR_NONE;
	if (expr == EXPR_NONE) {
		node_list(b, node, rule, count);
		return node;
	}
	s.test = xcalloc(count, sizeof(const struct test *));
	s.point = xcalloc(2 * count, sizeof(*s.point));
	b->depth++;
	tree_part(b, node, expr, &s);
	b->depth--;
	free(s.test);
	free(s.point);
	return node;
}

void tree_build(struct tree *t, const struct rules *r)
{
	struct builder b = {.tree = t, .rules = r};
	uint32_t *all = xcalloc(r->nrules + 1u, sizeof(*all));

	b.used = xcalloc(r->exprs.count + 1u, sizeof(*b.used));
	b.seen = xcalloc(BPF_MANY_MAX, sizeof(*b.seen));
	b.tests = xcalloc(r->tests.count + 1u, sizeof(*b.tests));
	b.touched = xcalloc(r->tests.count + 1u, sizeof(*b.touched));
	b.asked = xcalloc(r->exprs.count + 1u, sizeof(*b.asked));
	b.most = xcalloc(r->exprs.count + 1u, sizeof(*b.most));
	b.touched_expr = xcalloc(r->exprs.count + 1u, sizeof(*b.touched_expr));
	for (uint32_t i = 0; i < r->nrules; i++)
		all[i] = i;
	(void)node_add(t); /* none */
	t->root = build(&b, all, r->nrules);
	free(all);
	free(b.used);
	free(b.seen);
	free(b.tests);
	free(b.touched);
	free(b.asked);
	free(b.most);
	free(b.touched_expr);
}

uint32_t tree_child(const struct tree *t, const struct node *n, uint32_t value)
{
	const uint32_t *bound = t->bound + n->first_bound;
	uint32_t low = 0, count = n->bounds;

	/* no branch that depends on the value: it cannot be guessed */
	while (count > 1) {
		const uint32_t half = count / 2;

		low += bound[low + half] <= value ? half : 0;
		count -= half;
	}
	if (bound[low] > value)
		return 0;
	return t->child[n->first_bound + low];
}
