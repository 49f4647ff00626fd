/* Secure Shell: the banner and what is not encrypted yet, RFC 4253. */
#include <string.h>

#include "app.h"
#include "lines.h"

#define SSH_PACKET_MAX 35000u
#define SSH_PADDING_MIN 4u
#define KEXINIT_LISTS 22u /* where its first list of names begins in the packet */
#define SSH_PACKETS_LINE 4u

static const struct code_name messages[] = {
	{1, "disconnect"},
	{2, "ignore"},
	{3, "unimplemented"},
	{4, "debug"},
	{5, "service request"},
	{6, "service accept"},
	{7, "extensions"},
	{20, "key exchange init"},
	{21, "new keys"},
	{30, "key exchange 30"},
	{31, "key exchange 31"},
	{32, "key exchange 32"},
	{33, "key exchange 33"},
	{34, "key exchange 34"},
	{0, NULL},
};

/* Length, padding and kind of a packet in the clear. */
static bool packet_plain(const uint8_t *p, size_t length)
{
	return length >= 6 && get32(p) >= 12 && get32(p) <= SSH_PACKET_MAX &&
	       p[4] >= SSH_PADDING_MIN && p[4] + 1u < get32(p) && *code_text(messages, p[5], "");
}

/* The names of methods that follow 16 random bytes are text. */
static bool kexinit(const uint8_t *p, size_t length)
{
	uint32_t names;

	if (length < KEXINIT_LISTS + 12 || !packet_plain(p, length) || p[5] != 20)
		return false;
	names = get32(p + KEXINIT_LISTS);
	for (uint32_t i = 0; i < 8; i++) {
		uint8_t c = p[KEXINIT_LISTS + 4 + i];

		if (c < '-' || c > 'z')
			return false;
	}
	return names >= 8 && names < get32(p);
}

bool ssh_speaks(const struct probe *b)
{
	if (b->p[0] != 'S')
		return b->p[0] == 0 && kexinit(b->p, b->length);
	return b->length >= 8 && !memcmp(b->p, "SSH-", 4) && (b->p[4] == '1' || b->p[4] == '2') &&
	       b->p[5] == '.';
}

/* At its port, what stands in the clear and ends with the payload. */
bool ssh_looks(const struct probe *b)
{
	return packet_plain(b->p, b->length) && b->p[5] >= 20 && get32(b->p) + 4 <= b->wire;
}

void ssh_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;
	unsigned n = 0;
	const uint8_t *p = cursor_peek(&c, 4);

	if (!p)
		return;
	if (!memcmp(p, "SSH-", 4) && line_next(&c, &line)) {
		line_add(out, line);
		n++;
	}
	while (n < SSH_PACKETS_LINE && packet_plain(c.data, cursor_left(&c))) {
		buf_printf(out, "%s%s", n++ ? ", " : "", code_text(messages, c.data[5], ""));
		if (!cursor_pull(&c, get32(c.data) + 4))
			return;
	}
}

void ssh_fields(const struct view *v, const struct layer *l)
{
	static const char *const lists[] = {"key_exchange", "host_key", "ciphers_to_server",
					    "ciphers_to_client"};
	const uint8_t *p = v->head + l->offset;
	struct cursor c = view_cursor(v, l);

	if (!kexinit(p, l->length)) {
		if (l->length >= 4 && !memcmp(p, "SSH-", 4))
			line_fields(v, l);
		return;
	}
	cursor_pull(&c, KEXINIT_LISTS);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *q = cursor_pull(&c, 4);
		uint32_t at = cursor_offset(&c);

		if (!q || !cursor_pull(&c, get32(q)))
			return;
		view_text(v, lists[i], at, get32(q),
			  (struct str){(const char *)v->head + at, get32(q)});
	}
}
