/* IPsec: the authentication header (RFC 4302) is walked through, what ESP (RFC 4303) encrypts is
 * named. */
#include "rows.h"

#define ESP_HEADER 8u
#define AH_HEADER 12u

/* Behind IPv4; IPv6 walks through it with its other extension headers. */
uint8_t ah_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, AH_HEADER);
	uint32_t length;

	if (!p)
		return walk_short(w, PROTO_AH, AH_HEADER);
	length = (p[1] + 2u) * 4;
	if (length < AH_HEADER)
		return walk_bad(w, PROTO_AH, AH_HEADER, "an authentication header below 12 bytes");
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_AH, length);
	walk_layer(w, PROTO_AH, length);
	return walk_transport(w, p[0]);
}

uint8_t esp_decode(struct walk *w)
{
	if (!cursor_peek(&w->c, ESP_HEADER))
		return walk_short(w, PROTO_ESP, ESP_HEADER);
	return walk_rest(w, PROTO_ESP);
}

void esp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length >= ESP_HEADER)
		buf_printf(out, "spi 0x%08x seq %u", get32(p), get32(p + 4));
}

void esp_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < ESP_HEADER)
		return;
	view_field(v, "spi", l->offset, 4, "0x%08x", get32(p));
	view_field(v, "sequence", l->offset + 4, 4, "%u", get32(p + 4));
}
