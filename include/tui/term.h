/* The terminal: the only user of curses. Shows a canvas by its differences, names keys, gives everything back. */
#ifndef TUI_TERM_H
#define TUI_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "tui/canvas.h"
#include "tui/theme.h"

#define TERM_KEY_MAX 16 /* bytes of a key's name, with its end */

struct terminal;

/* Refuses with a sentence: no terminal, TERM unknown or without cursor addressing. `escape_ms`: how long Esc waits. */
struct terminal *term_start(int escape_ms, struct err *e);
void term_stop(struct terminal *t); /* NULL is fine. The terminal is as it was. */
int term_fd(const struct terminal *t);
void term_size(const struct terminal *t, int *width, int *height);
void term_resized(struct terminal *t); /* SIGWINCH came: takes the new size */
bool term_colours(const struct terminal *t);
/* false: the terminal has not taken what was written before; nothing is drawn then. */
bool term_show(struct terminal *t, const struct canvas *c, const struct theme *theme);
/* What was drawn and not taken yet: when term_fd can be written, flush. */
bool term_waits(const struct terminal *t);
void term_flush(struct terminal *t);
void term_repaint(struct terminal *t); /* the next frame is painted whole */
/* The next key that came, "" when there is none, NULL: the terminal is gone. Printable text is itself, in UTF-8. */
const char *term_key(struct terminal *t, char name[TERM_KEY_MAX]);
/* Gives the terminal to the shell and stops the process; comes back when it goes on. */
void term_suspend(struct terminal *t);
/* Straight to the terminal (OSC 52), between frames. -1: it is slow, and that is too much. */
int term_write(struct terminal *t, const char *bytes, size_t len);

#endif
