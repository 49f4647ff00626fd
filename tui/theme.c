#include "tui/theme.h"

#include <stddef.h>
#include <string.h>

enum { BLACK, RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN, WHITE, OWN = -1 };

/* Never blue text on black, never a meaning in the colour alone: signs and words stand beside it. */
static const struct theme theme_default = {
	.name = "default",
	.summary = "on the terminal's own background, 8 or 256 colours",
	.style = {
		[STYLE_NORMAL] = {OWN, OWN, 0, -1, -1},
		[STYLE_TITLE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_TAB] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_TAB_ACTIVE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_HEADER] = {GREEN, OWN, THEME_BOLD, -1, -1},
		[STYLE_SORT] = {GREEN, OWN, THEME_BOLD | THEME_UNDERLINE, -1, -1},
		[STYLE_SELECTED] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_SELECTED_IDLE] = {OWN, OWN, THEME_BOLD | THEME_UNDERLINE, -1, -1},
		[STYLE_TAGGED] = {YELLOW, OWN, THEME_BOLD, -1, -1},
		[STYLE_DIM] = {OWN, OWN, THEME_DIM, -1, -1},
		[STYLE_GOOD] = {GREEN, OWN, 0, -1, -1},
		[STYLE_WARN] = {YELLOW, OWN, THEME_BOLD, -1, -1},
		[STYLE_ERROR] = {RED, OWN, THEME_BOLD, -1, -1},
		[STYLE_KEY] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_LABEL] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_FRAME] = {OWN, OWN, THEME_DIM, -1, -1},
		[STYLE_FRAME_ACTIVE] = {CYAN, OWN, 0, -1, -1},
		[STYLE_GRAPH] = {CYAN, OWN, 0, 38, -1},
		[STYLE_GRAPH2] = {MAGENTA, OWN, 0, 170, -1},
		[STYLE_MATCH] = {BLACK, YELLOW, 0, -1, -1},
		[STYLE_INPUT] = {OWN, OWN, THEME_UNDERLINE, -1, -1},
		[STYLE_BADGE] = {BLACK, YELLOW, THEME_BOLD, -1, -1},
		[STYLE_A] = {CYAN, OWN, 0, 45, -1},
		[STYLE_B] = {YELLOW, OWN, 0, 215, -1},
	},
};

static const struct theme theme_dark = {
	.name = "dark",
	.summary = "bright on black",
	.style = {
		[STYLE_NORMAL] = {WHITE, BLACK, 0, 252, 233},
		[STYLE_TITLE] = {WHITE, BLACK, THEME_BOLD, 255, 233},
		[STYLE_TAB] = {BLACK, CYAN, 0, 252, 238},
		[STYLE_TAB_ACTIVE] = {WHITE, BLACK, THEME_BOLD, 255, 233},
		[STYLE_HEADER] = {CYAN, BLACK, THEME_BOLD, 117, 233},
		[STYLE_SORT] = {CYAN, BLACK, THEME_BOLD | THEME_UNDERLINE, 117, 233},
		[STYLE_SELECTED] = {BLACK, CYAN, 0, 16, 117},
		[STYLE_SELECTED_IDLE] = {WHITE, BLACK, THEME_BOLD | THEME_UNDERLINE, 255, 236},
		[STYLE_TAGGED] = {YELLOW, BLACK, THEME_BOLD, 221, 233},
		[STYLE_DIM] = {WHITE, BLACK, 0, 245, 233},
		[STYLE_GOOD] = {GREEN, BLACK, 0, 114, 233},
		[STYLE_WARN] = {YELLOW, BLACK, THEME_BOLD, 221, 233},
		[STYLE_ERROR] = {RED, BLACK, THEME_BOLD, 210, 233},
		[STYLE_KEY] = {WHITE, BLACK, THEME_BOLD, 255, 233},
		[STYLE_LABEL] = {BLACK, CYAN, 0, 252, 238},
		[STYLE_FRAME] = {WHITE, BLACK, 0, 240, 233},
		[STYLE_FRAME_ACTIVE] = {CYAN, BLACK, 0, 117, 233},
		[STYLE_GRAPH] = {CYAN, BLACK, 0, 74, 233},
		[STYLE_GRAPH2] = {MAGENTA, BLACK, 0, 176, 233},
		[STYLE_MATCH] = {BLACK, YELLOW, 0, 16, 221},
		[STYLE_INPUT] = {WHITE, BLACK, THEME_UNDERLINE, 255, 236},
		[STYLE_BADGE] = {BLACK, YELLOW, THEME_BOLD, 16, 221},
		[STYLE_A] = {CYAN, BLACK, 0, 117, 233},
		[STYLE_B] = {YELLOW, BLACK, 0, 216, 233},
	},
};

