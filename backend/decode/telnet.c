/* Telnet, RFC 854: text, and commands behind the byte 255. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "app.h"

#define TELNET_COMMANDS_LINE 6u
#define TELNET_PARTS_MAX 100u

enum { IAC = 255, CMD_SE = 240, CMD_SB = 250, CMD_WILL = 251, CMD_DONT = 254 };

static const struct code_name commands[] = {
	{240, "end"},	     {241, "nop"},	{242, "data-mark"},	{243, "break"},
	{244, "interrupt"},  {245, "abort"},	{246, "are-you-there"}, {247, "erase-character"},
	{248, "erase-line"}, {249, "go-ahead"}, {250, "about"},		{251, "will"},
	{252, "won't"},	     {253, "do"},	{254, "don't"},		{0, NULL},
};

static const struct code_name telnet_options[] = {
	{0, "binary"},
	{1, "echo"},
	{3, "suppress-go-ahead"},
	{5, "status"},
	{6, "timing-mark"},
	{24, "terminal-type"},
	{31, "window-size"},
	{32, "terminal-speed"},
	{33, "flow-control"},
	{34, "linemode"},
	{35, "x-display"},
	{36, "environment"},
	{37, "authentication"},
	{38, "encryption"},
	{39, "new-environment"},
	{0, NULL},
};

/* The end of the command at p (its first byte is IAC); NULL when it is not all here. */
static const uint8_t *command_end(const uint8_t *p, const uint8_t *tail)
{
	if (tail - p < 2)
		return NULL;
	if (p[1] != CMD_SB)
		return p[1] >= CMD_WILL && p[1] <= CMD_DONT ? (tail - p < 3 ? NULL : p + 3) : p + 2;
	for (p += 2; tail - p >= 2; p++) {
		if (p[0] == IAC && p[1] == CMD_SE)
			return p + 2;
	}
	return NULL;
}

/* Nothing but negotiations of options that exist: what a telnet server or client begins with. */
bool telnet_speaks(const struct probe *b)
{
	const uint8_t *p = b->p, *tail = b->p + b->length, *end;
	bool agreed = false;

	while (p < tail) {
		if (p[0] != IAC || !(end = command_end(p, tail)) || p[1] < CMD_SB || p[1] == IAC)
			return false;
		if (p[2] > 49)
			return false;
		agreed = agreed || p[1] != CMD_SB;
		p = end;
	}
	return agreed && b->length == b->wire;
}

/* Its port, and a terminal's character or a command. */
bool telnet_looks(const struct probe *b)
{
	if (b->p[0] == IAC)
		return b->length >= 2 && b->p[1] >= CMD_SE && b->p[1] != IAC;
	return (b->p[0] >= ' ' && b->p[0] <= '~') || b->p[0] == 0x1b || b->p[0] == '\r' ||
	       b->p[0] == '\n' || b->p[0] == '\b' || b->p[0] == '\t' || b->p[0] == 0x7f;
}

static const char *option_text(uint8_t option, char out[16])
{
	const char *name = code_text(telnet_options, option, NULL);

	if (name)
		return name;
	snprintf(out, 16, "option-%u", option);
	return out;
}

/* The next command, or text up to one. */
static struct str part_next(struct cursor *c, bool *command)
{
	const uint8_t *p = c->data, *end;

	*command = *p == IAC && cursor_left(c) >= 2;
	end = *command ? command_end(p, c->tail) : memchr(p + 1, IAC, cursor_left(c) - 1);
	c->data = end ? end : c->tail;
	return (struct str){(const char *)p, (size_t)(c->data - p)};
}

static void command_add(struct buf *out, struct str part)
{
	const uint8_t *p = (const uint8_t *)part.p;
	char text[16];

	buf_add_str(out, code_text(commands, p[1], "command"));
	if (p[1] >= CMD_SB && part.len > 2)
		buf_printf(out, " %s", option_text(p[2], text));
}

void telnet_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	bool command;

	for (unsigned i = 0; i < TELNET_COMMANDS_LINE && cursor_left(&c); i++) {
		struct str part = part_next(&c, &command);

		if (i)
			buf_add_str(out, ", ");
		if (command)
			command_add(out, part);
		else
			text_escape(out, part.len > 200 ? (struct str){part.p, 200} : part, false);
	}
}

void telnet_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l);
	bool command;
	char text[16];

	for (unsigned i = 0; i < TELNET_PARTS_MAX && cursor_left(&c); i++) {
		uint32_t at = cursor_offset(&c);
		struct str part = part_next(&c, &command);
		const uint8_t *p = (const uint8_t *)part.p;

		if (!command)
			view_text(v, "text", at, (uint32_t)part.len, part);
		else if (p[1] >= CMD_SB && part.len > 2)
			view_field(v, "command", at, (uint32_t)part.len, "%s %s",
				   code_text(commands, p[1], "command"), option_text(p[2], text));
		else
			view_field(v, "command", at, (uint32_t)part.len, "%s",
				   code_text(commands, p[1], "command"));
	}
}
