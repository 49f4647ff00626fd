/* Many programs, one after the other as cheap as it goes: by what is remembered where that is of
 * use, else by the tree, whose candidates are run. A program that is new is run for each packet
 * until the tree is made anew: at once where they are so many that running them costs more than
 * that, else in steps between packets, while the tree before goes on, so that nobody waits. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "many_private.h"

#define NEW_MOST 16u	     /* and an eighth of those that there are */
#define WINDOW_PACKETS 4096u /* between two looks at whether remembering is of use */
#define REMEMBER_FROM 6u     /* programs run or matched a packet on average */
#define REMEMBER_PAUSE 16u   /* windows until it is tried again */
#define LATE_NONE UINT32_MAX
#define STEP_PACKETS 16u	 /* between two steps of a tree in the making */
#define READY_NS (2 * NS_PER_MS) /* of steps once a second */

struct one {
	const struct bpf *program; /* NULL none */
	struct bpf_tally *tally;
	uint32_t late; /* its place among those that the tree does not hold; LATE_NONE */
	bool changed;  /* since the tree in the making was begun */
};

/* The next tree. */
struct making {
	bool is;
	struct rules rules;
	struct tree tree;
	struct tree_work *work;	  /* NULL: rules come first */
	uint32_t next, top, most; /* programs up to top, whose rules are still to come */
};

struct bpf_many {
	struct one *one;
	uint32_t top; /* numbers in use are below */
	uint32_t programs;
	struct rules rules;
	struct tree tree;
	struct making making;
	uint32_t *late;
	uint32_t nlate;
	bool stale; /* the tree holds some that are gone */

	uint32_t *seen; /* of a program: the packet that it was run for */
	uint32_t packet;
	uint32_t *match;
	uint32_t nmatch;

	struct memo *memo; /* NULL until it is of use */
	bool remember;
	uint32_t window, pause;
	uint64_t window_work, window_found;
	struct bpf_many_facts facts;
};

static void making_drop(struct making *k)
{
	if (!k->is)
		return;
	tree_end(k->work);
	tree_release(&k->tree);
	rules_release(&k->rules);
	*k = (struct making){0};
}

struct bpf_many *bpf_many_new(void)
{
	struct bpf_many *m = xcalloc(1, sizeof(*m));

	m->one = xcalloc(BPF_MANY_MAX, sizeof(*m->one));
	m->late = xcalloc(BPF_MANY_MAX, sizeof(*m->late));
	m->seen = xcalloc(BPF_MANY_MAX, sizeof(*m->seen));
	m->match = xcalloc(BPF_MANY_MAX, sizeof(*m->match));
	rules_init(&m->rules);
	return m;
}

void bpf_many_free(struct bpf_many *m)
{
	if (!m)
		return;
	memo_free(m->memo);
	making_drop(&m->making);
	tree_release(&m->tree);
	rules_release(&m->rules);
	free(m->one);
	free(m->late);
	free(m->seen);
	free(m->match);
	free(m);
}

/* --- counting --- */

static void tally_add(struct bpf_tally *t, const struct bpf_tally *more)
{
	if (t->packets == 0 || more->last_ns > t->last_ns)
		t->last_ns = more->last_ns;
	t->packets += more->packets;
	t->bytes += more->bytes;
}

static void on_settled(void *arg, uint32_t program, const struct bpf_tally *more)
{
	struct bpf_many *m = arg;

	if (m->one[program].tally)
		tally_add(m->one[program].tally, more);
}

/* What is remembered holds for these programs only. */
static void memo_forget(struct bpf_many *m)
{
	if (!m->memo)
		return;
	memo_settle(m->memo, on_settled, m);
	memo_clear(m->memo);
}

/* --- the tree --- */

static void late_remove(struct bpf_many *m, uint32_t id)
{
	const uint32_t at = m->one[id].late, last = m->late[m->nlate - 1];

	m->late[at] = last;
	m->one[last].late = at;
	m->one[id].late = LATE_NONE;
	m->nlate--;
}

static void making_begin(struct bpf_many *m)
{
	const uint32_t most = m->programs ? RULES_ALL_MAX / m->programs : RULES_MAX;
	struct making *k = &m->making;

	making_drop(k);
	k->is = true;
	rules_init(&k->rules);
	k->top = m->top;
	k->most = most > RULES_MAX ? RULES_MAX : most;
	m->stale = false;
	for (uint32_t i = 0; i < m->top; i++)
		m->one[i].changed = false;
}

/* The rules that were made hold for programs that have not changed since. */
static void making_take(struct bpf_many *m)
{
	struct making *k = &m->making;

	rules_release(&m->rules);
	tree_release(&m->tree);
	m->rules = k->rules;
	m->tree = k->tree;
	tree_end(k->work);
	*k = (struct making){0};
	for (uint32_t i = m->nlate; i-- > 0;)
		if (!m->one[m->late[i]].changed)
			late_remove(m, m->late[i]);
}

/* A program's rules, or a node. */
static void making_step(struct bpf_many *m)
{
	struct making *k = &m->making;

	while (!k->work && k->next < k->top) {
		const uint32_t i = k->next++;
		const struct bpf *program = m->one[i].changed ? NULL : m->one[i].program;

		if (!program)
			continue;
		rules_add(&k->rules, i, bpf_raw(program), bpf_instructions(program), k->most);
		return;
	}
	if (!k->work)
		k->work = tree_begin(&k->tree, &k->rules);
	if (!tree_step(k->work))
		making_take(m);
}

static void tree_remake(struct bpf_many *m)
{
	making_begin(m);
	while (m->making.is)
		making_step(m);
}

