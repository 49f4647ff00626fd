#include "new_fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "base/xalloc.h"
#include "tui/new_word.h"

#define TEXT_MOST FORM_TEXT_MAX

static const struct new_field table[] = {
	{.word = "every", .section = "files", .label = "New file", .width = 10, .hint = "60s, 10m, 1h: a new file then, also when nothing comes"},
	{.word = "aligned", .section = "files", .label = "Aligned"},
	{.word = "size", .section = "files", .label = "or at", .width = 10, .hint = "100MB: a new file at that size"},
	{.word = "packets", .section = "files", .label = "or packets", .width = 10},
	{.word = "keep", .section = "files", .label = "Keep", .between = " ", .width = 24, .hint = "20 10G 7d: so many files, bytes, so old; the oldest go"},
	{.word = "format", .section = "files", .label = "Format", .choices = "pcapng\npcap", .hint = "pcapng holds several devices and more; pcap is for old tools"},
	{.word = "names", .section = "files", .label = "Names", .width = 40},
	{.word = "utc", .section = "files", .label = "UTC"},
	{.word = "compress", .section = "files", .label = "Compress", .width = 16, .hint = "gzip, zstd, lz4 or xz; zstd:6 with its level, zstd:live while written"},
	{.word = "on-full", .section = "files", .label = "Disk full", .choices = "stop\noldest\nwait"},

	{.word = "stop-after", .section = "ends", .label = "Stop after", .between = " ", .width = 24,
	 .hint = "1000000 10m 2G: packets (files where they rotate), time, bytes; what is first"},
	{.word = "stop-when", .section = "ends", .label = "Stop when", .history = "filter", .hint = "a packet that matches ends it: icmp[0] = 3"},
	{.word = "persist", .section = "ends", .label = "Persist"},
	{.word = "ephemeral", .section = "ends", .label = "Ephemeral", .hint = "ends and leaves the list when this console does"},

	{.word = "snaplen", .section = "capture", .label = "Snaplen", .width = 8, .hint = "bytes kept of a packet; empty: all"},
	{.word = "buffer", .section = "capture", .label = "Buffer", .width = 6, .hint = "MB in the kernel; empty: 64 to record, 4 to count"},
	{.word = "promiscuous", .section = "capture", .label = "Promiscuous"},
	{.word = "direction", .section = "capture", .label = "Direction", .choices = "both\nin\nout"},
	{.word = "sample", .section = "capture", .label = "Sample", .width = 8},
	{.word = "stamp", .section = "capture", .label = "Stamp", .width = 20},
	{.word = "precision", .section = "capture", .label = "Precision", .choices = "ns\nus"},
	{.word = "wait-ms", .section = "capture", .label = "Wait ms", .width = 8},
	{.word = "own-traffic", .section = "capture", .label = "Own SSH out", .yes = "out", .no = "in",
	 .hint = "leaves out the SSH connections that carry attached consoles"},

	{.word = "counter", .section = "watch", .label = "Counters", .between = ";", .history = "counters", .hint = "syn=tcp[13] & 2 != 0; dns=port 53: NAME=FILTER, ; between them"},
	{.word = "alert", .section = "watch", .label = "Alerts", .between = ";", .history = "alert", .hint = "pps > 1000 for 10s then save (record on, stop, rotate); ; between them"},
	{.word = "past", .section = "watch", .label = "Past", .width = 10, .hint = "30s or 100MB: held in memory; w writes it to a file"},
	{.word = "save-when", .section = "watch", .label = "Save when", .history = "filter", .hint = "a packet that matches writes the past to a file"},

	{.word = "note", .section = "other", .label = "Note", .history = "note"},
	{.word = "user", .section = "other", .label = "User", .width = 16},
	{.word = "pipe", .section = "other", .label = "Pipe to", .history = "pipe"},
	{.word = "announce", .section = "other", .label = "Announce", .history = "announce"},
	{.word = "watch-file", .section = "other", .label = "Watch file", .history = "watch-file"},
};

const struct new_field *new_field_at(size_t i)
{
	return i < ARRAY_LEN(table) ? &table[i] : NULL;
}

void new_words_add(struct new_words *w, const char *word)
{
	w->word = xreallocarray(w->word, w->count + 2, sizeof(*w->word));
	w->word[w->count++] = xstrdup(word);
	w->word[w->count] = NULL;
}

void new_words_release(struct new_words *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->word[i]);
	free(w->word);
	*w = (struct new_words){0};
}

static void add_pair(struct new_words *w, const char *word, const char *value)
{
	if (!*value)
		return;
	new_words_add(w, word);
	new_words_add(w, value);
}

