#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "form_private.h"

#define FOOT_COLUMNS 84 /* that the words below the fields take in full */
#define COMMAND_COLUMNS 70 /* from which there is room to say what the command is */
#define COMMAND_ROWS 3 /* at most, where the screen has room */
#define TALL_ROWS 20
#define SAY_ROWS 3 /* at most, of what is said below a field */

static int label_width(const struct form *f)
{
	int widest = 4;

	for (size_t i = 0; i < f->nfields; i++) {
		int n = (int)strlen(f->field[i].spec.label); /* hidden ones too: nothing moves when they come */
		widest = n > widest ? n : widest;
	}
	return widest;
}

/* Lines that area_lines takes for it. */
static int lines_of(const char *text, int room)
{
	int lines = 0;

	for (; *text && lines < SAY_ROWS; lines++) {
		size_t len = strlen(text), cut = (size_t)room;

		while (len > (size_t)room && cut > 0 && text[cut] != ' ')
			cut--;
		text += len <= (size_t)room ? len : cut ? cut : (size_t)room;
		text += *text == ' ';
	}
	return lines;
}

/* Lines of what is said below a field. With a caret it stands in the one behind it; a list of ticks keeps its place. */
static int say_rows(const struct form *f, const struct form_field *field)
{
	if (!field->say || field->say_at >= 0 || f->room < 8 || field->spec.kind == FIELD_TICKS)
		return 1;
	return lines_of(field->say, f->room);
}

static int field_height(const struct form *f, size_t i)
{
	const struct form_field *field = &f->field[i];
	int rows = 1;

	if (field->hidden)
		return 0;
	if (field->spec.kind == FIELD_TICKS)
		rows = field->nchoices > FORM_TICKS_SHOWN ? FORM_TICKS_SHOWN : field->nchoices ? (int)field->nchoices : 1;
	if (field->say || (i == f->focus && field->spec.hint))
		rows += say_rows(f, field);
	return rows;
}

/* Blanks between choices: two where all of them fit. */
static int choice_gap(const struct form_field *f, int width)
{
	int all = 0;

	for (size_t i = 0; i < f->nchoices; i++)
		all += (int)strlen(f->choice[i].value) + 6;
	return all - 2 > width ? 1 : 2;
}

static void draw_choice(const struct form_field *f, struct area a, bool focused)
{
	const int gap = choice_gap(f, a.width);
	int x = 0;

	for (size_t i = 0; i < f->nchoices; i++) {
		const char *mark = i == f->at ? "(o) " : "( ) ";
		const int width = (int)strlen(f->choice[i].value) + 4, more = i + 1 < f->nchoices ? 2 : 0;

		if (x + width + more > a.width && i > f->at) {
			area_text(a, a.width - 1, 0, STYLE_DIM, ">"); /* there are others on that side */
			break;
		}
		if (x + width + more > a.width) {
			area_fill(a, ' ', STYLE_NORMAL);
			x = area_text(a, 0, 0, STYLE_DIM, "<") + 1;
		}
		area_text(a, x, 0, STYLE_NORMAL, mark);
		area_text(a, x + 4, 0, STYLE_NORMAL, f->choice[i].value);
		if (i == f->at && focused)
			area_style(a, x, 0, width, STYLE_SELECTED);
		x += width + gap;
	}
}

static void draw_ticks(const struct form_field *f, struct area a, bool focused)
{
	size_t top = f->at >= (size_t)a.height ? f->at - (size_t)a.height + 1 : 0;

	for (int y = 0; y < a.height && top + (size_t)y < f->nchoices; y++) {
		const struct choice *c = &f->choice[top + (size_t)y];
		int n = area_printf(a, 0, y, STYLE_NORMAL, "[%c] ", c->ticked ? 'x' : ' ');
		n += area_text(a, n, y, STYLE_NORMAL, c->value);
		area_text(a, n < 18 ? 20 : n + 2, y, STYLE_DIM, c->detail);
		if (focused && top + (size_t)y == f->at)
			area_style(a, 0, y, n, STYLE_SELECTED);
	}
	if (f->nchoices == 0)
		area_text(a, 0, 0, STYLE_DIM, "none");
}

static void draw_input(struct form_field *f, struct area a, bool focused)
{
	int width = f->spec.width && f->spec.width < a.width ? f->spec.width : a.width;
	int n;

	switch (f->spec.kind) {
	case FIELD_TEXT:
		edit_draw(&f->edit, a, 0, 0, width, STYLE_INPUT, focused);
		break;
	case FIELD_CHOICE:
		draw_choice(f, a, focused);
		break;
	case FIELD_TICK:
		n = area_text(a, 0, 0, STYLE_NORMAL, f->text[0] ? "[x]" : "[ ]");
		if (focused)
			area_style(a, 0, 0, n, STYLE_SELECTED);
		break;
	case FIELD_TICKS:
		draw_ticks(f, a, focused);
		break;
	case FIELD_NOTE:
		area_text(a, 0, 0, STYLE_DIM, f->edit.text);
		break;
	}
}