int bpf_many_set(struct bpf_many *m, uint32_t id, const struct bpf *program,
		 struct bpf_tally *tally)
{
	struct one *one;

	if (id >= BPF_MANY_MAX)
		return -1;
	memo_forget(m); /* while its tally is there */
	one = &m->one[id];
	while (m->top <= id)
		m->one[m->top++].late = LATE_NONE;
	if (one->program && one->late != LATE_NONE)
		late_remove(m, id);
	else if (one->program)
		m->stale = true;
	m->programs += (program != NULL) - (one->program != NULL);
	one->program = program;
	one->tally = program ? tally : NULL;
	one->changed = true;
	if (!program)
		return 0;
	/* Another one of the same number: the tree's rules for it hold no more. They only say when
	 * it is run, and so it is run each time until there are new ones. */
	one->late = m->nlate;
	m->late[m->nlate++] = id;
	return 0;
}

/* --- a packet --- */

static void program_run(struct bpf_many *m, const struct packet *p, uint32_t id,
			struct footprint *f)
{
	const struct bpf *program = m->one[id].program;
	int r;

	if (m->seen[id] == m->packet || !program)
		return;
	m->seen[id] = m->packet;
	m->facts.runs++;
	m->window_work++;
	r = f ? program_trace(bpf_raw(program), p, f) : -1;
	if (r < 0) {
		if (f)
			f->far = true;
		r = bpf_match(program, p->data, p->captured, p->length);
	}
	if (r)
		m->match[m->nmatch++] = id;
}

static void tree_walk(struct bpf_many *m, const struct packet *p, uint32_t node,
		      struct footprint *f)
{
	const struct tree *t = &m->tree;

	while (node) {
		const struct node *n = &t->node[node];
		uint32_t value;

		m->window_work++;
		for (uint32_t i = 0; i < n->programs; i++)
			program_run(m, p, t->program[n->first_program + i], f);
		if (n->expr != EXPR_NONE && expr_value(&m->rules.exprs, n->expr, p, f, &value))
			tree_walk(m, p, tree_child(t, n, value), f);
		node = n->other;
	}
}

/* Leaves what matches in m->match. */
static void packet_match(struct bpf_many *m, const struct packet *p, struct footprint *f)
{
	m->nmatch = 0;
	if (++m->packet == 0) { /* numbers begin again */
		memset(m->seen, 0, BPF_MANY_MAX * sizeof(*m->seen));
		m->packet = 1;
	}
	for (uint32_t i = 0; i < m->nlate; i++)
		program_run(m, p, m->late[i], f);
	tree_walk(m, p, m->tree.root, f);
	m->window_work += m->nmatch;
}

static void window_end(struct bpf_many *m)
{
	const bool useful = m->window_found >= WINDOW_PACKETS / 2;

	if (m->remember && !useful) {
		m->remember = false;
		m->pause = REMEMBER_PAUSE;
	} else if (!m->remember && m->pause > 0) {
		m->pause--;
	} else if (!m->remember && m->window_work >= (uint64_t)REMEMBER_FROM * WINDOW_PACKETS) {
		m->remember = true;
		if (!m->memo)
			m->memo = memo_new();
	}
	if (m->remember && memo_full(m->memo))
		memo_forget(m);
	m->window = 0;
	m->window_work = m->window_found = 0;
}

static void count_matches(struct bpf_many *m, uint32_t length, int64_t ts_ns)
{
	const struct bpf_tally more = {1, length, ts_ns};

	for (uint32_t i = 0; i < m->nmatch; i++)
		tally_add(m->one[m->match[i]].tally, &more);
}

static void count_remembered(struct bpf_many *m, const struct packet *p, int64_t ts_ns)
{
	uint32_t set = memo_get(m->memo, p);
	struct footprint f = {0};

	if (set != EXPR_NONE) {
		m->facts.remembered++;
		m->window_found++;
		memo_count(m->memo, set, p->length, ts_ns);
		return;
	}
	packet_match(m, p, &f);
	if (memo_put(m->memo, p, &f, m->match, m->nmatch, &set))
		memo_count(m->memo, set, p->length, ts_ns);
	else
		count_matches(m, p->length, ts_ns);
}

void bpf_many_count(struct bpf_many *m, const uint8_t *data, uint32_t captured, uint32_t length,
		    int64_t ts_ns)
{
	const struct packet p = {data, captured, length};

	if (m->programs == 0)
		return;
	if (m->nlate > NEW_MOST + m->programs / 8)
		tree_remake(m);
	else if (m->making.is && m->facts.packets % STEP_PACKETS == 0)
		making_step(m);
	m->facts.packets++;
	if (m->remember) {
		count_remembered(m, &p, ts_ns);
	} else {
		packet_match(m, &p, NULL);
		count_matches(m, length, ts_ns);
	}
	if (++m->window == WINDOW_PACKETS)
		window_end(m);
}

void bpf_many_settle(struct bpf_many *m)
{
	if (m->memo)
		memo_settle(m->memo, on_settled, m);
}

void bpf_many_ready(struct bpf_many *m)
{
	const int64_t until_ns = clock_mono_ns() + READY_NS;

	if (!m->making.is && (m->nlate > 0 || m->stale))
		making_begin(m);
	while (m->making.is && clock_mono_ns() < until_ns)
		making_step(m);
}

struct bpf_many_facts bpf_many_facts(const struct bpf_many *m)
{
	struct bpf_many_facts f = m->facts;

	f.programs = m->programs;
	f.waiting = m->nlate;
	f.rules = m->rules.nrules;
	f.nodes = m->tree.nodes;
	f.expressions = m->rules.exprs.count;
	return f;
}
