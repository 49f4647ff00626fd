#include "tui/term.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "keys.h"
#include "out.h"

#define TERM_WAITING_MAX 4096 /* bytes that the terminal has not taken: frames are left out past it */
#define TERM_FINISH_MS 700    /* that a slow terminal is given for its last bytes: a closed one must not hold us */
#define TERM_PAIRS_MAX 256
#define RESTORE_MAX 256

struct terminal {
	SCREEN *screen;
	struct canvas shown; /* what is on the screen */
	const struct theme *theme; /* that `style` was made of */
	attr_t attr[STYLE_COUNT];
	short pair[STYLE_COUNT];
	short pairs; /* made so far */
	int fd; /* the terminal once more, non-blocking: that must not reach the shell, with which we share one open file */
	struct out out;
	bool colours, repaint;
};

/* A crash must not leave the terminal in raw mode on the other screen: what restores it, for the signal handler alone. */
static struct {
	struct termios mode;
	char bytes[RESTORE_MAX];
	size_t len;
} crash;

static void on_crash(int signum)
{
	ssize_t n = write(STDOUT_FILENO, crash.bytes, crash.len);

	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &crash.mode);
	signal(signum, SIG_DFL);
	raise(signum);
}

static void crash_add(const char *capability)
{
	const char *s = tigetstr(capability);

	if (!s || s == (const char *)-1 || crash.len + strlen(s) >= RESTORE_MAX)
		return;
	memcpy(crash.bytes + crash.len, s, strlen(s));
	crash.len += strlen(s);
}

static void crash_prepare(void)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	static const char *const capability[] = {"sgr0", "op", "cnorm", "rmkx", "rmcup"};

	crash.len = 0;
	for (size_t i = 0; i < ARRAY_LEN(capability); i++)
		crash_add(capability[i]);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++) {
		struct sigaction sa = {.sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND};
		sigaction(fatal[i], &sa, NULL);
	}
}

/* TERM of a newer terminal may be unknown here: the family that it is named after will do. */
static const char *term_name(struct err *e)
{
	static const char *const family[] = {"xterm", "tmux", "screen", "rxvt", "alacritty", "kitty", "foot", "putty", "linux", "vt100"};
	const char *name = getenv("TERM");
	int status = 0;

	if (!name || !name[0]) {
		err_set(e, ERR_REFUSED, "TERM is not set: the console needs a terminal; `tapdeck help` lists what works without one");
		return NULL;
	}
	if (setupterm(name, STDOUT_FILENO, &status) == OK)
		return name;
	for (size_t i = 0; i < ARRAY_LEN(family); i++) {
		if (strncmp(name, family[i], strlen(family[i])) != 0)
			continue;
		name = i < 8 ? "xterm-256color" : family[i];
		if (setupterm(name, STDOUT_FILENO, &status) == OK)
			return name;
	}
	err_set(e, ERR_REFUSED, "the terminal '%s' is not known on this machine: try TERM=xterm-256color tapdeck, or install ncurses-term",
		getenv("TERM"));
	return NULL;
}

/* The name by which the terminal is known here; NULL: it will not do. */
static const char *term_check(struct err *e)
{
	const char *name, *cup;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		err_set(e, ERR_REFUSED, "the console needs a terminal on standard input and output; `tapdeck help` lists what works without one");
		return NULL;
	}
	name = term_name(e);
	if (!name)
		return NULL;
	cup = tigetstr("cup");
	if (!cup || cup == (const char *)-1) {
		err_set(e, ERR_REFUSED,
			"the terminal '%s' cannot move its cursor, so nothing can be drawn: `tapdeck help` lists what works without that", name);
		name = NULL;
	}
	del_curterm(cur_term);
	return name;
}

/* Curses has no terminal that it could set: it writes to memory. */
static void modes_set(void)
{
	struct termios mode = crash.mode;

	mode.c_iflag &= ~(tcflag_t)(IXON | BRKINT | PARMRK | ICRNL | INLCR | IGNCR | ISTRIP);
	mode.c_oflag &= ~(tcflag_t)(ONLCR | TABDLY);
	mode.c_lflag &= ~(tcflag_t)(ICANON | ISIG | IEXTEN | ECHO | ECHONL);
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
}

