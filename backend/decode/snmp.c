/* Simple Network Management Protocol: versions 1 and 2c, RFC 1157 and RFC 3416; 3, RFC 3412. */
#include <stdio.h>

#include "base/text.h"
#include "app.h"
#include "ber.h"

#define SNMP_OIDS_LINE 3u  /* variables in the packet's line */
#define SNMP_OIDS_MAX 64u  /* in the tree */
#define SNMP_OID_TEXT 256u /* characters of an identifier's text */

static const struct code_name pdus[] = {
	{0xa0, "get-request"},	  {0xa1, "get-next-request"},
	{0xa2, "get-response"},	  {0xa3, "set-request"},
	{0xa4, "trap-v1"},	  {0xa5, "get-bulk-request"},
	{0xa6, "inform-request"}, {0xa7, "trap"},
	{0xa8, "report"},	  {0, NULL},
};

static const struct code_name errors[] = {
	{1, "tooBig"},
	{2, "noSuchName"},
	{3, "badValue"},
	{4, "readOnly"},
	{5, "genErr"},
	{6, "noAccess"},
	{7, "wrongType"},
	{8, "wrongLength"},
	{9, "wrongEncoding"},
	{10, "wrongValue"},
	{11, "noCreation"},
	{12, "inconsistentValue"},
	{13, "resourceUnavailable"},
	{14, "commitFailed"},
	{15, "undoFailed"},
	{16, "authorizationError"},
	{17, "notWritable"},
	{18, "inconsistentName"},
	{0, NULL},
};

/* A message's head. `pdu.tag` is 0 where it is encrypted or not here. */
struct snmp {
	int64_t version; /* as it stands: 0, 1, 3 */
	struct ber name; /* community, or version 3's user */
	struct ber pdu;
};

/* Version 3: the security parameters are a message within the message (RFC 3414 2.4). */
static bool snmp_read3(struct cursor *c, struct snmp *s)
{
	struct ber global, outer, inner, skipped;
	struct cursor p;

	if (!ber_take(c, BER_SEQUENCE, &global) || !ber_take(c, BER_OCTETS, &outer))
		return false;
	p = outer.body;
	if (ber_take(&p, BER_SEQUENCE, &inner)) {
		p = inner.body;
		if (ber_take(&p, BER_OCTETS, &skipped) && ber_take(&p, BER_INTEGER, &skipped) &&
		    ber_take(&p, BER_INTEGER, &skipped))
			(void)ber_take(&p, BER_OCTETS, &s->name);
	}
	if (!ber_take(c, BER_SEQUENCE, &inner)) /* encrypted */
		return true;
	p = inner.body;
	if (ber_take(&p, BER_OCTETS, &skipped) && ber_take(&p, BER_OCTETS, &skipped) &&
	    !ber_next(&p, &s->pdu))
		s->pdu.tag = 0;
	return true;
}

static bool snmp_read(struct cursor c, struct snmp *s, uint32_t *length)
{
	struct ber message;

	*s = (struct snmp){.version = -1};
	if (!ber_take(&c, BER_SEQUENCE, &message))
		return false;
	*length = cursor_offset(&message.body) - message.at + message.length;
	c = message.body;
	if (!ber_take_number(&c, BER_INTEGER, &s->version))
		return false;
	if (s->version == 3)
		return snmp_read3(&c, s);
	if (s->version < 0 || s->version > 1 || !ber_take(&c, BER_OCTETS, &s->name))
		return false;
	return ber_next(&c, &s->pdu) && s->pdu.tag >= 0xa0 && s->pdu.tag <= 0xa8;
}

bool snmp_speaks(const struct probe *b)
{
	struct snmp s;
	uint32_t length;

	return snmp_read(probe_cursor(b), &s, &length) && length == b->wire;
}

/* An object identifier, X.690 8.19. */
static const char *oid_text(const struct ber *b, char out[SNMP_OID_TEXT])
{
	const uint8_t *p = b->body.data, *tail = b->body.tail;
	size_t len = 0;
	uint32_t n = 0;

	out[0] = 0;
	for (bool first = true; p < tail && len < SNMP_OID_TEXT - 16; p++) {
		n = n << 7 | (*p & 0x7f);
		if (*p & 0x80)
			continue;
		if (first && n < 80)
			len += (size_t)snprintf(out + len, 16, "%u.%u", n / 40, n % 40);
		else if (first)
			len += (size_t)snprintf(out + len, 16, "2.%u", n - 80);
		else
			len += (size_t)snprintf(out + len, 16, ".%u", n);
		first = false;
		n = 0;
	}
	return out;
}

