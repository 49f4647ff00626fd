/* Kerberos 5, RFC 4120. */
#include "base/text.h"
#include "app.h"
#include "ber.h"
#include "lines.h"

#define KERBEROS_PARTS_MAX 4u /* components of a principal that are shown */

static const struct code_name messages[] = {
	{0x6a, "AS-REQ"}, {0x6b, "AS-REP"}, {0x6c, "TGS-REQ"}, {0x6d, "TGS-REP"},
	{0x6e, "AP-REQ"}, {0x6f, "AP-REP"}, {0x74, "SAFE"},    {0x75, "PRIV"},
	{0x76, "CRED"},	  {0x7e, "ERROR"},  {0, NULL},
};

static const struct code_name errors[] = {
	{6, "C_PRINCIPAL_UNKNOWN"},
	{7, "S_PRINCIPAL_UNKNOWN"},
	{12, "POLICY"},
	{14, "ETYPE_NOSUPP"},
	{18, "CLIENT_REVOKED"},
	{23, "KEY_EXPIRED"},
	{24, "PREAUTH_FAILED"},
	{25, "PREAUTH_REQUIRED"},
	{29, "SVC_UNAVAILABLE"},
	{31, "BAD_INTEGRITY"},
	{32, "TKT_EXPIRED"},
	{33, "TKT_NYV"},
	{34, "REPEAT"},
	{37, "SKEW"},
	{41, "MODIFIED"},
	{52, "RESPONSE_TOO_BIG"},
	{60, "GENERIC"},
	{68, "WRONG_REALM"},
	{0, NULL},
};

/* What a message names; a tag of 0: it does not. */
struct kerberos {
	struct ber message, client, realm, server;
	int64_t error; /* -1 none */
};

/* TCP puts four bytes of length before the message (RFC 4120 7.2.2). */
static struct cursor kerberos_cursor(struct cursor c, bool tcp)
{
	if (tcp)
		(void)cursor_pull(&c, 4);
	return c;
}

/* The fields of a sequence, each in a tag of its own: which holds what differs by message. */
static void fields_read(struct kerberos *k, struct cursor c, uint8_t client, uint8_t realm,
			uint8_t server, uint8_t error)
{
	struct ber b;

	while (ber_next(&c, &b)) {
		uint8_t tag = b.tag;

		if (tag == client)
			k->client = b;
		else if (tag == realm)
			k->realm = b;
		else if (tag == server)
			k->server = b;
		else if (tag == error)
			(void)ber_take_number(&b.body, BER_INTEGER, &k->error);
	}
}

/* A request's names are one level deeper, in its body. */
static void request_read(struct kerberos *k, struct cursor c)
{
	struct ber b, body;

	while (ber_next(&c, &b)) {
		if (b.tag == 0xa4 && ber_take(&b.body, BER_SEQUENCE, &body))
			fields_read(k, body.body, 0xa1, 0xa2, 0xa3, 0);
	}
}

static bool kerberos_read(struct cursor c, struct kerberos *k)
{
	struct ber sequence;
	uint8_t tag;

	*k = (struct kerberos){.error = -1};
	if (!ber_next(&c, &k->message) || !*code_text(messages, k->message.tag, ""))
		return false;
	if (!ber_take(&k->message.body, BER_SEQUENCE, &sequence))
		return false;
	tag = k->message.tag;
	if (tag == 0x6a || tag == 0x6c)
		request_read(k, sequence.body);
	else if (tag == 0x6b || tag == 0x6d)
		fields_read(k, sequence.body, 0xa4, 0xa3, 0, 0);
	else if (tag == 0x7e)
		fields_read(k, sequence.body, 0xa8, 0xa9, 0xaa, 0xa6);
	return true;
}

/* A tag that exists, its length to the message's end, and then version 5 in the field where that
 * message has it. */
bool kerberos_speaks(const struct probe *b)
{
	struct cursor c = kerberos_cursor(probe_cursor(b), b->tcp);
	struct ber message, sequence, first;
	uint32_t skip = b->tcp ? 4 : 0;
	int64_t version;

	if (b->tcp && (b->length < 6 || b->p[0] || get32(b->p) + 4 < b->wire))
		return false;
	if (!ber_next(&c, &message) || !*code_text(messages, message.tag, ""))
		return false;
	if (cursor_offset(&message.body) - skip + message.length !=
	    (b->tcp ? get32(b->p) : b->wire))
		return false;
	if (!ber_take(&message.body, BER_SEQUENCE, &sequence) || !ber_next(&sequence.body, &first))
		return false;
	return (first.tag == 0xa0 || first.tag == 0xa1) &&
	       ber_take_number(&first.body, BER_INTEGER, &version) && version == 5;
}

/* A principal: its kind, and its components, "host/www.example.org". */
static void principal_info(struct buf *out, const struct ber *b)
{
	struct cursor c = b->body;
	struct ber name, kind, list, part;

	if (!ber_take(&c, BER_SEQUENCE, &name) || !ber_take(&name.body, 0xa0, &kind) ||
	    !ber_take(&name.body, 0xa1, &list))
		return;
	c = list.body;
	if (!ber_take(&c, BER_SEQUENCE, &list))
		return;
	for (unsigned i = 0; i < KERBEROS_PARTS_MAX && ber_next(&list.body, &part); i++) {
		if (i)
			buf_add_byte(out, '/');
		line_add(out, (struct str){(const char *)part.body.data, cursor_left(&part.body)});
	}
}

static void realm_info(struct buf *out, const struct ber *b)
{
	struct cursor c = b->body;
	struct ber name;

	if (ber_next(&c, &name))
		line_add(out, (struct str){(const char *)name.body.data, cursor_left(&name.body)});
}

void kerberos_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct kerberos k;

	if (!kerberos_read(kerberos_cursor(view_cursor(v, l), v->d->ip_protocol == 6), &k))
		return;
	buf_add_str(out, code_text(messages, k.message.tag, ""));
	if (k.error >= 0)
		buf_printf(out, " %s", code_text(errors, (uint32_t)k.error, "error"));
	if (k.client.tag) {
		buf_add_byte(out, ' ');
		principal_info(out, &k.client);
	}
	if (k.realm.tag) {
		buf_add_str(out, k.client.tag ? "@" : " @");
		realm_info(out, &k.realm);
	}
	if (k.server.tag) {
		buf_add_str(out, " for ");
		principal_info(out, &k.server);
	}
}

static void part_field(const struct view *v, const char *name, const struct ber *b,
		       void (*add)(struct buf *out, const struct ber *b))
{
	struct buf text;

	if (!b->tag)
		return;
	buf_init(&text, 512);
	add(&text, b);
	view_text(v, name, b->at, b->length, str_of(buf_str(&text)));
	buf_release(&text);
}

void kerberos_fields(const struct view *v, const struct layer *l)
{
	struct kerberos k;

	if (!kerberos_read(kerberos_cursor(view_cursor(v, l), v->d->ip_protocol == 6), &k))
		return;
	view_field(v, "message", k.message.at, k.message.length, "%s",
		   code_text(messages, k.message.tag, ""));
	if (k.error >= 0)
		view_field(v, "error", k.message.at, 0, "%lld %s", (long long)k.error,
			   code_text(errors, (uint32_t)k.error, "unknown"));
	part_field(v, "client", &k.client, principal_info);
	part_field(v, "realm", &k.realm, realm_info);
	part_field(v, "server", &k.server, principal_info);
}
