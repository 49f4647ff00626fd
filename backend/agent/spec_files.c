/* The words of `new` that say what is recorded. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "session.h"
#include "spec_take.h"

#define NAMES_MAX 128u
#define COMMAND_BYTES_MAX 4096u
#define PATH_BYTES_MAX 4096u
#define LEVEL_MAX 22 /* zstd's highest; each program says itself what it does not take */

int take_record(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->record = true;
	return 0;
}

int take_count(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->record = false;
	return 0;
}

int take_every(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	return take_duration(t, v, &s->every_ns, e);
}

int take_aligned(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->aligned = true;
	return 0;
}

int take_size(struct spec *s, struct taker *t, struct err *e)
{
	return take_number(t, 4096, UINT64_MAX / 2, &s->size_bytes, e);
}

int take_packets(struct spec *s, struct taker *t, struct err *e)
{
	return take_number(t, 1, UINT64_MAX / 2, &s->packets, e);
}

int take_keep(struct spec *s, struct taker *t, struct err *e)
{
	return take_limit(t, &s->keep, e);
}

int take_format(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const choices[] = {"pcapng", "pcap", NULL};
	unsigned which;

	if (take_choice(t, choices, &which, e))
		return -1;
	s->pcap = which == 1;
	return 0;
}

int take_names(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};
	char text[NAMES_MAX + 1], *name;

	if (take_value(t, &v, e))
		return -1;
	if (v.len > 0 && v.len <= NAMES_MAX)
		memcpy(text, v.p, v.len);
	text[v.len <= NAMES_MAX ? v.len : 0] = 0;
	name = segment_pattern(text, 0, true, 1);
	if (!name || !capture_name_ok(str_of(name))) {
		free(name);
		return err_set(e, ERR_CALL,
			       "\"names\" is a pattern for a file's name, of letters, digits, "
			       "\".\", \"_\" and \"-\", with %%Y %%m %%d %%H %%M %%S "
			       "for the time and %%N for the segment's number; not \"%.*s\"",
			       (int)v.len, v.p);
	}
	free(name);
	free(s->names);
	s->names = xstrndup(v.p, v.len);
	return 0;
}

/* Times in names. */
int take_utc(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->utc = true;
	return 0;
}

static int compress_wrong(struct str v, struct err *e)
{
	return err_set(e, ERR_CALL,
		       "\"compress\" is gzip, zstd, lz4 or xz, with a level (gzip:6) and with "
		       "\":live\" where wanted; not \"%.*s\"",
		       (int)v.len, v.p);
}

/* ":6", ":live", ":6:live" */
static int compress_detail(struct spec *s, const char *text)
{
	char *end;

	if (*text == ':' && text[1] >= '0' && text[1] <= '9') {
		const long level = strtol(text + 1, &end, 10);

		if (level > LEVEL_MAX)
			return -1;
		s->compress_level = (int)level;
		text = end;
	}
	s->compress_live = strcmp(text, ":live") == 0;
	return *text && !s->compress_live ? -1 : 0;
}

int take_compress(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const types[] = {"gzip", "zstd", "lz4", "xz"};
	struct str v = {0};
	char *text;
	int r = -1;

	if (take_value(t, &v, e))
		return -1;
	text = xstrndup(v.p, v.len);
	s->compress_level = -1;
	for (size_t i = 0; i < ARRAY_LEN(types) && r; i++) {
		const size_t len = strlen(types[i]);

		if (strncmp(text, types[i], len) != 0 || compress_detail(s, text + len))
			continue;
		free(s->compress);
		s->compress = xstrdup(types[i]);
		r = 0;
	}
	free(text);
	return r ? compress_wrong(v, e) : 0;
}

/* A command is an argument list: no shell ever sees it. */
static int take_command(struct taker *t, char **command, struct err *e)
{
	struct words w;
	int count;

	if (take_text(t, COMMAND_BYTES_MAX, command, e))
		return -1;
	if (words_parse(&w, *command, e))
		return err_wrap(e, "%s", t->key);
	count = w.count;
	words_release(&w);
	if (count == 0 || count > (int)SPEC_COMMAND_MAX)
		return err_set(e, ERR_CALL, "\"%s\" is a command of 1 to %u words", t->key,
			       SPEC_COMMAND_MAX);
	return 0;
}

int take_pipe(struct spec *s, struct taker *t, struct err *e)
{
	return take_command(t, &s->pipe, e);
}

int take_announce(struct spec *s, struct taker *t, struct err *e)
{
	return take_command(t, &s->announce, e);
}

int take_watch_file(struct spec *s, struct taker *t, struct err *e)
{
	if (take_text(t, PATH_BYTES_MAX, &s->watch_file, e))
		return -1;
	if (s->watch_file[0] != '/')
		return err_set(e, ERR_CALL, "\"watch-file\" is a whole path, not \"%s\"",
			       s->watch_file);
	return 0;
}

int take_on_full(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const choices[] = {"stop", "oldest", "wait", NULL};
	unsigned which;

	if (take_choice(t, choices, &which, e))
		return -1;
	s->on_full = (enum spec_full)which;
	return 0;
}
