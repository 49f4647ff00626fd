#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "base/xalloc.h"

enum option_word {
	WORD_FORMAT, WORD_COLUMNS, WORD_NO_HEADER, WORD_SORT, WORD_LIMIT, WORD_FILTER, WORD_BPF, WORD_OUTER, WORD_NAMES,
	WORD_TIME, WORD_FOR, WORD_COUNT, WORD_COUNTER, WORD_STEP, WORD_FROM, WORD_TO,
};

static const struct {
	const char *name, *value, *summary; /* value "": none */
} options[] = {
	[WORD_FORMAT] = {"--format", "text|csv|tsv|json|jsonl", "text is for people, the others are raw"},
	[WORD_COLUMNS] = {"--columns", "A,B,...", "only these columns, in this order"},
	[WORD_NO_HEADER] = {"--no-header", "", "no line of column names"},
	[WORD_SORT] = {"--sort", "[-]COLUMN", "sorted by a column; - is descending"},
	[WORD_LIMIT] = {"--limit", "N", "at most N rows"},
	[WORD_FILTER] = {"--filter", "EXPR", "only rows that match"},
	[WORD_BPF] = {"--bpf", "EXPR", "only these packets count (libpcap's language)"},
	[WORD_OUTER] = {"--outer", "", "count a tunnel's packets by the outermost headers"},
	[WORD_NAMES] = {"--names", "", "names for addresses and ports in text, those that come in time"},
	[WORD_TIME] = {"--time", "utc|local|epoch", "how times print in text"},
	[WORD_FOR] = {"--for", "DURATION", "a device: look for so long"},
	[WORD_COUNT] = {"--count", "N", "a device: until N packets were seen"},
	[WORD_COUNTER] = {"--counter", "NAME", "poll, watch: a counter of the session"},
	[WORD_STEP] = {"--step", "S", "series: seconds from point to point"},
	[WORD_FROM] = {"--from", "S", "series: from this second on"},
	[WORD_TO] = {"--to", "S", "series: up to this second"},
};

bool cli_option_at(size_t i, struct cli_option_text *t)
{
	if (i >= ARRAY_LEN(options))
		return false;
	*t = (struct cli_option_text){options[i].name, options[i].value, options[i].summary};
	return true;
}

static int zone_parse(const char *value, enum text_zone *zone, struct err *e)
{
	static const char *const names[] = {[TEXT_UTC] = "utc", [TEXT_LOCAL] = "local", [TEXT_EPOCH] = "epoch"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(value, names[i]) != 0)
			continue;
		*zone = (enum text_zone)i;
		return 0;
	}
	return err_at(e, 0, "'%s' is no way to print times: utc, local or epoch", value);
}

static int count_parse(const char *value, uint64_t least, uint64_t *count, struct err *e)
{
	if (text_parse_count(str_of(value), count, e))
		return -1;
	return *count >= least ? 0 : err_at(e, 0, "'%s' is too little: %llu or more", value, (unsigned long long)least);
}

/* size: a case an option */
static int option_set(struct cli_options *o, enum option_word which, const char *value, struct err *e)
{
	switch (which) {
	case WORD_FORMAT:
		return print_format_parse(str_of(value), &o->print.format, e);
	case WORD_COLUMNS:
		o->columns = value;
		return 0;
	case WORD_NO_HEADER:
		o->print.header = false;
		return 0;
	case WORD_SORT:
		o->sort = value;
		return 0;
	case WORD_LIMIT:
		return count_parse(value, 0, &o->limit, e);
	case WORD_FILTER:
		o->filter = value;
		return 0;
	case WORD_BPF:
		o->bpf = value;
		return 0;
	case WORD_OUTER:
		o->outer = true;
		return 0;
	case WORD_NAMES:
		o->names = true;
		return 0;
	case WORD_TIME:
		return zone_parse(value, &o->print.zone, e);
	case WORD_FOR:
		if (text_parse_duration(str_of(value), &o->for_ns, e))
			return -1;
		return o->for_ns > 0 ? 0 : err_at(e, 0, "'%s' is no time to look for", value);
	case WORD_COUNT:
		return count_parse(value, 1, &o->count, e);
	case WORD_COUNTER:
		o->counter = value;
		return 0;
	case WORD_STEP:
		o->step = value;
		return 0;
	case WORD_FROM:
		o->from = value;
		return 0;
	case WORD_TO:
		o->to = value;
		return 0;
	}
	return 0;
}

static int option_unknown(struct cli *c, const char *word, struct err *e)
{
	const char *known[ARRAY_LEN(options)], *near;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		known[i] = options[i].name;
	near = text_nearest(str_of(word), known, ARRAY_LEN(known));
	c->fault = word;
	if (near)
		return err_at(e, 0, "'%s' is no option: '%s'?", word, near);
	return err_at(e, 0, "'%s' is no option (tapdeck help options lists them)", word);
}

/* word[at] is an option: takes it, and its value; *used words of the list. */
static int option_take(struct cli *c, int count, char **word, int at, int *used, struct err *e)
{
	const char *equals = strchr(word[at], '='), *value = equals ? equals + 1 : NULL;
	size_t len = equals ? (size_t)(equals - word[at]) : strlen(word[at]), i;

	for (i = 0; i < ARRAY_LEN(options); i++)
		if (str_is((struct str){word[at], len}, options[i].name))
			break;
	if (i == ARRAY_LEN(options))
		return option_unknown(c, word[at], e);
	*used = 1;
	if (options[i].value[0] && !value) {
		if (at + 1 == count)
			return err_set(e, ERR_CALL, "%s wants a value: %s", options[i].name, options[i].value);
		value = word[at + 1];
		*used = 2;
	}
	if (!options[i].value[0] && value)
		return err_set(e, ERR_CALL, "%s takes no value", options[i].name);
	if (option_set(&c->opt, (enum option_word)i, value, e) == 0)
		return 0;
	if (e->at < 0 && value)
		e->at = 0;
	c->fault = value;
	return err_wrap(e, "%s", options[i].name);
}

int cli_options_take(struct cli *c, int *count, char **word, struct err *e)
{
	struct winsize size;
	int kept = 0, used;
	bool ended = false;

	for (int i = 0; i < *count; i += used) {
		used = 1;
		if (!ended && strcmp(word[i], "--") == 0)
			ended = true;
		else if (ended || strncmp(word[i], "--", 2) != 0)
			word[kept++] = word[i];
		else if (option_take(c, *count, word, i, &used, e))
			return -1;
	}
	*count = kept;
	if (isatty(fileno(c->out)) && ioctl(fileno(c->out), TIOCGWINSZ, &size) == 0)
		c->opt.print.width = size.ws_col;
	return 0;
}
