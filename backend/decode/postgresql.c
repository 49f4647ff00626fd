/* PostgreSQL's protocol 3, https://www.postgresql.org/docs/current/protocol-message-formats.html */
#include <string.h>

#include "app.h"
#include "lines.h"

#define POSTGRESQL_PORT 5432u
#define STARTUP_3 0x00030000u
#define STARTUP_CANCEL 80877102u
#define STARTUP_TLS 80877103u
#define STARTUP_GSS 80877104u
#define MESSAGES_LINE 6u   /* kinds of messages in the packet's line */
#define MESSAGES_MAX 1000u /* messages followed in one packet */
#define MESSAGE_BYTES_MAX (1u << 30)

static const struct code_name frontend[] = {
	{'B', "bind"},		{'C', "close"},	    {'D', "describe"},	{'E', "execute"},
	{'F', "function call"}, {'H', "flush"},	    {'P', "parse"},	{'Q', "query"},
	{'S', "sync"},		{'X', "terminate"}, {'d', "copy data"}, {'c', "copy done"},
	{'f', "copy failed"},	{'p', "password"},  {0, NULL},
};

static const struct code_name backend[] = {
	{'R', "authentication"},
	{'K', "key"},
	{'2', "bound"},
	{'3', "closed"},
	{'C', "complete"},
	{'d', "copy data"},
	{'c', "copy done"},
	{'G', "copy in"},
	{'H', "copy out"},
	{'W', "copy both"},
	{'D', "row"},
	{'I', "empty query"},
	{'E', "error"},
	{'V', "function result"},
	{'n', "no data"},
	{'N', "notice"},
	{'A', "notification"},
	{'t', "parameters"},
	{'S', "setting"},
	{'1', "parsed"},
	{'s', "suspended"},
	{'Z', "ready"},
	{'T', "columns"},
	{'v', "other version"},
	{0, NULL},
};

static uint32_t startup_code(const uint8_t *p, size_t length)
{
	uint32_t code = length >= 8 && get32(p) >= 8 && get32(p) <= 10000 ? get32(p + 4) : 0;

	return code == STARTUP_3 || (code >= STARTUP_CANCEL && code <= STARTUP_GSS) ? code : 0;
}

/* The first message has no type: its length is all there is, and then its version. */
bool postgresql_speaks(const struct probe *b)
{
	return startup_code(b->p, b->length) && get32(b->p) == b->wire;
}

/* At its port: messages of that side, each of which ends where the next begins. */
bool postgresql_looks(const struct probe *b)
{
	const struct code_name *names = b->dport == POSTGRESQL_PORT ? frontend : backend;
	uint32_t at = 0;

	if (b->wire == 1 && names == backend)
		return b->p[0] == 'S' || b->p[0] == 'N'; /* the answer to a wish for TLS */
	for (unsigned i = 0; i < MESSAGES_LINE && at + 5 <= b->length; i++) {
		uint32_t length = get32(b->p + at + 1);

		if (!*code_text(names, b->p[at], "") || length < 4 || length > MESSAGE_BYTES_MAX)
			return false;
		if (length + 1 >= b->wire - at)
			return length + 1 == b->wire - at || i || strchr("DdQPBE", b->p[at]);
		at += length + 1;
	}
	return at > 0;
}

/* The value of a startup's parameter: names and values, each ended by 0. */
static struct str startup_value(struct str s, const char *name)
{
	while (s.len) {
		size_t key = strnlen(s.p, s.len), value;

		if (key + 1 >= s.len)
			break;
		value = strnlen(s.p + key + 1, s.len - key - 1);
		if (str_is((struct str){s.p, key}, name))
			return (struct str){s.p + key + 1, value};
		if (key + value + 2 > s.len)
			break;
		s.p += key + value + 2;
		s.len -= key + value + 2;
	}
	return (struct str){NULL, 0};
}

