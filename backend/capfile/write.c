/* Blocks of pcapng (draft-ietf-opsawg-pcapng) and records of pcap, little-endian. */
#include "capfile/write.h"

#include <endian.h>
#include <string.h>

#include "base/clock.h"
#include "ng.h"

#define SECTION_LENGTH_UNKNOWN UINT64_MAX
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define RESOLUTION_NS 9
#define RESOLUTION_US 6
#define APPLICATION "tapdeck " TAPDECK_VERSION

static void put16(uint8_t *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* Text of an option: bounded, and no character of UTF-8 cut through. */
static size_t text_len(const char *text)
{
	size_t len = strnlen(text, BLOCKS_TEXT_MAX + 1);

	if (len <= BLOCKS_TEXT_MAX)
		return len;
	do
		len--;
	while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80);
	return len;
}

/* --- a block: started in the buffer, options added, both lengths set; on failure the buffer is as
 * before --- */

struct block {
	struct buf *out;
	size_t start;
	bool failed;
};

static uint8_t *block_add(struct block *k, size_t len)
{
	uint8_t *p = k->failed ? NULL : buf_reserve(k->out, len);

	if (!p) {
		k->failed = true;
		return NULL;
	}
	memset(p, 0, len);
	k->out->len += len;
	return p;
}

/* The block's fixed part, behind type and length. */
static struct block block_begin(struct buf *out, uint32_t type, size_t fixed, uint8_t **at)
{
	struct block k = {.out = out, .start = out->len};
	uint8_t *p = block_add(&k, 8 + fixed);

	*at = p ? p + 8 : NULL;
	if (p)
		put32(p, type);
	return k;
}

/* An option of `len` bytes; `first` is put before them when it is not negative. */
static void block_option(struct block *k, uint16_t code, int first, const void *value, size_t len)
{
	const size_t lead = first < 0 ? 0 : 1;
	uint8_t *p = block_add(k, 4 + padded(lead + len));

	if (!p)
		return;
	put16(p, code);
	put16(p + 2, (uint16_t)(lead + len));
	if (lead)
		p[4] = (uint8_t)first;
	memcpy(p + 4 + lead, value, len);
}

static void block_text(struct block *k, uint16_t code, int first, const char *text)
{
	if (text && *text)
		block_option(k, code, first, text, text_len(text));
}

static void block_count(struct block *k, uint16_t code, uint64_t count)
{
	uint8_t value[8];

	if (count == UINT64_MAX)
		return;
	put64(value, count);
	block_option(k, code, -1, value, sizeof(value));
}

static int block_end(struct block *k)
{
	uint8_t *p = block_add(k, 4 + 4); /* the end of the options, and the length again */
	size_t len;

	if (!p) {
		if (k->out->len > k->start)
			k->out->len = k->start;
		return -1;
	}
	len = k->out->len - k->start;
	put32(k->out->data + k->start + 4, (uint32_t)len);
	put32(p + 4, (uint32_t)len);
	return 0;
}

int write_section(struct buf *out, const char *comment)
{
	uint8_t *p;
	struct block k = block_begin(out, NG_SECTION, 16, &p);

	if (p) {
		put32(p, BYTE_ORDER_MAGIC);
		put16(p + 4, 1); /* version 1.0 */
		put64(p + 8, SECTION_LENGTH_UNKNOWN);
	}
	block_text(&k, OPTION_COMMENT, -1, comment);
	block_text(&k, SHB_USERAPPL, -1, APPLICATION);
	return block_end(&k);
}

int write_interface_said(struct buf *out, const struct write_interface *said)
{
	const uint8_t resolution = said->microseconds ? RESOLUTION_US : RESOLUTION_NS;
	uint8_t *p;
	struct block k = block_begin(out, NG_INTERFACE, 8, &p);

	if (p) {
		put16(p, (uint16_t)said->link_type);
		put32(p + 4, said->snaplen);
	}
	block_text(&k, OPTION_COMMENT, -1, said->comment);
	block_text(&k, IF_NAME, -1, said->name);
	block_option(&k, IF_TSRESOL, -1, &resolution, sizeof(resolution));
	block_text(&k, IF_FILTER, 0, said->filter); /* 0: text, not a program */
	return block_end(&k);
}

