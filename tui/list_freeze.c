/* Rows that keep their places while their values move: the question becomes "these keys", the answer is put in order. */
#include <stdlib.h>
#include <string.h>

#include "app_private.h"
#include "base/xalloc.h"
#include "list_private.h"

void filter_quote(struct buf *out, const char *raw)
{
	bool plain = raw[0] != 0;

	for (const char *p = raw; *p && plain; p++)
		plain = (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || strchr("_.:-", *p);
	if (plain) {
		buf_add_str(out, raw);
		return;
	}
	buf_add_byte(out, '"');
	for (const char *p = raw; *p; p++) {
		if (*p == '"' || *p == '\\')
			buf_add_byte(out, '\\');
		buf_add_byte(out, (uint8_t)*p);
	}
	buf_add_byte(out, '"');
}

void list_freeze_filter(const struct list *l, struct buf *out)
{
	buf_printf(out, "%s in [", l->spec.key);
	for (size_t i = 0; i < l->nfrozen; i++) {
		buf_add_str(out, i ? ", " : "");
		filter_quote(out, l->frozen_key[i]);
	}
	buf_add_str(out, "]");
}

void list_freeze_rows(struct list *l)
{
	const struct window *w = feed_window(l->feed);

	for (size_t i = 0; i < l->nfrozen; i++)
		l->frozen_row[i] = -1;
	for (uint32_t row = 0; row < w->rows; row++) {
		char *key = list_key_of(l, row);
		for (size_t i = 0; i < l->nfrozen; i++) {
			if (l->frozen_row[i] < 0 && strcmp(l->frozen_key[i], key) == 0) {
				l->frozen_row[i] = (int)row;
				break;
			}
		}
		free(key);
	}
}

static void list_thaw(struct list *l)
{
	for (size_t i = 0; i < l->nfrozen; i++)
		free(l->frozen_key[i]);
	free(l->frozen_key);
	free(l->frozen_row);
	l->frozen_key = NULL;
	l->frozen_row = NULL;
	l->nfrozen = 0;
	l->frozen = false;
}

/* The rows that are here, from the one that is at the top of the view on, and before it where there is room. */
void list_freeze(struct list *l, bool frozen)
{
	const struct window *w = feed_window(l->feed);
	uint64_t from;
	uint32_t n;

	if (frozen == l->frozen)
		return;
	if (!frozen) {
		list_thaw(l);
		return;
	}
	n = w->rows < LIST_FROZEN_MAX ? w->rows : LIST_FROZEN_MAX;
	from = l->top >= w->first && l->top - w->first + n <= w->rows ? l->top : w->first + w->rows - n;
	if (n == 0)
		return;
	l->frozen_key = xcalloc(n, sizeof(*l->frozen_key));
	l->frozen_row = xcalloc(n, sizeof(*l->frozen_row));
	for (uint32_t i = 0; i < n; i++) {
		l->frozen_row[i] = (int)(from - w->first + i);
		l->frozen_key[i] = list_key_of(l, (uint32_t)l->frozen_row[i]);
	}
	l->nfrozen = n;
	l->frozen = true;
	l->cursor = l->cursor >= from ? l->cursor - from : 0;
	l->top = l->top >= from ? l->top - from : 0;
}