static const struct theme theme_light = {
	.name = "light",
	.summary = "dark on white",
	.style = {
		[STYLE_NORMAL] = {BLACK, WHITE, 0, 235, 255},
		[STYLE_TITLE] = {BLACK, WHITE, THEME_BOLD, 16, 255},
		[STYLE_TAB] = {WHITE, BLUE, 0, 255, 25},
		[STYLE_TAB_ACTIVE] = {BLACK, WHITE, THEME_BOLD, 16, 255},
		[STYLE_HEADER] = {BLUE, WHITE, THEME_BOLD, 25, 255},
		[STYLE_SORT] = {BLUE, WHITE, THEME_BOLD | THEME_UNDERLINE, 25, 255},
		[STYLE_SELECTED] = {WHITE, BLUE, 0, 255, 25},
		[STYLE_SELECTED_IDLE] = {BLACK, WHITE, THEME_BOLD | THEME_UNDERLINE, 16, 252},
		[STYLE_TAGGED] = {MAGENTA, WHITE, THEME_BOLD, 90, 255},
		[STYLE_DIM] = {BLACK, WHITE, 0, 242, 255},
		[STYLE_GOOD] = {GREEN, WHITE, 0, 28, 255},
		[STYLE_WARN] = {MAGENTA, WHITE, THEME_BOLD, 130, 255},
		[STYLE_ERROR] = {RED, WHITE, THEME_BOLD, 124, 255},
		[STYLE_KEY] = {BLACK, WHITE, THEME_BOLD, 16, 255},
		[STYLE_LABEL] = {WHITE, BLUE, 0, 255, 25},
		[STYLE_FRAME] = {BLACK, WHITE, 0, 248, 255},
		[STYLE_FRAME_ACTIVE] = {BLUE, WHITE, 0, 25, 255},
		[STYLE_GRAPH] = {BLUE, WHITE, 0, 31, 255},
		[STYLE_GRAPH2] = {MAGENTA, WHITE, 0, 127, 255},
		[STYLE_MATCH] = {BLACK, YELLOW, 0, 16, 221},
		[STYLE_INPUT] = {BLACK, WHITE, THEME_UNDERLINE, 16, 253},
		[STYLE_BADGE] = {WHITE, MAGENTA, THEME_BOLD, 255, 130},
		[STYLE_A] = {BLUE, WHITE, 0, 25, 255},
		[STYLE_B] = {RED, WHITE, 0, 130, 255},
	},
};

