#include "key.h"

#include <string.h>

/* word[0]: the rank in the top byte, then what orders first. Numbers: the nearest double in an
 * order-preserving form in word[1], what it rounded off in word[2]. Text: 15 bytes in word[0] and
 * word[1]; word[2] is the length where that is all of it, else KEY_LONG and where in the texts (u16
 * length, bytes) the rest lies. Addresses: family, 16 bytes. */
enum key_rank { RANK_NULL, RANK_NUMBER, RANK_TEXT, RANK_ADDR };
#define KEY_SHORT_BYTES 15u
#define KEY_LONG UINT64_C(0x100)

static uint64_t rank_word(enum key_rank rank)
{
	return (uint64_t)rank << 56;
}

/* IEEE 754 in an order that unsigned numbers have. */
static uint64_t double_word(double r)
{
	uint64_t bits;

	memcpy(&bits, &r, sizeof(bits));
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static void number_key(struct key *k, const struct value *v)
{
	const double near = v->type == VALUE_INT ? (double)v->i : v->r;
	/* Both lie within a double's step of one another: small. */
	const int64_t off = v->type == VALUE_INT ? (int64_t)((__int128)v->i - (__int128)near) : 0;

	k->word[0] = rank_word(RANK_NUMBER);
	k->word[1] = double_word(near == 0 ? 0.0 : near); /* -0 and 0 are one */
	k->word[2] = (uint64_t)off + (UINT64_C(1) << 32);
}

static uint64_t big_endian(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

static int text_key(struct key *k, struct str s, struct buf *texts)
{
	uint8_t head[16] = {0};
	const size_t len = s.len < KEY_TEXT_MAX ? s.len : KEY_TEXT_MAX;
	const size_t inside = len < KEY_SHORT_BYTES ? len : KEY_SHORT_BYTES;

	if (inside > 0)
		memcpy(head, s.p, inside);
	k->word[0] = rank_word(RANK_TEXT) | big_endian(head, 7);
	k->word[1] = big_endian(head + 7, 8);
	k->word[2] = inside;
	if (len <= KEY_SHORT_BYTES)
		return 0;
	if (!buf_reserve(texts, 2 + len))
		return -1;
	k->word[2] = KEY_LONG + texts->len;
	return buf_add_u16(texts, (uint16_t)len) || buf_add(texts, s.p, len) ? -1 : 0;
}

int sort_key_make(struct key *k, const struct value *v, uint64_t row, struct buf *texts)
{
	*k = (struct key){.row = row};
	switch (v->type) {
	case VALUE_NULL:
		return 0;
	case VALUE_INT:
	case VALUE_REAL:
		number_key(k, v);
		return 0;
	case VALUE_TEXT:
		return text_key(k, v->s, texts);
	case VALUE_ADDR:
		k->word[0] = rank_word(RANK_ADDR) | v->a.family;
		k->word[1] = big_endian(v->a.bytes, 8);
		k->word[2] = big_endian(v->a.bytes + 8, 8);
		return 0;
	}
	return 0;
}

static int long_compare(uint64_t a, uint64_t b, const struct buf *texts)
{
	const uint8_t *p = texts->data + (a - KEY_LONG), *q = texts->data + (b - KEY_LONG);
	const size_t p_len = big_endian(p, 2), q_len = big_endian(q, 2);
	const int c = memcmp(p + 2, q + 2, p_len < q_len ? p_len : q_len);

	return c ? c : (p_len > q_len) - (p_len < q_len);
}

int sort_key_compare(const struct key *a, const struct key *b, const struct buf *texts)
{
	for (unsigned i = 0; i < 2; i++)
		if (a->word[i] != b->word[i])
			return a->word[i] < b->word[i] ? -1 : 1;
	if (a->word[2] == b->word[2])
		return 0;
	if (a->word[0] >> 56 == RANK_TEXT && a->word[2] >= KEY_LONG && b->word[2] >= KEY_LONG)
		return long_compare(a->word[2], b->word[2], texts);
	return a->word[2] < b->word[2] ? -1 : 1;
}
