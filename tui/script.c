/* Scripts: keys and commands out of a file, on a canvas without a terminal. A line is
 *   a key ("j" "page-down" "ctrl-p"), :COMMAND, type TEXT, wait TEXT [SECONDS], gone TEXT [SECONDS], size WxH,
 *   screenshot FILE|-, styles FILE|-; # begins a comment. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_private.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"

#define SCRIPT_MAX (1024u * 1024) /* bytes of a script */
#define SCREEN_MAX (16u * 1024 * 1024)
#define WAIT_NS (10 * NS_PER_S)
#define STEP_MS 20u /* between looks at the screen while waiting */

static void on_step(uv_timer_t *t)
{
	(void)t;
}

/* Lets the loop work until it has nothing more to say for one step. */
static void script_step(struct app *a)
{
	uv_timer_start(&a->draw, on_step, STEP_MS, 0);
	uv_run(&a->loop, UV_RUN_ONCE);
	uv_timer_stop(&a->draw);
	if (clock_mono_ns() - a->drawn_ns >= NS_PER_S) {
		a->drawn_ns = clock_mono_ns();
		app_tick(a);
	}
}

static bool screen_has(struct app *a, const char *text)
{
	struct buf out;
	bool found;

	buf_init(&out, SCREEN_MAX);
	app_compose(a);
	canvas_text(&a->canvas, &out);
	found = strstr(buf_str(&out), text) != NULL;
	buf_release(&out);
	return found;
}

/* What the panes have asked for comes first: a screenshot shows answers, not the way to them. */
static void script_settle(struct app *a)
{
	const int64_t until = clock_mono_ns() + WAIT_NS;

	app_compose(a);
	while ((!hub_settled(&a->hub) || a->verbs) && clock_mono_ns() < until) {
		script_step(a);
		app_compose(a);
	}
}

static int script_wait(struct app *a, struct words *w, struct err *e)
{
	bool gone = strcmp(w->word[0], "gone") == 0;
	int64_t limit_ns = WAIT_NS, until;

	if (w->count < 2 || (w->count > 2 && text_parse_duration(str_of(w->word[2]), &limit_ns, e) < 0))
		return err_set(e, ERR_CALL, "%s wants a text and perhaps seconds", w->word[0]);
	until = clock_mono_ns() + limit_ns;
	while (screen_has(a, w->word[1]) == gone) {
		struct err ignored = {.at = -1};
		if (clock_mono_ns() < until) {
			script_step(a);
			continue;
		}
		app_screenshot(a, "-", &ignored);
		return err_set(e, ERR_ABSENT, "'%s' %s on the screen in time", w->word[1], gone ? "was still" : "did not appear");
	}
	return 0;
}

static int script_type(struct app *a, const char *text)
{
	struct str rest = str_of(text);

	while (rest.len > 0) {
		char key[8] = "";
		const char *from = rest.p;
		text_utf8_next(&rest);
		memcpy(key, from, (size_t)(rest.p - from) < sizeof(key) ? (size_t)(rest.p - from) : sizeof(key) - 1);
		app_key(a, key[0] == ' ' ? "space" : key);
	}
	return 0;
}

static int script_size(struct app *a, const char *text, struct err *e)
{
	const char *x = strchr(text, 'x');
	uint64_t width, height;

	if (!x || text_parse_count((struct str){text, (size_t)(x - text)}, &width, e) < 0 ||
	    text_parse_count(str_of(x + 1), &height, e) < 0 || width > 1000 || height > 1000)
		return err_set(e, ERR_CALL, "size wants WIDTHxHEIGHT, not '%s'", text);
	app_resize(a, (int)width, (int)height);
	return 0;
}

static int script_styles(struct app *a, const char *path, struct err *e)
{
	struct buf out;
	int fd = strcmp(path, "-") == 0 ? STDOUT_FILENO : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int result;

	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "%s cannot be written", path);
	buf_init(&out, SCREEN_MAX);
	app_compose(a);
	canvas_styles(&a->canvas, &out);
	result = fdio_write_all(fd, buf_str(&out), out.len);
	if (result < 0)
		err_errno(e, ERR_REFUSED, "%s cannot be written", path);
	if (fd != STDOUT_FILENO)
		close(fd);
	buf_release(&out);
	return result;
}

static int script_word(struct app *a, struct words *w, struct err *e)
{
	if (strcmp(w->word[0], "wait") == 0 || strcmp(w->word[0], "gone") == 0)
		return script_wait(a, w, e);
	if (w->count == 2 && strcmp(w->word[0], "type") == 0)
		return script_type(a, w->word[1]);
	if (w->count == 2 && strcmp(w->word[0], "size") == 0)
		return script_size(a, w->word[1], e);
	if (w->count == 2 && (strcmp(w->word[0], "screenshot") == 0 || strcmp(w->word[0], "styles") == 0))
		script_settle(a);
	if (w->count == 2 && strcmp(w->word[0], "screenshot") == 0)
		return app_screenshot(a, w->word[1], e);
	if (w->count == 2 && strcmp(w->word[0], "styles") == 0)
		return script_styles(a, w->word[1], e);
	return err_set(e, ERR_CALL, "'%s' is neither a key nor a word of scripts", w->word[0]);
}

static int script_line(struct app *a, const char *line, struct err *e)
{
	struct words w = {0};
	int result = 0;

	line += strspn(line, " \t");
	if (!line[0] || (line[0] == '#' && line[1]))
		return 0;
	if (line[0] == ':' && line[1]) {
		app_run(a, line + 1);
		return 0;
	}
	if (key_valid(line)) {
		app_key(a, line);
		return 0;
	}
	if (words_parse(&w, line, e) < 0)
		return -1;
	if (w.count > 0)
		result = script_word(a, &w, e);
	words_release(&w);
	return result;
}

int script_run(struct app *a, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), number = 1, result = 0;
	char *text, *line, *end;
	ssize_t n;

	if (fd < 0)
		return err_errno(e, ERR_ABSENT, "the script %s cannot be read", path);
	text = xmalloc(SCRIPT_MAX + 1);
	n = fdio_pread(fd, text, SCRIPT_MAX, 0);
	close(fd);
	if (n < 0)
		result = err_errno(e, ERR_REFUSED, "the script %s cannot be read", path);
	text[n > 0 ? n : 0] = 0;
	for (line = text; result == 0 && *line && !a->quit; line = end, number++) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		result = script_line(a, line, e);
		app_compose(a); /* panes ask for what they show when they are drawn */
		while (result == 0 && uv_run(&a->loop, UV_RUN_NOWAIT) && uv_backend_timeout(&a->loop) == 0)
			;
		if (result < 0)
			err_wrap(e, "%s line %d", path, number);
	}
	free(text);
	return result;
}
