#include <stdio.h>

#include "tables.h"

#define INTERFACES(X)                                                                              \
	X(ID, "id", COUNT, 0, "", "The interface's number in the capture, from 0.")                \
	X(NAME, "name", TEXT, 0, "", "Its name, where the capture says it.")                       \
	X(LINK_TYPE, "link_type", TEXT, 0, "", "How its packets begin, by libpcap's name.")        \
	X(PRECISION, "precision", TEXT, 0, "", "The unit of its times.")                           \
	X(SNAPLEN, "snaplen", BYTES, 0, "bytes",                                                   \
	  "The most that was kept of a packet; empty for no limit.")                               \
	X(FILTER, "filter", TEXT, 0, "", "The capture filter, where the capture says it.")         \
	X(PACKETS, "packets", COUNT, 0, "packets", "Packets that came in by it.")                  \
	X(BYTES, "bytes", BYTES, 0, "bytes", "Bytes on the wire that came in by it.")              \
	X(DROPPED, "dropped", COUNT, 0, "packets",                                                 \
	  "Packets that the capturing machine says it dropped.")                                   \
	X(COMMENT, "comment", TEXT, 0, "", "The capture's comment on it.")

#define INTERFACE_ENUM(NAME, name, kind, flags, unit, summary) INTERFACE_##NAME,
enum interface_column { INTERFACES(INTERFACE_ENUM) INTERFACE_COLUMNS };

static const struct column columns[] = {INTERFACES(TABLE_COLUMN)};

const struct table_type type_interfaces = {
	.name = "interfaces",
	.summary = "One row an interface of the capture.",
	.arguments = "",
	.columns = columns,
	.ncolumns = INTERFACE_COLUMNS,
};

static uint64_t rows(void *ask)
{
	const struct ask *a = ask;

	return a->reader->source.nshown;
}

static struct value cell(void *ask, uint64_t row, unsigned column)
{
	struct ask *a = ask;
	const struct capture_interface *i = source_shown(&a->reader->source, (uint32_t)row);
	const struct totals *t = a->pass ? &a->pass->totals : &a->capture->totals;
	const struct interface_count none = {0},
				     *n = row < t->ninterfaces ? &t->interface[row] : &none;

	if (!i)
		return value_null();
	switch ((enum interface_column)column) {
	case INTERFACE_ID:
		return value_count(row);
	case INTERFACE_NAME:
		return value_text(i->name);
	case INTERFACE_LINK_TYPE:
		return value_text(link_type_name(i->link_type, a->text));
	case INTERFACE_PRECISION:
		return value_text(precision_name(i->resolution, a->text));
	case INTERFACE_SNAPLEN:
		return i->snaplen ? value_int(i->snaplen) : value_null();
	case INTERFACE_FILTER:
		return value_text(i->filter);
	case INTERFACE_PACKETS:
		return value_count(n->packets);
	case INTERFACE_BYTES:
		return value_count(n->bytes);
	case INTERFACE_DROPPED:
		return i->dropped == UINT64_MAX ? value_null() : value_count(i->dropped);
	case INTERFACE_COMMENT:
		return value_text(i->comment);
	default:
		return value_null();
	}
}

const struct table_kind table_interfaces = {.type = &type_interfaces, .rows = rows, .cell = cell};

const char *precision_name(uint8_t resolution, char text[PRECISION_TEXT])
{
	static const char *const names[] = {
		[0] = "seconds", [3] = "milliseconds", [6] = "microseconds", [9] = "nanoseconds"};

	if (resolution < sizeof(names) / sizeof(names[0]) && names[resolution])
		return names[resolution];
	(void)snprintf(text, PRECISION_TEXT, "%u^-%u s", resolution & 0x80 ? 2u : 10u,
		       resolution & 0x7fu);
	return text;
}
