/* Domain Name System, RFC 1035; EDNS, RFC 6891; multicast DNS, RFC 6762; LLMNR, RFC 4795. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "decode/dns.h"
#include "rows.h"

#define DNS_HEADER DNS_HEADER_BYTES
#define DNS_NAME_MAX DNS_NAME_TEXT /* characters of a name with its dots (255 by RFC 1035) */
#define DNS_JUMPS_MAX 32u    /* compression pointers followed for one name */
#define DNS_RECORDS_MAX 256u /* records shown of one message */
#define DNS_ANSWERS_LINE 4u  /* answers in the packet's line */

static const struct code_name types[] = {
	{1, "A"},	    {2, "NS"},	   {5, "CNAME"},  {6, "SOA"},	  {12, "PTR"},
	{13, "HINFO"},	    {15, "MX"},	   {16, "TXT"},	  {28, "AAAA"},	  {29, "LOC"},
	{33, "SRV"},	    {35, "NAPTR"}, {39, "DNAME"}, {41, "OPT"},	  {43, "DS"},
	{44, "SSHFP"},	    {46, "RRSIG"}, {47, "NSEC"},  {48, "DNSKEY"}, {50, "NSEC3"},
	{51, "NSEC3PARAM"}, {52, "TLSA"},  {64, "SVCB"},  {65, "HTTPS"},  {99, "SPF"},
	{249, "TKEY"},	    {250, "TSIG"}, {251, "IXFR"}, {252, "AXFR"},  {255, "ANY"},
	{257, "CAA"},	    {0, NULL},
};

static const struct code_name rcodes[] = {
	{0, "NOERROR"}, {1, "FORMERR"}, {2, "SERVFAIL"}, {3, "NXDOMAIN"},
	{4, "NOTIMP"},	{5, "REFUSED"}, {6, "YXDOMAIN"}, {7, "YXRRSET"},
	{8, "NXRRSET"}, {9, "NOTAUTH"}, {10, "NOTZONE"}, {0, NULL},
};

static const struct code_name opcodes[] = {
	{0, "query"},  {1, "inverse query"}, {2, "status"}, {4, "notify"},
	{5, "update"}, {6, "stateful"},	     {0, NULL},
};

struct record {
	uint32_t at, length; /* of the whole record, from the message's head */
	char name[DNS_NAME_MAX];
	uint16_t type, class;
	uint32_t ttl;
	uint32_t data, data_length; /* what is here of it */
};

/* Adds one label as it stands (names of services are UTF-8): who prints it escapes it. */
static size_t label_add(char *out, size_t len, const uint8_t *p, size_t n)
{
	if (len && len < DNS_NAME_MAX - 1)
		out[len++] = '.';
	for (size_t i = 0; i < n && len < DNS_NAME_MAX - 1; i++)
		out[len++] = p[i] ? (char)p[i] : '?';
	return len;
}

/* The name at `at` of the message [head, tail), with compression. Returns where the bytes of the
 * name end, 0 when it is broken or not all here. */
static uint32_t name_read(const uint8_t *head, const uint8_t *tail, uint32_t at,
			  char out[DNS_NAME_MAX])
{
	uint32_t size = (uint32_t)(tail - head), end = 0;
	size_t len = 0;

	for (unsigned jumps = 0; at < size;) {
		uint8_t n = head[at];

		if (n >= 0xc0) {
			if (at + 2 > size || ++jumps > DNS_JUMPS_MAX)
				return 0;
			end = end ? end : at + 2;
			at = get16(head + at) & 0x3fffu;
			continue;
		}
		if (n > 63 || n >= size - at)
			return 0;
		if (!n) {
			if (!len)
				out[len++] = '.';
			out[len] = 0;
			return end ? end : at + 1;
		}
		len = label_add(out, len, head + at + 1, n);
		at += 1u + n;
		if (len >= DNS_NAME_MAX - 1)
			return 0;
	}
	return 0;
}

const char *dns_type_name(uint16_t type, char out[DNS_WORD_TEXT])
{
	const char *name = code_text(types, type, NULL);

	if (name)
		return name;
	snprintf(out, 16, "TYPE%u", type);
	return out;
}

