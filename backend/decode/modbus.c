/* Modbus over TCP, Modbus Messaging on TCP/IP Implementation Guide 1.0b. */
#include "app.h"

#define MODBUS_PORT 502u
#define MBAP_HEADER 7u
#define MODBUS_LENGTH_MAX 254u /* of unit and PDU */
#define MODBUS_MESSAGES_MAX 32u

static const struct code_name functions[] = {
	{1, "read coils"},
	{2, "read discrete inputs"},
	{3, "read holding registers"},
	{4, "read input registers"},
	{5, "write coil"},
	{6, "write register"},
	{7, "read exception status"},
	{8, "diagnostics"},
	{11, "get event counter"},
	{12, "get event log"},
	{15, "write coils"},
	{16, "write registers"},
	{17, "report server id"},
	{20, "read file record"},
	{21, "write file record"},
	{22, "mask write register"},
	{23, "read and write registers"},
	{24, "read fifo queue"},
	{43, "encapsulated interface"},
	{90, "unity"},
	{0, NULL},
};

static const struct code_name exceptions[] = {
	{1, "illegal function"},
	{2, "illegal data address"},
	{3, "illegal data value"},
	{4, "device failure"},
	{5, "acknowledge"},
	{6, "device busy"},
	{8, "memory parity error"},
	{10, "gateway path unavailable"},
	{11, "gateway target did not respond"},
	{0, NULL},
};

/* Protocol 0 and lengths that end where the payload does. */
bool modbus_looks(const struct probe *b)
{
	uint32_t at = 0;

	while (at + MBAP_HEADER + 1 <= b->length) {
		const uint8_t *p = b->p + at;

		if (get16(p + 2) || get16(p + 4) < 2 || get16(p + 4) > MODBUS_LENGTH_MAX || !p[7])
			return false;
		at += 6u + get16(p + 4);
	}
	return at == b->wire || (at && b->length < b->wire);
}

/* The next message's head; `pdu` has what is here behind the unit. */
static const uint8_t *modbus_next(struct cursor *c, struct cursor *pdu)
{
	const uint8_t *p = cursor_pull(c, MBAP_HEADER);
	size_t here;

	if (!p || get16(p + 4) < 2)
		return NULL;
	here = get16(p + 4) - 1u < cursor_left(c) ? get16(p + 4) - 1u : cursor_left(c);
	*pdu = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return p;
}

static void pdu_info(struct buf *out, const struct cursor *pdu, bool request)
{
	const uint8_t *p = pdu->data;
	size_t left = cursor_left(pdu);
	unsigned function = left ? p[0] & 0x7f : 0;

	if (!left)
		return;
	buf_printf(out, " %s", code_text(functions, function, "function"));
	if (!*code_text(functions, function, ""))
		buf_printf(out, " %u", function);
	if (p[0] & 0x80)
		buf_printf(out, " exception %s",
			   left > 1 ? code_text(exceptions, p[1], "unknown") : "");
	else if (left >= 5 && (function == 5 || function == 6))
		buf_printf(out, " %u value %u", get16(p + 1), get16(p + 3));
	else if (left >= 5 && request && function &&
		 (function < 5 || function == 15 || function == 16))
		buf_printf(out, " %u count %u", get16(p + 1), get16(p + 3));
	else if (left >= 2 && !request && function && function < 5)
		buf_printf(out, " %u bytes", p[1]);
}

void modbus_info(struct buf *out, const struct view *v, const struct layer *l)
{
	bool request = v->d->dport == MODBUS_PORT;
	struct cursor c = view_cursor(v, l), pdu;
	const uint8_t *p = modbus_next(&c, &pdu);

	if (!p)
		return;
	buf_printf(out, "%s %u unit %u", request ? "query" : "response", get16(p), p[6]);
	pdu_info(out, &pdu, request);
}

void modbus_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), pdu;
	const uint8_t *p;

	for (unsigned i = 0; i < MODBUS_MESSAGES_MAX && (p = modbus_next(&c, &pdu)); i++) {
		uint32_t at = (uint32_t)(p - v->head);

		view_field(v, "transaction", at, 2, "%u", get16(p));
		view_field(v, "length", at + 4, 2, "%u", get16(p + 4));
		view_field(v, "unit", at + 6, 1, "%u", p[6]);
		if (!cursor_left(&pdu))
			return;
		view_field(v, "function", at + 7, 1, "%u %s%s", pdu.data[0] & 0x7f,
			   code_text(functions, pdu.data[0] & 0x7f, "unknown"),
			   pdu.data[0] & 0x80 ? " exception" : "");
		if (pdu.data[0] & 0x80 && cursor_left(&pdu) > 1)
			view_field(v, "exception", at + 8, 1, "%u %s", pdu.data[1],
				   code_text(exceptions, pdu.data[1], "unknown"));
	}
}
