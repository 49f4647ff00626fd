#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "cli.h"
#include "tui/app.h"
#include "tui/command.h"
#include "tui/source.h"

#define OPEN_MAX 64 /* commands that are run when the console opens */
#define SIDE_MAX 1000

/* What the words before the first that is no option say. */
struct start {
	struct console_options console;
	char *open[OPEN_MAX];
	size_t nopen;
	const char *device; /* of -i */
};

static int size_parse(const char *text, struct console_options *o, struct err *e)
{
	uint64_t width, height;
	const char *x = strchr(text, 'x');

	if (!x || text_parse_count((struct str){text, (size_t)(x - text)}, &width, NULL) ||
	    text_parse_count(str_of(x + 1), &height, NULL) || width < 1 || width > SIDE_MAX || height < 1 || height > SIDE_MAX)
		return err_set(e, ERR_CALL, "--size '%s': COLUMNSxROWS, 80x24", text);
	o->width = (int)width;
	o->height = (int)height;
	return 0;
}

static int option_set(struct start *s, const char *name, const char *value, struct err *e)
{
	if (strcmp(name, "-i") == 0)
		s->device = value;
	else if (strcmp(name, "--config") == 0)
		return setenv("TAPDECK_CONFIG", value, 1) ? err_errno(e, ERR_CALL, "--config %s", value) : 0;
	else if (strcmp(name, "--script") == 0)
		s->console.script = value;
	else if (strcmp(name, "--size") == 0)
		return size_parse(value, &s->console, e);
	else if (strcmp(name, "--charset") == 0)
		s->console.charset = value;
	else if (strcmp(name, "--theme") == 0)
		s->console.theme = value;
	else if (strcmp(value, "fixed") == 0)
		s->console.fixed_clock = true;
	else
		return err_set(e, ERR_CALL, "--clock '%s': only 'fixed'", value);
	return 0;
}

/* Options before the first other word; returns how many words they are, -1. */
static int options_take(struct start *s, int count, char **word, struct err *e)
{
	static const char *const with_value[] = {"-i", "--config", "--script", "--size", "--charset", "--theme", "--clock"};
	int at = 0;

	while (at < count && word[at][0] == '-' && word[at][1]) {
		size_t i;

		if (strcmp(word[at], "--no-config") == 0 || strcmp(word[at], "--readonly") == 0) {
			s->console.no_config = s->console.no_config || word[at][2] == 'n';
			s->console.readonly = s->console.readonly || word[at][2] == 'r';
			at++;
			continue;
		}
		for (i = 0; i < ARRAY_LEN(with_value); i++)
			if (strcmp(word[at], with_value[i]) == 0)
				break;
		if (i == ARRAY_LEN(with_value))
			return err_set(e, ERR_CALL, "'%s' is no option of tapdeck itself (tapdeck help)", word[at]);
		if (at + 1 == count)
			return err_set(e, ERR_CALL, "%s wants a value", word[at]);
		if (option_set(s, word[at], word[at + 1], e))
			return -1;
		at += 2;
	}
	return at;
}

static int open_add(struct start *s, const char *fmt, const char *word, struct err *e)
{
	struct buf quoted;

	if (s->nopen == OPEN_MAX)
		return err_set(e, ERR_CALL, "no more than %d captures at once", OPEN_MAX);
	buf_init(&quoted, WORDS_LINE_MAX);
	words_quote(&quoted, word);
	s->open[s->nopen++] = xasprintf("%s%s", fmt, buf_str(&quoted));
	buf_release(&quoted);
	return 0;
}

/* A word that is meant as a capture, not a mistyped verb. */
static bool is_source(const char *word)
{
	struct source s;
	struct err e;
	int ask;
	bool is;

	if (source_parse(&s, word, &ask, &e))
		return strchr(word, '/') || strchr(word, ':');
	is = s.kind != SOURCE_STDIN && (!ask || s.host[0]);
	source_release(&s);
	return is;
}

/* tapdeck FILE...: each is opened for analysis. */
static int files_open(struct start *s, int count, char **word, struct err *e)
{
	for (int i = 0; i < count; i++) {
		struct source source;
		int ask, r;

		if (source_parse(&source, word[i], &ask, e))
			return -1;
		if (source.kind == SOURCE_FILE && !source.host[0] && access(source.name, R_OK))
			r = err_errno(e, ERR_REFUSED, "%s", source.name);
		else
			r = open_add(s, "open ", word[i], e);
		source_release(&source);
		if (r)
			return r;
	}
	return 0;
}

/* tapdeck -i DEVICE[,DEVICE] FILTER...: a session that is named after the first device. */
static int device_open(struct start *s, int count, char **word, struct err *e)
{
	struct buf line;
	char *name = xasprintf("%.*s-%ld", (int)strcspn(s->device, ",/:*? "), s->device, (long)getpid()), *open;
	int r = 0;

	buf_init(&line, WORDS_LINE_MAX);
	if (buf_printf(&line, "new %s device ", name))
		r = -1;
	words_quote(&line, s->device);
	if (count > 0)
		r = r || buf_add_str(&line, " filter");
	for (int i = 0; i < count; i++) {
		r = r || buf_add_byte(&line, ' ');
		words_quote(&line, word[i]);
	}
	if (r)
		r = err_set(e, ERR_CALL, "the filter is longer than %d bytes", WORDS_LINE_MAX);
	else
		s->open[s->nopen++] = xstrdup(buf_str(&line));
	open = xasprintf("session:%s", name);
	if (r == 0)
		r = open_add(s, "open ", open, e);
	free(open);
	free(name);
	buf_release(&line);
	return r;
}

static int console_start(struct start *s, int count, char **word, struct err *e)
{
	int r = s->device ? device_open(s, count, word, e) : files_open(s, count, word, e);

	s->console.open = (const char *const *)s->open;
	s->console.nopen = s->nopen;
	if (r == 0)
		r = console_run(&s->console, e);
	for (size_t i = 0; i < s->nopen; i++)
		free(s->open[i]);
	return r;
}

int main(int argc, char **argv)
{
	struct start s = {0};
	struct err e = {.code = ERR_NONE, .at = -1};
	static char help[] = "help";
	char *help_words[] = {help, NULL};
	int used;

	if (argc == 2 && strcmp(argv[1], "--version") == 0)
		return printf("tapdeck %s\n", TAPDECK_VERSION) < 0 || fflush(stdout) ? (int)ERR_REFUSED : 0;
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
		return cli_run(1, help_words);
	used = options_take(&s, argc - 1, argv + 1, &e);
	if (used < 0)
		goto fail;
	argc -= used + 1;
	argv += used + 1;
	if (argc > 0 && !s.device && !s.console.script && (command_find(argv[0], COMMAND_SHELL) || capture_table_find(argv[0]) || !is_source(argv[0])))
		return cli_run(argc, argv);
	if (console_start(&s, argc, argv, &e) == 0)
		return 0;
fail:
	cli_complain(&e, NULL);
	return e.code == ERR_NONE ? (int)ERR_REFUSED : (int)e.code;
}
