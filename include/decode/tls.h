/* Messages of Transport Layer Security apart from any packet. */
#ifndef DECODE_TLS_H
#define DECODE_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TLS_WORD_TEXT 16u /* bytes of a number as text */

/* Borrowed from the message; empty where it does not say. */
struct tls_hello {
	uint16_t version; /* negotiated, or the best that is offered; 0: not here */
	uint16_t cipher;  /* of a ServerHello */
	struct str sni;	  /* as it lies: hostile */
	struct str alpn;  /* names, each with its length before it (RFC 7301) */
};

/* `body`: of the handshake message of TLS or DTLS, behind its header; what is cut off stays
 * unknown. */
void tls_hello_read(struct tls_hello *h, const uint8_t *body, size_t length, bool client);
/* "TLS 1.2", or the number. */
const char *tls_version_name(uint16_t version, char text[TLS_WORD_TEXT]);
/* IANA's name, or 0x1301. */
const char *tls_cipher_name(uint16_t cipher, char text[TLS_WORD_TEXT]);
/* "handshake_failure", or the number. */
const char *tls_alert_name(uint8_t alert, char text[TLS_WORD_TEXT]);

#endif