/* The sentence below, behind its caret where there is room; else the place is marked in the text itself. */
static void draw_say(const struct form_field *f, struct area a, int y, int rows)
{
	const int at = f->say_at >= 0 ? edit_column(&f->edit, (size_t)f->say_at) : -1;

	if (!f->say) {
		area_text(a, 1, y, STYLE_DIM, f->spec.hint);
		return;
	}
	if (at < 0 && rows > 1) {
		area_lines(area_part(a, 0, y, a.width, rows), f->say_style, f->say);
		return;
	}
	a = area_part(a, 1, 0, a.width - 1, a.height);
	if (at >= 0 && at + 2 + (int)strlen(f->say) <= a.width) {
		area_text(a, at, y, f->say_style, "^");
		area_text(a, at + 2, y, f->say_style, f->say);
		return;
	}
	area_cut(a, 0, y, f->say_style, str_of(f->say), a.width);
	if (at >= 0)
		area_style(a, at, y - 1, 1, f->say_style);
}

static void draw_field(struct form *f, size_t i, struct area a, int y, int labels)
{
	struct form_field *field = &f->field[i];
	bool focused = i == f->focus, below = field->say || (focused && field->spec.hint);
	const int said = below ? say_rows(f, field) : 0;
	int rows = field->height - said;
	struct area input = area_part(a, labels + 3, y, a.width - labels - 4, rows);

	if (field->hidden || y < 0 || y >= a.height)
		return;
	area_str(a, 1, y, focused ? STYLE_KEY : STYLE_NORMAL, str_of(field->spec.label), labels);
	draw_input(field, input, focused);
	if (below)
		draw_say(field, area_part(a, labels + 2, 0, a.width - labels - 3, a.height), y + rows, said);
}

/* "as a command: tapdeck ..." where there is room to say so. Owned by the caller. */
static char *command_text(const struct form *f, int width)
{
	struct buf out;
	char *text;

	buf_init(&out, FORM_TEXT_MAX * 4);
	if (width >= COMMAND_COLUMNS)
		(void)buf_add_str(&out, "as a command: ");
	f->spec.command(f->spec.arg, f, &out);
	text = xstrdup(buf_str(&out));
	buf_release(&out);
	return text;
}

/* Error, command, buttons: a command that is long takes more lines where the screen has them. */
static int foot_rows(const struct form *f, int width, int height)
{
	int rows = 1;
	char *text;

	if (f->spec.command && height >= TALL_ROWS && width > 4) {
		text = command_text(f, width);
		rows = (canvas_columns(str_of(text)) + 8) / (width - 4) + 1;
		rows = rows > COMMAND_ROWS ? COMMAND_ROWS : rows;
		free(text);
	}
	return rows + 2;
}

static void draw_command(const struct form *f, struct area a)
{
	const bool whole = a.width >= COMMAND_COLUMNS;
	char *text = command_text(f, a.width);

	if (a.height > 1 && canvas_columns(str_of(text)) > a.width - 2)
		area_lines(a, STYLE_NORMAL, text);
	else
		area_cut(a, whole ? 1 : 0, 0, STYLE_NORMAL, str_of(text), a.width - whole);
	if (whole)
		area_style(a, 1, 0, 14, STYLE_DIM);
	free(text);
}

static void draw_foot(const struct form *f, struct area a)
{
	const char *submit = f->spec.submit ? f->spec.submit : "OK";
	const bool brief = a.width < FOOT_COLUMNS;
	const int last = a.height - 1;

	if (f->error.code != ERR_NONE)
		area_cut(a, 1, 0, STYLE_ERROR, str_of(f->error.text), a.width - 1);
	if (f->spec.command)
		draw_command(f, area_part(a, 0, 1, a.width, a.height - 2));
	if (brief)
		area_printf(a, 0, last, STYLE_DIM, "[ %s ] Enter  Esc cancel  Tab next  Space tick%s", submit, f->spec.command ? "  ^Y copy" : "");
	else
		area_printf(a, 1, last, STYLE_DIM, "[ %s ] Enter   Esc cancel   Tab next field   Space tick%s", submit,
			    f->spec.command ? "   Ctrl-Y copy command" : "");
}

static int form_layout(struct form *f)
{
	int y = 0;

	for (size_t i = 0; i < f->nfields; i++) {
		f->field[i].y = y;
		f->field[i].height = field_height(f, i);
		y += f->field[i].height;
	}
	return y;
}

void form_draw(struct layer *layer, struct area screen)
{
	struct form *f = (struct form *)layer;
	int width = screen.width > 104 ? 100 : screen.width, rows, height, below;
	const struct form_field *focus = &f->field[f->focus];
	struct area box, in, body;

	f->room = width - label_width(f) - 7; /* as area_lines has it: a column free at each side */
	rows = form_layout(f);
	f->foot = foot_rows(f, width - 2, screen.height);
	height = rows + f->foot + 3;
	height = height > screen.height - 2 ? screen.height - 2 : height;
	box = area_part(screen, (screen.width - width) / 2, (screen.height - height) / 2, width, height);
	area_fill(box, ' ', STYLE_NORMAL);
	in = area_frame(box, f->title, true);
	body = area_part(in, 0, 0, in.width, in.height - f->foot);
	if (focus->y < f->scroll)
		f->scroll = focus->y;
	below = focus->spec.kind == FIELD_CHOICE ? rows - focus->y - focus->height : 0; /* what a choice brings is seen */
	below = below < body.height / 2 ? below : body.height / 2;
	if (focus->y + focus->height + below > f->scroll + body.height)
		f->scroll = focus->y + focus->height + below - body.height;
	if (f->scroll > rows - body.height)
		f->scroll = rows > body.height ? rows - body.height : 0;
	for (size_t i = 0; i < f->nfields; i++)
		draw_field(f, i, body, f->field[i].y - f->scroll, label_width(f));
	draw_foot(f, area_part(in, 0, in.height - f->foot, in.width, f->foot));
}
