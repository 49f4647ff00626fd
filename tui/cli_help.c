#include "cli.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "tui/command.h"
#include "tui/new_word.h"

#define NAME_COLUMNS 14
#define LINE_COLUMNS 79

static const char shape[] =
	"tapdeck                                   the console\n"
	"tapdeck FILE...                           the console, with these captures open\n"
	"tapdeck -i DEVICE[,DEVICE] [FILTER...]    the console, capturing these at once\n"
	"tapdeck --readonly ...                    the console; it changes nothing\n"
	"tapdeck TABLE [options] [ARGS] SOURCE     prints one table\n"
	"tapdeck VERB ...                          acts on sessions, hosts, the history\n"
	"tapdeck help [WORD], tapdeck --version\n";

static const char source_text[] =
	"SOURCE: where packets come from. In this order:\n"
	"  file:PATH  session:NAME  dev:NAME\n"
	"  -                        standard input, a capture\n"
	"  HOST:/PATH  HOST:NAME    on a host that ssh reaches\n"
	"  ssh://USER@HOST:PORT/PATH\n"
	"  a word with / in it, or the name of a file that is there\n"
	"  the name of a session, then of a device\n"
	"A device needs an end: --for 10s or --count 100 (ctrl-c prints what there is).\n";

static const char filter_text[] =
	"FILTER of rows: COLUMN OP VALUE with == != < > <= >= ~ !~ and in [A, B],\n"
	"joined by and, or, not and brackets; a column alone means that it is set.\n"
	"VALUE may carry k M G, us ms s m h d, and quotes where it has blanks.\n"
	"addr, port and host mean either end; an address takes a net (10.0.0.0/8).\n"
	"host, src, dst, net, port and portrange mean what they mean to tcpdump.\n"
	"  tapdeck connections --filter 'port == 443 and bytes_ba > 1M' x.pcap\n";

static const char exit_text[] =
	"Exit status\n"
	"  0  all of it (no row is an answer too)\n"
	"  1  what was named is not there\n"
	"  2  the call is wrong: option, column, filter\n"
	"  3  could not be opened, reached or allowed, or is no capture at all\n"
	"  4  a part of it: the input was damaged or cut; standard error says where\n";

/* From a column on, over as many lines as it needs. */
static void help_wrap(FILE *out, int column, const char *text)
{
	const size_t room = (size_t)(LINE_COLUMNS - column);

	for (size_t len = strlen(text), n; len > 0; text += n, len -= n) {
		n = len;
		if (len > room)
			for (n = room; n > 1 && text[n] != ' '; n--)
				;
		fprintf(out, "%.*s\n", (int)n, text);
		if (n < len) {
			n += text[n] == ' ';
			fprintf(out, "%*s", column, "");
		}
	}
}

/* "  name words...   summary", the summary on a line of its own where the first is too long. */
static void help_row(FILE *out, const char *name, const char *words, const char *summary)
{
	const int column = NAME_COLUMNS + 2, used = fprintf(out, "  %s%s%s", name, words[0] ? " " : "", words);

	if (used + 2 > column)
		fputc('\n', out);
	fprintf(out, "%*s", used + 2 > column ? column : column - used, "");
	help_wrap(out, column, summary);
}

static void help_options(FILE *out)
{
	struct cli_option_text t;

	fprintf(out, "Options of tables, and of verbs that print rows\n");
	for (size_t i = 0; cli_option_at(i, &t); i++)
		help_row(out, t.name, t.value, t.summary);
}

static void help_all(FILE *out)
{
	fprintf(out, "%s\nTables of a capture\n", shape);
	for (size_t i = 0; capture_table_at(i); i++)
		help_row(out, capture_table_at(i)->name, "", capture_table_at(i)->summary);
	fprintf(out, "\nVerbs\n");
	for (const struct command *cmd = command_next(NULL); cmd; cmd = command_next(cmd))
		if (cmd->contexts & COMMAND_SHELL)
			help_row(out, cmd->name, "", cmd->summary);
	fprintf(out, "\ntapdeck help WORD says more: a table, a verb, source, options, filter, exit.\n");
}

static void help_table(FILE *out, const struct capture_table *t)
{
	fprintf(out, "tapdeck %s [options] %s%sSOURCE\n  %s\n\n", t->name, t->arguments, t->nwords ? " " : "", t->summary);
	help_options(out);
	fprintf(out, "\n%s\nIts columns: tapdeck columns --filter 'table == %s' SOURCE\n", source_text, t->name);
}

static void help_new(FILE *out)
{
	fprintf(out, "Words, in any order; a filter or expression runs to the next of them or the end\n");
	for (size_t i = 0; new_word_at(i); i++)
		help_row(out, new_word_at(i)->name, new_word_at(i)->argument, new_word_at(i)->summary);
	help_row(out, "profile", "NAME", "stands for the words that tapdeck.conf has under that name");
	fprintf(out, "  tapdeck new web filter tcp port 80\n"
		     "  tapdeck new all on edge-01 device eth0,eth1 record size 100MB keep 20\n");
}

static void help_verb(FILE *out, const struct command *cmd)
{
	fprintf(out, "tapdeck %s %s\n  ", cmd->name, cmd->words);
	help_wrap(out, 2, cmd->summary);
	if (strcmp(cmd->name, "new") == 0) {
		fputc('\n', out);
		help_new(out);
	}
	if (cmd->shell == verb_cat || cmd->shell == verb_analyze)
		fprintf(out, "\n%s", source_text);
	if (strstr(cmd->words, "NAME") && cmd->shell != verb_host)
		fprintf(out, "\nNAME is a session of this machine; HOST:NAME is one of a host.\n");
}

static const struct {
	const char *word, *text;
} topics[] = {{"source", source_text}, {"filter", filter_text}, {"exit", exit_text}};

static int help_word(struct cli *c, const char *word, struct err *e)
{
	const struct command *cmd = command_find(word, COMMAND_SHELL);

	if (capture_table_find(word)) {
		help_table(c->out, capture_table_find(word));
		return 0;
	}
	if (cmd) {
		help_verb(c->out, cmd);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		if (strcmp(word, topics[i].word) != 0)
			continue;
		fputs(topics[i].text, c->out);
		return 0;
	}
	if (strcmp(word, "options") != 0)
		return err_set(e, ERR_ABSENT, "there is no help on '%s': tapdeck help lists what there is", word);
	help_options(c->out);
	return 0;
}

int verb_help(struct cli *c, int count, char **word, struct err *e)
{
	if (count == 3 && strcmp(word[1], "--mdoc") == 0)
		return cli_manual(c, word[2], e);
	if (count == 2 && strcmp(word[1], "--bash") == 0)
		return cli_completion(c);
	if (count > 2)
		return err_set(e, ERR_CALL, "tapdeck help [WORD]: one word at a time");
	if (count == 2)
		return help_word(c, word[1], e);
	help_all(c->out);
	return 0;
}
