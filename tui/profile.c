#include "tui/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/paths.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "config.h"
#include "tui/new_word.h"

struct profile {
	char *name, *words;
};

struct profiles {
	struct profile *at;
	size_t count;
};

struct profiles *profiles_new(void)
{
	return xcalloc(1, sizeof(struct profiles));
}

void profiles_free(struct profiles *p)
{
	for (size_t i = 0; p && i < p->count; i++) {
		free(p->at[i].name);
		free(p->at[i].words);
	}
	if (p)
		free(p->at);
	free(p);
}

static int name_check(const char *name, struct err *e)
{
	const size_t len = strlen(name);

	if (len < 1 || len > PROFILE_NAME_MAX || strpbrk(name, " \t\r\n"))
		return err_set(e, ERR_CALL, "the name of a profile has 1 to %u characters and no blank", PROFILE_NAME_MAX);
	return 0;
}

/* That they are words of `new`, the values aside: those the host checks when they are used. */
static int words_check(const char *line, struct err *e)
{
	struct words w = {0};
	int r = words_parse(&w, line, e);

	if (r == 0 && strchr(line, '\n'))
		r = err_set(e, ERR_CALL, "a profile is one line");
	if (r == 0 && (w.count == 0 || !new_word_find(w.word[0])))
		r = err_set(e, ERR_CALL, "a profile is made of words of `new`, and '%s' is none: tapdeck help new lists them",
			    w.count ? w.word[0] : "");
	words_release(&w);
	return r;
}

static struct profile *profile_find(const struct profiles *p, const char *name)
{
	for (size_t i = 0; p && i < p->count; i++)
		if (strcmp(p->at[i].name, name) == 0)
			return &p->at[i];
	return NULL;
}

int profiles_set(struct profiles *p, const char *name, const char *words, struct err *e)
{
	struct profile *x;

	if (name_check(name, e) || words_check(words, e))
		return -1;
	x = profile_find(p, name);
	if (!x && p->count == PROFILES_MAX)
		return err_set(e, ERR_CALL, "there are %u profiles already", PROFILES_MAX);
	if (!x) {
		p->at = xreallocarray(p->at, p->count + 1, sizeof(*p->at));
		x = &p->at[p->count++];
		*x = (struct profile){.name = xstrdup(name)};
	}
	free(x->words);
	x->words = xstrdup(words);
	return 0;
}

const char *profiles_find(const struct profiles *p, const char *name)
{
	const struct profile *x = profile_find(p, name);

	return x ? x->words : NULL;
}

bool profiles_at(const struct profiles *p, size_t i, const char **name, const char **words)
{
	if (!p || i >= p->count)
		return false;
	*name = p->at[i].name;
	*words = p->at[i].words;
	return true;
}

/* --- the configuration file --- */

/* `profile NAME WORDS`: true, and the name; the words are what stands behind it. */
static bool line_is(const struct words *w)
{
	return w->count > 2 && strcmp(w->word[0], "profile") == 0;
}

static void take_line(void *arg, const char *path, int number, const char *line)
{
	struct words w = {0};

	(void)path;
	(void)number;
	if (words_parse(&w, line, NULL) == 0 && line_is(&w)) {
		char *rest = words_join_quoted(w.count - 2, w.word + 2);

		(void)profiles_set(arg, w.word[1], rest, NULL); /* -1: the console tells what is wrong with it */
		free(rest);
	}
	words_release(&w);
}

int profiles_load(struct profiles *p, struct err *e)
{
	return config_each(take_line, p, e);
}

struct rewrite {
	const char *name, *line;
	struct buf out;
	bool placed, full;
};

static void rewrite_line(void *arg, const char *path, int number, const char *line)
{
	struct rewrite *r = arg;
	struct words w = {0};
	const bool same = words_parse(&w, line, NULL) == 0 && line_is(&w) && strcmp(w.word[1], r->name) == 0;

	(void)path;
	(void)number;
	if (!same || !r->placed)
		r->full = buf_printf(&r->out, "%s\n", same ? r->line : line) < 0 || r->full;
	r->placed = r->placed || same;
	words_release(&w);
}

