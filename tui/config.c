/* tapdeck.conf: one command a line, those of COMMAND_CONFIG. A wrong line is told and left out. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_private.h"
#include "base/fdio.h"
#include "base/paths.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "tui/command.h"

#define CONFIG_MAX (256u * 1024) /* bytes of the file */

static int config_line(struct app *a, const char *path, int number, const char *line)
{
	struct words w = {0};
	struct err e = {.code = ERR_NONE, .at = -1};
	const struct command *c;
	int result = words_parse(&w, line, &e);

	if (result == 0 && w.count > 0) {
		c = command_find(w.word[0], COMMAND_CONFIG);
		result = c ? c->run(a, w.count, w.word, &e) :
			     err_set(&e, ERR_CALL, "'%s' is no command of the configuration file (set, theme, bind)", w.word[0]);
	}
	words_release(&w);
	if (result == 0)
		return 0;
	err_wrap(&e, "%s line %d", path, number);
	app_toast_err(a, &e);
	return -1;
}

int config_read(struct app *a, struct err *e)
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
		config_line(a, path, number, line);
	}
	result = 0;
out:
	free(path);
	free(text);
	return result;
}
