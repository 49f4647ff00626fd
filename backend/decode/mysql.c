/* MySQL's and MariaDB's client protocol:
 * https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html */
#include <string.h>

#include "app.h"
#include "le.h"
#include "lines.h"

#define MYSQL_PORT 3306u
#define MYSQL_HEADER 4u
#define MYSQL_VERSION_MAX 64u
#define LOGIN_USER 36u /* of a login of protocol 4.1: where the user's name stands */

enum { COM_QUERY = 3, COM_INIT_DB = 2, COM_PREPARE = 22 };

static const struct code_name commands[] = {
	{0, "sleep"},
	{1, "quit"},
	{2, "use"},
	{3, "query"},
	{4, "field list"},
	{5, "create database"},
	{6, "drop database"},
	{7, "refresh"},
	{8, "shutdown"},
	{9, "statistics"},
	{10, "process info"},
	{12, "kill"},
	{13, "debug"},
	{14, "ping"},
	{17, "change user"},
	{18, "binlog dump"},
	{22, "prepare"},
	{23, "execute"},
	{24, "send long data"},
	{25, "close statement"},
	{26, "reset statement"},
	{27, "set option"},
	{28, "fetch"},
	{30, "binlog dump gtid"},
	{31, "reset connection"},
	{0, NULL},
};

/* What a packet of the protocol is, from its first bytes and who sent it. */
enum mysql_kind {
	MYSQL_OTHER,
	MYSQL_GREETING,
	MYSQL_LOGIN,
	MYSQL_COMMAND,
	MYSQL_OK,
	MYSQL_ERROR,
	MYSQL_TLS
};

/* The text that a 0 ends, within `max` bytes; len 0: there is none. */
static struct str zero_text(const uint8_t *p, size_t length, size_t max)
{
	const uint8_t *end = memchr(p, 0, length < max ? length : max);

	return (struct str){(const char *)p, end ? (size_t)(end - p) : 0};
}

/* Protocol 10 and a printable version that begins with a digit. */
static bool greeting(const uint8_t *p, size_t length)
{
	struct str version;

	if (length < 8 || p[3] != 0 || p[4] != 10 || p[5] < '0' || p[5] > '9')
		return false;
	version = zero_text(p + 5, length - 5, MYSQL_VERSION_MAX);
	for (size_t i = 0; i < version.len; i++) {
		if (version.p[i] < ' ' || version.p[i] > '~')
			return false;
	}
	return version.len >= 3;
}

bool mysql_speaks(const struct probe *b)
{
	return b->length >= MYSQL_HEADER && le24(b->p) + MYSQL_HEADER == b->wire &&
	       greeting(b->p, b->length);
}

/* At its port: packets whose lengths end where the payload does, or beyond it. */
bool mysql_looks(const struct probe *b)
{
	uint32_t length;

	if (b->length < MYSQL_HEADER + 1)
		return false;
	length = le24(b->p);
	if (!length)
		return false;
	if (b->dport == MYSQL_PORT) /* a client says one thing at a time */
		return length + MYSQL_HEADER == b->wire ||
		       (length + MYSQL_HEADER > b->wire && b->p[3] == 0 && b->p[4] == COM_QUERY);
	if (length + MYSQL_HEADER >= b->wire)
		return length + MYSQL_HEADER == b->wire;
	return length + 2 * MYSQL_HEADER <= b->length && b->p[length + 4 + 3] == b->p[3] + 1;
}

static enum mysql_kind mysql_kind(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < MYSQL_HEADER + 1)
		return MYSQL_OTHER;
	if (greeting(p, l->length))
		return MYSQL_GREETING;
	if (v->d->dport == MYSQL_PORT) {
		if (p[3] == 0)
			return MYSQL_COMMAND;
		if (p[3] == 1 && le24(p) == 32 && l->length > 5 && p[5] & 8)
			return MYSQL_TLS;
		return p[3] == 1 && le24(p) > 32 ? MYSQL_LOGIN : MYSQL_OTHER;
	}
	if (p[4] == 0xff)
		return MYSQL_ERROR;
	return p[4] == 0 && le24(p) >= 7 && le24(p) < 256 ? MYSQL_OK : MYSQL_OTHER;
}

/* The text of a command, behind its byte. */
static struct str command_text(const uint8_t *p, uint32_t length)
{
	uint32_t all = le24(p) + MYSQL_HEADER;

	if (p[4] != COM_QUERY && p[4] != COM_INIT_DB && p[4] != COM_PREPARE)
		return (struct str){NULL, 0};
	if (all > length)
		all = length;
	/* With query attributes (8.0.23) two bytes stand before the statement. */
	if (p[4] == COM_QUERY && all >= 7 && p[5] == 0 && p[6] == 1)
		return (struct str){(const char *)p + 7, all - 7};
	return all > 5 ? (struct str){(const char *)p + 5, all - 5} : (struct str){NULL, 0};
}

/* An error's number, and its text behind the mark and five characters of state. */
static void error_info(struct buf *out, const uint8_t *p, uint32_t length)
{
	uint32_t text = length > 7 && p[7] == '#' ? 13 : 7;

	buf_add_str(out, "error");
	if (length < 7)
		return;
	buf_printf(out, " %u", le16(p + 5));
	if (length > text) {
		buf_add_byte(out, ' ');
		line_add(out, (struct str){(const char *)p + text, length - text});
	}
}

static void text_add(struct buf *out, const char *before, struct str text)
{
	buf_add_str(out, before);
	if (!text.len)
		return;
	buf_add_byte(out, ' ');
	line_add(out, text);
}

void mysql_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint32_t length = l->length;

	switch (mysql_kind(v, l)) {
	case MYSQL_GREETING:
		text_add(out, "greeting", zero_text(p + 5, length - 5, MYSQL_VERSION_MAX));
		return;
	case MYSQL_LOGIN:
		text_add(out, "login",
			 length > LOGIN_USER ? zero_text(p + LOGIN_USER, length - LOGIN_USER, 128)
					     : (struct str){NULL, 0});
		return;
	case MYSQL_COMMAND:
		text_add(out, code_text(commands, p[4], "command"), command_text(p, length));
		return;
	case MYSQL_OK:
		buf_add_str(out, "ok");
		return;
	case MYSQL_ERROR:
		error_info(out, p, length);
		return;
	case MYSQL_TLS:
		buf_add_str(out, "TLS wanted");
		return;
	default:
		buf_printf(out, "%s, %u bytes", v->d->dport == MYSQL_PORT ? "data" : "result",
			   length);
	}
}

void mysql_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	struct str text;

	if (l->length < MYSQL_HEADER + 1)
		return;
	view_field(v, "length", l->offset, 3, "%u", le24(p));
	view_field(v, "sequence", l->offset + 3, 1, "%u", p[3]);
	switch (mysql_kind(v, l)) {
	case MYSQL_GREETING:
		text = zero_text(p + 5, l->length - 5, MYSQL_VERSION_MAX);
		view_text(v, "version", l->offset + 5, (uint32_t)text.len, text);
		return;
	case MYSQL_COMMAND:
		view_field(v, "command", l->offset + 4, 1, "%u %s", p[4],
			   code_text(commands, p[4], "unknown"));
		text = command_text(p, l->length);
		if (text.len)
			view_text(v, "text", l->offset + 5, (uint32_t)text.len, text);
		return;
	case MYSQL_ERROR:
		if (l->length >= 7)
			view_field(v, "error", l->offset + 5, 2, "%u", le16(p + 5));
		return;
	default:
		return;
	}
}
