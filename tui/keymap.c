#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "tui/key.h"

#define KEYMAP_OWN_MAX 1024 /* bindings of the configuration file */

static const char *const key_name[] = {
	"enter", "escape", "tab", "shift-tab", "backspace", "delete", "insert", "up", "down", "left", "right", "home", "end",
	"page-up", "page-down", "space", "ctrl-space", "f1", "f2", "f3", "f4", "f5", "f6", "f7", "f8", "f9", "f10", "f11", "f12",
};

struct binding {
	struct key key;
	char *memory; /* what its texts point into */
};

struct keymap {
	struct binding *own; /* the last one of a key wins */
	size_t count;
};

struct keymap *keymap_new(void)
{
	return xcalloc(1, sizeof(struct keymap));
}

void keymap_free(struct keymap *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->count; i++)
		free(m->own[i].memory);
	free(m->own);
	free(m);
}

bool key_valid(const char *name)
{
	struct str s = str_of(name);

	for (size_t i = 0; i < ARRAY_LEN(key_name); i++) {
		if (strcmp(key_name[i], name) == 0)
			return true;
	}
	if (strncmp(name, "ctrl-", 5) == 0)
		return name[5] >= 'a' && name[5] <= 'z' && !name[6];
	if (strncmp(name, "alt-", 4) == 0)
		return isgraph((unsigned char)name[4]) && !name[5];
	return s.len > 0 && text_width(text_utf8_next(&s)) > 0 && s.len == 0 && name[0] != ' ';
}

int keymap_bind(struct keymap *m, const char *context, const char *key, const char *command, struct err *e)
{
	size_t context_bytes, key_bytes;
	struct binding *b;

	if (!key_valid(key)) {
		const char *near = text_nearest(str_of(key), key_name, ARRAY_LEN(key_name));
		return err_set(e, ERR_CALL, "there is no key '%s'; did you mean '%s'? Keys are one sign, or names like f5 ctrl-p page-down",
			       key, near ? near : "enter");
	}
	if (m->count >= KEYMAP_OWN_MAX)
		return err_set(e, ERR_CALL, "more than %d keys are bound: the rest is left out", KEYMAP_OWN_MAX);
	m->own = xreallocarray(m->own, m->count + 1, sizeof(*m->own));
	b = &m->own[m->count++];
	context_bytes = strlen(context) + 1;
	key_bytes = strlen(key) + 1;
	b->memory = xmalloc(context_bytes + key_bytes + strlen(command) + 1);
	memcpy(b->memory, context, context_bytes);
	memcpy(b->memory + context_bytes, key, key_bytes);
	memcpy(b->memory + context_bytes + key_bytes, command, strlen(command) + 1);
	b->key = (struct key){.context = strcmp(context, "all") == 0 ? "" : b->memory, .key = b->memory + context_bytes,
			      .command = b->memory + context_bytes + key_bytes, .label = ""};
	return 0;
}

static bool key_is(const struct key *k, const char *context, const char *key)
{
	return strcmp(k->key, key) == 0 && strcmp(k->context, context) == 0;
}

static const struct key *keymap_find(const struct keymap *m, const char *context, const char *key)
{
	for (size_t i = m->count; i-- > 0;) {
		if (key_is(&m->own[i].key, context, key))
			return &m->own[i].key;
	}
	for (const struct key *k = key_table; k->key; k++) {
		if (key_is(k, context, key))
			return k;
	}
	return NULL;
}

const struct key *keymap_key(const struct keymap *m, const char *context, bool list, const char *key)
{
	const struct key *k = keymap_find(m, context, key);

	if (!k && list)
		k = keymap_find(m, "list", key);
	if (!k)
		k = keymap_find(m, "", key);
	return k && k->command[0] ? k : NULL;
}

bool keymap_at(const struct keymap *m, size_t i, struct key *k)
{
	if (i < m->count) {
		*k = m->own[i].key;
		return true;
	}
	for (const struct key *t = key_table; t->key; t++) {
		if (i-- == m->count) {
			*k = *t;
			return true;
		}
	}
	return false;
}

void keymap_keys(const struct keymap *m, const char *context, bool list, const char *command, char *out, size_t size)
{
	struct key k;
	size_t used = 0;

	out[0] = 0;
	for (size_t i = 0; keymap_at(m, i, &k); i++) {
		char label[32];
		const struct key *bound = keymap_key(m, context, list, k.key);
		if (!bound || !key_is(bound, k.context, k.key) || strcmp(bound->command, command) != 0)
			continue;
		key_label(k.key, label, sizeof(label));
		if (used + strlen(label) + 2 > size)
			break;
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", label);
	}
}

static const struct {
	const char *name, *label;
} special[] = {
	{"page-up", "PgUp"}, {"page-down", "PgDn"}, {"escape", "Esc"}, {"delete", "Del"}, {"insert", "Ins"},
	{"shift-tab", "Shift-Tab"}, {"backspace", "Backspace"}, {"ctrl-space", "Ctrl-Space"},
};

void key_label(const char *name, char *out, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(special); i++) {
		if (strcmp(special[i].name, name) == 0) {
			snprintf(out, size, "%s", special[i].label);
			return;
		}
	}
	snprintf(out, size, "%s", name);
	if (strncmp(name, "ctrl-", 5) == 0)
		snprintf(out, size, "Ctrl-%c", toupper((unsigned char)name[5]));
	else if (strncmp(name, "alt-", 4) == 0)
		snprintf(out, size, "Alt-%s", name + 4);
	else if (strlen(name) > 1 && (unsigned char)name[0] < 0x80)
		out[0] = (char)toupper((unsigned char)name[0]);
}
