/* The readable messages of TLS, over TCP, over datagrams and in QUIC: hellos, certificates, alerts.
 */
#include <stdlib.h>

#include "base/xalloc.h"
#include "columns.h"
#include "tls_private.h"

#define TLS(X)                                                                                     \
	X(PACKET, "packet", COUNT, 0, "", "The packet in which the message ended.")                \
	X(CONNECTION, "connection", COUNT, 0, "", "The connection's number.")                      \
	X(KIND, "kind", TEXT, 0, "",                                                               \
	  "client_hello, server_hello, certificate or alert; over TCP, in DTLS or in QUIC.")       \
	X(SNI, "sni", TEXT, 0, "", "The server's name that the client asks for.")                  \
	X(VERSION, "version", TEXT, 0, "",                                                         \
	  "What was agreed on; of a client hello the best that it offers.")                        \
	X(ALPN, "alpn", TEXT, 0, "",                                                               \
	  "Application protocols, offered or agreed on, joined by blanks.")                        \
	X(CIPHER, "cipher", TEXT, 0, "", "The cipher suite that was agreed on, by IANA's name.")   \
	X(DETAIL, "detail", TEXT, COLUMN_HIDDEN, "", "What an alert says.")                        \
	X(DIRECTION, "direction", TEXT, COLUMN_HIDDEN, "", "ab or ba, within its connection.")

#define TLS_ENUM(NAME, name, kind, flags, unit, summary) TLS_##NAME,
enum tls_column { TLS(TLS_ENUM) TLS_COLUMNS };

static const char *const kinds[] = {"client_hello", "server_hello", "certificate", "alert"};
static const struct column columns[] = {TLS(ANALYSIS_COLUMN)};

const struct table_type type_tls = {
	.name = "tls",
	.summary =
		"One row a readable message of TLS, DTLS or QUIC: hellos, certificates and alerts.",
	.arguments = "",
	.columns = columns,
	.ncolumns = TLS_COLUMNS,
};

static bool packet_is(const struct decoded *d, uint8_t protocol)
{
	return d->nlayers && d->layer[d->nlayers - 1].protocol == protocol;
}

static void packet(void *state, const struct analysis_packet *any)
{
	struct tls *s = state;
	const struct analysis_packet *p = messages_whole(&s->m, any);

	if (!p)
		return;
	if (p->d->flags & DECODE_TCP)
		talks_packet(&s->m.talks, p);
	else if (packet_is(p->d, PROTO_QUIC))
		tls_quic_packet(s, p);
	else if (packet_is(p->d, PROTO_DTLS))
		tls_dtls_packet(s, p);
}

/* --- the table --- */

static void *start(void)
{
	struct tls *s = xcalloc(1, sizeof(*s));

	messages_init(&s->m, sizeof(struct tls_row), &tls_talk, s);
	tls_quic_init(s);
	tls_dtls_init(s);
	return s;
}

static void tls_free(void *state)
{
	struct tls *s = state;

	keyed_release(&s->quic);
	keyed_release(&s->dtls);
	messages_release(&s->m);
	free(s);
}

static struct value cell(void *state, uint64_t row, unsigned column)
{
	struct tls *s = state;
	const struct tls_row *r = rows_at(&s->m.rows, row);

	if (!r)
		return value_null();
	switch ((enum tls_column)column) {
	case TLS_PACKET:
		return value_count(r->packet);
	case TLS_CONNECTION:
		return value_count(r->connection);
	case TLS_KIND:
		return value_text(kinds[r->kind]);
	case TLS_SNI:
		return rows_value(&s->m.rows, row, r->sni);
	case TLS_VERSION:
		return r->version ? value_text(tls_version_name(r->version, s->word))
				  : value_null();
	case TLS_ALPN:
		return rows_value(&s->m.rows, row, r->alpn);
	case TLS_CIPHER:
		return r->has_cipher ? value_text(tls_cipher_name(r->cipher, s->word))
				     : value_null();
	case TLS_DETAIL:
		return rows_value(&s->m.rows, row, r->detail);
	case TLS_DIRECTION:
		return value_text(r->direction ? "ba" : "ab");
	default:
		return value_null();
	}
}

const struct analysis_type analysis_tls = {
	.stands = true,
	.start = start,
	.free = tls_free,
	.packet = packet,
	.end = messages_end,
	.rows = messages_rows,
	.version = messages_version,
	.cell = cell,
	.lacks = messages_lack,
};
