#include "table/filter.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "filter_tree.h"
#include "filter_value.h"

#define REGEX_CELL_MAX 4096u /* bytes of a cell that a regular expression looks at */

static void node_free(struct filter_node *n)
{
	for (unsigned i = 0; i < n->nvalues; i++)
		filter_value_release(&n->values[i]);
	free(n->values);
	if (n->regex)
		regfree(n->regex);
	free(n->regex);
	free(n);
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (unsigned i = 0; i < f->count; i++)
		node_free(f->nodes[i]);
	free(f->nodes);
	free(f);
}

const struct filter_node *filter_root(const struct filter *f)
{
	return f->root;
}

static bool is_number(const struct value *v)
{
	return v->type == VALUE_INT || v->type == VALUE_REAL;
}

/* Whether sizes can be compared: an unknown is not less than anything. */
static bool comparable(const struct value *a, const struct value *b)
{
	if (a->type == VALUE_NULL || b->type == VALUE_NULL)
		return false;
	return a->type == b->type || (is_number(a) && is_number(b));
}

static bool value_equals(const struct value *cell, const struct filter_value *v)
{
	struct value high;

	if (v->is_net)
		return cell->type == VALUE_ADDR &&
		       addr_in_net(&cell->a, &v->value.a, v->prefix_bits);
	if (!comparable(cell, &v->value))
		return false;
	if (!v->is_range)
		return value_compare(cell, &v->value) == 0;
	high = value_int(v->high);
	return value_compare(cell, &v->value) >= 0 && value_compare(cell, &high) <= 0;
}

static bool any_equals(const struct value *cell, const struct filter_node *n)
{
	for (unsigned i = 0; i < n->nvalues; i++)
		if (value_equals(cell, &n->values[i]))
			return true;
	return false;
}

/* Copied, as regexec wants a 0 behind the text (that REG_STARTEND does without one is not so for
 * every checker). */
static bool text_matches(struct str s, const regex_t *regex)
{
	const size_t len = s.len < REGEX_CELL_MAX ? s.len : REGEX_CELL_MAX;
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)len};
	char copy[REGEX_CELL_MAX + 1];

	if (len > 0)
		memcpy(copy, s.p, len);
	copy[len] = 0;
	return regexec(regex, copy, 1, &range, REG_STARTEND) == 0;
}

static bool cell_matches(const struct value *cell, const struct filter_node *n, enum kind kind)
{
	struct buf text;
	bool yes;

	if (cell->type == VALUE_NULL)
		return false;
	if (cell->type == VALUE_TEXT)
		return text_matches(cell->s, n->regex);
	buf_init(&text, REGEX_CELL_MAX);
	value_print_raw(&text, kind, cell);
	yes = text_matches((struct str){buf_str(&text), text.len}, n->regex);
	buf_release(&text);
	return yes;
}

static bool cell_set(const struct value *cell, enum kind kind)
{
	if (cell->type == VALUE_TEXT)
		return cell->s.len > 0;
	return cell->type != VALUE_NULL &&
	       !(kind == KIND_BOOL && cell->type == VALUE_INT && cell->i == 0);
}

/* A range stands for the values in it: N of flows N.1 and N.2 is less than what is beyond both. */
static bool cell_ordered(const struct value *cell, const struct filter_node *n)
{
	const struct filter_value *v = &n->values[0];
	const struct value high = v->is_range ? value_int(v->high) : v->value;

	if (!comparable(cell, &v->value))
		return false;
	switch (n->op) {
	case FILTER_LT:
		return value_compare(cell, &v->value) < 0;
	case FILTER_LE:
		return value_compare(cell, &high) <= 0;
	case FILTER_GT:
		return value_compare(cell, &high) > 0;
	default:
		return value_compare(cell, &v->value) >= 0;
	}
}

/* The positive question: != asks ==, !~ asks ~, and the answer is turned by who asks. */
static bool cell_test(const struct filter_node *n, const struct value *cell, enum kind kind)
{
	switch (n->op) {
	case FILTER_SET:
		return cell_set(cell, kind);
	case FILTER_EQ:
	case FILTER_NE:
	case FILTER_IN:
		return any_equals(cell, n);
	case FILTER_MATCH:
	case FILTER_NO_MATCH:
		return cell_matches(cell, n, kind);
	default:
		return cell_ordered(cell, n);
	}
}

static bool column_test(const struct filter_node *n, const struct table *t, uint64_t row,
			int column)
{
	const struct value cell = t->cell(t->data, row, (unsigned)column);

	return cell_test(n, &cell, t->type->columns[column].kind);
}

static bool node_match(const struct filter_node *n, const struct table *t, uint64_t row)
{
	bool yes;

	switch (n->op) {
	case FILTER_TRUE:
		return true;
	case FILTER_AND:
		return node_match(n->left, t, row) && node_match(n->right, t, row);
	case FILTER_OR:
		return node_match(n->left, t, row) || node_match(n->right, t, row);
	case FILTER_NOT:
		return !node_match(n->left, t, row);
	default:
		yes = column_test(n, t, row, n->column) ||
		      (n->column_b >= 0 && column_test(n, t, row, n->column_b));
		return yes != (n->op == FILTER_NE || n->op == FILTER_NO_MATCH);
	}
}

bool filter_match(const struct filter *f, const struct table *t, uint64_t row)
{
	return node_match(f->root, t, row);
}
