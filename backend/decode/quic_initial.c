/* The protection of QUIC's Initial packets, RFC 9001 5; version 2, RFC 9369 3.3.
 *
 * Of libcrypto its plain functions are taken and not EVP (nor HMAC(), which stands on it): these
 * need no memory that lasts, no file and no start, and bring 50 kB instead of 3.7 MB. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/aes.h>
#include <openssl/modes.h>
#include <openssl/sha.h>

#include <string.h>

#include "cursor.h"
#include "decode/quic.h"

#define SALT_BYTES 20u
#define HASH_BYTES SHA256_DIGEST_LENGTH
#define HASH_BLOCK SHA256_CBLOCK
#define LABEL_MAX 32u
#define KEY_BITS 128
#define TAG_BYTES 16u
#define SAMPLE_AT 4u /* bytes behind the number's beginning (RFC 9001 5.4.2) */
#define SAMPLE_BYTES 16u

/* Versions that share a salt, and the labels of the keys that are made with it. */
struct salt {
	uint32_t from, to;
	const char *key, *iv, *header;
	uint8_t bytes[SALT_BYTES];
};

#define LABELS "quic key", "quic iv", "quic hp"
#define LABELS_2 "quicv2 key", "quicv2 iv", "quicv2 hp"
#define SALT_1                                                                                     \
	0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c,  \
		0xad, 0xcc, 0xbb, 0x7f, 0x0a
#define SALT_2                                                                                     \
	0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d,  \
		0xcb, 0xf9, 0xbd, 0x2e, 0xd9
#define SALT_DRAFT_29                                                                              \
	0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11,  \
		0xe0, 0x43, 0x90, 0xa8, 0x99
#define SALT_DRAFT_23                                                                              \
	0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63,  \
		0x65, 0xbe, 0xf9, 0xf5, 0x02

static const struct salt salts[] = {
	{1, 1, LABELS, {SALT_1}},
	{0x6b3343cf, 0x6b3343cf, LABELS_2, {SALT_2}},
	{0xff000021, 0xff000022, LABELS, {SALT_1}},
	{0xff00001d, 0xff000020, LABELS, {SALT_DRAFT_29}},
	{0xff000017, 0xff00001c, LABELS, {SALT_DRAFT_23}},
};

static const struct salt *salt_find(uint32_t version)
{
	for (size_t i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
		if (version >= salts[i].from && version <= salts[i].to)
			return &salts[i];
	}
	return NULL;
}

/* --- keys --- */

