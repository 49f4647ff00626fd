#include "cli.h"

#include <string.h>

#include "base/xalloc.h"

static const struct capture_table tables[] = {
	{"summary", "", "the file or session in one row: packets, bytes, times, damage", 0, false},
	{"interfaces", "", "the interfaces that packets came from", 0, false},
	{"connections", "", "who talked with whom: one row a connection", 0, false},
	{"flows", "", "each direction of each connection, with its figures", 0, false},
	{"endpoints", "", "each address, with what it sent and received", 0, false},
	{"protocols", "", "packets and bytes by protocol, as a tree", 0, false},
	{"packets", "", "one row a packet", 0, false},
	{"packet", "N", "the fields of packet N, as a tree", 1, false},
	{"hex", "N", "the bytes of packet N", 1, false},
	{"findings", "", "what looks wrong, and where", 0, true},
	{"dns", "", "questions and answers of DNS", 0, false},
	{"tls", "", "hellos, certificates and alerts of TLS", 0, false},
	{"http", "", "requests and responses of HTTP", 0, false},
	{"icmp", "", "messages of ICMP and what they are about", 0, false},
	{"series", "KIND N|N.M", "a figure of a connection over time", 2, true},
	{"ladder", "N", "the packets of connection N between its two ends", 1, true},
	{"stream", "N|N.M", "what connection N carried, in order", 1, true},
	{"counters", "", "what each counter of a session has seen", 0, false},
	{"columns", "", "the columns of all these tables, with their definitions", 0, false},
};

const struct capture_table *capture_table_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(tables); i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	return NULL;
}

const struct capture_table *capture_table_at(size_t i)
{
	for (size_t at = 0; at < ARRAY_LEN(tables); at++)
		if (!tables[at].later && i-- == 0)
			return &tables[at];
	return NULL;
}
