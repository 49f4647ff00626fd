#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/words.h"
#include "base/xalloc.h"
#include "tui/new_word.h"
#include "tui/profile.h"

/* Behind a VALUE any word is its value, so that an `on` there names no host. */
static bool takes_value(const char *word)
{
	const struct new_word *w = new_word_find(word);

	return w && w->takes == NEW_VALUE;
}

static int words_want(int count, int least, const char *name, const char *words, struct err *e)
{
	if (count >= least)
		return 0;
	return err_set(e, ERR_CALL, "tapdeck %s %s: a word is missing (tapdeck help %s)", name, words, name);
}

/* Words joined as the far side joins them, so that the caret finds its place. */
static void fault_words(struct cli *c, int count, char **word)
{
	struct buf text;

	buf_init(&text, WORDS_LINE_MAX);
	for (int i = 0; i < count; i++)
		if ((i && buf_add_byte(&text, ' ')) || buf_add_str(&text, word[i]))
			break; /* so long that no place in it is worth a caret */
	free(c->fault_memory);
	c->fault_memory = xstrdup(buf_str(&text));
	c->fault = c->fault_memory;
	buf_release(&text);
}

/* Sends the verb to the host of word[1]. */
static int act_on(struct cli *c, const char *host, int count, char **word, struct err *e)
{
	struct client *client = cli_daemon(c, host, e);

	return client ? cli_command(c, client, 0, (const char *const *)word, (size_t)count, e) : -1;
}

int verb_act(struct cli *c, int count, char **word, struct err *e)
{
	char *host, *name, *whole;
	int r;

	if (words_want(count, 2, word[0], "NAME ...", e) || source_split(word[1], &host, &name, e))
		return -1;
	whole = word[1];
	word[1] = name;
	if (count > 2)
		fault_words(c, count - 2, word + 2);
	r = act_on(c, host, count, word, e);
	word[1] = whole;
	free(host);
	free(name);
	return r;
}

/* Takes `on HOST` out; *host is the caller's then. */
static int new_host(int *count, char **word, char **host, struct err *e)
{
	for (int i = 2; i < *count; i++) {
		if (strcmp(word[i], "on") != 0 || takes_value(word[i - 1]))
			continue;
		if (i + 1 == *count)
			return err_set(e, ERR_CALL, "'on' wants the name of a host");
		free(*host);
		*host = xstrdup(word[i + 1]);
		memmove(&word[i], &word[i + 2], sizeof(*word) * (size_t)(*count - i - 2));
		*count -= 2;
		return 0;
	}
	return 0;
}

/* The filter's own words: a place in an error counts from there. */
static void new_fault(struct cli *c, int count, char **word)
{
	int from, to;

	for (from = 2; from < count && strcmp(word[from], "filter") != 0; from++)
		;
	for (to = ++from; to < count && !new_word_find(word[to]); to++)
		;
	if (from < to)
		fault_words(c, to - from, word + from);
}

static int new_run(struct cli *c, int count, char **word, struct err *e)
{
	char *host, *name;
	int r = -1;

	if (words_want(count, 2, word[0], "NAME WORDS", e) || source_split(word[1], &host, &name, e))
		return -1;
	if (new_host(&count, word, &host, e))
		goto out;
	word[1] = name;
	new_fault(c, count, word);
	r = act_on(c, strcmp(host, "local") == 0 ? "" : host, count, word, e);
out:
	free(host);
	free(name);
	return r;
}

/* Profiles and `counter -` (a C=FILTER a line from standard input) are this side's: the words that go out are whole. */
int verb_new(struct cli *c, int count, char **word, struct err *e)
{
	static const char *const ops[] = {"counter", NULL};
	struct profiles *p = profiles_new();
	char **expanded = profiles_load(p, e) == 0 ? profile_expand(p, &count, word, e) : NULL, **list;
	int r = -1;

	if (expanded) {
		list = xcalloc((size_t)count + 1, sizeof(*list)); /* words are moved in it and put in its place */
		memcpy(list, expanded, sizeof(*list) * (size_t)count);
		r = with_input(c, count, list, ops, new_run, e);
		free(list);
	}
	profile_words_free(expanded);
	profiles_free(p);
	return r;
}

