/* WireGuard, https://www.wireguard.com/protocol/: numbers have the low byte first. */
#include "app.h"
#include "le.h"

enum { INITIATION = 1, RESPONSE, COOKIE, TRANSPORT };

/* A type, three bytes of 0, and the one length that the type has; transport comes in steps of 16.
 */
bool wireguard_speaks(const struct probe *b)
{
	if (b->length < 16 || le32(b->p) < INITIATION || le32(b->p) > TRANSPORT)
		return false;
	switch (b->p[0]) {
	case INITIATION:
		return b->wire == 148;
	case RESPONSE:
		return b->wire == 92;
	case COOKIE:
		return b->wire == 64;
	default: /* receiver, a counter that no rekeying lets grow beyond 2^60, what is sealed */
		return b->wire >= 32 && b->wire % 16 == 0 && b->p[15] == 0;
	}
}

void wireguard_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < 16)
		return;
	switch (p[0]) {
	case INITIATION:
		buf_printf(out, "handshake initiation sender 0x%08x", le32(p + 4));
		return;
	case RESPONSE:
		buf_printf(out, "handshake response sender 0x%08x receiver 0x%08x", le32(p + 4),
			   le32(p + 8));
		return;
	case COOKIE:
		buf_printf(out, "cookie receiver 0x%08x", le32(p + 4));
		return;
	default:
		buf_printf(out, "%s receiver 0x%08x counter %llu",
			   v->d->payload_bytes == 32 ? "keep-alive" : "data", le32(p + 4),
			   (unsigned long long)le64(p + 8));
	}
}

void wireguard_fields(const struct view *v, const struct layer *l)
{
	static const char *const kinds[] = {"unknown", "handshake initiation", "handshake response",
					    "cookie", "data"};
	const uint8_t *p = v->head + l->offset;

	if (l->length < 16)
		return;
	view_field(v, "type", l->offset, 1, "%u %s", p[0], kinds[p[0] <= TRANSPORT ? p[0] : 0]);
	view_field(v, p[0] <= RESPONSE ? "sender" : "receiver", l->offset + 4, 4, "0x%08x",
		   le32(p + 4));
	if (p[0] == RESPONSE)
		view_field(v, "receiver", l->offset + 8, 4, "0x%08x", le32(p + 8));
	if (p[0] == TRANSPORT)
		view_field(v, "counter", l->offset + 8, 8, "%llu", (unsigned long long)le64(p + 8));
}
