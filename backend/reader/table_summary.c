#include <stdio.h>
#include <string.h>

#include "tables.h"

#define SUMMARY(X)                                                                                 \
	X(FILE, "file", TEXT, 0, "", "What was read.")                                             \
	X(FORMAT, "format", TEXT, 0, "",                                                           \
	  "pcap, nsecpcap (nanoseconds), modpcap or pcapng; of several files all that they are.")  \
	X(LINK_TYPES, "link_types", TEXT, 0, "", "How packets begin, by libpcap's names.")         \
	X(INTERFACES, "interfaces", COUNT, 0, "", "Interfaces that the capture names.")            \
	X(PRECISION, "precision", TEXT, 0, "", "The unit of its times.")                           \
	X(SNAPLEN, "snaplen", BYTES, 0, "bytes",                                                   \
	  "The most that was kept of a packet; empty for no limit.")                               \
	X(PACKETS, "packets", COUNT, 0, "packets", "Packets that were read.")                      \
	X(FILE_BYTES, "file_bytes", BYTES, 0, "bytes", "Bytes of the file.")                       \
	X(WIRE_BYTES, "wire_bytes", BYTES, 0, "bytes", "Bytes that the packets had on the wire.")  \
	X(CAPTURED_BYTES, "captured_bytes", BYTES, 0, "bytes", "Bytes of them that were kept.")    \
	X(FIRST_TIME, "first_time", TIME, 0, "", "The earliest packet's time.")                    \
	X(LAST_TIME, "last_time", TIME, 0, "", "The latest packet's time.")                        \
	X(DURATION_S, "duration_s", SECONDS, 0, "s",                                               \
	  "Time from the earliest packet to the latest.")                                          \
	X(IN_ORDER, "in_order", BOOL, 0, "",                                                       \
	  "Whether every packet has a time, and none is earlier than the one before it.")          \
	X(CONNECTIONS, "connections", COUNT, 0, "", "Connections that were found.")                \
	X(DAMAGE, "damage", TEXT, 0, "", "What is damaged, cut short or missing, and where.")      \
	X(OTHER_PACKETS, "other_packets", COUNT, COLUMN_HIDDEN, "packets",                         \
	  "Packets of no connection: what is not IP.")                                             \
	X(OTHER_BYTES, "other_bytes", BYTES, COLUMN_HIDDEN, "bytes",                               \
	  "Bytes on the wire of those.")                                                           \
	X(UNDECODED, "undecoded", COUNT, COLUMN_HIDDEN, "packets",                                 \
	  "Packets with something behind the last header that is not decoded yet.")

#define SUMMARY_ENUM(NAME, name, kind, flags, unit, summary) SUMMARY_##NAME,
enum summary_column { SUMMARY(SUMMARY_ENUM) SUMMARY_COLUMNS };

static const struct column columns[] = {SUMMARY(TABLE_COLUMN)};

const struct table_type type_summary = {
	.name = "summary",
	.summary = "The capture as a whole, in one row.",
	.arguments = "",
	.columns = columns,
	.ncolumns = SUMMARY_COLUMNS,
};

static uint64_t rows(void *ask)
{
	(void)ask;
	return 1;
}

/* It changes with every packet. */
static uint64_t version(void *ask)
{
	const struct ask *a = ask;

	return a->capture->totals.packets + (a->pass ? a->pass->totals.packets : 0);
}

/* Adds a word to a list that is joined by blanks, once. */
static void add_word(char *list, size_t room, const char *word)
{
	size_t len = strlen(list), n = strlen(word);

	for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return;
	if (len + n + 2 <= room)
		(void)snprintf(list + len, room - len, "%s%s", len ? " " : "", word);
}

static struct value words(struct ask *a, bool precisions)
{
	const struct source *s = &a->reader->source;
	char one[PRECISION_TEXT];

	a->text[0] = '\0';
	for (uint32_t i = 0; i < s->nshown; i++) {
		const struct capture_interface *c = source_shown(s, i);

		add_word(a->text, sizeof(a->text),
			 precisions ? precision_name(c->resolution, one)
				    : link_type_name(c->link_type, one));
	}
	return value_text(a->text[0] ? a->text : NULL);
}

static struct value formats(struct ask *a)
{
	const struct source *s = &a->reader->source;

	if (s->nparts == 0)
		return value_text(blocks_format(s->live.blocks));
	a->text[0] = '\0';
	for (uint32_t i = 0; i < s->nparts; i++)
		add_word(a->text, sizeof(a->text), blocks_format(capfile_blocks(s->part[i].file)));
	return value_text(a->text);
}

static struct value names(struct ask *a)
{
	const struct source *s = &a->reader->source;

	if (s->live.mapped)
		return value_text(s->live.name);
	a->text[0] = '\0';
	for (uint32_t i = 0; i < s->nparts; i++)
		add_word(a->text, sizeof(a->text), s->part[i].name);
	return value_text(a->text);
}

static struct value snaplen(const struct source *s)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < s->nshown; i++) {
		const struct capture_interface *c = source_shown(s, i);

		if (c->snaplen == 0)
			return value_null();
		most = c->snaplen > most ? c->snaplen : most;
	}
	return most ? value_int(most) : value_null();
}

static struct value of_source(struct ask *a, enum summary_column column)
{
	struct source *s = &a->reader->source;

	switch (column) {
	case SUMMARY_FILE:
		return names(a);
	case SUMMARY_FORMAT:
		return formats(a);
	case SUMMARY_LINK_TYPES:
		return words(a, false);
	case SUMMARY_INTERFACES:
		return value_count(s->nshown);
	case SUMMARY_PRECISION:
		return words(a, true);
	case SUMMARY_SNAPLEN:
		return snaplen(s);
	case SUMMARY_FILE_BYTES:
		return s->nparts ? value_count(source_file_bytes(s)) : value_null();
	case SUMMARY_DAMAGE:
		(void)snprintf(a->text, sizeof(a->text), "%s", source_damage(s));
		return value_text(a->text[0] ? a->text : NULL);
	default:
		return value_null();
	}
}

static struct value cell(void *ask, uint64_t row, unsigned column)
{
	struct ask *a = ask;
	const struct totals *t = a->pass ? &a->pass->totals : &a->capture->totals;

	(void)row;
	switch ((enum summary_column)column) {
	case SUMMARY_PACKETS:
		return value_count(t->packets);
	case SUMMARY_WIRE_BYTES:
		return value_count(t->wire_bytes);
	case SUMMARY_CAPTURED_BYTES:
		return value_count(t->captured_bytes);
	case SUMMARY_FIRST_TIME:
		return t->has_time ? value_int(t->first_ns) : value_null();
	case SUMMARY_LAST_TIME:
		return t->has_time ? value_int(t->last_ns) : value_null();
	case SUMMARY_DURATION_S:
		return t->has_time ? value_int(t->last_ns - t->first_ns) : value_null();
	case SUMMARY_IN_ORDER:
		return value_int(!t->disordered);
	case SUMMARY_CONNECTIONS:
		return value_count(a->pass ? pass_connections(a->pass)
					   : flows_count(a->capture->flows) - a->capture->base);
	case SUMMARY_OTHER_PACKETS:
		return value_count(t->other_packets);
	case SUMMARY_OTHER_BYTES:
		return value_count(t->other_bytes);
	case SUMMARY_UNDECODED:
		return a->pass ? value_null() : value_count(t->undecoded);
	default:
		return of_source(a, column);
	}
}

const struct table_kind table_summary = {
	.type = &type_summary, .rows = rows, .version = version, .cell = cell};
