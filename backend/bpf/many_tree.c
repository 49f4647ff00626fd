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

/* Rules that a node is still to be made of, and where its number goes. */
struct task {
	uint32_t *rule; /* its own */
	size_t count;
	uint32_t above, depth; /* above: in asked_above, of the node that it hangs below */
	enum { TASK_ROOT, TASK_CHILD, TASK_OTHER } kind;
	uint32_t place; /* of a child; or the node that it hangs beside */
};

/* What is asked on the way to a node: a list that shares its beginnings. */
struct asked {
	uint32_t expr, above;
};

struct tree_work {
	struct tree *tree;
	const struct rules *rules;
	struct task *task; /* the last one is next */
	size_t tasks, task_room;
	struct asked *asked_above; /* [0] is none */
	uint32_t nasked_above, asked_room;
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
static void node_list(struct tree_work *b, uint32_t node, const uint32_t *rule, size_t count)
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

static uint32_t tests_count(struct tree_work *b, const uint32_t *rule, size_t count)
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
static uint32_t tree_choose(struct tree_work *b, const uint32_t *rule, size_t count)
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

static void split_take(struct tree_work *b, struct split *s, uint32_t expr)
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

/* --- nodes, one at a time: what is below is a task of its own --- */

static void task_add(struct tree_work *b, const uint32_t *rule, struct task task)
{
	if (task.count == 0)
		return;
	if (b->tasks == b->task_room) {
		b->task_room = b->task_room ? 2 * b->task_room : 64;
		b->task = xreallocarray(b->task, b->task_room, sizeof(*b->task));
	}
	task.rule = xreallocarray(NULL, task.count, sizeof(*task.rule));
	memcpy(task.rule, rule, task.count * sizeof(*task.rule));
	b->task[b->tasks++] = task;
}

static uint32_t asked_add(struct tree_work *b, uint32_t expr, uint32_t above)
{
	if (b->nasked_above == b->asked_room) {
		b->asked_room = b->asked_room ? 2 * b->asked_room : 64;
		b->asked_above =
			xreallocarray(b->asked_above, b->asked_room, sizeof(*b->asked_above));
	}
	b->asked_above[b->nasked_above] = (struct asked){expr, above};
	return b->nasked_above++;
}

static void asked_mark(struct tree_work *b, uint32_t above, bool used)
{
	for (; above; above = b->asked_above[above].above)
		b->used[b->asked_above[above].expr] = used;
}

static void tree_part(struct tree_work *b, uint32_t node, uint32_t expr, struct split *s,
		      const struct task *of)
{
	struct tree *t = b->tree;
	struct task below = {.above = asked_add(b, expr, of->above), .depth = of->depth + 1};
	uint32_t *other = xcalloc(s->count, sizeof(*other)), first;

	split_take(b, s, expr);
	first = bounds_add(t, (uint32_t)s->points);
	memcpy(t->bound + first, s->point, s->points * sizeof(*s->point));
	memset(t->child + first, 0, s->points * sizeof(*t->child));
	t->node[node].expr = expr;
	t->node[node].first_bound = first;
	t->node[node].bounds = (uint32_t)s->points;
	below.kind = TASK_OTHER;
	below.place = node;
	below.count = split_others(s, other);
	task_add(b, other, below);
	below.kind = TASK_CHILD;
	for (size_t i = s->points;
	     i-- > 0;) { /* so that those are next to each other that follow */
		below.place = first + (uint32_t)i;
		below.count = s->start[i + 1] - s->start[i];
		task_add(b, s->sorted + s->start[i], below);
	}
	free(other);
	free(s->sorted);
	free(s->start);
}

static void task_run(struct tree_work *b, const struct task *k)
{
	struct split s = {.rule = k->rule, .count = k->count};
	const uint32_t node = node_add(b->tree);
	uint32_t expr = EXPR_NONE;

	if (k->kind == TASK_ROOT)
		b->tree->root = node;
	else if (k->kind == TASK_CHILD)
		b->tree->child[k->place] = node;
	else
		b->tree->node[k->place].other = node;
	if (k->count > LIST_MAX && k->depth < DEPTH_MAX) {
		asked_mark(b, k->above, true);
		expr = tree_choose(b, k->rule, k->count);
		asked_mark(b, k->above, false);
	}
	if (expr == EXPR_NONE) {
		node_list(b, node, k->rule, k->count);
		return;
	}
	s.test = xcalloc(k->count, sizeof(const struct test *));
	s.point = xcalloc(2 * k->count, sizeof(*s.point));
	tree_part(b, node, expr, &s, k);
	free(s.test);
	free(s.point);
}

struct tree_work *tree_begin(struct tree *t, const struct rules *r)
{
	struct tree_work *b = xcalloc(1, sizeof(*b));
	uint32_t *all = xcalloc(r->nrules + 1u, sizeof(*all));

	b->tree = t;
	b->rules = r;
	b->used = xcalloc(r->exprs.count + 1u, sizeof(*b->used));
	b->seen = xcalloc(BPF_MANY_MAX, sizeof(*b->seen));
	b->tests = xcalloc(r->tests.count + 1u, sizeof(*b->tests));
	b->touched = xcalloc(r->tests.count + 1u, sizeof(*b->touched));
	b->asked = xcalloc(r->exprs.count + 1u, sizeof(*b->asked));
	b->most = xcalloc(r->exprs.count + 1u, sizeof(*b->most));
	b->touched_expr = xcalloc(r->exprs.count + 1u, sizeof(*b->touched_expr));
	for (uint32_t i = 0; i < r->nrules; i++)
		all[i] = i;
	(void)node_add(t);	  /* none */
	(void)asked_add(b, 0, 0); /* none */
	task_add(b, all, (struct task){.count = r->nrules, .kind = TASK_ROOT});
	free(all);
	return b;
}

bool tree_step(struct tree_work *b)
{
	struct task k;

	if (b->tasks == 0)
		return false;
	k = b->task[--b->tasks];
	task_run(b, &k);
	free(k.rule);
	return b->tasks > 0;
}

void tree_end(struct tree_work *b)
{
	if (!b)
		return;
	while (b->tasks > 0)
		free(b->task[--b->tasks].rule);
	free(b->task);
	free(b->asked_above);
	free(b->used);
	free(b->seen);
	free(b->tests);
	free(b->touched);
	free(b->asked);
	free(b->most);
	free(b->touched_expr);
	free(b);
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
