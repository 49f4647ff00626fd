/* What people see of a packet: its line and its tree. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/text.h"
#include "rows.h"

#define VALUE_MAX 512u	   /* bytes of a field's text that we make */
#define HEX_BYTES_MAX 32u  /* bytes shown of a field that is only bytes */
#define TITLE_MAX 512u	   /* bytes of a layer's own row */
#define QUOTE_DEPTH_MAX 2u /* packets within packets that are followed */

struct cursor view_cursor(const struct view *v, const struct layer *l)
{
	return cursor_over(v->head, l->offset, l->length);
}

void view_text(const struct view *v, const char *name, uint32_t offset, uint32_t length,
	       struct str value)
{
	/* What a length in the packet claims may not be here. */
	if (offset > v->captured)
		offset = v->captured;
	if (length > v->captured - offset)
		length = v->captured - offset;
	v->fn(v->arg, v->depth, name, value, v->base + offset, length);
}

void view_field(const struct view *v, const char *name, uint32_t offset, uint32_t length,
		const char *fmt, ...)
{
	char text[VALUE_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	view_text(v, name, offset, length, str_of(text));
}

void view_hex(const struct view *v, const char *name, uint32_t offset, uint32_t length)
{
	char text[HEX_BYTES_MAX * 2 + 4];
	uint32_t shown = length < HEX_BYTES_MAX ? length : HEX_BYTES_MAX;

	text[0] = 0;
	for (uint32_t i = 0; i < shown; i++)
		snprintf(text + i * 2, 3, "%02x", v->head[offset + i]);
	if (shown < length)
		memcpy(text + shown * 2, "...", 4);
	view_text(v, name, offset, length, str_of(text));
}

struct view view_below(const struct view *v)
{
	struct view below = *v;

	below.depth++;
	return below;
}

bool view_describes(const struct view *v, const struct layer *l)
{
	return v->d->flags & DECODE_IP && v->d->src < v->head + l->offset;
}

/* Why the transport's checksum cannot be said to be right or wrong; NULL when it can. */
static const char *checksum_unchecked(const struct view *v, const struct layer *l, uint32_t length)
{
	const struct decoded *d = v->d;

	if (!view_describes(v, l))
		return "a tunnel's";
	if (d->flags & DECODE_FRAGMENT)
		return "a fragment";
	if (d->flags & (DECODE_CUT | DECODE_LONG) || l->offset + length > v->captured)
		return "cut";
	if (v->base)
		return "quoted";
	return NULL;
}

void view_checksum(const struct view *v, const struct layer *l, uint32_t at)
{
	const struct decoded *d = v->d;
	const uint8_t *p = v->head + l->offset;
	bool ports = l->protocol == PROTO_TCP || l->protocol == PROTO_UDP;
	/* TCP, UDP: header and payload; ICMP's payload begins with its own header. */
	uint32_t length =
		ports ? d->payload_offset - l->offset + d->payload_bytes : d->payload_bytes;
	uint16_t field = get16(p + at), sum;
	uint64_t pseudo = 0;
	const char *why = checksum_unchecked(v, l, length);

	if (why) {
		view_field(v, "checksum", l->offset + at, 2, "0x%04x not checked (%s)", field, why);
		return;
	}
	if (l->protocol != PROTO_ICMP)
		pseudo = checksum_pseudo(d, ip6_final_dst(v), d->ip_protocol, length);
	sum = checksum_sum(pseudo, p, length);
	if (sum == 0xffff)
		view_field(v, "checksum", l->offset + at, 2, "0x%04x right", field);
	else if (pseudo && field == checksum_sum(pseudo, p, 0))
		view_field(v, "checksum", l->offset + at, 2, "0x%04x left to the device (offload)",
			   field);
	else
		view_field(v, "checksum", l->offset + at, 2, "0x%04x wrong, should be 0x%04x",
			   field, checksum_right(sum, field));
}

/* --- texts --- */

const char *text_ip(uint8_t family, const uint8_t *bytes, char out[ADDR_LINE_MAX])
{
	struct addr a = {.family = family};

	memcpy(a.bytes, bytes, family == 4 ? 4 : 16);
	return addr_text(&a, out);
}

const char *text_mac(const uint8_t *b, char out[ADDR_LINE_MAX])
{
	snprintf(out, ADDR_LINE_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		 b[5]);
	return out;
}

const char *text_bits(uint32_t bits, const struct bit_name *names, char *out, size_t size)
{
	size_t len = 0;

	out[0] = 0;
	for (; names->name; names++) {
		if (bits & names->bit && len < size)
			len += (size_t)snprintf(out + len, size - len, "%s%s", len ? " " : "",
						names->name);
	}
	return len ? out : "none";
}

const char *code_text(const struct code_name *names, uint32_t code, const char *otherwise)
{
	for (; names->name; names++) {
		if (names->code == code)
			return names->name;
	}
	return otherwise;
}

/* --- the line --- */

static const struct info_context context_none = {.scale = -1};

/* The innermost layer that has something to say, from the last one outwards. */
static void view_info(struct buf *out, const struct view *v)
{
	size_t before = out->len;

	/* A later fragment has nothing to read in it: its IP header is the news. */
	for (unsigned i = v->d->nlayers; i-- > 0 && out->len == before;) {
		const struct layer *l = &v->d->layer[i];
		const struct protocol *row = &protocol_rows[l->protocol];

		if (row->info)
			row->info(out, v, l);
		else if (l->protocol != PROTO_DATA && l->length)
			buf_printf(out, "%s, %u bytes", proto_title(l->protocol), l->length);
	}
	if (out->len == before && v->d->nlayers)
		buf_printf(out, "%s, %u bytes", proto_title(v->d->layer[0].protocol), v->captured);
	if (v->d->flags & DECODE_BAD)
		buf_printf(out, " [bad: %s]", v->d->why);
	else if (v->d->flags & DECODE_CUT)
		buf_add_str(out, " [cut]");
	if (v->d->flags & DECODE_LONG)
		buf_add_str(out, " [IP length beyond the frame]");
}

void decode_info(struct buf *out, const struct decoded *d, const uint8_t *data, uint32_t captured,
		 const struct info_context *c)
{
	struct view v = {.d = d,
			 .head = data,
			 .captured = captured,
			 .length = captured,
			 .context = c ? c : &context_none};

	view_info(out, &v);
}

static void quote_view(struct view *q, struct decoded *d, const struct view *v, uint32_t offset)
{
	*q = *v;
	q->d = d;
	q->head = v->head + offset;
	q->captured = v->captured - offset;
	q->length = q->captured;
	q->base = v->base + offset;
	q->context = &context_none;
	decode_ip(d, NULL, q->head, q->captured, q->length);
}

void info_quote(struct buf *out, const struct view *v, uint32_t offset)
{
	char src[ADDR_LINE_MAX], dst[ADDR_LINE_MAX];
	struct decoded d;
	struct view q;

	quote_view(&q, &d, v, offset);
	if (!(d.flags & DECODE_IP))
		return;
	text_ip(d.family, d.src, src);
	text_ip(d.family, d.dst, dst);
	if (d.flags & DECODE_PORTS && d.ip_protocol != 1 && d.ip_protocol != 58)
		buf_printf(out, " for %s %s:%u > %s:%u", ip_protocol_name(d.ip_protocol), src,
			   d.sport, dst, d.dport);
	else
		buf_printf(out, " for %s %s > %s", ip_protocol_name(d.ip_protocol), src, dst);
}

/* --- the tree --- */

static void view_layer(const struct view *v, const struct layer *l, struct buf *title)
{
	const struct protocol *row = &protocol_rows[l->protocol];
	struct view below = view_below(v);
	size_t named;

	buf_clear(title);
	buf_add_str(title, proto_title(l->protocol));
	named = title->len;
	if (row->info) {
		buf_add_str(title, ": ");
		row->info(title, v, l);
	} else {
		buf_printf(title, ": %u bytes", l->length);
	}
	if (title->len == named + 2)
		title->len = named;
	view_text(v, proto_name(l->protocol), l->offset, l->length,
		  (struct str){(const char *)title->data, title->len});
	if (row->fields)
		row->fields(&below, l);
}

static void view_layers(const struct view *v)
{
	struct buf title;

	buf_init(&title, TITLE_MAX);
	for (unsigned i = 0; i < v->d->nlayers; i++) {
		/* The bytes that an ICMP error quotes have been shown as what they are. */
		if (v->d->flags & DECODE_ICMP_ERROR && v->d->layer[i].offset >= v->d->quote_offset)
			break;
		view_layer(v, &v->d->layer[i], &title);
	}
	if (v->d->flags & DECODE_BAD)
		view_text(v, "bad", 0, 0, str_of(v->d->why));
	buf_release(&title);
}

void view_quote(const struct view *v, uint32_t offset)
{
	struct decoded d;
	struct view q;

	if (v->depth > QUOTE_DEPTH_MAX)
		return;
	quote_view(&q, &d, v, offset);
	view_field(v, "quote", offset, q.captured, "the packet that the error is about");
	q.depth++;
	view_layers(&q);
}

void decode_fields(const struct decoded *d, const uint8_t *data, uint32_t captured, uint32_t length,
		   field_fn fn, void *arg)
{
	struct view v = {.d = d,
			 .head = data,
			 .captured = captured,
			 .length = length,
			 .context = &context_none,
			 .fn = fn,
			 .arg = arg};

	view_layers(&v);
}

void data_fields(const struct view *v, const struct layer *l)
{
	if (l->length)
		view_hex(v, "bytes", l->offset, l->length);
}
