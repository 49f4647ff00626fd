/* Options of the console: one table with type, default, range and text; `set` and the configuration file use it. */
#ifndef TUI_OPTION_H
#define TUI_OPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum option_id {
	OPTION_THEME, OPTION_CHARSET, OPTION_PERIOD, OPTION_TIME, OPTION_ESCAPE_MS, OPTION_CONFIRM, OPTION_FUNCTION_BAR, OPTION_READONLY,
	OPTION_COUNT
};

enum option_kind { OPTION_CHOICE, OPTION_NUMBER, OPTION_FLAG };

struct option {
	const char *name;
	enum option_kind kind;
	const char *initial;
	const char *choices; /* joined by blanks */
	int64_t low, high;   /* of a number */
	const char *summary;
};

extern const struct option option_table[OPTION_COUNT];

/* All values of one console. */
struct options {
	int64_t value[OPTION_COUNT]; /* choice: its index; flag: 0 1 */
};

void options_init(struct options *o);
int options_set(struct options *o, const char *name, const char *text, struct err *e);
/* As options_set takes it. */
void options_print(const struct options *o, enum option_id id, struct buf *out);
bool options_choice_is(const struct options *o, enum option_id id, const char *word);

#endif
