/* QUIC: the long headers of a datagram's packets, and what its Initial packets carry. Those are
 * encrypted with keys that everybody can make who saw the client's first packet (RFC 9001 5.2). */
#ifndef DECODE_QUIC_H
#define DECODE_QUIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUIC_ID_MAX 20u	       /* bytes of a connection id (RFC 9000 17.2) */
#define QUIC_PACKETS_MAX 8u    /* packets of one datagram */
#define QUIC_INITIAL_MAX 4096u /* bytes of an Initial packet that is opened */

enum quic_kind { QUIC_INITIAL, QUIC_0RTT, QUIC_HANDSHAKE, QUIC_RETRY, QUIC_NEGOTIATION };

/* Borrowed from the datagram. */
struct quic_packet {
	uint8_t kind; /* enum quic_kind */
	uint8_t destination_length, source_length;
	uint32_t version; /* 0 of a Version Negotiation */
	const uint8_t *first, *destination, *source;
	const uint8_t *number; /* NULL: cut off, or it has none */
	uint32_t length;       /* from the number on; 0 where it says none */
	bool whole;	       /* all of it is here */
};

/* Of both sides, the client's first. */
struct quic_keys {
	uint32_t version;
	uint8_t id[QUIC_ID_MAX], id_length; /* the client's first destination */
	uint8_t key[2][16], iv[2][12], header[2][16];
};

/* What a packet carries, and a piece of the handshake in it. */
struct quic_frames {
	const uint8_t *data;
	size_t left;
};
struct quic_crypto {
	uint64_t offset;
	const uint8_t *data;
	size_t length;
};

/* The first packet of `length` bytes; how many it takes, 0: there is none with a long header. */
size_t quic_packet_read(struct quic_packet *q, const uint8_t *p, size_t length);
/* false: a version whose keys are not known. */
bool quic_keys_make(struct quic_keys *k, uint32_t version, const uint8_t *id, uint8_t id_length);
/* Opens an Initial packet of the client or the server; false: it is not encrypted so. */
bool quic_open(const struct quic_keys *k, bool server, const struct quic_packet *q,
	       uint8_t plain[QUIC_INITIAL_MAX], struct quic_frames *frames);
/* The next piece of handshake; false: no more. */
bool quic_crypto_next(struct quic_frames *f, struct quic_crypto *c);

#endif
