#include "tui/option.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"

const struct option option_table[OPTION_COUNT] = {
	[OPTION_THEME] = {"theme", OPTION_CHOICE, "default", "default dark light mono colourblind", 0, 0,
			  "colours; NO_COLOR and terminals without colours get mono"},
	[OPTION_CHARSET] = {"charset", OPTION_CHOICE, "auto", "auto ascii utf8", 0, 0,
			    "signs that are drawn; auto goes by the locale"},
	[OPTION_PERIOD] = {"period", OPTION_NUMBER, "1000", NULL, 200, 60000, "milliseconds between updates of live tables"},
	[OPTION_TIME] = {"time", OPTION_CHOICE, "utc", "utc local epoch", 0, 0, "how times are shown"},
	[OPTION_ESCAPE_MS] = {"escape-ms", OPTION_NUMBER, "50", NULL, 0, 1000,
			      "milliseconds that Esc waits for the rest of a key of the terminal's"},
	[OPTION_CONFIRM] = {"confirm", OPTION_FLAG, "on", NULL, 0, 0, "asks before something is stopped or removed"},
	[OPTION_FUNCTION_BAR] = {"function-bar", OPTION_CHOICE, "keys", "keys letters off", 0, 0,
				 "the line of keys at the bottom: function keys, letters, or none"},
	[OPTION_READONLY] = {"readonly", OPTION_FLAG, "off", NULL, 0, 0,
			     "nothing is started, changed or ended from here; on for good with --readonly"},
};

static int option_id_of(const char *name, struct err *e)
{
	const char *known[OPTION_COUNT];
	const char *near;

	for (int i = 0; i < OPTION_COUNT; i++) {
		if (strcmp(option_table[i].name, name) == 0)
			return i;
		known[i] = option_table[i].name;
	}
	near = text_nearest(str_of(name), known, OPTION_COUNT);
	return err_set(e, ERR_CALL, "there is no option '%s'%s%s%s", name, near ? "; did you mean '" : "",
		       near ? near : "; F1 lists them all", near ? "'?" : "");
}

/* The nth word of the choices; an empty one past the end. */
static struct str choice_at(const char *choices, int64_t n)
{
	while (n-- > 0 && *choices) {
		choices += strcspn(choices, " ");
		choices += strspn(choices, " ");
	}
	return (struct str){choices, strcspn(choices, " ")};
}

static int choice_parse(const struct option *o, const char *text, int64_t *value, struct err *e)
{
	for (int64_t i = 0;; i++) {
		struct str word = choice_at(o->choices, i);
		if (word.len == 0)
			break;
		if (str_is(word, text)) {
			*value = i;
			return 0;
		}
	}
	return err_set(e, ERR_CALL, "option %s is one of %s, not '%s'", o->name, o->choices, text);
}

static int flag_parse(const struct option *o, const char *text, int64_t *value, struct err *e)
{
	static const char *const yes[] = {"on", "yes", "true", "1"}, *const no[] = {"off", "no", "false", "0"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*value = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return err_set(e, ERR_CALL, "option %s is on or off, not '%s'", o->name, text);
}

static int number_parse(const struct option *o, const char *text, int64_t *value, struct err *e)
{
	uint64_t n;

	if (text_parse_count(str_of(text), &n, e) < 0)
		return err_wrap(e, "option %s", o->name);
	if (n > INT64_MAX || (int64_t)n < o->low || (int64_t)n > o->high)
		return err_set(e, ERR_CALL, "option %s is a number from %lld to %lld, not '%s'", o->name, (long long)o->low,
			       (long long)o->high, text);
	*value = (int64_t)n;
	return 0;
}

int options_set(struct options *o, const char *name, const char *text, struct err *e)
{
	int id = option_id_of(name, e);
	const struct option *t;

	if (id < 0)
		return -1;
	t = &option_table[id];
	if (t->kind == OPTION_CHOICE)
		return choice_parse(t, text, &o->value[id], e);
	if (t->kind == OPTION_FLAG)
		return flag_parse(t, text, &o->value[id], e);
	return number_parse(t, text, &o->value[id], e);
}

void options_init(struct options *o)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		options_set(o, option_table[i].name, option_table[i].initial, NULL);
}

void options_print(const struct options *o, enum option_id id, struct buf *out)
{
	const struct option *t = &option_table[id];
	struct str word;

	if (t->kind == OPTION_NUMBER) {
		buf_printf(out, "%lld", (long long)o->value[id]);
		return;
	}
	if (t->kind == OPTION_FLAG) {
		buf_add_str(out, o->value[id] ? "on" : "off");
		return;
	}
	word = choice_at(t->choices, o->value[id]);
	buf_add(out, word.p, word.len);
}

bool options_choice_is(const struct options *o, enum option_id id, const char *word)
{
	return str_is(choice_at(option_table[id].choices, o->value[id]), word);
}