const char *dns_rcode_name(unsigned rcode, char out[DNS_WORD_TEXT])
{
	const char *name = code_text(rcodes, rcode, NULL);

	if (name)
		return name;
	snprintf(out, 16, "RCODE%u", rcode);
	return out;
}

/* The record at *at (a question has only name, type, class), which moves behind it. false: broken
 * or cut. */
static bool record_read(struct cursor *c, uint32_t *at, bool question, struct record *r)
{
	uint32_t size = (uint32_t)(c->tail - c->head),
		 p = name_read(c->head, c->tail, *at, r->name);
	uint32_t fixed = question ? 4 : 10;

	if (!p || fixed > size - p)
		return false;
	r->at = *at;
	r->type = get16(c->head + p);
	r->class = get16(c->head + p + 2);
	r->ttl = question ? 0 : get32(c->head + p + 4);
	r->data = p + fixed;
	r->data_length = question ? 0 : get16(c->head + p + 8);
	if (r->data_length > size - r->data)
		return false;
	*at = r->data + r->data_length;
	r->length = *at - r->at;
	return true;
}

/* The message itself: TCP puts two bytes of length before it. */
static struct cursor dns_cursor(const struct view *v, const struct layer *l)
{
	uint32_t skip = v->d->ip_protocol == 6 && l->length >= 2 ? 2 : 0;

	return cursor_over(v->head + l->offset + skip, 0, l->length - skip);
}

static void data_text(struct cursor *c, const struct record *r, char *out, size_t size)
{
	const uint8_t *p = c->head + r->data;
	char name[DNS_NAME_MAX], text[ADDR_LINE_MAX];

	out[0] = 0;
	if (r->type == 1 && r->data_length == 4) {
		snprintf(out, size, "%s", text_ip(4, p, text));
	} else if (r->type == 28 && r->data_length == 16) {
		snprintf(out, size, "%s", text_ip(6, p, text));
	} else if (r->type == 2 || r->type == 5 || r->type == 12 || r->type == 39 || r->type == 6) {
		if (name_read(c->head, c->tail, r->data, name))
			snprintf(out, size, "%s", name);
	} else if (r->type == 15 && r->data_length > 2) {
		if (name_read(c->head, c->tail, r->data + 2, name))
			snprintf(out, size, "%u %s", get16(p), name);
	} else if (r->type == 33 && r->data_length > 6) {
		if (name_read(c->head, c->tail, r->data + 6, name))
			snprintf(out, size, "%u %u %u %s", get16(p), get16(p + 2), get16(p + 4),
				 name);
	} else if (r->type == 16 && r->data_length > 1 && p[0] < r->data_length) {
		snprintf(out, size, "%.*s", (int)p[0], (const char *)p + 1);
	}
}

static void answers_info(struct buf *out, struct cursor *c, uint32_t at, unsigned answers)
{
	struct record r;
	char text[DNS_NAME_MAX + 32], type[16];

	for (unsigned i = 0; i < answers && i < DNS_ANSWERS_LINE; i++) {
		if (!record_read(c, &at, false, &r))
			return;
		data_text(c, &r, text, sizeof(text));
		buf_printf(out, " %s ", dns_type_name(r.type, type));
		text_escape(out, str_of(text), false);
	}
	if (answers > DNS_ANSWERS_LINE)
		buf_printf(out, " and %u more", answers - DNS_ANSWERS_LINE);
}

void dns_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = dns_cursor(v, l);
	const uint8_t *p = cursor_peek(&c, DNS_HEADER);
	uint32_t at = DNS_HEADER;
	struct record r;
	char text[16];
	unsigned opcode;

	if (!p)
		return;
	opcode = p[2] >> 3 & 15;
	buf_printf(out, "%s 0x%04x", p[2] & 0x80 ? "response" : "query", get16(p));
	if (opcode)
		buf_printf(out, " %s", code_text(opcodes, opcode, "opcode"));
	if (p[2] & 0x80 && p[3] & 15)
		buf_printf(out, " %s", dns_rcode_name(p[3] & 15, text));
	for (unsigned i = 0; i < get16(p + 4) && i < DNS_ANSWERS_LINE; i++) {
		if (!record_read(&c, &at, true, &r))
			return;
		buf_printf(out, " %s ", dns_type_name(r.type, text));
		text_escape(out, str_of(r.name), false);
	}
	if (p[2] & 0x80 && get16(p + 4) <= DNS_ANSWERS_LINE)
		answers_info(out, &c, at, get16(p + 6));
}

