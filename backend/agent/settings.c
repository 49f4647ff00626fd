#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "control.h"
#include "spec.h"
#include "wire/daemon.def"

#define PATH_BYTES_MAX 4000u
#define BUFFER_LEAST_BYTES (1024u * 1024)

typedef int set_fn(struct settings *s, const char *value, struct err *e);

#define S(id, words, argument, usual, summary) static set_fn set_##id;
DAEMON_SETTINGS(S)
#undef S

static const struct setting {
	const char *words, *argument;
	set_fn *set;
} known[] = {
#define S(id, words, argument, usual, summary) {words, argument, set_##id},
	DAEMON_SETTINGS(S)
#undef S
};

void settings_init(struct settings *s)
{
	*s = (struct settings){
		.log_level = -1,
		.limits = {.size_bytes = LIMITS_SIZE_BYTES,
			   .time_ns = LIMITS_TIME_NS,
			   .free_bytes = LIMITS_FREE_BYTES,
			   .free_percent = LIMITS_FREE_PERCENT},
		.sessions = CONTROL_SESSIONS_MAX,
		.clients = CONTROL_PEERS_MAX,
		.buffer_bytes = SPEC_BUFFER_MAX_BYTES,
	};
}

void settings_release(struct settings *s)
{
	free(s->group);
	free(s->captures);
	free(s->log);
	free(s->audit);
	*s = (struct settings){0};
}

/* --- values --- */

static int take_path(char **place, const char *value, struct err *e)
{
	if (value[0] != '/' || strlen(value) > PATH_BYTES_MAX)
		return err_set(e, ERR_CALL, "a whole path, which begins with /, not \"%s\"", value);
	free(*place);
	*place = xstrdup(value);
	return 0;
}

/* A trailing B is no unit of its own. */
static int take_count(const char *value, uint64_t low, uint64_t high, uint64_t *to, struct err *e)
{
	struct str v = str_of(value);
	uint64_t n;

	if (v.len > 1 && v.p[v.len - 1] == 'B')
		v.len--;
	if (text_parse_count(v, &n, e)) {
		if (e)
			e->code = ERR_CALL;
		return -1;
	}
	if (n < low || n > high)
		return err_set(e, ERR_CALL, "between %llu and %llu, not %s",
			       (unsigned long long)low, (unsigned long long)high, value);
	*to = n;
	return 0;
}

static int take_unsigned(const char *value, unsigned high, unsigned *to, struct err *e)
{
	uint64_t n = 0;

	if (take_count(value, 1, high, &n, e))
		return -1;
	*to = (unsigned)n;
	return 0;
}

/* --- the settings --- */

static int set_group(struct settings *s, const char *value, struct err *e)
{
	gid_t ignored;

	if (value[0] && settings_group(value, &ignored, e))
		return -1;
	free(s->group);
	s->group = xstrdup(value);
	return 0;
}

static int set_captures(struct settings *s, const char *value, struct err *e)
{
	return take_path(&s->captures, value, e);
}

static int set_log(struct settings *s, const char *value, struct err *e)
{
	return take_path(&s->log, value, e);
}

static int set_audit(struct settings *s, const char *value, struct err *e)
{
	return take_path(&s->audit, value, e);
}

static int set_log_level(struct settings *s, const char *value, struct err *e)
{
	static const char *const levels[] = {"error", "warn", "info", "debug"};

	for (size_t i = 0; i < ARRAY_LEN(levels); i++)
		if (strcmp(value, levels[i]) == 0) {
			s->log_level = (int)i;
			return 0;
		}
	return err_set(e, ERR_CALL, "error, warn, info or debug, not \"%s\"", value);
}

static int set_limit_size(struct settings *s, const char *value, struct err *e)
{
	return take_count(value, 0, UINT64_MAX / 2, &s->limits.size_bytes, e);
}

static int set_limit_time(struct settings *s, const char *value, struct err *e)
{
	int64_t ns = 0;

	if (text_parse_duration(str_of(value), &ns, e) || ns < 0 || (ns && ns < NS_PER_S))
		return err_set(e, ERR_CALL,
			       "a time of a second or more such as 12h or 7d, or 0, not \"%s\"",
			       value);
	s->limits.time_ns = ns;
	return 0;
}

static int set_limit_free(struct settings *s, const char *value, struct err *e)
{
	const size_t len = strlen(value);
	uint64_t percent = 0;
	char *number;
	int r;

	if (len == 0 || value[len - 1] != '%')
		return take_count(value, 0, UINT64_MAX / 2, &s->limits.free_bytes, e);
	number = xstrndup(value, len - 1);
	r = take_count(number, 0, 99, &percent, e);
	free(number);
	if (r == 0)
		s->limits.free_percent = (unsigned)percent;
	return r;
}

