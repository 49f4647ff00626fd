/* HTTP/2: frames, RFC 9113. Header blocks are compressed over the whole connection: analysis reads
 * them. */
#include <string.h>

#include "app.h"
#include "decode/http2.h"

#define FRAME_BYTES_MAX 16384u /* that nobody has to agree on (RFC 9113 4.2) */
#define FRAMES_LINE 6u
#define FRAMES_MAX 256u
#define STREAM_MAX 0x00ffffffu /* of one that we believe: 8 million requests */

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

static const char *const names[] = {
	"DATA",		"HEADERS", "PRIORITY", "RST_STREAM",	"SETTINGS",
	"PUSH_PROMISE", "PING",	   "GOAWAY",   "WINDOW_UPDATE", "CONTINUATION",
};

static const struct code_name errors[] = {
	{0, "NO_ERROR"},
	{1, "PROTOCOL_ERROR"},
	{2, "INTERNAL_ERROR"},
	{3, "FLOW_CONTROL_ERROR"},
	{4, "SETTINGS_TIMEOUT"},
	{5, "STREAM_CLOSED"},
	{6, "FRAME_SIZE_ERROR"},
	{7, "REFUSED_STREAM"},
	{8, "CANCEL"},
	{9, "COMPRESSION_ERROR"},
	{10, "CONNECT_ERROR"},
	{11, "ENHANCE_YOUR_CALM"},
	{12, "INADEQUATE_SECURITY"},
	{13, "HTTP_1_1_REQUIRED"},
	{0, NULL},
};

/* What each kind must be: its length, and whether it belongs to a stream (RFC 9113 6). */
static bool frame_fits(const uint8_t *p)
{
	uint32_t length = get32(p) >> 8, stream = get32(p + 5);

	if (length > FRAME_BYTES_MAX || stream > STREAM_MAX)
		return false;
	switch (p[3]) {
	case HTTP2_DATA:
	case HTTP2_HEADERS:
	case HTTP2_CONTINUATION:
	case HTTP2_PUSH:
		return stream && !(p[4] & ~0x2d);
	case HTTP2_PRIORITY:
		return stream && length == 5;
	case HTTP2_RESET:
		return stream && length == 4;
	case HTTP2_SETTINGS:
		return !stream && p[4] <= 1 && length % 6 == 0 && (!p[4] || !length);
	case HTTP2_PING:
		return !stream && p[4] <= 1 && length == 8;
	case HTTP2_GOAWAY:
		return !stream && length >= 8;
	case HTTP2_WINDOW:
		return length == 4;
	default:
		return false;
	}
}

bool http2_preface(const uint8_t *p, size_t length)
{
	return length &&
	       !memcmp(p, preface, length < HTTP2_PREFACE_BYTES ? length : HTTP2_PREFACE_BYTES);
}

/* Where the frame that begins last ends, on the wire; 0: these are no frames. */
static size_t frames_end(const uint8_t *p, size_t length)
{
	size_t at = 0;

	while (at + HTTP2_FRAME_HEADER <= length) {
		if (!frame_fits(p + at))
			return 0;
		at += HTTP2_FRAME_HEADER + (get32(p + at) >> 8);
	}
	return at;
}

bool http2_frames(const uint8_t *p, size_t length)
{
	return length && frames_end(p, length) == length;
}

/* The beginning of a client's side, or frames to the payload's very end. */
bool http2_speaks(const struct probe *b)
{
	if (b->p[0] == 'P')
		return b->length >= 16 && http2_preface(b->p, b->length);
	return frames_end(b->p, b->length) == b->wire;
}

static const uint8_t *frame_next(struct cursor *c, struct cursor *body)
{
	const uint8_t *p = cursor_peek(c, HTTP2_FRAME_HEADER);
	size_t here;

	if (!p || !frame_fits(p))
		return NULL;
	c->data += HTTP2_FRAME_HEADER;
	here = get32(p) >> 8;
	here = here < cursor_left(c) ? here : cursor_left(c);
	*body = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return p;
}

static void frame_line(struct buf *out, const uint8_t *p, const struct cursor *body)
{
	const uint8_t *q = body->data;

	buf_add_str(out, names[p[3]]);
	if (p[3] == HTTP2_SETTINGS && p[4] & 1)
		buf_add_str(out, " ack");
	if (get32(p + 5))
		buf_printf(out, "[%u]", get32(p + 5));
	if (p[3] == HTTP2_RESET && cursor_left(body) >= 4)
		buf_printf(out, " %s", code_text(errors, get32(q), "error"));
	else if (p[3] == HTTP2_GOAWAY && cursor_left(body) >= 8)
		buf_printf(out, " %s", code_text(errors, get32(q + 4), "error"));
	else if (p[3] == HTTP2_DATA)
		buf_printf(out, " %u bytes", get32(p) >> 8);
	if (p[3] <= HTTP2_HEADERS && p[4] & 1)
		buf_add_str(out, " end");
}

/* Moves behind the preface, where there is one. */
static bool preface_pull(struct cursor *c)
{
	const uint8_t *p = cursor_peek(c, 16);

	if (!p || memcmp(p, preface, 16) != 0)
		return false;
	c->data += cursor_left(c) < HTTP2_PREFACE_BYTES ? cursor_left(c) : HTTP2_PREFACE_BYTES;
	return true;
}

void http2_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	const char *before = "";
	const uint8_t *p;

	if (preface_pull(&c)) {
		buf_add_str(out, "preface");
		before = ", ";
	}
	for (unsigned i = 0; (p = frame_next(&c, &body)); i++) {
		buf_add_str(out, before);
		before = ", ";
		if (i == FRAMES_LINE) {
			buf_add_str(out, "...");
			return;
		}
		frame_line(out, p, &body);
	}
}

void http2_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), body;
	struct view below = view_below(v);
	const uint8_t *p;

	if (preface_pull(&c))
		view_field(v, "preface", l->offset, cursor_offset(&c) - l->offset, "HTTP/2.0");
	for (unsigned i = 0; i < FRAMES_MAX && (p = frame_next(&c, &body)); i++) {
		uint32_t at = (uint32_t)(p - v->head);

		view_field(v, "frame", at, HTTP2_FRAME_HEADER + (get32(p) >> 8), "%s length %u",
			   names[p[3]], get32(p) >> 8);
		view_field(&below, "flags", at + 4, 1, "0x%02x", p[4]);
		view_field(&below, "stream", at + 5, 4, "%u", get32(p + 5));
	}
}
