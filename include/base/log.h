/* One log a process: lines "time level program[pid] text" on a descriptor; text is escaped.
 * Never the terminal while curses is on: the console gives a file. Default: nothing is written. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* `fd` stays the caller's and open; -1 switches off. `program` is borrowed for ever (a literal). */
void log_open(int fd, enum log_level up_to, const char *program);
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Whatever the level: somebody has asked for it. */
void log_asked(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
