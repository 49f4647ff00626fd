#include "keys.h"

#define NCURSES_WIDECHAR 1
#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "base/xalloc.h"

static const struct {
	int code;
	const char *name;
} special[] = {
	{KEY_UP, "up"}, {KEY_DOWN, "down"}, {KEY_LEFT, "left"}, {KEY_RIGHT, "right"}, {KEY_HOME, "home"}, {KEY_END, "end"},
	{KEY_PPAGE, "page-up"}, {KEY_NPAGE, "page-down"}, {KEY_BACKSPACE, "backspace"}, {KEY_DC, "delete"}, {KEY_IC, "insert"},
	{KEY_BTAB, "shift-tab"}, {KEY_ENTER, "enter"},
};

void keys_define(void)
{
	define_key("\033[Z", KEY_BTAB);
	define_key("\033[H", KEY_HOME);
	define_key("\033[F", KEY_END);
	define_key("\033OH", KEY_HOME);
	define_key("\033OF", KEY_END);
	define_key("\033[1~", KEY_HOME);
	define_key("\033[4~", KEY_END);
}

static const char *code_name(int code, char name[TERM_KEY_MAX])
{
	if (code >= KEY_F(1) && code <= KEY_F(12)) {
		snprintf(name, TERM_KEY_MAX, "f%d", code - KEY_F(0));
		return name;
	}
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		if (special[i].code == code) {
			snprintf(name, TERM_KEY_MAX, "%s", special[i].name);
			return name;
		}
	}
	return name;
}

static const char *control_name(wint_t ch, char name[TERM_KEY_MAX])
{
	if (ch == '\r' || ch == '\n')
		snprintf(name, TERM_KEY_MAX, "enter");
	else if (ch == '\t')
		snprintf(name, TERM_KEY_MAX, "tab");
	else if (ch == 0x1b)
		snprintf(name, TERM_KEY_MAX, "escape");
	else if (ch == 0x7f || ch == 0x08)
		snprintf(name, TERM_KEY_MAX, "backspace");
	else if (ch == 0)
		snprintf(name, TERM_KEY_MAX, "ctrl-space");
	else if (ch <= 26)
		snprintf(name, TERM_KEY_MAX, "ctrl-%c", (char)('a' + ch - 1));
	return name;
}

static void utf8_name(wint_t ch, char name[TERM_KEY_MAX])
{
	unsigned char *p = (unsigned char *)name;

	if (ch < 0x800) {
		*p++ = (unsigned char)(0xc0 | (ch >> 6));
	} else if (ch < 0x10000) {
		*p++ = (unsigned char)(0xe0 | (ch >> 12));
		*p++ = (unsigned char)(0x80 | ((ch >> 6) & 0x3f));
	} else {
		*p++ = (unsigned char)(0xf0 | (ch >> 18));
		*p++ = (unsigned char)(0x80 | ((ch >> 12) & 0x3f));
		*p++ = (unsigned char)(0x80 | ((ch >> 6) & 0x3f));
	}
	*p++ = (unsigned char)(0x80 | (ch & 0x3f));
	*p = 0;
}

const char *keys_name(bool is_code, wint_t ch, char name[TERM_KEY_MAX])
{
	name[0] = 0;
	if (is_code)
		return code_name((int)ch, name);
	if (ch < 0x20 || ch == 0x7f)
		return control_name(ch, name);
	if (ch == ' ')
		snprintf(name, TERM_KEY_MAX, "space");
	else if (ch < 0x80)
		snprintf(name, TERM_KEY_MAX, "%c", (char)ch);
	else
		utf8_name(ch, name);
	return name;
}
