/* Names that stand for columns: either-end words, BPF's qualifiers, Wireshark's synonyms. */
#ifndef TABLE_FILTER_WORDS_H
#define TABLE_FILTER_WORDS_H

#include "base/str.h"
#include "table/table.h"

enum end_what { END_ADDR, END_PORT };
enum end_side { SIDE_EITHER, SIDE_SRC, SIDE_DST, SIDE_BOTH };

/* Columns that a name means. */
struct name_columns {
	int column, column_b; /* -1: none; column_b: the other end, either may match */
	const char *proto;    /* the row must be of it besides; NULL: of any */
};

/* false: the table has no such ends. SIDE_BOTH as SIDE_EITHER. */
bool name_ends(const struct table_type *t, enum end_what what, enum end_side side,
	       struct name_columns *c);
/* A column, an either-end word or a synonym. false: none of these, or not in this table. */
bool name_find(const struct table_type *t, struct str name, struct name_columns *c);
/* A protocol that BPF has a word for; NULL if it is none. */
const char *name_proto(struct str word);
/* The name in the proto column of an IP protocol number or name; NULL if unknown. */
const char *name_ip_proto(struct str word);
/* What a program calls its traffic (dns, tls ...), where the table has a column `app`. */
bool name_app(const struct table_type *t, struct str word);
/* The known word nearest to this one, NULL if none is near. */
const char *name_nearest(const struct table_type *t, struct str word);

#endif
