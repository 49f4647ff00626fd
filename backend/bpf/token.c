/* Where the words of an expression begin and end: near enough to libpcap's scanner to point at one.
 */
#include <ctype.h>
#include <string.h>

#include "bpf_private.h"

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '.' || c == '_' || c == '-' || c == ':' ||
	       c == '/' || c == '\\' || (unsigned char)c >= 0x80;
}

static bool starts_word(const char *p)
{
	return isalnum((unsigned char)*p) || *p == '\\' || (unsigned char)*p >= 0x80 ||
	       (p[0] == ':' && p[1] == ':');
}

static size_t word_length(const char *p)
{
	size_t n = 1;

	while (is_word(p[n]))
		n++;
	while (n > 1 && (p[n - 1] == ':' || p[n - 1] == '/') && p[n - 2] != ':')
		n--;
	return n;
}

bool token_next(const char *text, size_t *at, struct token *t)
{
	static const char *const two[] = {"&&", "||", ">=", "<=", "!=", "==", "<<", ">>"};
	const char *p = text + *at;

	while (isspace((unsigned char)*p))
		p++;
	if (!*p)
		return false;
	t->at = (size_t)(p - text);
	t->len = 1;
	if (starts_word(p)) {
		t->len = word_length(p);
	} else {
		for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++) {
			if (strncmp(p, two[i], 2) == 0)
				t->len = 2;
		}
	}
	*at = t->at + t->len;
	return true;
}

bool token_is(const char *text, const struct token *t, const char *word)
{
	return strlen(word) == t->len && memcmp(text + t->at, word, t->len) == 0;
}
