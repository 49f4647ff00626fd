/* Inside of the analysis tls: its rows, and what the carriers of its messages share. */
#ifndef ANALYSIS_TLS_PRIVATE_H
#define ANALYSIS_TLS_PRIVATE_H

#include "decode/tls.h"
#include "keyed.h"
#include "messages.h"

#define TLS_HANDSHAKE_HEADER 4u
#define TLS_HANDSHAKE_MAX (64u * 1024) /* bytes of messages that wait, a direction */
#define TLS_WAITING_MAX (64u << 20)    /* in all connections together */
#define TLS_CARRIED_MAX 16384u	       /* connections of QUIC, or of DTLS, that are kept at once */

enum { TLS_CLIENT_HELLO = 1, TLS_SERVER_HELLO = 2, TLS_CERTIFICATE = 11 };
enum {
	TLS_RECORD_CIPHER = 20,
	TLS_RECORD_ALERT,
	TLS_RECORD_HANDSHAKE,
	TLS_RECORD_DATA,
	TLS_RECORD_HEARTBEAT
};
enum tls_kind {
	TLS_KIND_CLIENT_HELLO,
	TLS_KIND_SERVER_HELLO,
	TLS_KIND_CERTIFICATE,
	TLS_KIND_ALERT
};

struct tls_row {
	uint64_t packet, connection;
	struct row_text sni, alpn, detail;
	uint16_t version, cipher;
	uint8_t kind, direction;
	bool has_cipher;
};

struct tls {
	struct messages m;	     /* over TCP */
	struct keyed quic, dtls;     /* struct quic_talk, struct dtls_talk */
	struct tcp_stream_pool pool; /* of these two */
	uint64_t waiting;	     /* bytes taken for handshake messages that are not whole */
	char word[TLS_WORD_TEXT];
};

/* Where a message ended. `version`: of those that do not say it themselves; a server's hello
 * changes it. */
struct tls_place {
	uint64_t packet, connection;
	uint16_t version;
	uint8_t direction;
};

struct tls_row *tls_row_add(struct tls *s, const struct tls_place *w, enum tls_kind kind);
/* A row of a handshake message, where it is one that has rows. */
void tls_message_add(struct tls *s, struct tls_place *w, unsigned type, const uint8_t *body,
		     size_t length);
void tls_alert_add(struct tls *s, const struct tls_place *w, const uint8_t alert[2]);
/* Bytes of handshake messages in order: rows of those that are whole, the rest waits. `last`:
 * nothing will come behind them. false: this is no readable handshake. */
bool tls_handshake_add(struct tls *s, struct tls_place *w, struct buf *waits, const uint8_t *p,
		       size_t length, bool last);
/* false: past a limit. */
bool tls_waiting_add(struct tls *s, struct buf *waits, const uint8_t *p, size_t length);
void tls_waiting_release(struct tls *s, struct buf *waits);

extern const struct talk_type tls_talk; /* its state is struct tls */
void tls_quic_init(struct tls *s);
void tls_quic_packet(struct tls *s, const struct analysis_packet *p);
void tls_dtls_init(struct tls *s);
void tls_dtls_packet(struct tls *s, const struct analysis_packet *p);

#endif