static int set_limit_sessions(struct settings *s, const char *value, struct err *e)
{
	return take_unsigned(value, CONTROL_SESSIONS_MAX, &s->sessions, e);
}

static int set_limit_clients(struct settings *s, const char *value, struct err *e)
{
	return take_unsigned(value, CONTROL_PEERS_MAX, &s->clients, e);
}

static int set_limit_buffer(struct settings *s, const char *value, struct err *e)
{
	return take_count(value, BUFFER_LEAST_BYTES, SPEC_BUFFER_MAX_BYTES, &s->buffer_bytes, e);
}

/* --- lines --- */

/* How many words in front of the value the setting has; 0: it is another. */
static int setting_words(const struct setting *x, const struct words *w)
{
	const char *at = x->words;
	int n = 0;

	for (; n < w->count; n++) {
		const size_t len = strcspn(at, " ");

		if (strlen(w->word[n]) != len || memcmp(w->word[n], at, len) != 0)
			return 0;
		if (!at[len])
			return n + 1;
		at += len + 1;
	}
	return 0;
}

static int setting_unknown(const struct words *w, struct err *e)
{
	const char *names[ARRAY_LEN(known)], *near;
	char *said = w->count > 1 && strcmp(w->word[0], "limit") == 0
			     ? xasprintf("%s %s", w->word[0], w->word[1])
			     : xstrdup(w->word[0]);

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		names[i] = known[i].words;
	near = text_nearest(str_of(said), names, ARRAY_LEN(known));
	err_set(e, ERR_CALL, "there is no setting \"%s\"%s%s%s; tapdeckd.conf(5) has them all",
		said, near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	free(said);
	return -1;
}

static int words_apply(struct settings *s, const struct words *w, struct err *e)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		const int n = setting_words(&known[i], w);

		if (n == 0)
			continue;
		if (w->count != n + 1)
			return err_set(e, ERR_CALL, "%s takes one word: %s %s", known[i].words,
				       known[i].words, known[i].argument);
		return known[i].set(s, w->word[n], e) ? err_wrap(e, "%s", known[i].words) : 0;
	}
	return setting_unknown(w, e);
}

int settings_line(struct settings *s, const char *line, struct err *e)
{
	struct words w;
	int r;

	if (words_parse(&w, line, e))
		return -1;
	r = w.count ? words_apply(s, &w, e) : 0;
	words_release(&w);
	return r;
}

static int lines_apply(struct settings *s, char *text, const char *path, struct err *e)
{
	unsigned number = 0;

	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		number++;
		if (settings_line(s, line, e) == 0)
			continue;
		if (e)
			e->code = ERR_CALL;
		return err_wrap(e, "%s:%u", path, number);
	}
	return 0;
}

/* Whoever may write it decides whom a daemon of root's serves. */
static int file_check(int fd, const char *path, struct stat *st, struct err *e)
{
	if (fstat(fd, st))
		return err_errno(e, ERR_REFUSED, "could not look at %s", path);
	if (!S_ISREG(st->st_mode))
		return err_set(e, ERR_REFUSED, "%s is no file", path);
	if ((st->st_uid != 0 && st->st_uid != geteuid()) || (st->st_mode & 022) != 0)
		return err_set(e, ERR_REFUSED,
			       "%s may be written by others: it must be yours or root's, and "
			       "`chmod go-w %s`",
			       path, path);
	if (st->st_size > (off_t)SETTINGS_BYTES_MAX)
		return err_set(e, ERR_CALL, "%s is longer than %u bytes", path, SETTINGS_BYTES_MAX);
	return 0;
}

int settings_read(struct settings *s, const char *path, bool needed, struct err *e)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char *text = NULL;
	ssize_t n;
	int r = -1;

	if (fd < 0 && errno == ENOENT && !needed)
		return 0;
	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "could not open the configuration %s", path);
	if (file_check(fd, path, &st, e))
		goto out;
	text = xmalloc((size_t)st.st_size + 1);
	n = fdio_pread(fd, text, (size_t)st.st_size, 0);
	if (n < 0) {
		err_errno(e, ERR_REFUSED, "could not read the configuration %s", path);
		goto out;
	}
	text[n] = 0;
	r = memchr(text, 0, (size_t)n) ? err_set(e, ERR_CALL, "%s is no text", path)
				       : lines_apply(s, text, path, e);
out:
	free(text);
	close(fd);
	return r;
}

int settings_group(const char *text, gid_t *group, struct err *e)
{
	const struct group *found = getgrnam(text);
	char *end = NULL;
	unsigned long n;

	if (found) {
		*group = found->gr_gid;
		return 0;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || n >= (gid_t)-1)
		return err_set(e, ERR_CALL,
			       "there is no group \"%s\" on this machine: `groupadd --system %s` "
			       "makes it",
			       text, text);
	*group = (gid_t)n;
	return 0;
}