/* The list of variables of a PDU and its numbers; a trap of version 1 has other fields before the
 * list. */
static bool pdu_read(const struct ber *pdu, int64_t number[3], struct cursor *list)
{
	struct cursor c = pdu->body;
	struct ber b;

	number[0] = number[1] = number[2] = 0;
	for (unsigned i = 0; i < 3 && pdu->tag != 0xa4; i++) {
		if (!ber_take_number(&c, BER_INTEGER, &number[i]))
			return false;
	}
	for (unsigned i = 0; i < 5 && pdu->tag == 0xa4; i++) {
		if (!ber_next(&c, &b))
			return false;
	}
	if (!ber_take(&c, BER_SEQUENCE, &b))
		return false;
	*list = b.body;
	return true;
}

static bool variable_next(struct cursor *list, struct ber *oid, struct ber *value)
{
	struct ber pair;

	return ber_take(list, BER_SEQUENCE, &pair) && ber_take(&pair.body, BER_OID, oid) &&
	       ber_next(&pair.body, value);
}

static void pdu_info(struct buf *out, const struct snmp *s)
{
	char text[SNMP_OID_TEXT];
	struct ber oid, value;
	struct cursor list;
	int64_t number[3];

	buf_printf(out, " %s", code_text(pdus, s->pdu.tag, "message"));
	if (!pdu_read(&s->pdu, number, &list))
		return;
	if (s->pdu.tag != 0xa4 && s->pdu.tag != 0xa5 && number[1])
		buf_printf(out, " %s", code_text(errors, (uint32_t)number[1], "error"));
	for (unsigned i = 0; i < SNMP_OIDS_LINE && variable_next(&list, &oid, &value); i++)
		buf_printf(out, " %s", oid_text(&oid, text));
}

static struct str ber_str(const struct ber *b)
{
	return (struct str){(const char *)b->body.data, cursor_left(&b->body)};
}

static const char *version_text(int64_t version)
{
	return version == 3 ? "v3" : version == 1 ? "v2c" : "v1";
}

void snmp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct snmp s;
	uint32_t length;

	(void)snmp_read(view_cursor(v, l), &s, &length);
	if (s.version < 0)
		return;
	buf_add_str(out, version_text(s.version));
	if (s.name.tag && cursor_left(&s.name.body)) {
		buf_add_byte(out, ' ');
		text_escape(out, ber_str(&s.name), false);
	}
	if (s.pdu.tag)
		pdu_info(out, &s);
	else if (s.version == 3)
		buf_add_str(out, " encrypted");
}

static void variable_field(const struct view *v, const struct ber *oid, const struct ber *value)
{
	uint32_t at = oid->at, length = cursor_offset(&value->body) - at + value->length;
	char text[SNMP_OID_TEXT], other[SNMP_OID_TEXT];
	int64_t number;

	oid_text(oid, text);
	if (value->tag == BER_OID)
		view_field(v, "variable", at, length, "%s = %s", text, oid_text(value, other));
	else if (value->tag == BER_OCTETS)
		view_field(v, "variable", at, length, "%s = %.*s", text,
			   (int)cursor_left(&value->body), (const char *)value->body.data);
	else if (value->length && ber_number(value, &number))
		view_field(v, "variable", at, length, "%s = %lld", text, (long long)number);
	else
		view_field(v, "variable", at, length, "%s", text);
}

void snmp_fields(const struct view *v, const struct layer *l)
{
	struct ber oid, value;
	struct cursor list;
	struct snmp s;
	int64_t number[3];
	uint32_t length;

	(void)snmp_read(view_cursor(v, l), &s, &length);
	if (s.version < 0)
		return;
	view_field(v, "version", l->offset, 0, "%s", version_text(s.version));
	if (s.name.tag)
		view_text(v, s.version == 3 ? "user" : "community", s.name.at, 2 + s.name.length,
			  ber_str(&s.name));
	if (!s.pdu.tag)
		return;
	view_field(v, "pdu", s.pdu.at, s.pdu.length, "%s", code_text(pdus, s.pdu.tag, "unknown"));
	if (!pdu_read(&s.pdu, number, &list))
		return;
	if (s.pdu.tag != 0xa4) {
		view_field(v, "request_id", s.pdu.at, 0, "%lld", (long long)number[0]);
		view_field(v, s.pdu.tag == 0xa5 ? "non_repeaters" : "error", s.pdu.at, 0, "%lld",
			   (long long)number[1]);
	}
	for (unsigned i = 0; i < SNMP_OIDS_MAX && variable_next(&list, &oid, &value); i++)
		variable_field(v, &oid, &value);
}
