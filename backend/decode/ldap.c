/* Lightweight Directory Access Protocol 3, RFC 4511. */
#include "base/text.h"
#include "app.h"
#include "ber.h"
#include "lines.h"

#define LDAP_MESSAGES_LINE 3u /* messages in the packet's line */
#define LDAP_MESSAGES_MAX 64u /* in the tree */

static const struct code_name operations[] = {
	{0x60, "bind request"},
	{0x61, "bind response"},
	{0x42, "unbind"},
	{0x63, "search request"},
	{0x64, "search entry"},
	{0x65, "search done"},
	{0x66, "modify request"},
	{0x67, "modify response"},
	{0x68, "add request"},
	{0x69, "add response"},
	{0x4a, "delete request"},
	{0x6b, "delete response"},
	{0x6c, "rename request"},
	{0x6d, "rename response"},
	{0x6e, "compare request"},
	{0x6f, "compare response"},
	{0x50, "abandon"},
	{0x73, "search reference"},
	{0x77, "extended request"},
	{0x78, "extended response"},
	{0x79, "intermediate response"},
	{0, NULL},
};

static const struct code_name results[] = {
	{0, "success"},
	{1, "operationsError"},
	{2, "protocolError"},
	{3, "timeLimitExceeded"},
	{4, "sizeLimitExceeded"},
	{7, "authMethodNotSupported"},
	{8, "strongerAuthRequired"},
	{10, "referral"},
	{14, "saslBindInProgress"},
	{16, "noSuchAttribute"},
	{21, "invalidAttributeSyntax"},
	{32, "noSuchObject"},
	{34, "invalidDNSyntax"},
	{48, "inappropriateAuthentication"},
	{49, "invalidCredentials"},
	{50, "insufficientAccessRights"},
	{51, "busy"},
	{52, "unavailable"},
	{53, "unwillingToPerform"},
	{65, "objectClassViolation"},
	{68, "entryAlreadyExists"},
	{80, "other"},
	{0, NULL},
};

static const char *const scopes[] = {"base", "one level", "subtree", "subordinates"};

struct ldap {
	int64_t id;
	uint32_t at, length; /* of the message, as it claims */
	struct ber operation;
};

/* An envelope, a number and an operation that exists. */
static bool ldap_next(struct cursor *c, struct ldap *m)
{
	struct ber message;

	if (!ber_take(c, BER_SEQUENCE, &message))
		return false;
	m->at = message.at;
	m->length = cursor_offset(&message.body) - message.at + message.length;
	if (!ber_take_number(&message.body, BER_INTEGER, &m->id) || m->id < 0 ||
	    m->id > INT32_MAX || !ber_next(&message.body, &m->operation))
		return false;
	return *code_text(operations, m->operation.tag, "") &&
	       m->operation.length <= message.length;
}

/* Operations whose first fields can be told from others': what LDAP alone says. */
static bool operation_fits(const struct ldap *m)
{
	struct cursor c = m->operation.body;
	int64_t number;
	struct ber b;

	switch (m->operation.tag) {
	case 0x60:
		return ber_take_number(&c, BER_INTEGER, &number) && number >= 1 && number <= 3 &&
		       ber_take(&c, BER_OCTETS, &b);
	case 0x42:
		return m->operation.length == 0;
	case 0x63:
		return ber_take(&c, BER_OCTETS, &b) && ber_take_number(&c, BER_ENUMERATED, &number);
	case 0x64:
	case 0x66:
	case 0x68:
	case 0x6c:
	case 0x6e:
		return ber_take(&c, BER_OCTETS, &b);
	case 0x4a:
	case 0x50:
		return m->operation.length > 0;
	case 0x73:
		return ber_take(&c, BER_OCTETS, &b);
	case 0x77:
		return ber_take(&c, 0x80, &b);
	case 0x79:
		return m->operation.length > 0;
	default: /* a result */
		return ber_take_number(&c, BER_ENUMERATED, &number) && ber_take(&c, BER_OCTETS, &b);
	}
}

bool ldap_speaks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct ldap m;

	return ldap_next(&c, &m) && operation_fits(&m) && (b->tcp || m.length == b->wire);
}

static struct str ber_str(const struct ber *b)
{
	return (struct str){(const char *)b->body.data, cursor_left(&b->body)};
}

static void text_info(struct buf *out, struct cursor *c, uint8_t tag)
{
	struct ber b;

	if (!ber_take(c, tag, &b) || !cursor_left(&b.body))
		return;
	buf_add_byte(out, ' ');
	line_add(out, ber_str(&b));
}

static void operation_info(struct buf *out, const struct ldap *m)
{
	struct cursor c = m->operation.body;
	int64_t number;

	switch (m->operation.tag) {
	case 0x60:
		(void)ber_take_number(&c, BER_INTEGER, &number);
		text_info(out, &c, BER_OCTETS);
		if (cursor_peek(&c, 1))
			buf_add_str(out, *c.data == 0xa3 ? " sasl" : " simple");
		break;
	case 0x63:
		text_info(out, &c, BER_OCTETS);
		if (ber_take_number(&c, BER_ENUMERATED, &number) && number >= 0 && number < 4)
			buf_printf(out, " %s", scopes[number]);
		break;
	case 0x64:
	case 0x66:
	case 0x68:
	case 0x6c:
	case 0x6e:
		text_info(out, &c, BER_OCTETS);
		break;
	case 0x77:
		text_info(out, &c, 0x80);
		break;
	default:
		if (!ber_take_number(&c, BER_ENUMERATED, &number))
			break;
		buf_printf(out, " %s", code_text(results, (uint32_t)number, "result"));
		text_info(out, &c, BER_OCTETS);
		text_info(out, &c, BER_OCTETS);
	}
}

void ldap_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct ldap m;
	unsigned i = 0;

	for (; i < LDAP_MESSAGES_LINE && ldap_next(&c, &m); i++) {
		buf_printf(out, "%s%s %lld", i ? ", " : "",
			   code_text(operations, m.operation.tag, ""), (long long)m.id);
		operation_info(out, &m);
	}
	if (i == LDAP_MESSAGES_LINE && cursor_left(&c))
		buf_add_str(out, ", ...");
}

void ldap_fields(const struct view *v, const struct layer *l)
{
	struct view below = view_below(v);
	struct cursor c = view_cursor(v, l);
	struct ldap m;

	for (unsigned i = 0; i < LDAP_MESSAGES_MAX && ldap_next(&c, &m); i++) {
		struct buf text;

		view_field(v, "message", m.at, m.length, "%s",
			   code_text(operations, m.operation.tag, ""));
		view_field(&below, "id", m.at, 0, "%lld", (long long)m.id);
		buf_init(&text, 512);
		operation_info(&text, &m);
		if (text.len > 1)
			view_text(&below, "about", m.operation.at, m.operation.length,
				  (struct str){(const char *)text.data + 1, text.len - 1});
		buf_release(&text);
	}
}
