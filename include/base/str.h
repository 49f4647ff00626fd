/* A borrowed piece of text or bytes: whoever made it says how long it lives. Not ended by 0. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t len;
};

static inline struct str str_of(const char *s)
{
	return (struct str){.p = s, .len = s ? strlen(s) : 0};
}

static inline bool str_is(struct str a, const char *s)
{
	return a.len == strlen(s) && (a.len == 0 || memcmp(a.p, s, a.len) == 0);
}

#endif
