/* NetBIOS over TCP and UDP, RFC 1002: names, datagrams, sessions. */
#include <string.h>

#include "app.h"
#include "lines.h"

#define NAME_ENCODED 32u
#define NAME_SERVICE_HEADER 12u

static const struct code_name sessions[] = {
	{0x00, "session message"},
	{0x81, "session request"},
	{0x82, "session accepted"},
	{0x83, "session refused"},
	{0x84, "session retarget"},
	{0x85, "keep-alive"},
	{0, NULL},
};

static const struct code_name datagrams[] = {
	{0x10, "datagram"},	      {0x11, "group datagram"},
	{0x12, "broadcast datagram"}, {0x13, "datagram error"},
	{0x14, "datagram query"},     {0x15, "datagram yes"},
	{0x16, "datagram no"},	      {0, NULL},
};

static const struct code_name name_opcodes[] = {
	{0, "query"}, {5, "registration"}, {6, "release"}, {7, "wait"}, {8, "refresh"}, {0, NULL},
};

bool nbss_looks(const struct probe *b)
{
	return b->length >= 4 && (b->p[0] == 0 || (b->p[0] >= 0x81 && b->p[0] <= 0x85)) &&
	       (get32(b->p) & 0xffffff) + 4 >= b->wire && b->p[1] <= 1;
}

bool nbdgm_looks(const struct probe *b)
{
	return b->length >= 10 && b->p[0] >= 0x10 && b->p[0] <= 0x16 && b->p[1] <= 0x0f;
}

/* Sixteen bytes as 32 letters (RFC 1001 14.1), the last of them the kind of service. */
static bool name_add(struct buf *out, const uint8_t *p)
{
	char name[NAME_ENCODED / 2];
	size_t n = NAME_ENCODED / 2 - 1;

	for (size_t i = 0; i < NAME_ENCODED; i++) {
		if (p[i] < 'A' || p[i] > 'P')
			return false;
	}
	for (size_t i = 0; i < NAME_ENCODED / 2; i++)
		name[i] = (char)((p[i * 2] - 'A') << 4 | (p[i * 2 + 1] - 'A'));
	while (n && (name[n - 1] == ' ' || !name[n - 1]))
		n--;
	line_add(out, (struct str){name, n});
	buf_printf(out, "<%02x>", (unsigned char)name[NAME_ENCODED / 2 - 1]);
	return true;
}

/* The encoded name at `at` (behind its length) of what is here. */
static void name_info(struct buf *out, const char *before, const struct view *v,
		      const struct layer *l, uint32_t at)
{
	const uint8_t *p = v->head + l->offset;
	size_t len = out->len;

	if (at + 1 + NAME_ENCODED > l->length || p[at] != NAME_ENCODED)
		return;
	buf_add_str(out, before);
	if (!name_add(out, p + at + 1))
		out->len = len;
}

static void names_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < NAME_SERVICE_HEADER)
		return;
	buf_printf(out, "name %s%s 0x%04x", code_text(name_opcodes, p[2] >> 3 & 15, "message"),
		   p[2] & 0x80 ? " response" : "", get16(p));
	if (p[2] & 0x80 && p[3] & 15)
		buf_printf(out, " error %u", p[3] & 15);
	name_info(out, " ", v, l, NAME_SERVICE_HEADER);
}

void netbios_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (v->d->ip_protocol == 6) {
		if (l->length >= 4)
			buf_printf(out, "%s, %u bytes", code_text(sessions, p[0], "session"),
				   get32(p) & 0x1ffff);
		name_info(out, " to ", v, l, 4);
		return;
	}
	if (v->d->sport == 137 || v->d->dport == 137) {
		names_info(out, v, l);
		return;
	}
	buf_add_str(out, l->length ? code_text(datagrams, p[0], "datagram") : "");
	name_info(out, " from ", v, l, 14);
	name_info(out, " to ", v, l, 14 + 2 + NAME_ENCODED);
}

void netbios_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (v->d->ip_protocol == 6) {
		if (l->length < 4)
			return;
		view_field(v, "type", l->offset, 1, "0x%02x %s", p[0],
			   code_text(sessions, p[0], "unknown"));
		view_field(v, "length", l->offset + 1, 3, "%u", get32(p) & 0x1ffff);
	} else if (v->d->sport == 137 || v->d->dport == 137) {
		if (l->length < NAME_SERVICE_HEADER)
			return;
		view_field(v, "id", l->offset, 2, "0x%04x", get16(p));
		view_field(v, "flags", l->offset + 2, 2, "0x%04x", get16(p + 2));
		view_field(v, "questions", l->offset + 4, 2, "%u", get16(p + 4));
		view_field(v, "answers", l->offset + 6, 2, "%u", get16(p + 6));
	} else if (l->length >= 10) {
		view_field(v, "type", l->offset, 1, "0x%02x %s", p[0],
			   code_text(datagrams, p[0], "unknown"));
		view_field(v, "id", l->offset + 2, 2, "0x%04x", get16(p + 2));
	}
}