/* RFC 2104, of a key that is no longer than a block. */
static void hmac(const uint8_t *key, size_t key_bytes, const void *data, size_t bytes,
		 uint8_t out[HASH_BYTES])
{
	uint8_t inner[HASH_BLOCK] = {0}, outer[HASH_BLOCK];
	SHA256_CTX hash;

	memcpy(inner, key, key_bytes);
	for (unsigned i = 0; i < HASH_BLOCK; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	SHA256_Init(&hash);
	SHA256_Update(&hash, inner, sizeof(inner));
	SHA256_Update(&hash, data, bytes);
	SHA256_Final(out, &hash);
	SHA256_Init(&hash);
	SHA256_Update(&hash, outer, sizeof(outer));
	SHA256_Update(&hash, out, HASH_BYTES);
	SHA256_Final(out, &hash);
}

/* HKDF-Expand-Label (RFC 8446 7.1) of at most one hash's bytes, without a context. */
static void expand(const uint8_t secret[HASH_BYTES], const char *label, uint8_t *out, size_t bytes)
{
	static const char prefix[] = "tls13 ";
	uint8_t info[LABEL_MAX], block[HASH_BYTES];
	size_t n = strlen(label), at = 3;

	info[0] = 0;
	info[1] = (uint8_t)bytes;
	info[2] = (uint8_t)(sizeof(prefix) - 1 + n);
	memcpy(info + at, prefix, sizeof(prefix) - 1);
	at += sizeof(prefix) - 1;
	memcpy(info + at, label, n);
	at += n;
	info[at++] = 0; /* the context's length */
	info[at++] = 1; /* the block's number (RFC 5869 2.3) */
	hmac(secret, HASH_BYTES, info, at, block);
	memcpy(out, block, bytes);
}

bool quic_keys_make(struct quic_keys *k, uint32_t version, const uint8_t *id, uint8_t id_length)
{
	static const char *const sides[] = {"client in", "server in"};
	const struct salt *s = salt_find(version);
	uint8_t initial[HASH_BYTES], secret[HASH_BYTES], own[QUIC_ID_MAX];

	if (!s || id_length > QUIC_ID_MAX)
		return false;
	memcpy(own, id, id_length); /* it may lie in *k */
	*k = (struct quic_keys){.version = version, .id_length = id_length};
	memcpy(k->id, own, id_length);
	hmac(s->bytes, SALT_BYTES, own, id_length, initial);
	for (unsigned i = 0; i < 2; i++) {
		expand(initial, sides[i], secret, sizeof(secret));
		expand(secret, s->key, k->key[i], sizeof(k->key[i]));
		expand(secret, s->iv, k->iv[i], sizeof(k->iv[i]));
		expand(secret, s->header, k->header[i], sizeof(k->header[i]));
	}
	return true;
}

/* --- a packet --- */

/* What header protection hides (RFC 9001 5.4.1): the first byte, and the number's. */
struct bared {
	uint8_t first, number[4];
	unsigned number_bytes;
};

static void bare(const struct quic_keys *k, unsigned side, const struct quic_packet *q,
		 struct bared *b)
{
	uint8_t mask[SAMPLE_BYTES];
	AES_KEY aes;

	AES_set_encrypt_key(k->header[side], KEY_BITS, &aes);
	AES_encrypt(q->number + SAMPLE_AT, mask, &aes);
	b->first = q->first[0] ^ (mask[0] & 0x0f);
	b->number_bytes = (b->first & 3u) + 1;
	for (unsigned i = 0; i < b->number_bytes; i++)
		b->number[i] = q->number[i] ^ mask[1 + i];
}

/* Initial packets are few: what is written of their numbers is all of it. */
static void nonce_make(const uint8_t iv[12], const struct bared *b, uint8_t nonce[12])
{
	memcpy(nonce, iv, 12);
	for (unsigned i = 0; i < b->number_bytes; i++)
		nonce[12 - b->number_bytes + i] ^= b->number[i];
}

bool quic_open(const struct quic_keys *k, bool server, const struct quic_packet *q,
	       uint8_t plain[QUIC_INITIAL_MAX], struct quic_frames *frames)
{
	const unsigned side = server ? 1 : 0;
	GCM128_CONTEXT *gcm;
	struct bared b;
	uint8_t nonce[12];
	AES_KEY aes;

	if (q->kind != QUIC_INITIAL || !q->number || !q->whole || q->length > QUIC_INITIAL_MAX ||
	    q->length < SAMPLE_AT + SAMPLE_BYTES)
		return false;
	bare(k, side, q, &b);
	nonce_make(k->iv[side], &b, nonce);
	AES_set_encrypt_key(k->key[side], KEY_BITS, &aes);
	gcm = CRYPTO_gcm128_new(&aes, (block128_f)AES_encrypt);
	if (!gcm)
		return false;
	const uint8_t *sealed = q->number + b.number_bytes;
	size_t bytes = q->length - b.number_bytes - TAG_BYTES;

	CRYPTO_gcm128_setiv(gcm, nonce, sizeof(nonce));
	bool opened =
		CRYPTO_gcm128_aad(gcm, &b.first, 1) == 0 &&
		CRYPTO_gcm128_aad(gcm, q->first + 1, (size_t)(q->number - q->first) - 1) == 0 &&
		CRYPTO_gcm128_aad(gcm, b.number, b.number_bytes) == 0 &&
		CRYPTO_gcm128_decrypt(gcm, sealed, plain, bytes) == 0 &&
		CRYPTO_gcm128_finish(gcm, sealed + bytes, TAG_BYTES) == 0;

	CRYPTO_gcm128_release(gcm);
	*frames = (struct quic_frames){plain, bytes};
	return opened;
}
