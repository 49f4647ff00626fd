#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "tui/command.h"
#include "tui/key.h"
#include "tui/new_word.h"
#include "tui/option.h"
#include "wire/access.def"
#include "wire/daemon.def"

/* Text of a line of mdoc: a dot or quote in front and a backslash anywhere would be read as orders. */
static void mdoc_text(FILE *out, const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
}

/* Words as arguments of a macro: what would be taken for a macro or an end of sentence is guarded. */
static void mdoc_arguments(FILE *out, const char *text)
{
	fputs("\"\\&", out);
	for (; *text; text++) {
		if (*text == '"')
			fputs("\\(dq", out);
		else if (*text == '\\')
			fputs("\\e", out);
		else
			fputc(*text, out);
	}
	fputc('"', out);
}

static void mdoc_sentence(FILE *out, const char *text)
{
	size_t len = strlen(text);

	mdoc_text(out, text);
	fputs(len > 0 && text[len - 1] == '.' ? "\n" : ".\n", out);
}

static void mdoc_item(FILE *out, const char *name, const char *arguments, const char *summary)
{
	fputs(".It Ic ", out);
	mdoc_arguments(out, name);
	if (arguments[0]) {
		fputs(" Li ", out);
		mdoc_arguments(out, arguments);
	}
	fputc('\n', out);
	mdoc_sentence(out, summary);
}

static void manual_commands(FILE *out)
{
	fputs(".Bl -tag -width Ds\n", out);
	for (const struct command *cmd = shell_commands; cmd->name; cmd++)
		mdoc_item(out, cmd->name, cmd->words, cmd->summary);
	fputs(".El\n.Pp\nIn the console, after\n.Ql \\&: :\n.Bl -tag -width Ds\n", out);
	for (const struct command *cmd = console_commands; cmd->name; cmd++)
		if (cmd->contexts & COMMAND_CONSOLE)
			mdoc_item(out, cmd->name, cmd->words, cmd->summary);
	fputs(".El\n", out);
}

static void manual_new(FILE *out)
{
	fputs(".Bl -tag -width Ds -compact\n", out);
	for (size_t i = 0; new_word_at(i); i++)
		mdoc_item(out, new_word_at(i)->name, new_word_at(i)->argument, new_word_at(i)->summary);
	fputs(".El\n", out);
}

static void manual_options(FILE *out)
{
	struct cli_option_text t;

	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; cli_option_at(i, &t); i++)
		mdoc_item(out, t.name, t.value, t.summary);
	fputs(".El\n", out);
}

static void manual_settings(FILE *out)
{
	char range[64];

	fputs(".Bl -tag -width Ds\n", out);
	for (const struct option *o = option_table; o < option_table + OPTION_COUNT; o++) {
		(void)snprintf(range, sizeof(range), "%lld to %lld", (long long)o->low, (long long)o->high);
		mdoc_item(out, o->name,
			  o->kind == OPTION_CHOICE   ? o->choices
			  : o->kind == OPTION_NUMBER ? range
						     : "on off",
			  o->summary);
		fputs("Default: ", out);
		mdoc_sentence(out, o->initial);
	}
	fputs(".El\n", out);
}

/* One column of a table, as the server describes it. */
static void manual_columns(FILE *out, const struct window *w, const char *table)
{
	bool any = false;

	for (uint32_t i = 0; i < w->rows; i++) {
		struct value of = window_cell(w, i, window_column(w, "table"));
		char *name, *summary;

		if (of.type != VALUE_TEXT || !str_is(of.s, table))
			continue;
		if (!any)
			fputs(".Bl -tag -width Ds -compact\n", out);
		any = true;
		name = cli_cell(w, i, "name");
		summary = cli_cell(w, i, "summary");
		mdoc_item(out, name, "", summary);
		free(name);
		free(summary);
	}
	if (any)
		fputs(".El\n", out);
}

/* Columns are rows of a table of every capture: the console knows none of them beforehand. An empty one will do. */
static int columns_fetch(struct cli *c, struct window *w, struct err *e)
{
	static const uint8_t empty_pcap[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [17] = 4, [20] = 1};
	char path[] = "/tmp/tapdeck-XXXXXX";
	struct cli_source source = {0};
	struct cli_ask ask = {.table = "columns"};
	int fd = mkstemp(path), r = -1;

	if (fd < 0 || fdio_write_all(fd, empty_pcap, sizeof(empty_pcap))) {
		err_errno(e, ERR_REFUSED, "%s", path);
		goto out;
	}
	r = cli_source_open(c, path, false, &source, e);
	ask.client = source.client;
	ask.channel = source.channel;
	if (r == 0)
		r = cli_fetch_rows(c, &ask, "", "", w, e);
	cli_source_close(c, &source);
out:
	if (fd >= 0) {
		close(fd);
		(void)unlink(path); /* a stray empty file harms nobody */
	}
	return r;
}

static int manual_tables(struct cli *c, struct err *e)
{
	struct window w = {0};

	if (columns_fetch(c, &w, e))
		return -1;
	for (size_t i = 0; capture_table_at(i); i++) {
		const struct capture_table *t = capture_table_at(i);

		fputs(".Ss ", c->out);
		fprintf(c->out, "%s%s%s\n", t->name, t->arguments[0] ? " " : "", t->arguments);
		mdoc_sentence(c->out, t->summary);
		manual_columns(c->out, &w, t->name);
	}
	window_release(&w);
	return 0;
}

