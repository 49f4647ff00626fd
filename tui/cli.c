#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "tui/command.h"

#define LINE_MAX_BYTES (256u * 1024)
#define OUT_BYTES (256u * 1024) /* of standard output, where it is no terminal */

static void sentence_print(FILE *out, const char *before, const char *sentence)
{
	struct buf line;

	buf_init(&line, LINE_MAX_BYTES);
	text_escape(&line, str_of(sentence), false);
	fprintf(out, "%s%s\n", before, buf_str(&line));
	buf_release(&line);
}

void cli_note(const char *sentence)
{
	sentence_print(stderr, "tapdeck: ", sentence);
}

static int text_columns(struct str s)
{
	int columns = 0;

	while (s.len > 0) {
		int32_t ch = text_utf8_next(&s);
		int width = ch < 0 ? 1 : text_width(ch);

		columns += width > 0 ? width : 0;
	}
	return columns;
}

void cli_complain(const struct err *e, const char *text)
{
	struct buf before, whole;

	fprintf(stderr, "tapdeck: %s\n", e->text);
	if (!text || e->at < 0 || (size_t)e->at > strlen(text))
		return;
	buf_init(&before, LINE_MAX_BYTES);
	buf_init(&whole, LINE_MAX_BYTES);
	text_escape(&before, (struct str){text, (size_t)e->at}, false);
	text_escape(&whole, str_of(text), false);
	fprintf(stderr, "  %s\n  %*s\n", buf_str(&whole),
		text_columns((struct str){buf_str(&before), before.len}) + 1, "^");
	buf_release(&before);
	buf_release(&whole);
}

static void on_signal(uv_signal_t *signal, int signum)
{
	struct cli *c = signal->data;

	(void)signum;
	if (c->interrupted) { /* the second time: whatever it waits for is not worth it */
		c->on_interrupt = NULL;
		return;
	}
	c->interrupted = true;
	if (c->on_interrupt)
		c->on_interrupt(c->interrupt_arg);
}

void cli_on_interrupt(struct cli *c, void (*fn)(void *arg), void *arg)
{
	c->on_interrupt = fn;
	c->interrupt_arg = arg;
}

int cli_wait(struct cli *c, const bool *done, struct err *e)
{
	while (!*done) {
		if (c->interrupted && !c->on_interrupt)
			return err_set(e, ERR_PART, "interrupted");
		if (!uv_run(&c->loop, UV_RUN_ONCE) && !*done)
			return err_set(e, ERR_REFUSED, "nothing answers any more: try again");
	}
	return 0;
}

static void on_time(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle);
}

int cli_sleep(struct cli *c, int64_t duration_ns, const bool *done, struct err *e)
{
	uv_timer_t *timer = xcalloc(1, sizeof(*timer));
	bool over = false;
	int r = 0;

	uv_timer_init(&c->loop, timer);
	timer->data = &over;
	uv_timer_start(timer, on_time, (uint64_t)(duration_ns / NS_PER_MS), 0);
	while (!over && !*done && r == 0) {
		if (c->interrupted && !c->on_interrupt)
			r = err_set(e, ERR_PART, "interrupted");
		else
			uv_run(&c->loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)timer, on_timer_closed);
	return r;
}

struct client *cli_client(struct cli *c, const char *host, struct err *e)
{
	return host_client(hosts_get(c->hosts, host), e);
}

struct reply {
	bool done;
	int r;
	struct err *e;
	char *note;
};

static void on_reply(void *arg, struct request *r, const struct answer *a)
{
	struct reply *reply = arg;

	(void)r;
	if (a->error) {
		*reply->e = *a->error;
		reply->r = -1;
	}
	if (a->done && a->done->note.len > 0)
		reply->note = xstrndup(a->done->note.p, a->done->note.len);
	reply->done = reply->done || a->last;
}

int cli_command(struct cli *c, struct client *client, uint32_t channel, const char *const *words, size_t count, struct err *e)
{
	struct reply reply = {.e = e};
	struct request *r = client_command(client, channel, words, count, on_reply, &reply);

	if (cli_wait(c, &reply.done, e)) {
		if (!reply.done)
			client_cancel(r);
		reply.r = -1;
	}
	if (reply.note && c->note_is_answer)
		sentence_print(c->out, "", reply.note);
	else if (reply.note)
		cli_note(reply.note);
	free(reply.note);
	return reply.r;
}

static void cli_start(struct cli *c)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	*c = (struct cli){.out = stdout};
	c->opt.print.header = true;
	c->opt.limit = UINT64_MAX;
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, OUT_BYTES);
	signal(SIGPIPE, SIG_IGN);
	uv_loop_init(&c->loop);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		uv_signal_init(&c->loop, &c->signal[i]);
		c->signal[i].data = c;
		uv_signal_start(&c->signal[i], on_signal, signals[i]);
		uv_unref((uv_handle_t *)&c->signal[i]);
	}
	c->hosts = hosts_new(&c->loop, false, NULL, NULL);
}

static void cli_end(struct cli *c)
{
	hosts_free(c->hosts);
	for (size_t i = 0; i < ARRAY_LEN(c->signal); i++)
		uv_close((uv_handle_t *)&c->signal[i], NULL);
	uv_run(&c->loop, UV_RUN_DEFAULT);
	uv_loop_close(&c->loop);
}

/* The nearest of all words that may stand first. */
static const char *first_word_near(const char *word)
{
	const char *known[256];
	size_t n = 0;

	for (size_t i = 0; capture_table_at(i) && n < ARRAY_LEN(known); i++)
		known[n++] = capture_table_at(i)->name;
	for (const struct command *cmd = command_next(NULL); cmd && n < ARRAY_LEN(known); cmd = command_next(cmd))
		if (cmd->contexts & COMMAND_SHELL)
			known[n++] = cmd->name;
	return text_nearest(str_of(word), known, n);
}

static int cli_dispatch(struct cli *c, int count, char **word, struct err *e)
{
	const struct command *cmd = command_find(word[0], COMMAND_SHELL);
	const char *near;

	if (capture_table_find(word[0]))
		return verb_table(c, count, word, e);
	if (cmd && cmd->shell)
		return cmd->shell(c, count, word, e);
	near = first_word_near(word[0]);
	if (near)
		return err_set(e, ERR_CALL, "'%s' is no table, verb or file: '%s'? (tapdeck help lists them)", word[0], near);
	return err_set(e, ERR_CALL, "'%s' is no table, verb or file (tapdeck help lists them)", word[0]);
}

int cli_run(int count, char **word)
{
	struct cli c;
	struct err e = {.code = ERR_NONE, .at = -1};
	int r;

	cli_start(&c);
	r = cli_dispatch(&c, count, word, &e);
	if (fflush(c.out) && r == 0)
		r = err_errno(&e, ERR_REFUSED, "standard output");
	/* Whoever reads has had enough: that is no fault of ours, and nobody is there to be told. */
	if (r && ferror(c.out) && strstr(e.text, strerror(EPIPE)))
		r = 0;
	if (r)
		cli_complain(&e, c.fault);
	free(c.fault_memory);
	cli_end(&c);
	if (r == 0)
		return 0;
	return e.code == ERR_NONE ? (int)ERR_REFUSED : (int)e.code;
}
