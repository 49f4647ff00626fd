/* BitTorrent: peers' messages, BEP 3; the distributed table of nodes over UDP, BEP 5. */
#include <string.h>

#include "app.h"

#define HANDSHAKE_BYTES 68u
#define MESSAGE_MAX (1u << 18) /* bytes that clients accept of one message */
#define MESSAGES_LINE 4u
#define MESSAGES_MAX 64u

static const char mark[] = "\x13"
			   "BitTorrent protocol";

static const struct code_name messages[] = {
	{0, "choke"},	   {1, "unchoke"},  {2, "interested"},	  {3, "not interested"},
	{4, "have"},	   {5, "bitfield"}, {6, "request"},	  {7, "piece"},
	{8, "cancel"},	   {9, "port"},	    {13, "suggest"},	  {14, "have all"},
	{15, "have none"}, {16, "reject"},  {17, "allowed fast"}, {20, "extended"},
	{0, NULL},
};

bool bittorrent_speaks(const struct probe *b)
{
	return b->tcp && b->length >= 20 && !memcmp(b->p, mark, 20);
}

/* At its ports: messages that exist, one behind the other. */
bool bittorrent_looks(const struct probe *b)
{
	uint32_t at = 0;

	while (at + 5 <= b->length) {
		uint32_t length = get32(b->p + at);

		if (length > MESSAGE_MAX || (length && !*code_text(messages, b->p[at + 4], "")))
			return false;
		at += 4 + length;
	}
	return at > 0 && (at >= b->wire || at + 5 > b->length);
}

/* A dictionary that begins with a query's arguments, a response or an error. */
bool dht_speaks(const struct probe *b)
{
	if (b->tcp || b->length < 12)
		return false;
	return !memcmp(b->p, "d1:ad2:id20:", 12) || !memcmp(b->p, "d1:rd2:id20:", 12) ||
	       (!memcmp(b->p, "d1:eli", 6) && b->p[b->length - 1] == 'e');
}

/* The method of a query, "1:q9:find_node"; else what kind of answer it is. */
static void dht_info(struct buf *out, const struct cursor *c)
{
	static const char *const methods[] = {"4:ping", "9:find_node", "9:get_peers",
					      "13:announce_peer"};
	const uint8_t *p = c->data;
	size_t left = cursor_left(c);

	buf_add_str(out, "dht");
	if (left < 12 || p[3] != 'a') {
		buf_add_str(out, left > 3 && p[3] == 'r' ? " response" : " error");
		return;
	}
	buf_add_str(out, " query");
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (memmem(p, left, methods[i], strlen(methods[i])))
			buf_printf(out, " %s", strchr(methods[i], ':') + 1);
	}
}

static bool is_handshake(const struct cursor *c)
{
	const uint8_t *p = cursor_peek(c, 20);

	return p && !memcmp(p, mark, 20);
}

static void handshake_info(struct buf *out, struct cursor *c)
{
	const uint8_t *p = cursor_pull(c, HANDSHAKE_BYTES);

	buf_add_str(out, "handshake");
	if (!p) {
		c->data = c->tail;
		return;
	}
	buf_add_str(out, " info ");
	for (unsigned i = 0; i < 20; i++)
		buf_printf(out, "%02x", p[28 + i]);
}

void bittorrent_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	unsigned n = 0;
	const uint8_t *p;

	if (v->d->ip_protocol != 6) {
		dht_info(out, &c);
		return;
	}
	if (is_handshake(&c)) {
		handshake_info(out, &c);
		n++;
	}
	for (; n < MESSAGES_LINE && (p = cursor_pull(&c, 4)); n++) {
		uint32_t length = get32(p);

		buf_printf(out, "%s%s", n ? ", " : "",
			   !length	     ? "keep-alive"
			   : cursor_left(&c) ? code_text(messages, *c.data, "message")
					     : "message");
		if (!cursor_pull(&c, length))
			return;
	}
}

void bittorrent_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	const uint8_t *p;

	if (v->d->ip_protocol != 6)
		return;
	if (is_handshake(&c)) {
		p = cursor_pull(&c, HANDSHAKE_BYTES);
		if (!p)
			return;
		view_hex(v, "reserved", l->offset + 20, 8);
		view_hex(v, "info_hash", l->offset + 28, 20);
		view_hex(v, "peer_id", l->offset + 48, 20);
	}
	for (unsigned i = 0; i < MESSAGES_MAX && (p = cursor_peek(&c, 5)); i++) {
		uint32_t length = get32(p), at = cursor_offset(&c);

		view_field(v, "message", at, 4, "%s length %u",
			   length ? code_text(messages, p[4], "unknown") : "keep-alive", length);
		if (length > MESSAGE_MAX || !cursor_pull(&c, 4 + length))
			return;
	}
}
