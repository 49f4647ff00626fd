/* One way to fail: a function that can fail returns 0 or -1 and fills a struct err. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

#define ERR_TEXT_MAX 1024 /* bytes of a sentence, with its end; longer ones are cut */

/* The codes are the exit codes of the command line (CONTRACT: 1 to 4). */
enum err_code {
	ERR_NONE = 0,
	ERR_ABSENT = 1,	 /* what was named is not there */
	ERR_CALL = 2,	 /* the call is wrong: option, column, filter */
	ERR_REFUSED = 3, /* could not be opened, reached or allowed, or is no capture */
	ERR_PART = 4,	 /* part of it: damaged, cut, or a limit reached */
};

struct err {
	enum err_code code;
	int at;			 /* byte in the user's text that is wrong, -1 if none */
	char text[ERR_TEXT_MAX]; /* a sentence: what, where, what to do; printable UTF-8 */
};

/* All return -1, so that a caller can `return err_set(...)`. `e` may be NULL.
 * Text that came from outside is escaped by the err functions themselves. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As err_set, with ": " and strerror(errno) behind it. */
int err_errno(struct err *e, enum err_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* As err_set, with the place in the user's text (for the caret). */
int err_at(struct err *e, int at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Puts context and ": " before what is there. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_clear(struct err *e);

#endif
