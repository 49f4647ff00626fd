#include "base/xalloc.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_NO_MEMORY 70 /* EX_SOFTWARE of sysexits.h */

static void *memory_or_end(void *p)
{
	static const char sentence[] = "tapdeck: out of memory\n";

	if (p)
		return p;
	/* Nothing can be done about a failing write here. */
	if (write(STDERR_FILENO, sentence, sizeof(sentence) - 1) < 0)
		_exit(EXIT_NO_MEMORY);
	_exit(EXIT_NO_MEMORY);
}

void *xmalloc(size_t bytes)
{
	return memory_or_end(malloc(bytes ? bytes : 1));
}

void *xcalloc(size_t count, size_t bytes)
{
	return memory_or_end(count && bytes ? calloc(count, bytes) : calloc(1, 1));
}

void *xreallocarray(void *p, size_t count, size_t bytes)
{
	return memory_or_end(count && bytes ? reallocarray(p, count, bytes) : realloc(p, 1));
}

char *xstrdup(const char *s)
{
	return memory_or_end(strdup(s));
}

char *xstrndup(const char *s, size_t len)
{
	return memory_or_end(strndup(s, len));
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return memory_or_end(n < 0 ? NULL : s);
}
