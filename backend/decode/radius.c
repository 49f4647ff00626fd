/* Remote Authentication Dial In User Service, RFC 2865 and RFC 2866. */
#include "app.h"
#include "lines.h"

#define RADIUS_HEADER 20u
#define RADIUS_PACKET_MAX 4096u
#define RADIUS_ATTRIBUTES_MAX 128u

static const struct code_name codes[] = {
	{1, "Access-Request"},
	{2, "Access-Accept"},
	{3, "Access-Reject"},
	{4, "Accounting-Request"},
	{5, "Accounting-Response"},
	{11, "Access-Challenge"},
	{12, "Status-Server"},
	{13, "Status-Client"},
	{40, "Disconnect-Request"},
	{41, "Disconnect-ACK"},
	{42, "Disconnect-NAK"},
	{43, "CoA-Request"},
	{44, "CoA-ACK"},
	{45, "CoA-NAK"},
	{0, NULL},
};

enum attribute_kind { KIND_BYTES, KIND_TEXT, KIND_NUMBER, KIND_ADDRESS };

static const struct {
	uint8_t type, kind;
	const char *name;
} attributes[] = {
	{1, KIND_TEXT, "user-name"},
	{2, KIND_BYTES, "user-password"},
	{4, KIND_ADDRESS, "nas-ip-address"},
	{5, KIND_NUMBER, "nas-port"},
	{6, KIND_NUMBER, "service-type"},
	{7, KIND_NUMBER, "framed-protocol"},
	{8, KIND_ADDRESS, "framed-ip-address"},
	{11, KIND_TEXT, "filter-id"},
	{12, KIND_NUMBER, "framed-mtu"},
	{18, KIND_TEXT, "reply-message"},
	{24, KIND_BYTES, "state"},
	{25, KIND_BYTES, "class"},
	{26, KIND_BYTES, "vendor-specific"},
	{27, KIND_NUMBER, "session-timeout"},
	{30, KIND_TEXT, "called-station-id"},
	{31, KIND_TEXT, "calling-station-id"},
	{32, KIND_TEXT, "nas-identifier"},
	{40, KIND_NUMBER, "acct-status-type"},
	{42, KIND_NUMBER, "acct-input-octets"},
	{43, KIND_NUMBER, "acct-output-octets"},
	{44, KIND_TEXT, "acct-session-id"},
	{46, KIND_NUMBER, "acct-session-time"},
	{49, KIND_NUMBER, "acct-terminate-cause"},
	{61, KIND_NUMBER, "nas-port-type"},
	{79, KIND_BYTES, "eap-message"},
	{80, KIND_BYTES, "message-authenticator"},
	{87, KIND_TEXT, "nas-port-id"},
};

/* The next attribute: type, length (of all of it), value. */
static const uint8_t *attribute_next(struct cursor *c)
{
	const uint8_t *p = cursor_peek(c, 2);

	return p && p[1] >= 2 ? cursor_pull(c, p[1]) : NULL;
}

static struct cursor attributes_cursor(const uint8_t *head, uint32_t offset, size_t length)
{
	size_t claimed = get16(head + offset + 2);

	claimed = claimed < length ? claimed : length;
	return cursor_over(head, offset + RADIUS_HEADER, claimed - RADIUS_HEADER);
}

/* A code that exists, and attributes that end where the packet does. */
bool radius_looks(const struct probe *b)
{
	struct cursor c;

	if (b->length < RADIUS_HEADER || !*code_text(codes, b->p[0], "") ||
	    get16(b->p + 2) < RADIUS_HEADER || get16(b->p + 2) > RADIUS_PACKET_MAX ||
	    get16(b->p + 2) > b->wire)
		return false;
	c = attributes_cursor(b->p, 0, b->length);
	while (attribute_next(&c))
		;
	return !cursor_left(&c) || b->length < b->wire;
}

void radius_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset, *a;
	struct cursor c;

	if (l->length < RADIUS_HEADER || get16(p + 2) < RADIUS_HEADER)
		return;
	buf_printf(out, "%s id %u", code_text(codes, p[0], "code"), p[1]);
	c = attributes_cursor(v->head, l->offset, l->length);
	while ((a = attribute_next(&c))) {
		if (a[0] != 1 && a[0] != 18)
			continue;
		buf_add_str(out, a[0] == 1 ? " user " : " says ");
		line_add(out, (struct str){(const char *)a + 2, a[1] - 2u});
	}
}

static void attribute_field(const struct view *v, const uint8_t *a)
{
	uint32_t at = (uint32_t)(a - v->head);
	const char *name = "attribute";
	unsigned kind = KIND_BYTES;
	char text[ADDR_LINE_MAX];

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (attributes[i].type != a[0])
			continue;
		name = attributes[i].name;
		kind = attributes[i].kind;
	}
	if (kind == KIND_TEXT)
		view_field(v, "attribute", at, a[1], "%s %.*s", name, a[1] - 2,
			   (const char *)a + 2);
	else if (kind == KIND_NUMBER && a[1] == 6)
		view_field(v, "attribute", at, a[1], "%s %u", name, get32(a + 2));
	else if (kind == KIND_ADDRESS && a[1] == 6)
		view_field(v, "attribute", at, a[1], "%s %s", name, text_ip(4, a + 2, text));
	else
		view_field(v, "attribute", at, a[1], "%s (%u), %u bytes", name, a[0], a[1] - 2);
}

void radius_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset, *a;
	struct cursor c;

	if (l->length < RADIUS_HEADER || get16(p + 2) < RADIUS_HEADER)
		return;
	view_field(v, "code", l->offset, 1, "%u %s", p[0], code_text(codes, p[0], "unknown"));
	view_field(v, "id", l->offset + 1, 1, "%u", p[1]);
	view_field(v, "length", l->offset + 2, 2, "%u", get16(p + 2));
	view_hex(v, "authenticator", l->offset + 4, 16);
	c = attributes_cursor(v->head, l->offset, l->length);
	for (unsigned i = 0; i < RADIUS_ATTRIBUTES_MAX && (a = attribute_next(&c)); i++)
		attribute_field(v, a);
}
