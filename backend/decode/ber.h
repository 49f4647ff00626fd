/* Inside of decode: tag, length, value as SNMP, LDAP and Kerberos write them (ITU-T X.690). */
#ifndef DECODE_BER_H
#define DECODE_BER_H

#include "cursor.h"

enum ber_tag {
	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_OID = 0x06,
	BER_ENUMERATED = 0x0a,
	BER_SEQUENCE = 0x30,
	BER_SET = 0x31
};

struct ber {
	uint8_t tag;
	uint32_t at;	    /* of the tag, in the packet */
	uint32_t length;    /* of the value, as it claims */
	struct cursor body; /* what is here of the value */
};

/* The next value, and the cursor moves behind it (behind what is here of it); false when its tag
 * and length are not here or have no end. Tags above 30 are nobody's here. */
static inline bool ber_next(struct cursor *c, struct ber *b)
{
	const uint8_t *p = cursor_peek(c, 2);
	uint32_t at = cursor_offset(c), length;
	size_t n = 0, here;

	if (!p || (p[0] & 0x1f) == 0x1f)
		return false;
	length = p[1];
	if (length & 0x80) {
		n = length & 0x7f;
		p = n && n <= 4 ? cursor_peek(c, 2 + n) : NULL;
		if (!p)
			return false;
		length = 0;
		for (size_t i = 0; i < n; i++)
			length = length << 8 | p[2 + i];
	}
	c->data += 2 + n;
	here = length < cursor_left(c) ? length : cursor_left(c);
	*b = (struct ber){p[0], at, length, cursor_over(c->head, cursor_offset(c), here)};
	c->data += here;
	return true;
}

/* As ber_next, for one that must have this tag; the cursor stays before another. */
static inline bool ber_take(struct cursor *c, uint8_t tag, struct ber *b)
{
	const uint8_t *p = cursor_peek(c, 1);

	return p && *p == tag && ber_next(c, b);
}

/* A whole number that is all here and fits; false else. */
static inline bool ber_number(const struct ber *b, int64_t *number)
{
	const uint8_t *p = b->body.data;
	uint64_t n;

	if (!b->length || b->length > 8 || cursor_left(&b->body) < b->length)
		return false;
	n = p[0] & 0x80 ? UINT64_MAX : 0;
	for (uint32_t i = 0; i < b->length; i++)
		n = n << 8 | p[i];
	*number = (int64_t)n;
	return true;
}

/* The number that must come next. */
static inline bool ber_take_number(struct cursor *c, uint8_t tag, int64_t *number)
{
	struct ber b;

	return ber_take(c, tag, &b) && ber_number(&b, number);
}

#endif