/* Each of the values as a word of its own, without the blanks round it. */
static void add_several(struct new_words *w, const char *word, const char *text, const char *between)
{
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, between), from = strspn(at, " "), to = len;
		char *value;

		while (to > from && at[to - 1] == ' ')
			to--;
		value = xstrndup(at + (from < to ? from : to), from < to ? to - from : 0);
		add_pair(w, word, value);
		free(value);
		at += len + (at[len] != 0);
	}
}

/* The first of the choices is what is usual: it needs no word. */
static bool is_usual(const struct new_field *f, const char *text)
{
	return f->choices && strncmp(f->choices, text, strlen(text)) == 0 && f->choices[strlen(text)] == '\n';
}

static void add_field(const struct form *form, const struct new_field *f, struct new_words *w)
{
	const struct new_word *word = new_word_find(f->word);
	const char *text = form_text(form, f->word);

	if (f->yes)
		add_pair(w, f->word, *text ? f->yes : f->no);
	else if (word && word->takes == NEW_NOTHING && *text)
		new_words_add(w, f->word);
	else if (word && word->takes == NEW_NOTHING)
		return;
	else if (f->between)
		add_several(w, f->word, text, f->between);
	else if (!is_usual(f, text))
		add_pair(w, f->word, text);
}

void new_words_make(const struct form *f, bool host, struct new_words *w)
{
	const char *on = form_text(f, "host");

	new_words_add(w, "new");
	new_words_add(w, *form_text(f, "name") ? form_text(f, "name") : "?");
	if (host && *on && strcmp(on, "local") != 0)
		add_pair(w, "on", on);
	add_pair(w, "device", form_text(f, "devices"));
	add_pair(w, "filter", form_text(f, "filter"));
	new_words_add(w, form_text(f, "mode"));
	for (size_t i = 0; new_field_at(i); i++)
		add_field(f, new_field_at(i), w);
}

/* --- the other way round --- */

static const struct new_field *field_find(const char *word)
{
	for (size_t i = 0; i < ARRAY_LEN(table); i++)
		if (strcmp(table[i].word, word) == 0)
			return &table[i];
	return NULL;
}

static char *usual_text(const struct new_field *f)
{
	if (f->choices)
		return xstrndup(f->choices, strcspn(f->choices, "\n"));
	return xstrdup(f->yes ? "yes" : "");
}

static void set_usual(struct form *f)
{
	form_set(f, "filter", "");
	form_set(f, "mode", "record");
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char *text = usual_text(&table[i]);

		form_set(f, table[i].word, text);
		free(text);
	}
}

static void set_value(struct form *form, const char *word, const char *value)
{
	const struct new_field *f = field_find(word);
	char *joined;

	if (strcmp(word, "on") == 0 || strcmp(word, "device") == 0 || strcmp(word, "filter") == 0) {
		form_set(form, word[0] == 'o' ? "host" : word[0] == 'd' ? "devices" : "filter", value);
	} else if (f && f->yes) {
		form_set(form, word, strcmp(value, f->yes) == 0 ? "yes" : "");
	} else if (f && f->between && *form_text(form, word)) {
		joined = xasprintf("%s%s%s", form_text(form, word), *f->between == ' ' ? " " : "; ", value);
		form_set(form, word, joined);
		free(joined);
	} else {
		form_set(form, word, value);
	}
}

/* All up to the next word of `new`, joined; *at is behind it then. Owned by the caller. */
static char *rest_take(int count, char *const *word, int *at)
{
	struct buf text;
	char *taken;

	buf_init(&text, TEXT_MOST);
	for (; *at < count && !new_word_find(word[*at]); (*at)++)
		(void)buf_printf(&text, "%s%s", text.len ? " " : "", word[*at]); /* -1: more than a field holds */
	taken = xstrdup(buf_str(&text));
	buf_release(&text);
	return taken;
}

void new_words_show(struct form *f, int count, char *const *word)
{
	set_usual(f);
	for (int i = 0; i < count;) {
		const struct new_word *w = new_word_find(word[i++]);
		char *rest;

		if (!w)
			continue;
		if (strcmp(w->name, "record") == 0 || strcmp(w->name, "count") == 0) {
			form_set(f, "mode", w->name);
		} else if (w->takes == NEW_NOTHING) {
			form_set(f, w->name, "yes");
		} else if (w->takes == NEW_VALUE && i < count) {
			set_value(f, w->name, word[i++]);
		} else {
			rest = rest_take(count, word, &i);
			set_value(f, w->name, rest);
			free(rest);
		}
	}
}
