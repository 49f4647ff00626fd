#include "wire/msg.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

#define PRINT_TEXT_MAX 120u /* bytes of one text in msg_print */

/* --- writing: one function a kind --- */

static int put_U8(struct buf *out, const uint8_t *v)
{
	return buf_add_byte(out, *v);
}

static int put_U16(struct buf *out, const uint16_t *v)
{
	return buf_add_u16(out, *v);
}

static int put_U32(struct buf *out, const uint32_t *v)
{
	return buf_add_u32(out, *v);
}

static int put_U64(struct buf *out, const uint64_t *v)
{
	return buf_add_u64(out, *v);
}

static int put_I64(struct buf *out, const int64_t *v)
{
	return buf_add_u64(out, (uint64_t)*v);
}

static int put_STR(struct buf *out, const struct str *v)
{
	if (v->len > MSG_PAYLOAD_MAX || buf_add_u32(out, (uint32_t)v->len))
		return -1;
	return buf_add(out, v->p, v->len);
}

static int put_BLOB(struct buf *out, const struct str *v)
{
	return put_STR(out, v);
}

static int put_STRS(struct buf *out, const struct strs *v)
{
	if (v->count > MSG_STRS_MAX || buf_add_u32(out, v->count))
		return -1;
	for (uint32_t i = 0; i < v->count; i++)
		if (put_STR(out, &v->at[i]))
			return -1;
	return 0;
}

/* Takes back what a message that did not fit has left. */
static int put_end(struct buf *out, size_t start, int rc)
{
	if (rc == 0 && out->len - start <= MSG_PAYLOAD_MAX)
		return 0;
	out->len = start;
	if (out->data)
		out->data[start] = 0;
	return -1;
}

/* --- reading: 0 and the value, -1 where less is there than the field says --- */

struct input {
	const uint8_t *p;
	size_t left;
};

static int get_bytes(struct input *in, size_t len, const uint8_t **p)
{
	if (in->left < len)
		return -1;
	*p = in->p;
	in->p += len;
	in->left -= len;
	return 0;
}

static int get_number(struct input *in, size_t bytes, uint64_t *v)
{
	const uint8_t *p;

	*v = 0;
	if (get_bytes(in, bytes, &p))
		return -1;
	for (size_t i = 0; i < bytes; i++)
		*v = *v << 8 | p[i];
	return 0;
}

static int get_U8(struct input *in, uint8_t *v)
{
	uint64_t n;
	const int rc = get_number(in, 1, &n);

	*v = (uint8_t)n;
	return rc;
}

static int get_U16(struct input *in, uint16_t *v)
{
	uint64_t n;
	const int rc = get_number(in, 2, &n);

	*v = (uint16_t)n;
	return rc;
}

static int get_U32(struct input *in, uint32_t *v)
{
	uint64_t n;
	const int rc = get_number(in, 4, &n);

	*v = (uint32_t)n;
	return rc;
}

static int get_U64(struct input *in, uint64_t *v)
{
	return get_number(in, 8, v);
}

static int get_I64(struct input *in, int64_t *v)
{
	uint64_t n;
	const int rc = get_number(in, 8, &n);

	*v = (int64_t)n;
	return rc;
}

static int get_STR(struct input *in, struct str *v)
{
	const uint8_t *p;
	uint32_t len;

	if (get_U32(in, &len) || get_bytes(in, len, &p))
		return -1;
	*v = (struct str){(const char *)p, len};
	return 0;
}

static int get_BLOB(struct input *in, struct str *v)
{
	return get_STR(in, v);
}

static int get_STRS(struct input *in, struct strs *v)
{
	uint32_t count;

	v->count = 0;
	if (get_U32(in, &count) || count > MSG_STRS_MAX)
		return -1;
	for (uint32_t i = 0; i < count; i++)
		if (get_STR(in, &v->at[i]))
			return -1;
	v->count = count;
	return 0;
}

/* Texts of fields that are missing at the end are "", never a null pointer. */
static void clear_U8(uint8_t *v)
{
	*v = 0;
}
static void clear_U16(uint16_t *v)
{
	*v = 0;
}
static void clear_U32(uint32_t *v)
{
	*v = 0;
}
static void clear_U64(uint64_t *v)
{
	*v = 0;
}
static void clear_I64(int64_t *v)
{
	*v = 0;
}
static void clear_STR(struct str *v)
{
	*v = (struct str){"", 0};
}
static void clear_BLOB(struct str *v)
{
	*v = (struct str){"", 0};
}
static void clear_STRS(struct strs *v)
{
	v->count = 0;
}

static int get_failed(const char *name, const char *field, struct err *e)
{
	return err_set(e, ERR_REFUSED,
		       "a %s message is damaged: its field \"%s\" is longer than the message", name,
		       field);
}

