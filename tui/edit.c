#include "edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

void edit_init(struct edit *ed, const char *text, struct history *h)
{
	*ed = (struct edit){.text = xcalloc(1, EDIT_TEXT_MAX), .history = h};
	edit_set(ed, text ? text : "");
}

void edit_release(struct edit *ed)
{
	free(ed->text);
	free(ed->typed);
	*ed = (struct edit){0};
}

void edit_insert(struct edit *ed, struct str text)
{
	while (text.len > 0) {
		const char *from = text.p;
		int32_t ch = text_utf8_next(&text);
		size_t bytes = (size_t)(text.p - from);

		if (ch < 0 || text_width(ch) < 1 || ed->len + bytes >= EDIT_TEXT_MAX)
			continue;
		memmove(ed->text + ed->at + bytes, ed->text + ed->at, ed->len - ed->at + 1);
		memcpy(ed->text + ed->at, from, bytes);
		ed->len += bytes;
		ed->at += bytes;
	}
}

void edit_set(struct edit *ed, const char *text)
{
	ed->len = ed->at = ed->shown = 0;
	ed->text[0] = 0;
	edit_insert(ed, str_of(text));
}

static size_t edit_before(const struct edit *ed, size_t at)
{
	if (at > 0)
		at--;
	while (at > 0 && ((unsigned char)ed->text[at] & 0xc0) == 0x80)
		at--;
	return at;
}

static size_t edit_after(const struct edit *ed, size_t at)
{
	if (at < ed->len)
		at++;
	while (at < ed->len && ((unsigned char)ed->text[at] & 0xc0) == 0x80)
		at++;
	return at;
}

static void edit_remove(struct edit *ed, size_t from, size_t to)
{
	memmove(ed->text + from, ed->text + to, ed->len - to + 1);
	ed->len -= to - from;
	ed->at = from;
}

static size_t edit_word_before(const struct edit *ed)
{
	size_t at = ed->at;

	while (at > 0 && ed->text[at - 1] == ' ')
		at--;
	while (at > 0 && ed->text[at - 1] != ' ')
		at--;
	return at;
}

static void edit_past(struct edit *ed, int step)
{
	const char *line;

	if (!ed->history)
		return;
	if (ed->back == 0 && step > 0) {
		free(ed->typed);
		ed->typed = xstrdup(ed->text);
	}
	if (ed->back + step < 0)
		return;
	line = ed->back + step == 0 ? ed->typed : history_at(ed->history, ed->back + step);
	if (!line)
		return;
	ed->back += step;
	edit_set(ed, line);
}

/* Ctrl-R: the next older line that holds what was typed. */
static void edit_past_like(struct edit *ed)
{
	const char *line;

	if (!ed->history)
		return;
	if (ed->back == 0) {
		free(ed->typed);
		ed->typed = xstrdup(ed->text);
	}
	for (int back = ed->back + 1; (line = history_at(ed->history, back)); back++) {
		if (!strstr(line, ed->typed))
			continue;
		ed->back = back;
		edit_set(ed, line);
		return;
	}
}

static bool edit_move_key(struct edit *ed, const char *key)
{
	if (strcmp(key, "left") == 0)
		ed->at = edit_before(ed, ed->at);
	else if (strcmp(key, "right") == 0 || strcmp(key, "ctrl-f") == 0)
		ed->at = edit_after(ed, ed->at);
	else if (strcmp(key, "home") == 0 || strcmp(key, "ctrl-a") == 0)
		ed->at = 0;
	else if (strcmp(key, "end") == 0 || strcmp(key, "ctrl-e") == 0)
		ed->at = ed->len;
	else
		return false;
	return true;
}

static bool edit_change_key(struct edit *ed, const char *key)
{
	if (strcmp(key, "backspace") == 0 || strcmp(key, "ctrl-h") == 0)
		edit_remove(ed, edit_before(ed, ed->at), ed->at);
	else if (strcmp(key, "delete") == 0 || strcmp(key, "ctrl-d") == 0)
		edit_remove(ed, ed->at, edit_after(ed, ed->at));
	else if (strcmp(key, "ctrl-u") == 0)
		edit_remove(ed, 0, ed->at);
	else if (strcmp(key, "ctrl-k") == 0)
		edit_remove(ed, ed->at, ed->len);
	else if (strcmp(key, "ctrl-w") == 0)
		edit_remove(ed, edit_word_before(ed), ed->at);
	else if (strcmp(key, "up") == 0)
		edit_past(ed, 1);
	else if (strcmp(key, "down") == 0)
		edit_past(ed, -1);
	else if (strcmp(key, "ctrl-r") == 0)
		edit_past_like(ed);
	else if (strcmp(key, "space") == 0)
		edit_insert(ed, str_of(" "));
	else
		return false;
	return true;
}

bool edit_key(struct edit *ed, const char *key, bool *changed)
{
	struct str one = str_of(key);

	*changed = false;
	if (edit_move_key(ed, key))
		return true;
	*changed = true;
	if (edit_change_key(ed, key))
		return true;
	if (text_width(text_utf8_next(&one)) > 0 && one.len == 0) {
		edit_insert(ed, str_of(key));
		return true;
	}
	*changed = false;
	return false;
}

static int edit_columns(const struct edit *ed, size_t from, size_t to)
{
	struct str s = {ed->text + from, to > from ? to - from : 0};
	int columns = 0;

	while (s.len > 0) {
		int width = text_width(text_utf8_next(&s));
		columns += width > 0 ? width : 0;
	}
	return columns;
}

int edit_column(const struct edit *ed, size_t at)
{
	return edit_columns(ed, ed->shown, at > ed->len ? ed->len : at);
}

int edit_draw(struct edit *ed, struct area a, int x, int y, int width, enum style style, bool focused)
{
	struct area line = area_part(a, x, y, width, 1);
	int cursor;

	if (width < 2)
		return x;
	if (ed->shown > ed->at)
		ed->shown = ed->at;
	while (edit_columns(ed, ed->shown, ed->at) > width - 1)
		ed->shown = edit_after(ed, ed->shown);
	area_fill(line, ' ', style);
	area_str(line, 0, 0, style, (struct str){ed->text + ed->shown, ed->len - ed->shown}, width);
	cursor = edit_columns(ed, ed->shown, ed->at);
	if (focused)
		area_style(line, cursor, 0, 1, STYLE_SELECTED);
	return x + cursor;
}