static void term_modes(struct terminal *t)
{
	modes_set();
	raw(); /* finds that its output is no terminal and reads keys, not lines */
	noecho();
	typeahead(-1);
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	idlok(stdscr, FALSE);
	scrollok(stdscr, FALSE);
	t->colours = has_colors() && start_color() == OK;
	if (t->colours)
		use_default_colors();
}

/* Where the terminal has no name here, there is only the open file of standard input. */
static int terminal_open(void)
{
	const char *name = ttyname(STDIN_FILENO);
	int fd = name ? open(name, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) : -1;

	if (fd >= 0)
		return fd;
	fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) | O_NONBLOCK);
	return STDOUT_FILENO;
}

static void terminal_close(int fd)
{
	if (fd != STDOUT_FILENO)
		close(fd);
	else
		fcntl(STDOUT_FILENO, F_SETFL, fcntl(STDOUT_FILENO, F_GETFL) & ~O_NONBLOCK);
}

struct terminal *term_start(int escape_ms, struct err *e)
{
	struct terminal *t;
	const char *name = term_check(e);

	if (!name)
		return NULL;
	if (tcgetattr(STDIN_FILENO, &crash.mode) < 0) {
		err_errno(e, ERR_REFUSED, "the terminal does not tell its modes");
		return NULL;
	}
	/* These draw boxes as letters when asked for line graphics in UTF-8. */
	if (strncmp(name, "putty", 5) == 0 || strncmp(name, "linux", 5) == 0)
		setenv("NCURSES_NO_UTF8_ACS", "1", 0);
	t = xcalloc(1, sizeof(*t));
	t->fd = terminal_open();
	if (out_open(&t->out, t->fd, e) < 0)
		goto out;
	set_escdelay(escape_ms);
	t->screen = newterm(name, t->out.file, stdin);
	if (!t->screen) {
		err_set(e, ERR_REFUSED, "the terminal '%s' cannot be used by ncurses", name);
		out_close(&t->out);
		goto out;
	}
	crash_prepare();
	term_modes(t);
	keys_define();
	term_resized(t);
	return t;
out:
	terminal_close(t->fd);
	free(t);
	return NULL;
}

void term_stop(struct terminal *t)
{
	if (!t)
		return;
	endwin();
	out_finish(&t->out, TERM_FINISH_MS);
	tcsetattr(STDIN_FILENO, TCSANOW, &crash.mode);
	delscreen(t->screen);
	out_close(&t->out);
	canvas_release(&t->shown);
	terminal_close(t->fd);
	free(t);
}

int term_fd(const struct terminal *t)
{
	return t->fd;
}

void term_size(const struct terminal *t, int *width, int *height)
{
	struct winsize w = {0};

	(void)t;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) < 0 || w.ws_col == 0 || w.ws_row == 0) {
		w.ws_col = (unsigned short)COLS;
		w.ws_row = (unsigned short)LINES;
	}
	*width = w.ws_col;
	*height = w.ws_row;
}

void term_resized(struct terminal *t)
{
	int width, height;

	term_size(t, &width, &height);
	resizeterm(height, width);
	t->repaint = true;
}

bool term_colours(const struct terminal *t)
{
	return t->colours;
}

void term_repaint(struct terminal *t)
{
	t->repaint = true;
}

/* --- styles --- */

/* One pair for each combination of colours; 0 when the terminal has no more. */
static short pair_make(struct terminal *t, short fg, short bg)
{
	for (short i = 1; i <= t->pairs; i++) {
		short f, b;
		if (pair_content(i, &f, &b) == OK && f == fg && b == bg)
			return i;
	}
	if (t->pairs + 1 >= COLOR_PAIRS || t->pairs + 1 >= TERM_PAIRS_MAX || init_pair((short)(t->pairs + 1), fg, bg) == ERR)
		return 0;
	return ++t->pairs;
}