int write_interface(struct buf *out, const char *name, const char *filter, uint32_t link_type,
		    uint32_t snaplen)
{
	const struct write_interface said = {
		.name = name, .filter = filter, .link_type = link_type, .snaplen = snaplen};

	return write_interface_said(out, &said);
}

int64_t write_ticks(bool microseconds, int64_t ts_ns)
{
	return microseconds ? ts_ns / 1000 : ts_ns;
}

static uint64_t ticks_of(int64_t ts)
{
	return ts < 0 ? 0 : (uint64_t)ts;
}

int write_statistics(struct buf *out, uint32_t interface, int64_t ts, uint64_t received,
		     uint64_t dropped_kernel, uint64_t dropped_device)
{
	const uint64_t ticks = ticks_of(ts);
	uint8_t *p;
	struct block k = block_begin(out, NG_STATISTICS, 12, &p);

	if (p) {
		put32(p, interface);
		put32(p + 4, (uint32_t)(ticks >> 32));
		put32(p + 8, (uint32_t)ticks);
	}
	block_count(&k, ISB_IFRECV, received);
	block_count(&k, ISB_IFDROP, dropped_device);
	block_count(&k, ISB_OSDROP, dropped_kernel);
	return block_end(&k);
}

/* --- packets --- */

uint32_t write_packet_bytes(uint32_t captured)
{
	return 32 + (uint32_t)padded(captured);
}

void write_packet(uint8_t *dst, uint32_t interface, int64_t ts, uint32_t captured, uint32_t length,
		  const uint8_t *data)
{
	const uint32_t total = write_packet_bytes(captured);
	const uint64_t ticks = ticks_of(ts);

	memset(dst + total - 8, 0, 4); /* padding; what is no padding is written over it */
	put32(dst, NG_ENHANCED);
	put32(dst + 4, total);
	put32(dst + 8, interface);
	put32(dst + 12, (uint32_t)(ticks >> 32));
	put32(dst + 16, (uint32_t)ticks);
	put32(dst + 20, captured);
	put32(dst + 24, length);
	memcpy(dst + 28, data, captured);
	put32(dst + total - 4, total);
}

uint32_t write_commented_bytes(uint32_t captured, const char *comment)
{
	return write_packet_bytes(captured) + 4 + (uint32_t)padded(text_len(comment)) + 4;
}

void write_commented(uint8_t *dst, uint32_t interface, int64_t ts_ns, uint32_t captured,
		     uint32_t length, const uint8_t *data, const char *comment)
{
	const uint32_t total = write_commented_bytes(captured, comment);
	const size_t len = text_len(comment);
	uint8_t *option = dst + write_packet_bytes(captured) - 4;

	write_packet(dst, interface, ts_ns, captured, length, data);
	memset(option, 0, total - (size_t)(option - dst)); /* padding, the end of options */
	put16(option, OPTION_COMMENT);
	put16(option + 2, (uint16_t)len);
	memcpy(option + 4, comment, len);
	put32(dst + 4, total);
	put32(dst + total - 4, total);
}

int write_pcap_header(struct buf *out, uint32_t link_type, uint32_t snaplen, bool nanoseconds)
{
	uint8_t *p = buf_reserve(out, CLASSIC_FILE_HEADER);

	if (!p)
		return -1;
	memset(p, 0, CLASSIC_FILE_HEADER);
	put32(p, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
	put16(p + 4, 2); /* version 2.4 */
	put16(p + 6, 4);
	put32(p + 16, snaplen);
	put32(p + 20, link_type);
	out->len += CLASSIC_FILE_HEADER;
	return 0;
}

/* A second has 32 bits: what is before 1970 or after 2106 is moved there. */
int write_pcap_packet(struct buf *out, bool nanoseconds, const struct packet *pk)
{
	const uint64_t ticks = ticks_of(pk->has_time ? pk->ts_ns : 0);
	const uint64_t s = ticks / NS_PER_S, ns = ticks % NS_PER_S;
	uint8_t *p = buf_reserve(out, 16 + (size_t)pk->captured);

	if (!p)
		return -1;
	put32(p, s > UINT32_MAX ? UINT32_MAX : (uint32_t)s);
	put32(p + 4, (uint32_t)(nanoseconds ? ns : ns / 1000));
	put32(p + 8, pk->captured);
	put32(p + 12, pk->length);
	memcpy(p + 16, pk->data, pk->captured);
	out->len += 16 + (size_t)pk->captured;
	return 0;
}
