/* Border Gateway Protocol 4, RFC 4271. */
#include <string.h>

#include "app.h"

#define BGP_HEADER 19u
#define BGP_MESSAGE_MAX 65535u /* RFC 8654; 4096 before */
#define BGP_MESSAGES_LINE 4u   /* messages in the packet's line */
#define BGP_MESSAGES_MAX 64u   /* in the tree */
#define BGP_PREFIXES_LINE 2u   /* prefixes of an update in the packet's line */

enum { BGP_OPEN = 1, BGP_UPDATE, BGP_NOTIFICATION, BGP_KEEPALIVE, BGP_REFRESH };

static const char *const names[] = {"",		 "OPEN",	 "UPDATE", "NOTIFICATION",
				    "KEEPALIVE", "ROUTE-REFRESH"};

static const struct code_name errors[] = {
	{1, "message header"}, {2, "open message"},
	{3, "update message"}, {4, "hold timer expired"},
	{5, "state machine"},  {6, "cease"},
	{7, "route refresh"},  {0, NULL},
};

static const struct code_name ceases[] = {
	{1, "too many prefixes"},
	{2, "shut down"},
	{3, "peer removed"},
	{4, "reset"},
	{5, "connection rejected"},
	{6, "configuration changed"},
	{7, "collision"},
	{8, "out of resources"},
	{9, "hard reset"},
	{10, "BFD down"},
	{0, NULL},
};

/* The smallest length of each kind (RFC 4271 4). */
static uint32_t length_min(uint8_t type)
{
	static const uint8_t min[] = {255, 29, 23, 21, 19, 23};

	return type && type < sizeof(min) ? min[type] : UINT32_MAX;
}

static bool bgp_head(const uint8_t *p)
{
	static const uint8_t marker[16] = {255, 255, 255, 255, 255, 255, 255, 255,
					   255, 255, 255, 255, 255, 255, 255, 255};

	return !memcmp(p, marker, sizeof(marker)) && get16(p + 16) >= length_min(p[18]);
}

bool bgp_speaks(const struct probe *b)
{
	return b->tcp && b->length >= BGP_HEADER && bgp_head(b->p);
}

static const uint8_t *bgp_next(struct cursor *c, struct cursor *body)
{
	const uint8_t *p = cursor_peek(c, BGP_HEADER);
	size_t here;

	if (!p || !bgp_head(p))
		return NULL;
	c->data += BGP_HEADER;
	here = get16(p + 16) - BGP_HEADER;
	here = here < cursor_left(c) ? here : cursor_left(c);
	*body = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return p;
}

/* Adds the first prefixes and the number of all of them. */
static void prefixes_info(struct buf *out, const char *before, struct cursor c)
{
	unsigned n = 0;
	const uint8_t *p;

	while ((p = cursor_pull(&c, 1))) {
		uint8_t bits = *p, bytes[4] = {0};
		char text[ADDR_LINE_MAX];

		p = bits <= 32 ? cursor_pull(&c, (bits + 7u) / 8) : NULL;
		if (!p)
			return;
		memcpy(bytes, p, (bits + 7u) / 8);
		if (n++ < BGP_PREFIXES_LINE)
			buf_printf(out, "%s%s/%u", n == 1 ? before : " ", text_ip(4, bytes, text),
				   bits);
	}
	if (n > BGP_PREFIXES_LINE)
		buf_printf(out, " and %u more", n - BGP_PREFIXES_LINE);
}

/* The next part of an update: two bytes of length, and what is here of as many bytes. */
static bool part_take(struct cursor *c, struct cursor *part)
{
	const uint8_t *p = cursor_pull(c, 2);
	size_t here;

	if (!p)
		return false;
	here = get16(p) < cursor_left(c) ? get16(p) : cursor_left(c);
	*part = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return true;
}

static void message_info(struct buf *out, const uint8_t *p, struct cursor body)
{
	const uint8_t *q = body.data;
	size_t left = cursor_left(&body);
	struct cursor part;
	char text[ADDR_LINE_MAX];

	buf_add_str(out, names[p[18]]);
	if (p[18] == BGP_OPEN && left >= 10) {
		buf_printf(out, " as %u hold %u id %s", get16(q + 1), get16(q + 3),
			   text_ip(4, q + 5, text));
	} else if (p[18] == BGP_NOTIFICATION && left >= 2) {
		buf_printf(out, " %s", code_text(errors, q[0], "error"));
		if (q[0] == 6 && q[1])
			buf_printf(out, ": %s", code_text(ceases, q[1], "unknown"));
		else if (q[1])
			buf_printf(out, " %u", q[1]);
	} else if (p[18] == BGP_UPDATE && part_take(&body, &part)) {
		prefixes_info(out, " withdraws ", part);
		if (part_take(&body, &part))
			prefixes_info(out, " announces ", body);
	}
}

void bgp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	const uint8_t *p;

	for (unsigned i = 0; i < BGP_MESSAGES_LINE && (p = bgp_next(&c, &body)); i++) {
		if (i)
			buf_add_str(out, ", ");
		message_info(out, p, body);
	}
}

void bgp_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	struct view below = view_below(v);
	char text[ADDR_LINE_MAX];
	const uint8_t *p;

	for (unsigned i = 0; i < BGP_MESSAGES_MAX && (p = bgp_next(&c, &body)); i++) {
		uint32_t at = cursor_offset(&body);
		const uint8_t *q = body.data;

		view_field(v, "message", (uint32_t)(p - v->head), get16(p + 16), "%s length %u",
			   names[p[18]], get16(p + 16));
		if (p[18] == BGP_OPEN && cursor_left(&body) >= 10) {
			view_field(&below, "version", at, 1, "%u", q[0]);
			view_field(&below, "as", at + 1, 2, "%u", get16(q + 1));
			view_field(&below, "hold_time", at + 3, 2, "%u s", get16(q + 3));
			view_field(&below, "id", at + 5, 4, "%s", text_ip(4, q + 5, text));
		} else if (p[18] == BGP_NOTIFICATION && cursor_left(&body) >= 2) {
			view_field(&below, "error", at, 2, "%u/%u %s", q[0], q[1],
				   code_text(errors, q[0], "unknown"));
		}
	}
}
