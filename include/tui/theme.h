/* Themes: what each style looks like. No colour carries meaning alone. */
#ifndef TUI_THEME_H
#define TUI_THEME_H

#include <stdint.h>

#include "tui/canvas.h"

enum theme_attr { THEME_BOLD = 1, THEME_REVERSE = 2, THEME_UNDERLINE = 4, THEME_DIM = 8 };

struct theme_style {
	int8_t fg, bg;	    /* of 8 colours; -1: the terminal's own */
	uint8_t attr;	    /* enum theme_attr */
	int16_t fg256, bg256; /* of 256; -1: as with 8 */
};

struct theme {
	const char *name;
	const char *summary;
	struct theme_style style[STYLE_COUNT];
};

extern const struct theme *const theme_table[]; /* ends with NULL; the first is the default */
const struct theme *theme_find(const char *name); /* NULL: none */
const char *style_name(enum style s);

#endif
