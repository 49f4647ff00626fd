/* The canvas: cells in memory that panes draw on. The terminal gets differences; tests compare it as text. */
#ifndef TUI_CANVAS_H
#define TUI_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

/* Styles by meaning; the theme says what they look like. */
enum style {
	STYLE_NORMAL, STYLE_TITLE, STYLE_TAB, STYLE_TAB_ACTIVE, STYLE_HEADER, STYLE_SORT, STYLE_SELECTED, STYLE_SELECTED_IDLE, STYLE_TAGGED,
	STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_ERROR, STYLE_KEY, STYLE_LABEL, STYLE_FRAME, STYLE_FRAME_ACTIVE, STYLE_GRAPH, STYLE_GRAPH2,
	STYLE_MATCH, STYLE_INPUT, STYLE_BADGE, STYLE_A, STYLE_B,
	STYLE_COUNT
};

struct cell {
	int32_t ch; /* code point; 0: the right half of a wide one */
	uint8_t style;
};

struct canvas {
	int width, height;
	struct cell *cell; /* row by row */
	bool utf8;	   /* may hold more than ASCII: blocks, lines; else their stand-ins are drawn */
};

/* A part of a canvas, with its own origin; what is drawn outside is cut. Cheap, by value. */
struct area {
	struct canvas *canvas;
	int x, y, width, height;
};

int canvas_init(struct canvas *c, int width, int height, bool utf8);
void canvas_release(struct canvas *c);
void canvas_clear(struct canvas *c);
struct area canvas_area(struct canvas *c);
struct area area_part(struct area a, int x, int y, int width, int height); /* clipped */
struct area area_frame(struct area a, const char *title, bool active);	    /* draws a box, returns the inside */
void area_fill(struct area a, int32_t ch, enum style style);
/* Text: hostile bytes never get through (shown as \xNN or '.'); cut at the width. Returns columns drawn. */
int area_text(struct area a, int x, int y, enum style style, const char *text);
int area_str(struct area a, int x, int y, enum style style, struct str text, int width); /* at most width columns */
/* The same, and what is cut says so with its last column: an address must not look like another one. */
void area_cut(struct area a, int x, int y, enum style style, struct str text, int width);
int canvas_columns(struct str text); /* that it would take, however long it is */
int area_printf(struct area a, int x, int y, enum style style, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Right-aligned in width columns; too long text loses its left with '<'. */
void area_right(struct area a, int x, int y, enum style style, const char *text, int width);
/* Text over as many lines as it needs, broken at blanks, one column in; what does not fit is cut. Returns lines. */
int area_lines(struct area a, enum style style, const char *text);
/* Pieces of text with three blanks between, as many as there is room for; none is cut but a first one that is too long. */
int area_pieces(struct area a, int x, int y, enum style style, const char *text);
void area_style(struct area a, int x, int y, int width, enum style style); /* changes styles only */
/* A bar of `share` (0..1) over width columns, and a sparkline of n samples (the last ones that fit), scaled to max (0: own).
 * A negative sample is a gap (blank). */
void area_bar(struct area a, int x, int y, int width, double share, enum style style);
void area_spark(struct area a, int x, int y, int width, const double *sample, int n, double max, enum style style);
/* A filled graph with a scale at the left, `height` rows. */
void area_graph(struct area a, const double *sample, int n, const char *unit, enum style style);
/* The canvas as text: one line a row, blanks at the end cut; and its styles, one letter a cell. */
void canvas_text(const struct canvas *c, struct buf *out);
void canvas_styles(const struct canvas *c, struct buf *out);

#endif
