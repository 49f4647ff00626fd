#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define READ_BYTES 65536u

/* Words of which some came from standard input. */
struct lines {
	char **word;
	size_t count, room;
	struct buf text; /* what was read, lines ended by 0 */
	bool read;
};

static void lines_add(struct lines *l, char *word)
{
	if (l->count == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->word = xreallocarray(l->word, l->room, sizeof(*l->word));
	}
	l->word[l->count++] = word;
}

static int input_read(struct lines *l, struct err *e)
{
	size_t n;

	if (l->read)
		return err_set(e, ERR_CALL, "'-' is standard input, which can be read once");
	l->read = true;
	do {
		uint8_t *room = buf_reserve(&l->text, READ_BYTES);

		if (!room)
			return err_set(e, ERR_CALL, "standard input is longer than one request, %u bytes: add the counters in several", MSG_PAYLOAD_MAX);
		n = fread(room, 1, READ_BYTES, stdin);
		l->text.len += n;
	} while (n > 0);
	if (ferror(stdin))
		return err_errno(e, ERR_REFUSED, "standard input");
	if (memchr(l->text.data, 0, l->text.len))
		return err_set(e, ERR_CALL, "standard input has a byte 0: it should be lines of text");
	return buf_add_byte(&l->text, 0) ? err_set(e, ERR_CALL, "standard input is too long") : 0;
}

/* Each line with `op` in front; empty ones and comments are passed over. */
static int lines_take(struct lines *l, char *op, struct err *e)
{
	char *line, *next;

	if (input_read(l, e))
		return -1;
	for (line = (char *)l->text.data; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		line += strspn(line, " \t");
		line[strcspn(line, "\r")] = 0;
		if (line[0] == 0 || line[0] == '#')
			continue;
		lines_add(l, op);
		lines_add(l, line);
	}
	return 0;
}

static bool is_one_of(const char *word, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(word, *list) == 0)
			return true;
	return false;
}

int with_input(struct cli *c, int count, char **word, const char *const *ops, int (*run)(struct cli *c, int count, char **word, struct err *e),
	       struct err *e)
{
	struct lines l = {0};
	int r = 0;

	buf_init(&l.text, MSG_PAYLOAD_MAX);
	for (int i = 0; r == 0 && i < count; i++) {
		if (i + 1 < count && i > 1 && is_one_of(word[i], ops) && strcmp(word[i + 1], "-") == 0)
			r = lines_take(&l, word[i++], e);
		else
			lines_add(&l, word[i]);
	}
	if (r == 0)
		r = run(c, (int)l.count, l.word, e);
	buf_release(&l.text);
	free(l.word);
	return r;
}

int verb_counter(struct cli *c, int count, char **word, struct err *e)
{
	static const char *const ops[] = {"add", "change", "remove", NULL};

	return with_input(c, count, word, ops, verb_act, e);
}