/* Attributes only: what NO_COLOR and terminals without colours get. */
static const struct theme theme_mono = {
	.name = "mono",
	.summary = "no colour: bold, underline and reverse",
	.style = {
		[STYLE_NORMAL] = {OWN, OWN, 0, -1, -1},
		[STYLE_TITLE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_TAB] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_TAB_ACTIVE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_HEADER] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_SORT] = {OWN, OWN, THEME_BOLD | THEME_UNDERLINE, -1, -1},
		[STYLE_SELECTED] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_SELECTED_IDLE] = {OWN, OWN, THEME_UNDERLINE, -1, -1},
		[STYLE_TAGGED] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_DIM] = {OWN, OWN, 0, -1, -1},
		[STYLE_GOOD] = {OWN, OWN, 0, -1, -1},
		[STYLE_WARN] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_ERROR] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_KEY] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_LABEL] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_FRAME] = {OWN, OWN, 0, -1, -1},
		[STYLE_FRAME_ACTIVE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_GRAPH] = {OWN, OWN, 0, -1, -1},
		[STYLE_GRAPH2] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_MATCH] = {OWN, OWN, THEME_UNDERLINE | THEME_BOLD, -1, -1},
		[STYLE_INPUT] = {OWN, OWN, THEME_UNDERLINE, -1, -1},
		[STYLE_BADGE] = {OWN, OWN, THEME_REVERSE | THEME_BOLD, -1, -1},
		[STYLE_A] = {OWN, OWN, 0, -1, -1},
		[STYLE_B] = {OWN, OWN, THEME_BOLD, -1, -1},
	},
};

/* Blue, orange and white are told apart with every common colour blindness; red against green is not used. */
static const struct theme theme_colourblind = {
	.name = "colourblind",
	.summary = "blue and orange instead of green and red",
	.style = {
		[STYLE_NORMAL] = {OWN, OWN, 0, -1, -1},
		[STYLE_TITLE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_TAB] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_TAB_ACTIVE] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_HEADER] = {CYAN, OWN, THEME_BOLD, 117, -1},
		[STYLE_SORT] = {CYAN, OWN, THEME_BOLD | THEME_UNDERLINE, 117, -1},
		[STYLE_SELECTED] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_SELECTED_IDLE] = {OWN, OWN, THEME_BOLD | THEME_UNDERLINE, -1, -1},
		[STYLE_TAGGED] = {YELLOW, OWN, THEME_BOLD, 220, -1},
		[STYLE_DIM] = {OWN, OWN, THEME_DIM, -1, -1},
		[STYLE_GOOD] = {CYAN, OWN, 0, 75, -1},
		[STYLE_WARN] = {YELLOW, OWN, THEME_BOLD, 220, -1},
		[STYLE_ERROR] = {YELLOW, OWN, THEME_BOLD | THEME_REVERSE, 208, -1},
		[STYLE_KEY] = {OWN, OWN, THEME_BOLD, -1, -1},
		[STYLE_LABEL] = {OWN, OWN, THEME_REVERSE, -1, -1},
		[STYLE_FRAME] = {OWN, OWN, THEME_DIM, -1, -1},
		[STYLE_FRAME_ACTIVE] = {CYAN, OWN, 0, 75, -1},
		[STYLE_GRAPH] = {CYAN, OWN, 0, 75, -1},
		[STYLE_GRAPH2] = {YELLOW, OWN, 0, 208, -1},
		[STYLE_MATCH] = {BLACK, YELLOW, 0, 16, 220},
		[STYLE_INPUT] = {OWN, OWN, THEME_UNDERLINE, -1, -1},
		[STYLE_BADGE] = {BLACK, YELLOW, THEME_BOLD, 16, 208},
		[STYLE_A] = {CYAN, OWN, 0, 75, -1},
		[STYLE_B] = {YELLOW, OWN, 0, 214, -1},
	},
};

const struct theme *const theme_table[] = {&theme_default, &theme_dark, &theme_light, &theme_mono, &theme_colourblind, NULL};

const struct theme *theme_find(const char *name)
{
	for (size_t i = 0; theme_table[i]; i++) {
		if (strcmp(theme_table[i]->name, name) == 0)
			return theme_table[i];
	}
	return NULL;
}

const char *style_name(enum style s)
{
	static const char *const name[STYLE_COUNT] = {
		"normal", "title", "tab", "tab-active", "header", "sort", "selected", "selected-idle", "tagged", "dim", "good",
		"warn", "error", "key", "label", "frame", "frame-active", "graph", "graph2", "match", "input", "badge", "a", "b",
	};

	return s < STYLE_COUNT ? name[s] : "?";
}
