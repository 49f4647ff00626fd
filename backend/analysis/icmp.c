/* Messages of ICMP, in both versions of IP, and the connection that an error is about. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "columns.h"
#include "rows.h"

#define ICMP(X)                                                                                    \
	X(PACKET, "packet", COUNT, 0, "", "The packet's number.")                                  \
	X(CONNECTION, "connection", COUNT, 0, "", "The connection that it counts for.")            \
	X(KIND, "kind", TEXT, 0, "", "The message by name, as destination_unreachable.")           \
	X(CODE, "code", COUNT, 0, "", "Its code.")                                                 \
	X(ABOUT, "about", COUNT, 0, "",                                                            \
	  "The connection of the packet that an error quotes, where the capture has it.")          \
	X(REASON, "reason", TEXT, COLUMN_HIDDEN, "", "What the code means.")                       \
	X(TYPE, "type", COUNT, COLUMN_HIDDEN, "", "The message by number.")

#define ICMP_ENUM(NAME, name, kind, flags, unit, summary) ICMP_##NAME,
enum icmp_column { ICMP(ICMP_ENUM) ICMP_COLUMNS };

#define KIND_MAX 40u /* bytes of a kind's name, with its end */

static const struct column columns[] = {ICMP(ANALYSIS_COLUMN)};

const struct table_type type_icmp = {
	.name = "icmp",
	.summary = "One row a message of ICMP or ICMPv6.",
	.arguments = "",
	.columns = columns,
	.ncolumns = ICMP_COLUMNS,
};

struct icmp_row {
	uint64_t packet, connection, about;
	struct row_text kind, reason;
	uint8_t type, code;
};

struct icmp {
	struct rows rows;
};

/* What the tree of fields says of the message: "3 destination unreachable", "3 port". */
struct words {
	bool inside; /* of ICMP's own layer */
	unsigned depth;
	char kind[KIND_MAX], reason[KIND_MAX];
};

static void word_keep(char out[KIND_MAX], struct str value, bool joined)
{
	const char *blank = memchr(value.p, ' ', value.len);
	size_t n = blank ? value.len - (size_t)(blank + 1 - value.p) : 0;

	(void)snprintf(out, KIND_MAX, "%.*s", (int)n, blank ? blank + 1 : "");
	for (char *p = out; *p && joined; p++)
		if (*p == ' ')
			*p = '_';
}

static void on_field(void *arg, unsigned depth, const char *name, struct str value, uint32_t offset,
		     uint32_t length)
{
	struct words *w = arg;

	(void)offset;
	(void)length;
	if (strcmp(name, "icmp") == 0 || strcmp(name, "icmp6") == 0) {
		w->inside = !w->kind[0];
		w->depth = depth;
		return;
	}
	if (!w->inside || depth != w->depth + 1)
		return;
	if (strcmp(name, "type") == 0)
		word_keep(w->kind, value, true);
	else if (strcmp(name, "code") == 0)
		word_keep(w->reason, value, false);
	w->inside = strcmp(name, "code") != 0;
}

static bool is_icmp(const struct decoded *d)
{
	for (unsigned i = d->nlayers; i > 0; i--) {
		uint8_t protocol = d->layer[i - 1].protocol;

		if (protocol == PROTO_ICMP || protocol == PROTO_ICMP6)
			return (d->flags & DECODE_IP) && d->layer[i - 1].length >= 4;
		if (protocol != PROTO_DATA)
			return false;
	}
	return false;
}

static void packet(void *state, const struct analysis_packet *p)
{
	struct icmp *i = state;
	struct words w = {0};

	if (!is_icmp(p->d))
		return;
	decode_fields(p->d, p->data, p->captured, p->length, on_field, &w);
	if (!w.kind[0] || strcmp(w.kind, "unknown") == 0)
		(void)snprintf(w.kind, sizeof(w.kind), "type_%u", p->d->icmp_type);
	struct icmp_row *row = rows_add(&i->rows);

	row->packet = p->number;
	row->connection = p->connection;
	row->about = p->about;
	row->type = p->d->icmp_type;
	row->code = p->d->icmp_code;
	row->kind = rows_text(&i->rows, str_of(w.kind));
	row->reason = rows_text(&i->rows, str_of(w.reason));
}

static void *start(void)
{
	struct icmp *i = xcalloc(1, sizeof(*i));

	rows_init(&i->rows, sizeof(struct icmp_row));
	return i;
}

static void icmp_free(void *state)
{
	struct icmp *i = state;

	rows_release(&i->rows);
	free(i);
}

static uint64_t rows(const void *state)
{
	return ((const struct icmp *)state)->rows.count;
}

static uint64_t version(const void *state)
{
	return ((const struct icmp *)state)->rows.gone;
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	const struct rows *r = &((struct icmp *)state)->rows;
	const struct icmp_row *i = rows_at(r, row);

	if (!i)
		return value_null();
	switch ((enum icmp_column)column) {
	case ICMP_PACKET:
		return value_count(i->packet);
	case ICMP_CONNECTION:
		return i->connection ? value_count(i->connection) : value_null();
	case ICMP_KIND:
		return rows_value(r, row, i->kind);
	case ICMP_CODE:
		return value_int(i->code);
	case ICMP_ABOUT:
		return i->about ? value_count(i->about) : value_null();
	case ICMP_REASON:
		return rows_value(r, row, i->reason);
	case ICMP_TYPE:
		return value_int(i->type);
	default:
		return value_null();
	}
}

static bool lacks(const void *state, char note[ANALYSIS_NOTE_MAX])
{
	return rows_lack(&((const struct icmp *)state)->rows, "messages", note);
}

const struct analysis_type analysis_icmp = {
	.stands = true,
	.quotes = true,
	.start = start,
	.free = icmp_free,
	.packet = packet,
	.rows = rows,
	.version = version,
	.cell = cell,
	.lacks = lacks,
};
