#ifndef TUI_TERM_KEYS_H
#define TUI_TERM_KEYS_H

#include <stdbool.h>
#include <wchar.h>

#include "tui/term.h"

/* Sequences that terminfo leaves out (Shift-Tab, Home and End of other modes). After newterm. */
void keys_define(void);
/* Our name of what wget_wch gave; "" for what has none. */
const char *keys_name(bool is_code, wint_t ch, char name[TERM_KEY_MAX]);

#endif
