#include "base/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define WORDS_FIRST 16 /* a power of two */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* One quoted piece; *i stands behind its opening quote and is left behind the closing one. */
static int quoted_take(const char *line, int *i, char quote, struct buf *word, struct err *e)
{
	const int opened = *i - 1;

	for (; line[*i]; (*i)++) {
		if (line[*i] == quote) {
			(*i)++;
			return 0;
		}
		if (quote == '"' && line[*i] == '\\' && line[*i + 1])
			(*i)++;
		if (buf_add_byte(word, (uint8_t)line[*i]))
			break;
	}
	return err_at(e, opened, "this quote is not closed");
}

static int word_take(const char *line, int *i, struct buf *word, struct err *e)
{
	while (line[*i] && !is_blank(line[*i])) {
		const char c = line[(*i)++];

		if (c == '\'' || c == '"') {
			if (quoted_take(line, i, c, word, e))
				return -1;
			continue;
		}
		if (c == '\\' && !line[*i])
			return err_at(e, *i - 1, "there is nothing behind this backslash");
		if (buf_add_byte(word, (uint8_t)(c == '\\' ? line[(*i)++] : c)))
			return err_at(e, *i - 1, "this word is too long");
	}
	return 0;
}

static int blanks_skip(const char *line, int i)
{
	while (is_blank(line[i]))
		i++;
	while (line[i] == '#') {
		while (line[i] && line[i] != '\n')
			i++;
		while (is_blank(line[i]))
			i++;
	}
	return i;
}

/* For one more, and the NULL behind it: doubled where the count is a power of two from 16 on. */
static void words_room(struct words *w)
{
	const int count = w->count;
	const size_t room = count ? 2 * (size_t)count : WORDS_FIRST;

	if (w->word && (count < WORDS_FIRST || (count & (count - 1)) != 0))
		return;
	w->word = xreallocarray(w->word, room + 1, sizeof(*w->word));
	w->at = xreallocarray(w->at, room + 1, sizeof(*w->at));
	memset(w->word + count, 0, (room + 1 - (size_t)count) * sizeof(*w->word));
}

int words_parse(struct words *w, const char *line, struct err *e)
{
	struct buf word;
	int i = 0, rc = -1;

	*w = (struct words){0};
	buf_init(&word, WORDS_LINE_MAX);
	if (strnlen(line, WORDS_LINE_MAX + 1) > WORDS_LINE_MAX) {
		err_at(e, (int)WORDS_LINE_MAX, "this line is longer than %d bytes", WORDS_LINE_MAX);
		goto out;
	}
	words_room(w);
	for (i = blanks_skip(line, 0); line[i]; i = blanks_skip(line, i)) {
		if (w->count == WORDS_MAX) {
			err_at(e, i, "more than %d words", WORDS_MAX);
			goto out;
		}
		words_room(w);
		w->at[w->count] = i;
		buf_clear(&word);
		if (word_take(line, &i, &word, e))
			goto out;
		w->word[w->count++] = xstrdup(buf_str(&word));
	}
	rc = 0;
out:
	buf_release(&word);
	if (rc)
		words_release(w);
	return rc;
}

void words_release(struct words *w)
{
	for (int i = 0; i < w->count; i++)
		free(w->word[i]);
	free(w->word);
	free(w->at);
	*w = (struct words){0};
}

static bool word_is_plain(const char *word)
{
	if (word[0] == 0 || word[0] == '#')
		return false;
	return word[strcspn(word, " \t\n\r'\"\\")] == 0;
}

void words_quote(struct buf *out, const char *word)
{
	/* A full buffer cuts: its maximum is the caller's. */
	if (word_is_plain(word)) {
		(void)buf_add_str(out, word);
		return;
	}
	if (!strchr(word, '\'')) {
		(void)buf_printf(out, "'%s'", word);
		return;
	}
	(void)buf_add_byte(out, '"');
	for (; *word; word++) {
		if (*word == '"' || *word == '\\')
			(void)buf_add_byte(out, '\\');
		(void)buf_add_byte(out, (uint8_t)*word);
	}
	(void)buf_add_byte(out, '"');
}
