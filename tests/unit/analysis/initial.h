/* QUIC's Initial packets, made as a client or a server makes them. */
#ifndef TESTS_ANALYSIS_INITIAL_H
#define TESTS_ANALYSIS_INITIAL_H

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/modes.h>

#include "decode/quic.h"
#include "unit/decode/packets.h"

#define TAG_BYTES 16u

struct side {
	struct quic_keys keys;
	bool server;
	const char *destination, *source; /* ids */
	uint8_t number;
};

static inline void side_init(struct side *s, const char *first_id, bool server,
			     const char *destination, const char *source)
{
	*s = (struct side){.server = server, .destination = destination, .source = source};
	(void)quic_keys_make(&s->keys, 1, (const uint8_t *)first_id, (uint8_t)strlen(first_id));
}

static inline void put_crypto(struct made *m, uint32_t offset, const uint8_t *p, uint32_t length)
{
	put8(m, 6);
	put16(m, 0x4000 | offset);
	put16(m, 0x4000 | length);
	put(m, p, length);
}

/* RFC 9001 5.3, 5.4: encrypts, and hides the first byte and the number. */
static inline void seal(const struct side *s, struct made *m, uint32_t first, uint32_t number,
			const struct made *plain)
{
	const unsigned i = s->server ? 1 : 0;
	uint8_t nonce[12], mask[16];
	GCM128_CONTEXT *gcm;
	AES_KEY key, header;

	memcpy(nonce, s->keys.iv[i], 12);
	nonce[11] ^= s->number;
	AES_set_encrypt_key(s->keys.key[i], 128, &key);
	gcm = CRYPTO_gcm128_new(&key, (block128_f)AES_encrypt);
	CRYPTO_gcm128_setiv(gcm, nonce, 12);
	CRYPTO_gcm128_aad(gcm, m->bytes + first, m->len - first);
	CRYPTO_gcm128_encrypt(gcm, plain->bytes, m->bytes + m->len, plain->len);
	CRYPTO_gcm128_tag(gcm, m->bytes + m->len + plain->len, TAG_BYTES);
	CRYPTO_gcm128_release(gcm);
	m->len += plain->len + TAG_BYTES;
	AES_set_encrypt_key(s->keys.header[i], 128, &header);
	AES_encrypt(m->bytes + number + 4, mask, &header);
	m->bytes[first] ^= mask[0] & 15;
	m->bytes[number] ^= mask[1];
}

static inline void put_initial(struct side *s, struct made *m, const struct made *plain)
{
	uint32_t first = m->len, number;

	put(m, "\xc0\0\0\0\1", 5);
	put8(m, (unsigned)strlen(s->destination));
	put(m, s->destination, (uint32_t)strlen(s->destination));
	put8(m, (unsigned)strlen(s->source));
	put(m, s->source, (uint32_t)strlen(s->source));
	put8(m, 0); /* token */
	put16(m, 0x4000 | (1 + plain->len + TAG_BYTES));
	number = m->len;
	put8(m, s->number);
	seal(s, m, first, number, plain);
	s->number++;
}

#endif