/* `check new NAME WORDS`: how long the disk would last. */
int verb_check(struct cli *c, int count, char **word, struct err *e)
{
	char *host = NULL, *name = NULL;
	int r = -1;

	if (words_want(count, 3, word[0], "new NAME WORDS", e))
		return -1;
	if (strcmp(word[1], "new") != 0)
		return err_set(e, ERR_CALL, "tapdeck check new NAME WORDS: \"%s\" cannot be checked", word[1]);
	if (source_split(word[2], &host, &name, e))
		return -1;
	count--;
	if (new_host(&count, word + 1, &host, e) == 0) {
		word[2] = name;
		new_fault(c, count, word + 1);
		c->note_is_answer = true;
		r = act_on(c, strcmp(host, "local") == 0 ? "" : host, count + 1, word, e);
	}
	free(host);
	free(name);
	return r;
}

/* --- rows --- */

static int print_of_host(struct cli *c, const char *host, const char *table, struct err *e)
{
	/* Devices are those of who asks, not of the daemon. */
	struct client *client = strcmp(table, "devices") == 0 ? cli_client(c, host, e) : cli_daemon(c, host, e);
	struct cli_ask ask = {.client = client, .table = table};

	return ask.client ? cli_print(c, &ask, e) : -1;
}

static int verb_rows(struct cli *c, int count, char **word, const char *table, struct err *e)
{
	char *host = NULL, *colon;
	int r;

	if (cli_options_take(c, &count, word, e))
		return -1;
	if (count > 2)
		return err_set(e, ERR_CALL, "'%s': tapdeck %s takes one host", word[2], word[0]);
	host = xstrdup(count == 2 ? word[1] : "");
	colon = strrchr(host, ':'); /* "edge-01:" is edge-01 */
	if (colon && !colon[1])
		*colon = 0;
	if (host[0] == '-')
		r = err_set(e, ERR_CALL, "'%s' is no name of a host", host);
	else
		r = print_of_host(c, host, table, e);
	free(host);
	return r;
}

int verb_devices(struct cli *c, int count, char **word, struct err *e)
{
	return verb_rows(c, count, word, "devices", e);
}

int verb_daemon(struct cli *c, int count, char **word, struct err *e)
{
	return verb_rows(c, count, word, "daemon", e);
}

int verb_list(struct cli *c, int count, char **word, struct err *e)
{
	return verb_rows(c, count, word, "sessions", e);
}

/* The far side keeps a row a second: the last one is meant, or as many as are asked for, the newest first. */
static void poll_last(struct cli_options *o)
{
	if (!o->sort)
		o->sort = "-time";
	if (o->limit == UINT64_MAX)
		o->limit = 1;
}

int verb_of_session(struct cli *c, int count, char **word, struct err *e)
{
	const char *words[4];
	char *host, *name;
	struct cli_ask ask = {.table = strcmp(word[0], "show") == 0 ? "session" : word[0], .words = words};
	int r = -1;

	if (cli_options_take(c, &count, word, e) || words_want(count, 2, word[0], "NAME", e))
		return -1;
	if (count > 2)
		return err_set(e, ERR_CALL, "'%s': tapdeck %s takes one session", word[2], word[0]);
	if (strcmp(word[0], "poll") == 0)
		poll_last(&c->opt);
	if (source_split(word[1], &host, &name, e))
		return -1;
	words[ask.nwords++] = name;
	if (c->opt.counter) {
		words[ask.nwords++] = "counter";
		words[ask.nwords++] = c->opt.counter;
	}
	ask.client = cli_daemon(c, host, e);
	if (ask.client)
		r = cli_print(c, &ask, e);
	free(host);
	free(name);
	return r;
}
