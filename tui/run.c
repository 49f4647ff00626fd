/* The console's loop: the terminal's keys, the second, signals, and when to draw. */
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app_private.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "tui/term.h"

#define DRAW_PER_S 30.0	   /* frames a second that keys and answers to them may cause in the long run: as fast as keys repeat */
#define DRAW_BURST 200.0   /* at once after a quiet time: a key must be seen in 5 ms */
#define DRAW_LATER_MS 100u
#define DRAW_COALESCE_MS 5u /* answers come in pairs */

static void draw_later(struct app *a, unsigned ms);

static void draw_credit(struct app *a)
{
	int64_t now = clock_mono_ns();

	a->draw_credit += (double)(now - a->drawn_ns) / (double)NS_PER_S * DRAW_PER_S;
	if (a->draw_credit > DRAW_BURST)
		a->draw_credit = DRAW_BURST;
	a->drawn_ns = now;
}

static void on_input(uv_poll_t *poll, int status, int events);

/* Keys always; and when the terminal can take more, where something waits for it. */
static void input_watch(struct app *a)
{
	uv_poll_start(&a->input, UV_READABLE | UV_DISCONNECT | (term_waits(a->term) ? UV_WRITABLE : 0), on_input);
}

static void draw_now(struct app *a)
{
	bool shown;

	if (!a->term || a->quit)
		return;
	app_compose(a);
	draw_credit(a);
	a->dirty = a->hurry = false;
	shown = term_show(a->term, &a->canvas, a->theme);
	input_watch(a);
	if (shown) {
		a->skipped = 0;
		return;
	}
	a->skipped++;
	a->dirty = true;
	draw_later(a, DRAW_LATER_MS);
}

static void on_draw(uv_timer_t *timer)
{
	struct app *a = timer->data;

	if (a->dirty)
		draw_now(a);
}

static void draw_later(struct app *a, unsigned ms)
{
	if (!uv_is_active((uv_handle_t *)&a->draw) || uv_timer_get_due_in(&a->draw) > ms)
		uv_timer_start(&a->draw, on_draw, ms, 0);
}

void app_dirty(struct app *a)
{
	a->dirty = true;
}

void app_hurry(struct app *a)
{
	a->dirty = a->hurry = true;
	if (a->term && !a->closing)
		draw_later(a, a->draw_credit >= 1 ? DRAW_COALESCE_MS : DRAW_LATER_MS);
}

/* After keys: at once as long as there is credit, so that the answer is on its way in the same round of the loop. */
static void draw_after_keys(struct app *a)
{
	draw_credit(a);
	if (!a->dirty || a->draw_credit < 1)
		return;
	a->draw_credit -= 1;
	uv_timer_stop(&a->draw);
	draw_now(a);
}

static void app_end(struct app *a)
{
	a->quit = true;
	uv_stop(&a->loop);
}

/* The slow terminal took what it had: now it gets the newest, not what was left out. */
static void on_writable(struct app *a)
{
	term_flush(a->term);
	input_watch(a);
	if (a->dirty && !term_waits(a->term))
		draw_now(a);
}

static void on_input(uv_poll_t *poll, int status, int events)
{
	struct app *a = poll->data;
	char name[TERM_KEY_MAX];
	const char *key = NULL;

	if (!a->term) /* it is given back already */
		return;
	if (status == 0 && (events & UV_WRITABLE))
		on_writable(a);
	while (status == 0 && (key = term_key(a->term, name)) && key[0] && !a->quit)
		app_key(a, key);
	if (status < 0 || !key) { /* the terminal is gone */
		app_end(a);
		return;
	}
	if (a->quit)
		app_end(a);
	else
		draw_after_keys(a);
}

/* The next full second of the clock: it is seen to tick. */
static void tick_start(struct app *a);

static void on_tick(uv_timer_t *timer)
{
	struct app *a = timer->data;

	app_tick(a);
	if (!app_paused(a) || a->dirty)
		draw_now(a);
	tick_start(a);
}

static void tick_start(struct app *a)
{
	int64_t now_ns = clock_now_ns();

	uv_timer_start(&a->tick, on_tick, (uint64_t)((NS_PER_S - now_ns % NS_PER_S) / NS_PER_MS + 1), 0);
}

static void on_signal(uv_signal_t *signal, int signum)
{
	struct app *a = signal->data;
	int width, height;

	if (!a->term) /* it is given back already: we are ending */
		return;
	if (signum == SIGWINCH) {
		term_resized(a->term);
		term_size(a->term, &width, &height);
		app_resize(a, width, height);
	} else if (signum == SIGCONT) {
		term_repaint(a->term);
		app_hurry(a);
	} else if (signum == SIGTSTP) {
		term_suspend(a->term);
		app_hurry(a);
	} else {
		app_end(a);
	}
}

static void signals_start(struct app *a)
{
	static const int wanted[] = {SIGWINCH, SIGHUP, SIGTERM, SIGINT, SIGTSTP, SIGCONT};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		uv_signal_init(&a->loop, &a->signal[i]);
		a->signal[i].data = a;
		uv_signal_start(&a->signal[i], on_signal, wanted[i]);
	}
	signal(SIGPIPE, SIG_IGN);
}

static int console_terminal(struct app *a, struct err *e)
{
	const char *no_color = getenv("NO_COLOR");
	int width, height;

	a->term = term_start((int)a->options.value[OPTION_ESCAPE_MS], e);
	if (!a->term)
		return -1;
	a->draw_credit = DRAW_BURST;
	a->drawn_ns = clock_mono_ns();
	if (!term_colours(a->term) || (no_color && no_color[0]))
		a->theme = theme_find("mono");
	term_size(a->term, &width, &height);
	app_resize(a, width, height);
	signals_start(a);
	uv_timer_init(&a->loop, &a->tick);
	a->tick.data = a;
	if (uv_poll_init(&a->loop, &a->input, term_fd(a->term)) < 0)
		return err_set(e, ERR_REFUSED, "the terminal cannot be waited for: standard input is no terminal");
	a->input.data = a;
	input_watch(a);
	tick_start(a);
	draw_now(a);
	return 0;
}

static int console_live(struct app *a, struct err *e)
{
	if (console_terminal(a, e) < 0)
		return -1;
	while (!a->quit)
		uv_run(&a->loop, UV_RUN_DEFAULT);
	return 0;
}

int console_run(const struct console_options *o, struct err *e)
{
	struct app *a;
	int result;

	if (!setlocale(LC_ALL, "") && !setlocale(LC_ALL, "C.UTF-8"))
		setlocale(LC_ALL, "C");
	setlocale(LC_NUMERIC, "C");
	a = app_new(o, e);
	if (!a)
		return -1;
	uv_timer_init(&a->loop, &a->draw);
	a->draw.data = a;
	app_tab(a, '1');
	for (size_t i = 0; i < o->nopen; i++)
		app_run(a, o->open[i]);
	result = o->script ? script_run(a, o->script, e) : console_live(a, e);
	if (a->term) {
		if (uv_is_active((uv_handle_t *)&a->input))
			uv_poll_stop(&a->input);
		term_stop(a->term);
		a->term = NULL;
	}
	app_free(a);
	return result;
}
