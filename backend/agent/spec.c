#include "spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "spec_take.h"

#define DEFAULT_RECORD_BYTES (64u * 1024 * 1024)
#define DEFAULT_COUNT_BYTES (4u * 1024 * 1024)
#define DEFAULT_WAIT_MS 250u

static const struct spec_word {
	const char *name;
	spec_take_fn *take;
} known[] = {
#define W(id, name, takes, argument, summary) {name, take_##id},
	NEW_WORDS(W)
#undef W
};

bool spec_rotates(const struct spec *s)
{
	return s->every_ns || s->size_bytes || s->packets;
}

int spec_name_check(struct str name, const char *what, struct err *e)
{
	static const char usual[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	if (name.len == 0 || name.len > SPEC_NAME_MAX)
		return err_set(e, ERR_CALL, "the name of a %s has 1 to %u characters", what,
			       SPEC_NAME_MAX);
	if (name.p[0] == '.' || name.p[0] == '-')
		return err_set(e, ERR_CALL, "the name of a %s does not begin with \"%c\": \"%.*s\"",
			       what, name.p[0], (int)name.len, name.p);
	for (size_t i = 0; i < name.len; i++)
		if (!name.p[i] || !strchr(usual, name.p[i]))
			return err_set(e, ERR_CALL,
				       "the name of a %s is made of letters, digits, \".\", \"_\" "
				       "and \"-\": \"%.*s\"",
				       what, (int)name.len, name.p);
	return 0;
}

static const struct spec_word *word_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_is(name, known[i].name))
			return &known[i];
	return NULL;
}

bool spec_is_word(struct str name)
{
	return word_find(name) != NULL;
}

static int word_unknown(struct str word, struct err *e)
{
	const char *names[ARRAY_LEN(known)], *near;

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		names[i] = known[i].name;
	near = text_nearest(word, names, ARRAY_LEN(known));
	return err_set(e, ERR_CALL, "\"%.*s\" is no word of `new`%s%s%s; see tapdeck(1) for all",
		       (int)word.len, word.p, near ? ": did you mean \"" : "", near ? near : "",
		       near ? "\"?" : "");
}

/* What is about files is for those who record, now or by `past`. */
static const char *word_of_files(const struct spec *s)
{
	const struct {
		bool said;
		const char *name;
	} words[] = {
		{s->every_ns, "every"},
		{s->size_bytes, "size"},
		{s->packets, "packets"},
		{s->keep.number || s->keep.bytes || s->keep.time_ns, "keep"},
		{s->pcap, "format"},
		{s->names, "names"},
		{s->compress, "compress"},
		{s->announce, "announce"},
		{s->watch_file, "watch-file"},
		{s->on_full != SPEC_FULL_STOP, "on-full"},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (words[i].said)
			return words[i].name;
	return NULL;
}

static int spec_finish(struct spec *s, struct err *e)
{
	const char *files = word_of_files(s);

	if (!s->record && !s->past_bytes && files)
		return err_set(e, ERR_CALL, "\"%s\" is about files: say \"record\" too", files);
	if (s->record && s->past_bytes)
		return err_set(e, ERR_CALL,
			       "what is recorded has its past in its files: say "
			       "\"record\" or \"past\"");
	if (s->save_when && !s->past_bytes)
		return err_set(e, ERR_CALL, "\"save-when\" saves a past: say \"past 30s\" too");
	if (s->aligned && !s->every_ns)
		return err_set(e, ERR_CALL,
			       "\"aligned\" is about \"every\": say \"every 60s\" too");
	if (s->pcap && s->ndevices > 1)
		return err_set(e, ERR_CALL,
			       "\"format pcap\" holds one device; several need pcapng");
	if (s->persist && s->ephemeral)
		return err_set(e, ERR_CALL, "a session is \"persist\" or \"ephemeral\", not both");
	if (s->snaplen == 0)
		s->snaplen = SPEC_SNAPLEN_MAX;
	if (s->buffer_bytes == 0)
		s->buffer_bytes =
			s->record || s->past_bytes ? DEFAULT_RECORD_BYTES : DEFAULT_COUNT_BYTES;
	return 0;
}

int spec_parse(struct spec *s, const struct str *word, size_t count, struct err *e)
{
	struct taker t = {.word = word, .count = count, .next = 1};

	*s = (struct spec){.filter = xstrdup(""), .note = xstrdup(""), .wait_ms = DEFAULT_WAIT_MS};
	if (count == 0)
		return err_set(e, ERR_CALL,
			       "`new` needs a name, and words behind it: new NAME [filter F] "
			       "[record] ...");
	if (spec_name_check(word[0], "session", e))
		return -1;
	s->name = xstrndup(word[0].p, word[0].len);
	s->words = spec_quote(word + 1, count - 1);
	if (strlen(s->words) > SPEC_WORDS_BYTES_MAX)
		return err_set(
			e, ERR_CALL,
			"the words of `new` have more than %u bytes: add counters behind it, by "
			"`counter %s add -`",
			SPEC_WORDS_BYTES_MAX, s->name);
	while (t.next < t.count) {
		const struct str name = t.word[t.next++];
		const struct spec_word *w = word_find(name);

		if (!w)
			return word_unknown(name, e);
		t.key = w->name;
		if (w->take(s, &t, e))
			return -1;
	}
	return spec_finish(s, e);
}

void spec_release(struct spec *s)
{
	char *const texts[] = {s->name,	    s->filter,	   s->note,	 s->names,    s->words,
			       s->stamp,    s->save_when,  s->stop_when, s->compress, s->pipe,
			       s->announce, s->watch_file, s->user};

	for (unsigned i = 0; i < s->ndevices; i++)
		free(s->device[i]);
	for (unsigned i = 0; i < s->ncounters; i++) {
		free(s->counter[i].name);
		free(s->counter[i].filter);
	}
	for (unsigned i = 0; i <= s->nalerts && i < SPEC_ALERTS_MAX; i++)
		free(s->alert[i]);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		free(texts[i]);
	*s = (struct spec){0};
}