/* A field is missing where nothing at all is left for it; a part of one is a lie. */
#define MSG_PUT_FIELD(kind, field) rc = rc ? rc : put_##kind(out, &m->field);
#define MSG_GET_FIELD(kind, field)                                                                 \
	clear_##kind(&m->field);                                                                   \
	if (!wrong && in.left > 0 && get_##kind(&in, &m->field))                                   \
		wrong = #field;

#define MSG_FUNCTIONS(number, NAME, name, summary)                                                 \
	int msg_put_##name(struct buf *out, const struct msg_##name *m)                            \
	{                                                                                          \
		const size_t start = out->len;                                                     \
		int rc = 0;                                                                        \
		F_##NAME(MSG_PUT_FIELD) return put_end(out, start, rc);                            \
	}                                                                                          \
	int msg_get_##name(const uint8_t *payload, size_t len, struct msg_##name *m,               \
			   struct err *e)                                                          \
	{                                                                                          \
		struct input in = {payload, len};                                                  \
		const char *wrong = NULL;                                                          \
		F_##NAME(MSG_GET_FIELD) return wrong ? get_failed(#NAME, wrong, e) : 0;            \
	}
MSG_LIST(MSG_FUNCTIONS)

/* --- what the messages are, as data: for names, the printer and the manual --- */

enum field_kind {
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_I64,
	FIELD_STR,
	FIELD_BLOB,
	FIELD_STRS
};

struct field {
	enum field_kind kind;
	const char *name;
};

struct description {
	unsigned type;
	const char *name, *summary;
	const struct field *fields;
	size_t nfields;
};

#define MSG_FIELD_ROW(kind, field) {FIELD_##kind, #field},
#define MSG_FIELDS(number, NAME, name, summary)                                                    \
	static const struct field fields_##name[] = {F_##NAME(MSG_FIELD_ROW)};
MSG_LIST(MSG_FIELDS)

#define MSG_ROW(number, NAME, name, summary)                                                       \
	{number, #NAME, summary, fields_##name, ARRAY_LEN(fields_##name)},
static const struct description descriptions[] = {MSG_LIST(MSG_ROW)};

static const struct description *description_find(unsigned type)
{
	for (size_t i = 0; i < ARRAY_LEN(descriptions); i++)
		if (descriptions[i].type == type)
			return &descriptions[i];
	return NULL;
}

const char *msg_name(unsigned type)
{
	const struct description *d = description_find(type);

	return d ? d->name : "?";
}

const char *msg_summary(unsigned type)
{
	const struct description *d = description_find(type);

	return d ? d->summary : "";
}

void msg_describe(struct buf *out, unsigned type)
{
	static const char *const kinds[] = {"u8",  "u16", "u32",  "u64",
					    "i64", "str", "blob", "strs"};
	const struct description *d = description_find(type);

	for (size_t i = 0; d && i < d->nfields; i++)
		(void)buf_printf(out, "%s%s %s", i ? ", " : "", kinds[d->fields[i].kind],
				 d->fields[i].name);
}

static void print_str(struct buf *out, struct str s)
{
	const bool cut = s.len > PRINT_TEXT_MAX;

	(void)buf_add_byte(out, '"');
	text_escape(out, (struct str){s.p, cut ? PRINT_TEXT_MAX : s.len}, true);
	(void)buf_add_str(out, cut ? "...\"" : "\"");
}

static int print_strs(struct buf *out, struct input *in)
{
	uint32_t count;
	struct str s;

	if (get_U32(in, &count) || count > MSG_STRS_MAX)
		return -1;
	(void)buf_add_byte(out, '[');
	for (uint32_t i = 0; i < count; i++) {
		if (get_STR(in, &s))
			return -1;
		if (i)
			(void)buf_add_byte(out, ' ');
		print_str(out, s);
	}
	(void)buf_add_byte(out, ']');
	return 0;
}

static int print_number(struct buf *out, struct input *in, enum field_kind kind)
{
	static const uint8_t bytes[] = {
		[FIELD_U8] = 1, [FIELD_U16] = 2, [FIELD_U32] = 4, [FIELD_U64] = 8, [FIELD_I64] = 8};
	uint64_t n;

	if (get_number(in, bytes[kind], &n))
		return -1;
	(void)(kind == FIELD_I64 ? buf_printf(out, "%" PRId64, (int64_t)n)
				 : buf_printf(out, "%" PRIu64, n));
	return 0;
}

static int print_field(struct buf *out, struct input *in, enum field_kind kind)
{
	struct str s;

	if (kind == FIELD_STRS)
		return print_strs(out, in);
	if (kind != FIELD_STR && kind != FIELD_BLOB)
		return print_number(out, in, kind);
	if (get_STR(in, &s))
		return -1;
	if (kind == FIELD_STR)
		print_str(out, s);
	else
		(void)buf_printf(out, "<%zu bytes>", s.len);
	return 0;
}

/* A log's line: where the buffer is full it is cut. */
void msg_print(struct buf *out, unsigned type, const uint8_t *payload, size_t len)
{
	const struct description *d = description_find(type);
	struct input in = {payload, len};

	if (!d) {
		(void)buf_printf(out, "message %u, %zu bytes", type, len);
		return;
	}
	(void)buf_add_str(out, d->name);
	for (size_t i = 0; i < d->nfields && in.left > 0; i++) {
		(void)buf_printf(out, " %s=", d->fields[i].name);
		if (print_field(out, &in, d->fields[i].kind)) {
			(void)buf_add_str(out, "(damaged)");
			return;
		}
	}
}

int msg_strs(struct strs *out, const char *const *words, size_t count)
{
	out->count = count > MSG_STRS_MAX ? MSG_STRS_MAX : (uint32_t)count;
	for (uint32_t i = 0; i < out->count; i++)
		out->at[i] = str_of(words[i]);
	return count > MSG_STRS_MAX ? -1 : 0;
}