static const struct bit_name flag_names[] = {
	{0x8000, "response"},
	{0x0400, "authoritative"},
	{0x0200, "truncated"},
	{0x0100, "recursion-desired"},
	{0x0080, "recursion-available"},
	{0x0020, "authentic"},
	{0x0010, "checking-disabled"},
	{0, NULL},
};

static void record_field(const struct view *v, struct cursor *c, const char *section,
			 const struct record *r, bool question)
{
	uint32_t base = (uint32_t)(c->head - v->head);
	char text[DNS_NAME_MAX + 32], type[16];

	if (question) {
		view_field(v, section, base + r->at, r->length, "%s %s", dns_type_name(r->type, type),
			   r->name);
		return;
	}
	if (r->type == 41) {
		view_field(v, section, base + r->at, r->length, "OPT udp size %u version %u%s",
			   r->class, r->ttl >> 16 & 255, r->ttl & 0x8000 ? " dnssec-ok" : "");
		return;
	}
	data_text(c, r, text, sizeof(text));
	view_field(v, section, base + r->at, r->length, "%s %s ttl %u %s", dns_type_name(r->type, type),
		   r->name, r->ttl, text);
}

/* The records of one section. false: the rest cannot be read. */
static bool section_fields(const struct view *v, struct cursor *c, const char *section,
			   unsigned count, uint32_t *at)
{
	bool question = strcmp(section, "question") == 0;
	struct record r;

	for (unsigned i = 0; i < count && i < DNS_RECORDS_MAX; i++) {
		uint32_t here = *at;

		if (!record_read(c, at, question, &r)) {
			view_field(v, section, (uint32_t)(c->head - v->head) + here,
				   (uint32_t)(c->tail - c->head) - here, "broken or cut");
			return false;
		}
		record_field(v, c, section, &r, question);
	}
	return count <= DNS_RECORDS_MAX;
}

void dns_fields(const struct view *v, const struct layer *l)
{
	static const char *const sections[] = {"question", "answer", "authority", "additional"};
	struct cursor c = dns_cursor(v, l);
	const uint8_t *p = cursor_peek(&c, DNS_HEADER);
	uint32_t base = (uint32_t)(c.head - v->head), at = DNS_HEADER;
	char text[128];

	if (!p)
		return;
	if (base != l->offset)
		view_field(v, "length", l->offset, 2, "%u", get16(v->head + l->offset));
	view_field(v, "id", base, 2, "0x%04x", get16(p));
	view_field(v, "flags", base + 2, 2, "0x%04x %s", get16(p + 2),
		   text_bits(get16(p + 2), flag_names, text, sizeof(text)));
	view_field(v, "opcode", base + 2, 1, "%u %s", p[2] >> 3 & 15,
		   code_text(opcodes, p[2] >> 3 & 15, "unknown"));
	view_field(v, "rcode", base + 3, 1, "%s", dns_rcode_name(p[3] & 15, text));
	for (unsigned i = 0; i < 4; i++)
		view_field(v, "count", base + 4 + i * 2, 2, "%u %s", get16(p + 4 + i * 2),
			   sections[i]);
	for (unsigned i = 0; i < 4; i++) {
		if (!section_fields(v, &c, sections[i], get16(p + 4 + i * 2), &at))
			return;
	}
}

/* --- messages apart from packets --- */

bool dns_head_read(const uint8_t *p, size_t length, struct dns_head *h)
{
	if (length < DNS_HEADER)
		return false;
	*h = (struct dns_head){.id = get16(p),
			       .questions = get16(p + 4),
			       .opcode = p[2] >> 3 & 15,
			       .rcode = p[3] & 15,
			       .response = p[2] & 0x80};
	return true;
}

bool dns_question_read(const uint8_t *p, size_t length, uint32_t *at, char name[DNS_NAME_TEXT],
		       uint16_t *type)
{
	struct cursor c = cursor_over(p, 0, length);
	struct record r;

	if (!record_read(&c, at, true, &r))
		return false;
	memcpy(name, r.name, sizeof(r.name));
	*type = r.type;
	return true;
}