static void styles_make(struct terminal *t, const struct theme *theme)
{
	for (int i = 0; i < STYLE_COUNT; i++) {
		const struct theme_style *s = &theme->style[i];
		short fg = s->fg, bg = s->bg;
		t->attr[i] = (s->attr & THEME_BOLD ? A_BOLD : 0) | (s->attr & THEME_REVERSE ? A_REVERSE : 0) |
			     (s->attr & THEME_UNDERLINE ? A_UNDERLINE : 0) | (s->attr & THEME_DIM ? A_DIM : 0);
		if (COLORS >= 256 && s->fg256 >= 0)
			fg = s->fg256;
		if (COLORS >= 256 && s->bg256 >= 0)
			bg = s->bg256;
		t->pair[i] = t->colours && (fg >= 0 || bg >= 0) ? pair_make(t, fg, bg) : 0;
	}
	t->theme = theme;
	t->repaint = true;
}

/* --- frames --- */

bool term_waits(const struct terminal *t)
{
	return out_waits(&t->out);
}

void term_flush(struct terminal *t)
{
	out_flush(&t->out);
}

/* Has the terminal taken what was written before? A frame that would wait is old when it is seen. */
static bool term_drained(struct terminal *t)
{
	struct pollfd p = {.fd = t->fd, .events = POLLOUT};
	int waiting = 0;

	out_flush(&t->out);
	if (out_waits(&t->out) || poll(&p, 1, 0) <= 0 || !(p.revents & POLLOUT))
		return false;
	return ioctl(t->fd, TIOCOUTQ, &waiting) < 0 || waiting <= TERM_WAITING_MAX;
}

static bool cell_same(const struct cell *a, const struct cell *b)
{
	return a->ch == b->ch && a->style == b->style;
}

static void cell_put(const struct terminal *t, const struct cell *c, int x, int y)
{
	wchar_t text[2] = {(wchar_t)c->ch, 0};
	cchar_t cell;

	if (c->ch == 0)
		return;
	if (setcchar(&cell, text, t->attr[c->style], t->pair[c->style], NULL) == OK)
		mvwadd_wch(stdscr, y, x, &cell);
}

bool term_show(struct terminal *t, const struct canvas *c, const struct theme *theme)
{
	bool all = t->repaint || t->theme != theme || t->shown.width != c->width || t->shown.height != c->height;

	if (!term_drained(t))
		return false;
	if (t->theme != theme)
		styles_make(t, theme);
	if (all) {
		canvas_release(&t->shown);
		canvas_init(&t->shown, c->width, c->height, c->utf8);
		bkgdset(A_NORMAL | ' ');
		erase();
		clearok(curscr, TRUE);
	}
	for (int y = 0; y < c->height; y++) {
		for (int x = 0; x < c->width; x++) {
			size_t i = (size_t)y * (size_t)c->width + (size_t)x;
			if (all || !cell_same(&c->cell[i], &t->shown.cell[i]))
				cell_put(t, &c->cell[i], x, y);
		}
	}
	memcpy(t->shown.cell, c->cell, sizeof(*c->cell) * (size_t)c->width * (size_t)c->height);
	t->repaint = false;
	wnoutrefresh(stdscr);
	doupdate();
	out_flush(&t->out);
	return true;
}

/* --- keys, suspending --- */

const char *term_key(struct terminal *t, char name[TERM_KEY_MAX])
{
	struct pollfd p = {.fd = STDIN_FILENO, .events = POLLIN};
	wint_t ch;
	int kind, waiting = 0;

	(void)t;
	name[0] = 0;
	kind = wget_wch(stdscr, &ch);
	if (kind != ERR)
		return keys_name(kind == KEY_CODE_YES, ch, name);
	/* Readable and nothing to read: nobody is there any more. */
	if (poll(&p, 1, 0) > 0 && ((p.revents & (POLLHUP | POLLERR | POLLNVAL)) ||
				   (ioctl(STDIN_FILENO, FIONREAD, &waiting) < 0 || ((p.revents & POLLIN) && waiting == 0))))
		return NULL;
	return name;
}

void term_suspend(struct terminal *t)
{
	endwin();
	out_finish(&t->out, TERM_FINISH_MS);
	tcsetattr(STDIN_FILENO, TCSANOW, &crash.mode);
	raise(SIGSTOP); /* alone: the children that serve us go on */
	modes_set();
	term_resized(t);
	refresh();
	keypad(stdscr, TRUE); /* curses does this for terminals that it sets */
	out_flush(&t->out);
}

int term_write(struct terminal *t, const char *bytes, size_t len)
{
	if (out_add(&t->out, bytes, len) < 0)
		return -1;
	out_flush(&t->out);
	return 0;
}
