/* The filter and its parser's state, shared by the files that make it. */
#ifndef TABLE_FILTER_TREE_H
#define TABLE_FILTER_TREE_H

#include "filter_lex.h"
#include "filter_words.h"
#include "table/filter.h"

struct filter {
	struct filter_node *root;
	struct filter_node **nodes; /* all of them, for freeing */
	unsigned count;
};

enum bpf_type { BPF_NONE, BPF_HOST, BPF_NET, BPF_PORT, BPF_PORTRANGE, BPF_PROTO };

/* What stands before an address or port in BPF's language. */
struct qualifier {
	const char *proto;
	enum end_side side;
	enum bpf_type type;
};

struct parser {
	const struct table_type *type;
	struct filter *filter;
	struct lex lex;
	struct token token; /* the next one */
	struct err *e;
	unsigned depth;
	bool bpf_only; /* no operator anywhere: and, or bind alike */
	bool has_last;
	struct qualifier last; /* `port 80 or 443`: holds for ids that follow */
};

int parser_advance(struct parser *p);
/* NULL: too many; said in p->e. */
struct filter_node *node_new(struct parser *p, enum filter_op op, int at);
/* NULL where a side is NULL already. */
struct filter_node *node_join(struct parser *p, enum filter_op op, struct filter_node *left,
			      struct filter_node *right, int at);
/* column op value; value is read as the column's kind says. */
struct filter_node *node_compare(struct parser *p, enum filter_op op, const struct name_columns *c,
				 struct str value, int at);
/* The row is of this protocol (BPF's name). */
struct filter_node *node_proto(struct parser *p, const char *proto, int at);
/* In filter_parse.c: ( ... ), not, one word. */
struct filter_node *parse_primary(struct parser *p);
/* In filter_bpf.c. first: a qualifier, which p->token follows. */
struct filter_node *parse_bpf(struct parser *p, const struct token *first);
struct filter_node *bpf_id(struct parser *p, const struct qualifier *q, struct str id, int at);
bool bpf_is_qualifier(struct str word);

#endif
