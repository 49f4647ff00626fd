/* The one filter language (CONTRACT: Filter), parsed against a table's columns, kept as a tree so that the history
 * can make SQL of it. A column alone: is set. either-end words addr port host: neither end for !=.
 * An unknown cell is not less, equal or greater than anything, so that it passes != and !~ only. `src` and `dst` of a
 * connection are its ends A and B. `and` binds before `or`; in an expression of BPF's words alone (no operator) both
 * bind alike, from the left, as in BPF. */
#ifndef TABLE_FILTER_H
#define TABLE_FILTER_H

#include <regex.h>

#include "base/err.h"
#include "table/table.h"

#define FILTER_TEXT_MAX (64u * 1024) /* bytes of an expression */
#define FILTER_DEPTH_MAX 64u	     /* brackets and nots inside one another */
#define FILTER_NODES_MAX 1024u
#define FILTER_LIST_MAX 256u /* values of one `in` */

enum filter_op {
	FILTER_AND, FILTER_OR, FILTER_NOT,
	FILTER_SET,					      /* column has a value */
	FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_GT, FILTER_LE, FILTER_GE,
	FILTER_MATCH, FILTER_NO_MATCH,			      /* ~ !~ */
	FILTER_IN,
	FILTER_TRUE,					      /* the empty expression */
};

struct filter_value {
	struct value value;   /* texts owned by the filter */
	bool is_net;	      /* value.a with prefix */
	unsigned prefix_bits;
	bool is_range;	      /* portrange: value.i to high */
	int64_t high;
};

struct filter_node {
	enum filter_op op;
	struct filter_node *left, *right; /* AND OR; NOT has left */
	int column;			  /* of the table; -1 for AND OR NOT TRUE */
	int column_b;			  /* the other end for either-end words, else -1: either may match */
	struct filter_value *values;	  /* one, or those of IN */
	unsigned nvalues;
	regex_t *regex; /* MATCH NO_MATCH */
	int at;		/* byte of the text where it stands */
};

struct filter;

/* Errors are ERR_CALL with the place of the fault and, for an unknown word, the nearest known one. */
struct filter *filter_parse(const struct table_type *t, struct str text, struct err *e);
void filter_free(struct filter *f);
bool filter_match(const struct filter *f, const struct table *t, uint64_t row);
const struct filter_node *filter_root(const struct filter *f);

#endif
