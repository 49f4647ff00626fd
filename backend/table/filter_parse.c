/* The filter language: comparisons of columns, BPF's words, and, or, not, brackets. */
#include "filter_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "filter_value.h"

#define REGEX_TEXT_MAX 1024u
#define REGEX_REPEAT_MAX 4096u /* product of all {n,m}: what the library would unroll */

static int shown(struct str s)
{
	return s.len > 100 ? 100 : (int)s.len;
}

int parser_advance(struct parser *p)
{
	return lex_next(&p->lex, &p->token, p->e);
}

struct filter_node *node_new(struct parser *p, enum filter_op op, int at)
{
	struct filter_node *n;

	if (p->filter->count == FILTER_NODES_MAX) {
		err_at(p->e, at, "this filter has more than %u parts", FILTER_NODES_MAX);
		return NULL;
	}
	n = xcalloc(1, sizeof(*n));
	n->op = op;
	n->column = n->column_b = -1;
	n->at = at;
	p->filter->nodes[p->filter->count++] = n;
	return n;
}

struct filter_node *node_join(struct parser *p, enum filter_op op, struct filter_node *left,
			      struct filter_node *right, int at)
{
	struct filter_node *n = left && right ? node_new(p, op, at) : NULL;

	if (!n)
		return NULL;
	n->left = left;
	n->right = right;
	return n;
}

static struct filter_node *column_node(struct parser *p, enum filter_op op,
				       const struct name_columns *c, int at)
{
	struct filter_node *n = node_new(p, op, at);

	if (n) {
		n->column = c->column;
		n->column_b = c->column_b;
	}
	return n;
}

static int value_add(struct parser *p, struct filter_node *n, struct str text, int at)
{
	const struct column *column = &p->type->columns[n->column];
	struct filter_value v;

	if (filter_value_parse(&v, column, text, at, p->e)) {
		filter_value_release(&v);
		return -1;
	}
	n->values = xreallocarray(n->values, n->nvalues + 1, sizeof(*n->values));
	n->values[n->nvalues++] = v;
	if (!v.is_net || n->op == FILTER_EQ || n->op == FILTER_NE || n->op == FILTER_IN)
		return 0;
	return err_at(p->e, at, "a net is compared with == or !=, not by size");
}

struct filter_node *node_compare(struct parser *p, enum filter_op op, const struct name_columns *c,
				 struct str value, int at)
{
	struct filter_node *n = column_node(p, op, c, at);

	return n && value_add(p, n, value, at) == 0 ? n : NULL;
}

/* The library makes {n} of n copies, of brackets inside brackets n * m: that is memory at the
 * asker's will. */
static int regex_check(struct parser *p, struct str text, int at)
{
	unsigned long product = 1;

	if (text.len > REGEX_TEXT_MAX || memchr(text.p, 0, text.len))
		return err_at(p->e, at, "this regular expression is longer than %u bytes",
			      REGEX_TEXT_MAX);
	for (size_t i = 0; i < text.len; i++) {
		unsigned long most = 0, n = 0;

		if (text.p[i] == '\\' && i + 1 < text.len && text.p[i + 1] >= '1' &&
		    text.p[i + 1] <= '9')
			return err_at(p->e, at, "a regular expression here has no back references");
		if (text.p[i] != '{')
			continue;
		for (i++; i < text.len && text.p[i] != '}'; i++) {
			n = text.p[i] >= '0' && text.p[i] <= '9'
				    ? n * 10 + (unsigned long)(text.p[i] - '0')
				    : 0;
			most = n > most ? n : most;
			if (most > REGEX_REPEAT_MAX)
				break;
		}
		product *= most > 1 ? most : 1;
		if (product > REGEX_REPEAT_MAX)
			return err_at(p->e, at, "this regular expression repeats too often");
	}
	return 0;
}

static int regex_add(struct parser *p, struct filter_node *n, struct str text, int at)
{
	char *copy, why[128];
	int rc;

	if (regex_check(p, text, at))
		return -1;
	copy = xstrndup(text.p, text.len);
	n->regex = xmalloc(sizeof(*n->regex));
	rc = regcomp(n->regex, copy, REG_EXTENDED | REG_NOSUB);
	free(copy);
	if (rc == 0) {
		n->values = xcalloc(1, sizeof(*n->values));
		copy = xmalloc(text.len);
		memcpy(copy, text.p, text.len);
		n->values[0].value = value_str((struct str){copy, text.len});
		n->nvalues = 1;
		return 0;
	}
	regerror(rc, n->regex, why, sizeof(why));
	free(n->regex);
	n->regex = NULL;
	return err_at(p->e, at, "this is no regular expression: %s", why);
}

