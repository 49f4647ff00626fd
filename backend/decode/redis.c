/* Redis' serialisation protocol, versions 2 and 3, https://redis.io/docs/reference/protocol-spec;
 * memcached's lines and packets, https://github.com/memcached/memcached/blob/master/doc. */
#include <string.h>

#include "base/text.h"
#include "app.h"
#include "lines.h"

#define REDIS_WORDS_LINE 4u  /* words of a command in the packet's line */
#define REDIS_WORDS_MAX 32u  /* of it in the tree */
#define REDIS_WORD_SHOWN 64u /* bytes of a word in the packet's line */

/* "*3" or "$11": the number behind the mark; -1 if it is none. */
static long redis_count(struct str line, char mark)
{
	long n = 0;

	if (line.len < 2 || line.len > 10 || line.p[0] != mark)
		return -1;
	for (size_t i = 1; i < line.len; i++) {
		if (line.p[i] < '0' || line.p[i] > '9')
			return -1;
		n = n * 10 + (line.p[i] - '0');
	}
	return n;
}

/* An array whose first member is a string with a length: each command is one. */
bool redis_speaks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct str line;

	if (b->p[0] != '*' || !line_whole(&c, &line) || redis_count(line, '*') < 1)
		return false;
	return line_whole(&c, &line) && redis_count(line, '$') >= 0;
}

bool redis_looks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct str line;

	return b->p[0] && strchr("*$+-:_#,%~>|(!=", b->p[0]) && line_whole(&c, &line) &&
	       line_printable(line);
}

/* The next word of a command: "$3", and three bytes of which some may be cut off. */
static bool redis_word(struct cursor *c, struct str *word)
{
	struct str line;
	size_t here;
	long n;

	if (!line_whole(c, &line) || (n = redis_count(line, '$')) < 0)
		return false;
	here = (size_t)n < cursor_left(c) ? (size_t)n : cursor_left(c);
	*word = (struct str){(const char *)c->data, here};
	c->data += here;
	c->data += cursor_left(c) < 2 ? cursor_left(c) : 2;
	return true;
}

static void words_info(struct buf *out, struct cursor *c, long words)
{
	struct str word;

	for (unsigned i = 0; i < REDIS_WORDS_LINE && (long)i < words && redis_word(c, &word); i++) {
		if (i)
			buf_add_byte(out, ' ');
		if (word.len > REDIS_WORD_SHOWN)
			word.len = REDIS_WORD_SHOWN;
		text_escape(out, word, false);
	}
	if (words > (long)REDIS_WORDS_LINE)
		buf_printf(out, " and %ld more", words - (long)REDIS_WORDS_LINE);
}

void redis_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line;
	long n;

	if (!line_next(&c, &line) || !line.len)
		return;
	if ((n = redis_count(line, '*')) >= 0 && cursor_peek(&c, 1) && *c.data == '$')
		words_info(out, &c, n);
	else if (n >= 0)
		buf_printf(out, "array of %ld", n);
	else if ((n = redis_count(line, '$')) >= 0)
		buf_printf(out, "%ld bytes", n);
	else
		line_add(out, line);
}

void redis_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	struct str line, word;

	if (!line_next(&c, &line))
		return;
	view_text(v, "type", l->offset, (uint32_t)line.len, line);
	for (unsigned i = 0; i < REDIS_WORDS_MAX && redis_word(&c, &word); i++)
		view_text(v, "word", (uint32_t)((const uint8_t *)word.p - v->head),
			  (uint32_t)word.len, word);
}

static const char memcached_verbs[] =
	" GET GETS GAT GATS SET ADD REPLACE APPEND PREPEND CAS DELETE INCR DECR TOUCH STATS "
	"VERSION FLUSH_ALL VERBOSITY QUIT MG MS MD MA MN ME VALUE STORED NOT_STORED EXISTS "
	"NOT_FOUND END DELETED TOUCHED STAT ERROR CLIENT_ERROR SERVER_ERROR OK HD VA EN NF NS EX ";

static const struct code_name memcached_commands[] = {
	{0x00, "get"},	     {0x01, "set"},	  {0x02, "add"},       {0x03, "replace"},
	{0x04, "delete"},    {0x05, "increment"}, {0x06, "decrement"}, {0x07, "quit"},
	{0x08, "flush"},     {0x09, "getq"},	  {0x0a, "noop"},      {0x0b, "version"},
	{0x0c, "getk"},	     {0x0d, "getkq"},	  {0x0e, "append"},    {0x0f, "prepend"},
	{0x10, "stat"},	     {0x1c, "touch"},	  {0x1d, "gat"},       {0x20, "sasl-list"},
	{0x21, "sasl-auth"}, {0x22, "sasl-step"}, {0, NULL},
};

/* Key and extras fit into the body (of the protocol's 24 bytes of header). */
static bool memcached_binary(const uint8_t *p, size_t length)
{
	return length >= 24 && (p[0] == 0x80 || p[0] == 0x81) && p[5] == 0 &&
	       get16(p + 2) + (uint32_t)p[4] <= get32(p + 8);
}

bool memcached_looks(const struct probe *b)
{
	struct cursor c = probe_cursor(b);
	struct str line;

	if (b->p[0] & 0x80)
		return memcached_binary(b->p, b->length);
	return line_whole(&c, &line) && word_in(line_word(&line), memcached_verbs);
}

void memcached_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	struct cursor c = view_cursor(v, l);
	uint32_t key;

	if (!memcached_binary(p, l->length)) {
		talk_info(out, v, l);
		return;
	}
	buf_printf(out, "%s %s", code_text(memcached_commands, p[1], "command"),
		   p[0] == 0x80 ? "request" : "response");
	if (p[0] == 0x81 && get16(p + 6))
		buf_printf(out, " status %u", get16(p + 6));
	key = get16(p + 2);
	if (key && cursor_pull(&c, 24u + p[4]) && cursor_peek(&c, key)) {
		buf_add_byte(out, ' ');
		line_add(out, (struct str){(const char *)c.data, key});
	}
}

void memcached_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (!memcached_binary(p, l->length)) {
		line_fields(v, l);
		return;
	}
	view_field(v, "opcode", l->offset + 1, 1, "%u %s", p[1],
		   code_text(memcached_commands, p[1], "unknown"));
	view_field(v, "key_length", l->offset + 2, 2, "%u", get16(p + 2));
	if (p[0] == 0x81)
		view_field(v, "status", l->offset + 6, 2, "%u", get16(p + 6));
	view_field(v, "body_length", l->offset + 8, 4, "%u", get32(p + 8));
	view_field(v, "opaque", l->offset + 12, 4, "0x%08x", get32(p + 12));
}