static void startup_info(struct buf *out, const uint8_t *p, uint32_t length, uint32_t code)
{
	static const char *const names[] = {"user", "database"};
	struct str parameters = {(const char *)p + 8, length - 8};

	if (code != STARTUP_3) {
		buf_add_str(out, code == STARTUP_TLS   ? "TLS wanted"
				 : code == STARTUP_GSS ? "GSSAPI wanted"
						       : "cancel");
		return;
	}
	buf_add_str(out, "startup");
	for (size_t i = 0; i < 2; i++) {
		struct str value = startup_value(parameters, names[i]);

		if (!value.len)
			continue;
		buf_printf(out, " %s ", names[i]);
		line_add(out, value);
	}
}

/* What people ask about of one message: its statement, what was done, what went wrong. */
static void message_text(struct buf *out, uint8_t type, bool client, struct str body)
{
	const char *p = body.p, *end = body.p + body.len;

	if (type == 'P' && client) { /* the statement's name, and then its text */
		const char *zero = memchr(p, 0, body.len);

		p = zero ? zero + 1 : end;
	} else if (type == 'E' && !client) {
		while (p < end && *p && *p != 'M') { /* fields: a letter, a text */
			size_t field = 2 + strnlen(p + 1, (size_t)(end - p - 1));

			p = field < (size_t)(end - p) ? p + field : end;
		}
		p = p < end && *p == 'M' ? p + 1 : end;
	} else if (!(type == 'Q' && client) && !(type == 'C' && !client)) {
		return;
	}
	if (p >= end || !*p)
		return;
	buf_add_byte(out, ' ');
	line_add(out, (struct str){p, strnlen(p, (size_t)(end - p))});
}

struct message {
	uint8_t type;
	uint32_t at, length;
	struct str body; /* what is here */
};

static bool message_next(struct cursor *c, struct message *m)
{
	const uint8_t *p = cursor_pull(c, 5);
	size_t here;

	if (!p || get32(p + 1) < 4)
		return false;
	m->type = p[0];
	m->at = (uint32_t)(p - c->head);
	m->length = get32(p + 1) + 1;
	here = m->length - 5 < cursor_left(c) ? m->length - 5 : cursor_left(c);
	m->body = (struct str){(const char *)c->data, here};
	c->data += here;
	return true;
}

void postgresql_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	uint32_t code = startup_code(p, l->length);
	bool client = v->d->dport == POSTGRESQL_PORT;
	struct cursor c = view_cursor(v, l);
	unsigned kinds = 0;
	struct message m;
	uint8_t last = 0;

	if (code) {
		startup_info(out, p, l->length, code);
		return;
	}
	if (l->length == 1) {
		buf_add_str(out, p[0] == 'S' ? "TLS accepted" : "TLS refused");
		return;
	}
	for (unsigned i = 0; i < MESSAGES_MAX && message_next(&c, &m); i++) {
		if (m.type == last)
			continue;
		if (kinds++ == MESSAGES_LINE) {
			buf_add_str(out, ", ...");
			return;
		}
		last = m.type;
		buf_printf(out, "%s%s", kinds > 1 ? ", " : "",
			   code_text(client ? frontend : backend, m.type, "message"));
		message_text(out, m.type, client, m.body);
	}
}

void postgresql_fields(const struct view *v, const struct layer *l)
{
	bool client = v->d->dport == POSTGRESQL_PORT;
	struct cursor c = view_cursor(v, l);
	struct message m;
	struct buf text;

	if (startup_code(v->head + l->offset, l->length) || l->length == 1)
		return;
	buf_init(&text, 1024);
	for (unsigned i = 0; i < MESSAGES_MAX && message_next(&c, &m); i++) {
		buf_clear(&text);
		buf_printf(&text, "%s length %u",
			   code_text(client ? frontend : backend, m.type, "unknown"), m.length - 1);
		message_text(&text, m.type, client, m.body);
		view_text(v, "message", m.at, m.length, str_of(buf_str(&text)));
	}
	buf_release(&text);
}
