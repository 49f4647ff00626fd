/* MQTT 3.1, 3.1.1 and 5, https://docs.oasis-open.org/mqtt/mqtt/v5.0/mqtt-v5.0.html */
#include <string.h>

#include "app.h"
#include "lines.h"

#define MQTT_PACKETS_LINE 4u /* packets in the packet's line */
#define MQTT_PACKETS_MAX 64u /* in the tree */

enum { CONNECT = 1, CONNACK, PUBLISH, PUBACK, SUBSCRIBE = 8, SUBACK, UNSUBSCRIBE, DISCONNECT = 14 };

static const char *const names[16] = {
	"reserved", "CONNECT",	"CONNACK",    "PUBLISH", "PUBACK",	"PUBREC",
	"PUBREL",   "PUBCOMP",	"SUBSCRIBE",  "SUBACK",	 "UNSUBSCRIBE", "UNSUBACK",
	"PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH",
};

struct mqtt {
	uint8_t head;
	uint32_t at, length; /* of the whole packet, as it claims */
	struct cursor body;
};

/* The fixed header: a kind with its flags, a length of one to four bytes. */
static bool mqtt_next(struct cursor *c, struct mqtt *m)
{
	const uint8_t *p = cursor_pull(c, 1);
	uint32_t length = 0, shift = 0;
	size_t here;

	if (!p)
		return false;
	m->head = *p;
	m->at = (uint32_t)(p - c->head);
	do {
		p = cursor_pull(c, 1);
		if (!p || shift > 21)
			return false;
		length |= (uint32_t)(*p & 0x7f) << shift;
		shift += 7;
	} while (*p & 0x80);
	m->length = cursor_offset(c) - m->at + length;
	here = length < cursor_left(c) ? length : cursor_left(c);
	m->body = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return true;
}

static bool mqtt_string(struct cursor *c, struct str *s)
{
	const uint8_t *p = cursor_pull(c, 2);

	if (!p || !cursor_peek(c, get16(p)))
		return false;
	*s = (struct str){(const char *)c->data, get16(p)};
	c->data += s->len;
	return true;
}

static bool mqtt_hello(struct cursor body)
{
	struct str name;

	return mqtt_string(&body, &name) && (str_is(name, "MQTT") || str_is(name, "MQIsdp"));
}

bool mqtt_speaks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct mqtt m;

	return b->p[0] == CONNECT << 4 && mqtt_next(&c, &m) && mqtt_hello(m.body);
}

/* The flags that each kind has; what is published has a topic that can be read. */
static bool mqtt_fits(const struct mqtt *m)
{
	unsigned kind = m->head >> 4, flags = m->head & 15;
	struct cursor c = m->body;
	struct str topic;

	if (kind != PUBLISH)
		return kind && flags == (kind == 6 || kind == 8 || kind == 10 ? 2 : 0);
	return (flags & 6) != 6 && mqtt_string(&c, &topic) && (!topic.len || line_printable(topic));
}

/* At its port: kinds with the flags that they must have, the last of which ends with the payload.
 */
bool mqtt_looks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct mqtt m;

	do {
		if (!mqtt_next(&c, &m) || !mqtt_fits(&m))
			return false;
	} while (cursor_left(&c));
	return m.at + m.length == b->wire || (m.head >> 4 == PUBLISH && m.at + m.length > b->wire);
}

static void string_info(struct buf *out, struct cursor *c)
{
	struct str s;

	if (!mqtt_string(c, &s) || !s.len)
		return;
	buf_add_byte(out, ' ');
	line_add(out, s);
}

/* The client's name is behind protocol, level, flags and keep-alive (and, in 5, properties). */
static void connect_info(struct buf *out, struct cursor c)
{
	const uint8_t *p;
	struct str s;

	if (!mqtt_string(&c, &s) || !(p = cursor_pull(&c, 4)))
		return;
	buf_printf(out, " v%s", p[0] == 5 ? "5" : p[0] == 4 ? "3.1.1" : "3.1");
	if (p[0] == 5 && (!(p = cursor_pull(&c, 1)) || *p & 0x80 || !cursor_pull(&c, *p)))
		return;
	string_info(out, &c);
}

static void mqtt_line(struct buf *out, const struct mqtt *m)
{
	struct cursor c = m->body;
	unsigned kind = m->head >> 4;
	const uint8_t *p;

	buf_add_str(out, names[kind]);
	if (kind == CONNECT) {
		connect_info(out, c);
	} else if (kind == PUBLISH) {
		string_info(out, &c);
		buf_printf(out, " qos %u%s%s", m->head >> 1 & 3, m->head & 1 ? " retain" : "",
			   m->head & 8 ? " again" : "");
	} else if (kind == CONNACK && (p = cursor_peek(&c, 2))) {
		buf_printf(out, " %s %u", p[1] ? "refused" : "accepted", p[1]);
	} else if ((kind == SUBSCRIBE || kind == UNSUBSCRIBE) && (p = cursor_pull(&c, 2))) {
		buf_printf(out, " %u", get16(p));
		/* Version 5 has properties here: without any, one byte 0 that no filter begins with
		 * unless it is short. */
		if (cursor_left(&c) > 2 && !c.data[0] && !c.data[1] && c.data[2])
			c.data++;
		string_info(out, &c);
	} else if (kind >= PUBACK && kind <= SUBACK + 2 && (p = cursor_peek(&c, 2))) {
		buf_printf(out, " %u", get16(p));
	} else if (kind == DISCONNECT && (p = cursor_peek(&c, 1)) && *p) {
		buf_printf(out, " reason %u", *p);
	}
}

void mqtt_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct mqtt m;

	for (unsigned i = 0; i < MQTT_PACKETS_LINE && mqtt_next(&c, &m); i++) {
		if (i)
			buf_add_str(out, ", ");
		mqtt_line(out, &m);
	}
}

void mqtt_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct view below = view_below(v);
	struct str topic;
	struct mqtt m;

	for (unsigned i = 0; i < MQTT_PACKETS_MAX && mqtt_next(&c, &m); i++) {
		view_field(v, "packet", m.at, m.length, "%s length %u", names[m.head >> 4],
			   m.length);
		if (m.head >> 4 != PUBLISH || !mqtt_string(&m.body, &topic))
			continue;
		view_field(&below, "qos", m.at, 1, "%u", m.head >> 1 & 3);
		view_field(&below, "retain", m.at, 1, "%s", m.head & 1 ? "yes" : "no");
		view_text(&below, "topic", (uint32_t)((const uint8_t *)topic.p - v->head),
			  (uint32_t)topic.len, topic);
		view_field(&below, "payload", cursor_offset(&m.body),
			   (uint32_t)cursor_left(&m.body), "%zu bytes here", cursor_left(&m.body));
	}
}