/* Of tapdeckd.conf. */
static void manual_daemon(FILE *out)
{
	static const struct {
		const char *words, *argument, *usual, *summary;
	} settings[] = {
#define S(id, words, argument, usual, summary) {words, argument, usual, summary},
		DAEMON_SETTINGS(S)
#undef S
	};

	fputs(".Bl -tag -width Ds\n", out);
	for (size_t i = 0; i < ARRAY_LEN(settings); i++) {
		mdoc_item(out, settings[i].words, settings[i].argument, settings[i].summary);
		fputs("Default: ", out);
		mdoc_sentence(out, settings[i].usual);
	}
	fputs(".El\n", out);
}

/* Whom a daemon serves with what. */
static void manual_access(FILE *out)
{
	enum { ANY, OWN, NONE };
	static const struct {
		const char *word;
		int member;
		const char *summary;
	} rules[] = {
#define A(word, member, summary) {word, member, summary},
		ACCESS_RULES(A)
#undef A
	};
	static const char *const may[] = {"members: yes", "members: of their own sessions", "members: no"};

	fputs(".Bl -tag -width Ds -compact\n", out);
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		mdoc_item(out, rules[i].word, may[rules[i].member], rules[i].summary);
	fputs(".El\n", out);
}

static void manual_keys(FILE *out)
{
	const char *context = NULL;
	char label[64];

	for (const struct key *k = key_table; k->key; k++) {
		if (!context || strcmp(context, k->context) != 0) {
			fprintf(out, "%s.Ss %s\n.Bl -tag -width \"Shift-Left\" -compact\n", context ? ".El\n" : "",
				!k->context[0]			      ? "Everywhere"
				: strcmp(k->context, "list") == 0 ? "In every list"
								      : k->context);
			context = k->context;
		}
		key_label(k->key, label, sizeof(label));
		fputs(".It Ic ", out);
		mdoc_arguments(out, label);
		fputs("\n.Li ", out);
		mdoc_arguments(out, k->command);
		fputc('\n', out);
	}
	if (context)
		fputs(".El\n", out);
}

static void manual_messages(FILE *out)
{
	struct buf fields;

	buf_init(&fields, MSG_PAYLOAD_MAX);
	fputs(".Bl -tag -width Ds\n", out);
	for (unsigned type = 1; type <= UINT16_MAX; type++) {
		if (strcmp(msg_name(type), "?") == 0)
			continue;
		buf_clear(&fields);
		msg_describe(&fields, type);
		fprintf(out, ".It %u Sy %s\n", type, msg_name(type));
		mdoc_sentence(out, msg_summary(type));
		fputs(".br\n.Li ", out);
		mdoc_arguments(out, buf_str(&fields));
		fputc('\n', out);
	}
	fputs(".El\n", out);
	buf_release(&fields);
}

int cli_manual(struct cli *c, const char *part, struct err *e)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out);
	} parts[] = {
		{"commands", manual_commands},
		{"new", manual_new},
		{"options", manual_options},
		{"settings", manual_settings},
		{"daemon", manual_daemon},
		{"access", manual_access},
		{"keys", manual_keys},
		{"messages", manual_messages},
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		if (strcmp(parts[i].name, part) != 0)
			continue;
		parts[i].print(c->out);
		return 0;
	}
	if (strcmp(part, "tables") == 0)
		return manual_tables(c, e);
	return err_set(e, ERR_CALL, "'%s' is no part of the manual: commands, new, options, settings, daemon, access, tables, keys, messages", part);
}

/* Names in front, then options; a file or a session where a SOURCE may stand. */
int cli_completion(struct cli *c)
{
	struct cli_option_text t;

	fputs("# bash completion of tapdeck: made by `tapdeck help --bash`\n_tapdeck()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]}"
	      " prev=${COMP_WORDS[COMP_CWORD-1]} words\n\tlocal tables=\"",
	      c->out);
	for (size_t i = 0; capture_table_at(i); i++)
		fprintf(c->out, "%s%s", i ? " " : "", capture_table_at(i)->name);
	fputs("\"\n\tlocal verbs=\"", c->out);
	for (const struct command *cmd = shell_commands; cmd->name; cmd++)
		fprintf(c->out, "%s%s", cmd == shell_commands ? "" : " ", cmd->name);
	fputs("\"\n\tlocal options=\"", c->out);
	for (size_t i = 0; cli_option_at(i, &t); i++)
		fprintf(c->out, "%s%s", i ? " " : "", t.name);
	fputs("\"\n"
	      "\tcase $prev in\n"
	      "\t--format) words=\"text csv tsv json jsonl\" ;;\n"
	      "\t--time) words=\"utc local epoch\" ;;\n"
	      "\t-i | device) words=$(tapdeck devices --format tsv --no-header --columns name 2>/dev/null) ;;\n"
	      "\tmodify | stop | dismiss | show | poll | watch | counter | record | rotate | files | fetch)\n"
	      "\t\twords=$(tapdeck list --format tsv --no-header --columns name 2>/dev/null) ;;\n"
	      "\thelp) words=\"$tables $verbs source options filter exit\" ;;\n"
	      "\t*)\n"
	      "\t\tcase $cur in\n"
	      "\t\t-*) words=$options ;;\n"
	      "\t\t*) [ \"$COMP_CWORD\" -eq 1 ] && words=\"$tables $verbs\" ;;\n"
	      "\t\tesac\n"
	      "\t\t;;\n"
	      "\tesac\n"
	      "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	      "\t[ \"${#COMPREPLY[@]}\" -gt 0 ] || compopt -o default\n"
	      "}\n"
	      "complete -F _tapdeck tapdeck\n",
	      c->out);
	return 0;
}
