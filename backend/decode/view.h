/* Inside of decode: what people see of a packet, its line and its tree. */
#ifndef DECODE_VIEW_H
#define DECODE_VIEW_H

#include "cursor.h"
#include "decode/decode.h"

/* A decoded packet that is shown. `base`: where the packet begins in the one that quotes it. */
struct view {
	const struct decoded *d;
	const uint8_t *head;
	uint32_t captured, length;
	uint32_t base;
	unsigned depth;
	const struct info_context *context; /* never NULL */
	field_fn fn;
	void *arg;
};

/* --- views' helpers (view.c) --- */
struct cursor view_cursor(const struct view *v, const struct layer *l);
void view_text(const struct view *v, const char *name, uint32_t offset, uint32_t length,
	       struct str value);
void view_field(const struct view *v, const char *name, uint32_t offset, uint32_t length,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Bytes as hex, the first of many. */
void view_hex(const struct view *v, const char *name, uint32_t offset, uint32_t length);
/* The view one level deeper. */
struct view view_below(const struct view *v);
/* Whether struct decoded describes the IP packet that the layer belongs to: not what carries it. */
bool view_describes(const struct view *v, const struct layer *l);
/* "right", "wrong, should be 0x1234", "not checked (...)" for the transport's checksum field at l's
 * offset + at. */
void view_checksum(const struct view *v, const struct layer *l, uint32_t at);
/* A packet within the packet (an ICMP error's quote), its whole tree or its one line. */
void view_quote(const struct view *v, uint32_t offset);
void info_quote(struct buf *out, const struct view *v, uint32_t offset);

#define ADDR_LINE_MAX 64 /* "[2001:db8::1]:65535" and its end */
const char *text_ip(uint8_t family, const uint8_t *bytes, char out[ADDR_LINE_MAX]);
const char *text_mac(const uint8_t *bytes, char out[ADDR_LINE_MAX]);
/* Names of bits that are set, "SYN ACK"; "none" if none is. */
struct bit_name {
	uint32_t bit;
	const char *name;
};
const char *text_bits(uint32_t bits, const struct bit_name *names, char *out, size_t size);
/* The text of a code, "unknown" where the table (ended by NULL) has none. */
struct code_name {
	uint32_t code;
	const char *name;
};
const char *code_text(const struct code_name *names, uint32_t code, const char *otherwise);

#endif