static int take_list(struct parser *p, struct filter_node *n)
{
	if (parser_advance(p))
		return -1;
	if (p->token.kind != TOKEN_LIST_OPEN)
		return err_at(p->e, p->token.at, "a list such as [80, 443] is missing here");
	do {
		if (lex_value(&p->lex, &p->token, p->e))
			return -1;
		if (p->token.kind == TOKEN_END)
			return err_at(p->e, p->token.at, "a value is missing here");
		if (n->nvalues == FILTER_LIST_MAX)
			return err_at(p->e, p->token.at, "more than %u values", FILTER_LIST_MAX);
		if (value_add(p, n, p->token.text, p->token.at) || parser_advance(p))
			return -1;
	} while (p->token.kind == TOKEN_COMMA);
	if (p->token.kind != TOKEN_LIST_CLOSE)
		return err_at(p->e, p->token.at, "a comma or ] is missing here");
	return parser_advance(p);
}

static int take_operand(struct parser *p, struct filter_node *n)
{
	const bool match = n->op == FILTER_MATCH || n->op == FILTER_NO_MATCH;

	if (n->op == FILTER_IN)
		return take_list(p, n);
	if (match ? lex_regex(&p->lex, &p->token, p->e) : lex_value(&p->lex, &p->token, p->e))
		return -1;
	if (p->token.kind == TOKEN_END)
		return err_at(p->e, p->token.at, "a value is missing here");
	if (match ? regex_add(p, n, p->token.text, p->token.at)
		  : value_add(p, n, p->token.text, p->token.at))
		return -1;
	return parser_advance(p);
}

static int unknown_word(struct parser *p, const struct token *word)
{
	const char *near = name_nearest(p->type, word->text);

	return err_at(p->e, word->at, "%s has no column \"%.*s\"%s%s%s", p->type->name,
		      shown(word->text), word->text.p, near ? ": did you mean \"" : "",
		      near ? near : "", near ? "\"?" : "");
}

/* A synonym that names its protocol: the row must be of it too. */
static struct filter_node *with_proto(struct parser *p, const struct name_columns *c,
				      struct filter_node *n, int at)
{
	if (!n || !c->proto || table_column(p->type, str_of("proto")) < 0)
		return n;
	return node_join(p, FILTER_AND, node_proto(p, c->proto, at), n, at);
}

static struct filter_node *parse_comparison(struct parser *p, const struct token *word,
					    enum filter_op op)
{
	struct name_columns c;
	struct filter_node *n;

	if (!name_find(p->type, word->text, &c)) {
		unknown_word(p, word);
		return NULL;
	}
	n = column_node(p, op, &c, word->at);
	if (!n || take_operand(p, n))
		return NULL;
	return with_proto(p, &c, n, word->at);
}

/* The operator that p->token is. */
static bool operator_of(const struct token *t, enum filter_op *op)
{
	static const enum filter_op ops[] = {
		[TOKEN_EQ] = FILTER_EQ,	      [TOKEN_NE] = FILTER_NE,
		[TOKEN_LT] = FILTER_LT,	      [TOKEN_GT] = FILTER_GT,
		[TOKEN_LE] = FILTER_LE,	      [TOKEN_GE] = FILTER_GE,
		[TOKEN_MATCH] = FILTER_MATCH, [TOKEN_NO_MATCH] = FILTER_NO_MATCH,
	};

	if (t->kind == TOKEN_WORD && str_is(t->text, "in")) {
		*op = FILTER_IN;
		return true;
	}
	if (t->kind < TOKEN_EQ)
		return false;
	*op = ops[t->kind];
	return true;
}

static bool is_id(const struct token *t)
{
	return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED || t->kind == TOKEN_OPEN;
}

/* Whether a qualifier begins a primitive of BPF, or is a column's name that stands alone. */
static bool begins_bpf(const struct parser *p, const struct token *word)
{
	struct name_columns c;

	if (!bpf_is_qualifier(word->text))
		return false;
	if (is_id(&p->token) || !name_find(p->type, word->text, &c))
		return true;
	return p->bpf_only && (p->token.kind == TOKEN_AND || p->token.kind == TOKEN_OR) &&
	       (str_is(word->text, "src") || str_is(word->text, "dst"));
}

static struct filter_node *parse_word(struct parser *p)
{
	const struct token word = p->token;
	const struct name_columns app = {.column = table_column(p->type, str_of("app")),
					 .column_b = -1};
	struct name_columns c;
	enum filter_op op;

