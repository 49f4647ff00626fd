/* What the journal gets to know: finished connections, at the heartbeat those that changed, gaps,
 * the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "owner.h"
#include "state.h"
#include "tables.h"

#define FORMER_BYTES (JOURNAL_RECORD_MAX + 256u * 1024) /* read at once of a former one */
#define BEAT_CONNECTIONS_MAX 100000u /* written at one heartbeat; the others come with the next */

int journal_start(struct reader *r, int fd, const struct msg_read_journal *m, struct err *e)
{
	if (r->journal) {
		(void)close(fd);
		return err_set(e, ERR_CALL, "this reader has a journal already");
	}
	r->base_connections = m->base_connections;
	r->journal = journal_new(fd, e);
	return r->journal ? 0 : -1;
}

static void former_note(struct reader *r, const struct journal_record *record)
{
	struct msg_j_connection m;

	if (record->type != MSG_J_CONNECTION ||
	    msg_get_j_connection(record->payload, record->len, &m, NULL) < 0 ||
	    m.segment >= r->former_before)
		return;
	const struct flows_known known = {.number = m.id,
					  .addr_a = m.addr_a,
					  .addr_b = m.addr_b,
					  .state = m.state,
					  .initiator = m.initiator,
					  .port_a = m.port_a,
					  .port_b = m.port_b,
					  .protocol = m.protocol};

	flows_know(r->capture.flows, &known);
}

void journal_former(struct reader *r)
{
	uint8_t *p = r->former_fd < 0 ? NULL : xmalloc(FORMER_BYTES);
	struct journal_record record;
	uint64_t offset = 0;
	ssize_t n = 0;

	while (p && (n = fdio_pread(r->former_fd, p, FORMER_BYTES, offset)) > 0) {
		const uint64_t base = offset, end = base + (uint64_t)n;

		while (offset < end && journal_get(p + (offset - base), (size_t)(end - offset),
						   offset, &record, NULL) == 1) {
			former_note(r, &record);
			offset = record.next;
		}
		if (offset == base)
			break;
	}
	free(p);
	if (r->former_fd >= 0)
		(void)close(r->former_fd);
	r->former_fd = -1;
}

/* Told once: the session goes on, its history will lack what could not be written. */
static void journal_trouble(struct reader *r, const struct err *e)
{
	struct msg_event m = {
		.time_ns = clock_now_ns(), .severity = str_of("error"), .where = str_of("reader")};
	char text[ERR_TEXT_MAX + 128];

	if (r->journal_failed)
		return;
	r->journal_failed = true;
	(void)snprintf(text, sizeof(text), "connections are missing in the journal: %s", e->text);
	m.sentence = str_of(text);
	(void)channel_put_event(r->control, 0, 0, &m);
}

static struct str journal_addr(const struct addr *a)
{
	size_t len = a->family == ADDR_IP4 ? 4 : a->family == ADDR_IP6 ? 16 : 0;

	return (struct str){(const char *)a->bytes, len};
}

static void journal_fill(struct msg_j_connection *m, const struct connection *c,
			 char vlan[CONNECTION_VLAN_TEXT])
{
	char initiator = c->initiator;

	*m = (struct msg_j_connection){
		.id = c->number,
		.protocol = c->protocol,
		.addr_a = journal_addr(&c->addr_a),
		.port_a = c->port_a,
		.addr_b = journal_addr(&c->addr_b),
		.port_b = c->port_b,
		.start_ns = c->start_ns == NS_NONE ? 0 : c->start_ns,
		.duration_ns = c->start_ns == NS_NONE ? 0 : c->last_ns - c->start_ns,
		.packets_ab = c->flow[0].packets,
		.bytes_ab = c->flow[0].bytes,
		.packets_ba = c->flow[1].packets,
		.bytes_ba = c->flow[1].bytes,
		.payload_ab = c->flow[0].payload,
		.payload_ba = c->flow[1].payload,
		.state = str_of(connection_state_name(c)),
		.history = str_of(c->history),
		.initiator = str_of(initiator == 'a'   ? "a"
				    : initiator == 'b' ? "b"
						       : ""),
		.app = str_of(connection_app(c)),
		.handshake_ns = c->handshake_ns,
		.retrans_ab = c->flow[0].retrans_packets,
		.retrans_ba = c->flow[1].retrans_packets,
		.tunnel = str_of(proto_name(c->tunnel)),
		.vlan = str_of(connection_vlan(c, vlan)),
		.segment = c->first_segment,
		.offset = c->first_offset,
		.proto = str_of(ip_protocol_name(c->protocol)),
	};
}

void journal_connection(void *reader, const struct connection *c, bool final)
{
	struct reader *r = reader;
	const struct owner *owner;
	struct msg_j_connection m;
	char vlan[CONNECTION_VLAN_TEXT];
	struct err e;

	if (!r->journal)
		return;
	journal_fill(&m, c, vlan);
	owner = owners_of(r->owners, c->number);
	if (owner) {
		m.process = str_of(owner->process);
		m.user = str_of(owner->user);
		m.unit = str_of(owner->unit);
	}
	m.final = final;
	if (journal_add_j_connection(r->journal, &m, &e) < 0)
		journal_trouble(r, &e);
}

void journal_gap(struct reader *r)
{
	const struct source_gap *g = &r->source.gap;
	const struct msg_j_gap m = {
		.from_ns = g->from_ns,
		.to_ns = g->to_ns,
		.where = str_of("reader"),
		.lost = g->lost,
		.why = str_of("the reader fell behind, and these packets were not kept for it")};
	struct err e;

	if (r->journal && journal_add_j_gap(r->journal, &m, &e) < 0)
		journal_trouble(r, &e);
}

void journal_beat(struct reader *r)
{
	struct err e;

	if (!r->journal)
		return;
	(void)flows_checkpoint(r->capture.flows, BEAT_CONNECTIONS_MAX);
	if (journal_flush(r->journal, &e) < 0)
		journal_trouble(r, &e);
}

int journal_finish(struct reader *r, struct err *e)
{
	const struct totals *t = &r->capture.totals;
	const struct msg_j_end m = {.time_ns = clock_now_ns(),
				    .reason = str_of("finished"),
				    .packets = t->packets,
				    .bytes = t->wire_bytes,
				    .dropped = r->source.lost,
				    .connections = flows_count(r->capture.flows)};

	if (!r->journal)
		return 0;
	if (journal_add_j_end(r->journal, &m, e) < 0)
		return -1;
	return journal_sync(r->journal, e);
}
