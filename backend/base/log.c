#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/text.h"

#define LOG_LINE_MAX 4096u

/* The one piece of state that a process shares: where its log goes. Set before threads are started.
 */
static struct {
	int fd; /* 0 is off as well as -1: standard input is nobody's log */
	enum log_level up_to;
	const char *program;
} log_state;

void log_open(int fd, enum log_level up_to, const char *program)
{
	log_state.fd = fd > 0 ? fd : 0;
	log_state.up_to = up_to;
	log_state.program = program;
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));
static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	char raw[LOG_LINE_MAX], when[TEXT_NUMBER_MAX];
	struct buf line;
	int n;

	if (log_state.fd == 0)
		return;
	n = vsnprintf(raw, sizeof(raw), fmt, ap);
	if (n < 0)
		return;
	buf_init(&line, (size_t)LOG_LINE_MAX * 5);
	/* A log that cannot be written has nowhere to say so. */
	(void)buf_printf(&line, "%s %s %s[%d] ", text_rfc3339(clock_now_ns(), when), names[level],
			 log_state.program, (int)getpid());
	text_escape(&line, (struct str){raw, n < (int)sizeof(raw) ? (size_t)n : sizeof(raw) - 1},
		    false);
	(void)buf_add_byte(&line, '\n');
	(void)fdio_write_all(log_state.fd, line.data, line.len);
	buf_release(&line);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_ERROR, fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	if (LOG_LEVEL_WARN > log_state.up_to)
		return;
	va_start(ap, fmt);
	log_line(LOG_LEVEL_WARN, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (LOG_LEVEL_INFO > log_state.up_to)
		return;
	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}

void log_debug(const char *fmt, ...)
{
	va_list ap;

	if (LOG_LEVEL_DEBUG > log_state.up_to)
		return;
	va_start(ap, fmt);
	log_line(LOG_LEVEL_DEBUG, fmt, ap);
	va_end(ap);
}

void log_asked(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_line(LOG_LEVEL_INFO, fmt, ap);
	va_end(ap);
}