	if (parser_advance(p))
		return NULL;
	if (operator_of(&p->token, &op))
		return parse_comparison(p, &word, op);
	if (begins_bpf(p, &word))
		return parse_bpf(p, &word);
	if (name_find(p->type, word.text, &c)) {
		struct filter_node *n = column_node(p, FILTER_SET, &c, word.at);

		return with_proto(p, &c, n, word.at);
	}
	if (p->has_last)
		return bpf_id(p, &p->last, word.text, word.at);
	if (name_app(p->type, word.text))
		return node_compare(p, FILTER_EQ, &app, word.text, word.at);
	unknown_word(p, &word);
	return NULL;
}

static struct filter_node *parse_or(struct parser *p);

static struct filter_node *parse_brackets(struct parser *p)
{
	const int at = p->token.at;
	struct filter_node *n;

	if (parser_advance(p))
		return NULL;
	n = parse_or(p);
	if (!n)
		return NULL;
	if (p->token.kind != TOKEN_CLOSE) {
		err_at(p->e, p->token.kind == TOKEN_END ? at : p->token.at,
		       p->token.kind == TOKEN_END ? "this bracket is not closed"
						  : "and, or, or ) is missing here");
		return NULL;
	}
	return parser_advance(p) ? NULL : n;
}

static struct filter_node *parse_not(struct parser *p)
{
	const int at = p->token.at;
	struct filter_node *child, *n;

	if (parser_advance(p))
		return NULL;
	child = parse_primary(p);
	n = child ? node_new(p, FILTER_NOT, at) : NULL;
	if (n)
		n->left = child;
	return n;
}

struct filter_node *parse_primary(struct parser *p)
{
	struct filter_node *n = NULL;

	if (p->depth == FILTER_DEPTH_MAX) {
		err_at(p->e, p->token.at, "more than %u brackets inside one another",
		       FILTER_DEPTH_MAX);
		return NULL;
	}
	p->depth++;
	if (p->token.kind == TOKEN_OPEN)
		n = parse_brackets(p);
	else if (p->token.kind == TOKEN_NOT)
		n = parse_not(p);
	else if (p->token.kind == TOKEN_WORD)
		n = parse_word(p);
	else
		err_at(p->e, p->token.at, "a column, a protocol or an address is missing here");
	p->depth--;
	return n;
}

static struct filter_node *parse_and(struct parser *p)
{
	struct filter_node *n = parse_primary(p);

	while (n && p->token.kind == TOKEN_AND) {
		const int at = p->token.at;

		if (parser_advance(p))
			return NULL;
		n = node_join(p, FILTER_AND, n, parse_primary(p), at);
	}
	return n;
}

static struct filter_node *parse_or(struct parser *p)
{
	struct filter_node *n = parse_and(p);

	while (n && (p->token.kind == TOKEN_OR || (p->bpf_only && p->token.kind == TOKEN_AND))) {
		const enum filter_op op = p->token.kind == TOKEN_OR ? FILTER_OR : FILTER_AND;
		const int at = p->token.at;

		if (parser_advance(p))
			return NULL;
		n = node_join(p, op, n, p->bpf_only ? parse_primary(p) : parse_and(p), at);
	}
	return n;
}

static struct filter_node *parse_all(struct parser *p)
{
	struct filter_node *n;

	if (parser_advance(p))
		return NULL;
	if (p->token.kind == TOKEN_END)
		return node_new(p, FILTER_TRUE, 0);
	n = parse_or(p);
	if (!n || p->token.kind == TOKEN_END)
		return n;
	err_at(p->e, p->token.at,
	       p->token.kind == TOKEN_CLOSE ? "there is no bracket to close"
					    : "and or or is missing before this");
	return NULL;
}

struct filter *filter_parse(const struct table_type *t, struct str text, struct err *e)
{
	struct err unheard = {0};
	struct parser p = {.type = t, .e = e ? e : &unheard, .lex = {.text = text}};
	struct filter *f;

	if (text.len > FILTER_TEXT_MAX) {
		err_at(e, (int)FILTER_TEXT_MAX, "this filter is longer than %u bytes",
		       FILTER_TEXT_MAX);
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->nodes = xcalloc(FILTER_NODES_MAX, sizeof(struct filter_node *));
	p.filter = f;
	p.bpf_only = !lex_has_operator(text);
	buf_init(&p.lex.unquoted, FILTER_TEXT_MAX);
	f->root = parse_all(&p);
	buf_release(&p.lex.unquoted);
	if (f->root)
		return f;
	filter_free(f);
	return NULL;
}