/* What the path leads to: a link stays one. Owned by the caller. */
static char *path_behind(const char *path)
{
	char *real = realpath(path, NULL);

	return real ? real : xstrdup(path);
}

static int file_replace(const char *path, const struct buf *text, struct err *e)
{
	char *part = xasprintf("%s.part", path);
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), r = -1;

	if (fd < 0) {
		err_errno(e, ERR_REFUSED, "%s cannot be written", part);
	} else {
		r = fdio_write_all(fd, text->data, text->len) || fsync(fd);
		r = close(fd) || r || rename(part, path) ? err_errno(e, ERR_REFUSED, "%s cannot be written", path) : 0;
	}
	if (r && fd >= 0)
		(void)unlink(part); /* what is left of it harms nobody */
	free(part);
	return r;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash > path ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");
}

int profiles_save(const char *name, const char *words, struct err *e)
{
	char *named = paths_config(), *path = named ? path_behind(named) : NULL, *folder = path ? folder_of(path) : NULL, *line;
	struct rewrite r = {.name = name};
	struct buf text;
	int result = -1;

	buf_init(&text, WORDS_LINE_MAX);
	buf_init(&r.out, 2 * CONFIG_MAX);
	(void)buf_add_str(&text, "profile ");
	words_quote(&text, name);
	(void)buf_printf(&text, " %s", words);
	line = xstrdup(buf_str(&text));
	r.line = line;
	if (!path)
		err_set(e, ERR_REFUSED, "there is no folder for tapdeck.conf: HOME is not set");
	else if (name_check(name, e) == 0 && words_check(words, e) == 0 && fdio_make_folder(folder, e) == 0 &&
		 config_each(rewrite_line, &r, e) == 0) {
		if (!r.placed)
			r.full = buf_printf(&r.out, "%s\n", line) < 0 || r.full;
		result = r.full ? err_set(e, ERR_REFUSED, "%s is too large", path) : file_replace(path, &r.out, e);
	}
	buf_release(&text);
	buf_release(&r.out);
	free(line);
	free(folder);
	free(path);
	free(named);
	return result;
}

/* --- in place of `profile NAME` --- */

void profile_words_free(char **word)
{
	for (char **w = word; w && *w; w++)
		free(*w);
	free(word);
}

static void word_add(char ***list, int *count, const char *word)
{
	*list = xreallocarray(*list, (size_t)*count + 2, sizeof(**list));
	(*list)[(*count)++] = xstrdup(word);
	(*list)[*count] = NULL;
}

static int unknown(const struct profiles *p, const char *name, struct err *e)
{
	const char *known[PROFILES_MAX], *near;
	size_t n = 0;

	for (; p && n < p->count; n++)
		known[n] = p->at[n].name;
	near = text_nearest(str_of(name), known, n);
	return err_set(e, ERR_ABSENT, "there is no profile '%s'%s%s%s: `profile NAME WORDS` in tapdeck.conf makes one", name,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int add_profile(const struct profiles *p, const char *name, char ***out, int *count, struct err *e)
{
	const char *line = profiles_find(p, name);
	struct words w = {0};

	if (!line)
		return unknown(p, name, e);
	if (words_parse(&w, line, e))
		return -1;
	for (int i = 0; i < w.count; i++)
		word_add(out, count, w.word[i]);
	words_release(&w);
	return 0;
}

char **profile_expand(const struct profiles *p, int *count, char *const *word, struct err *e)
{
	char **out = NULL;
	int n = 0;

	for (int i = 0; i < *count; i++) {
		const struct new_word *before = i > 2 ? new_word_find(word[i - 1]) : NULL;
		int r = 0;

		if (i < 2 || strcmp(word[i], "profile") != 0 || (before && before->takes == NEW_VALUE)) {
			word_add(&out, &n, word[i]);
			continue;
		}
		r = i + 1 < *count ? add_profile(p, word[++i], &out, &n, e) : err_set(e, ERR_CALL, "'profile' wants a name");
		if (r < 0) {
			profile_words_free(out);
			return NULL;
		}
	}
	if (!out)
		out = xcalloc(1, sizeof(*out));
	*count = n;
	return out;
}
