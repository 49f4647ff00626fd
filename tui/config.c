/* tapdeck.conf: one command a line, those of COMMAND_CONFIG. A wrong line is told and left out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_private.h"
#include "config.h"
#include "base/fdio.h"
#include "base/paths.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "tui/command.h"

static void config_line(void *arg, const char *path, int number, const char *line)
{
	struct app *a = arg;
	struct words w = {0};
	struct err e = {.code = ERR_NONE, .at = -1};
	const struct command *c;
	int result = words_parse(&w, line, &e);

	if (result == 0 && w.count > 0) {
		c = command_find(w.word[0], COMMAND_CONFIG);
		result = c ? c->run(a, w.count, w.word, &e) :
			     err_set(&e, ERR_CALL, "'%s' is no command of the configuration file (set, theme, bind, profile)", w.word[0]);
	}
	words_release(&w);
	if (result == 0)
		return;
	err_wrap(&e, "%s line %d", path, number);
	app_toast_err(a, &e);
}

char *words_join_quoted(int count, char *const *word)
{
	struct buf line;
	char *text;

	buf_init(&line, WORDS_LINE_MAX);
	for (int i = 0; i < count; i++) {
		if (i)
			(void)buf_add_byte(&line, ' ');
		words_quote(&line, word[i]);
	}
	text = xstrdup(buf_str(&line));
	buf_release(&line);
	return text;
}

int config_each(void (*take)(void *arg, const char *path, int number, const char *line), void *arg, struct err *e)
{
	char *path = paths_config(), *text = NULL, *line, *end;
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1, number = 1, result = -1;
	ssize_t n;

	if (fd < 0) {
		result = !path || errno == ENOENT || errno == ENOTDIR ? 0 : err_errno(e, ERR_REFUSED, "%s cannot be read", path);
		goto out;
	}
	text = xmalloc(CONFIG_MAX + 1);
	n = fdio_pread(fd, text, CONFIG_MAX, 0);
	close(fd);
	if (n < 0) {
		err_errno(e, ERR_REFUSED, "%s cannot be read", path);
		goto out;
	}
	text[n] = 0;
	for (line = text; *line; line = end, number++) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		take(arg, path, number, line);
	}
	result = 0;
out:
	free(path);
	free(text);
	return result;
}

int config_read(struct app *a, struct err *e)
{
	int result;

	a->configuring = true;
	result = config_each(config_line, a, e);
	a->configuring = false;
	return result;
}

int app_profile(struct app *a, const char *name, const char *words, struct err *e)
{
	if (profiles_set(a->profiles, name, words, e) < 0)
		return -1;
	if (a->configuring)
		return 0;
	if (a->no_config)
		app_toast(a, SEVERITY_NOTE, "profile %s is known until this console ends: it has no configuration file", name);
	else if (profiles_save(name, words, e) < 0)
		return -1;
	else
		app_toast(a, SEVERITY_NOTE, "profile %s is kept in tapdeck.conf", name);
	return 0;
}
