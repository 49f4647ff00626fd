#include "cli.h"

#include <string.h>

#include "base/xalloc.h"

static const struct capture_table tables[] = {
	{"summary", "", "the file or session in one row: packets, bytes, times, damage", 0},
	{"interfaces", "", "the interfaces that packets came from", 0},
	{"connections", "", "who talked with whom: one row a connection", 0},
	{"flows", "", "each direction of each connection, with its figures", 0},
	{"endpoints", "", "each address, with what it sent and received", 0},
	{"protocols", "", "packets and bytes by protocol, as a tree", 0},
	{"packets", "", "one row a packet", 0},
	{"packet", "N", "the fields of packet N, as a tree", 1},
	{"hex", "N", "the bytes of packet N", 1},
	{"findings", "", "what looks wrong, and where", 0},
	{"dns", "", "questions and answers of DNS", 0},
	{"tls", "", "hellos, certificates and alerts of TLS", 0},
	{"http", "", "requests and responses of HTTP", 0},
	{"icmp", "", "messages of ICMP and what they are about", 0},
	{"series", "KIND N|N.M", "a figure over time: throughput goodput timeseq rtt inflight window spacing ack-spacing size", 2},
	{"ladder", "N", "the packets of connection N between its two ends", 1},
	{"stream", "N|N.M", "what connection N carried, in order", 1},
	{"counters", "", "what each counter of a session has seen", 0},
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
	return i < ARRAY_LEN(tables) ? &tables[i] : NULL;
}
