#include "spec.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "session.h"

#define DEFAULT_SNAPLEN SPEC_SNAPLEN_MAX
#define DEFAULT_RECORD_BYTES (64u * 1024 * 1024)
#define DEFAULT_COUNT_BYTES (4u * 1024 * 1024)
#define DEFAULT_WAIT_MS 250u
#define NAMES_MAX 128u

/* The words that are still to be read. */
struct taker {
	const struct str *word;
	size_t count, next;
	const char *key; /* whose value is read */
};

struct spec_word {
	const char *name;
	int (*take)(struct spec *s, struct taker *t, struct err *e); /* NULL: a later version's */
};

static const struct spec_word *word_find(struct str name);

static char *str_dup(struct str s)
{
	return xstrndup(s.p ? s.p : "", s.len);
}

bool spec_rotates(const struct spec *s)
{
	return s->every_ns || s->size_bytes || s->packets;
}

char *spec_join(const struct str *word, size_t count)
{
	struct buf b;
	char *text;

	buf_init(&b, WORDS_LINE_MAX);
	for (size_t i = 0; i < count; i++)
		if ((i && buf_add_byte(&b, ' ')) || buf_add(&b, word[i].p, word[i].len))
			break; /* the payload's own limit is above; what is cut does not compile */
	text = xstrdup(buf_str(&b));
	buf_release(&b);
	return text;
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

/* The next word as the key's value. */
static int take_value(struct taker *t, struct str *value, struct err *e)
{
	if (t->next >= t->count)
		return err_set(e, ERR_CALL, "\"%s\" needs a value behind it", t->key);
	*value = t->word[t->next++];
	return 0;
}

static int take_number(struct taker *t, uint64_t low, uint64_t high, uint64_t *number,
		       struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	if (v.len > 1 && (v.p[v.len - 1] == 'B' || v.p[v.len - 1] == 'b'))
		v.len--;
	if (text_parse_count(v, number, e)) {
		if (e)
			e->code = ERR_CALL;
		return err_wrap(e, "%s", t->key);
	}
	if (*number < low || *number > high)
		return err_set(e, ERR_CALL, "%s is between %llu and %llu, not %llu", t->key,
			       (unsigned long long)low, (unsigned long long)high,
			       (unsigned long long)*number);
	return 0;
}

/* Everything up to the next key, joined: a filter. */
static char *take_rest(struct taker *t)
{
	const size_t first = t->next;

	while (t->next < t->count && !word_find(t->word[t->next]))
		t->next++;
	return spec_join(t->word + first, t->next - first);
}

static int take_filter(struct spec *s, struct taker *t, struct err *e)
{
	if (s->filter[0])
		return err_set(e, ERR_CALL,
			       "a session has one filter: join both by \"and\" or \"or\"");
	free(s->filter);
	s->filter = take_rest(t);
	if (!s->filter[0])
		return err_set(e, ERR_CALL,
			       "\"filter\" needs an expression behind it, such as tcp port 80");
	return 0;
}

static int take_device(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	while (v.len) {
		const char *comma = memchr(v.p, ',', v.len);
		const struct str name = {v.p, comma ? (size_t)(comma - v.p) : v.len};

		if (name.len == 0 || name.len >= SPEC_NAME_MAX)
			return err_set(
				e, ERR_CALL,
				"\"device\" takes names joined by commas, of at most %u bytes each",
				SPEC_NAME_MAX - 1);
		if (name.len > 6 && memcmp(name.p, "netns:", 6) == 0)
			return err_set(e, ERR_CALL,
				       "this version cannot look into network namespaces yet: %.*s",
				       (int)name.len, name.p);
		if (s->ndevices == SPEC_DEVICES_MAX)
			return err_set(e, ERR_CALL, "a session has at most %u devices",
				       SPEC_DEVICES_MAX);
		s->device[s->ndevices++] = str_dup(name);
		v.len -= name.len + (comma != NULL);
		v.p += name.len + (comma != NULL);
	}
	return 0;
}

/* `on HOST` was for the console: by now we are there. */
static int take_on(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};

	(void)s;
	return take_value(t, &v, e);
}

static int take_record(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->record = true;
	return 0;
}

static int take_count(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->record = false;
	return 0;
}

int spec_counter_parse(const struct str *word, size_t count, struct spec_counter *counter,
		       struct err *e)
{
	char *text = spec_join(word, count), *equals = strchr(text, '=');
	int r = -1;

	*counter = (struct spec_counter){0};
	if (!equals) {
		err_set(e, ERR_CALL, "a counter is said as NAME=FILTER, not \"%s\"", text);
		goto out;
	}
	if (spec_name_check((struct str){text, (size_t)(equals - text)}, "counter", e))
		goto out;
	if (equals[1 + strspn(equals + 1, " ")] == 0) {
		err_set(e, ERR_CALL, "the counter \"%.*s\" needs a filter behind \"=\"",
			(int)(equals - text), text);
		goto out;
	}
	counter->name = xstrndup(text, (size_t)(equals - text));
	counter->filter = xstrdup(equals + 1);
	r = 0;
out:
	free(text);
	return r;
}

static int take_counter(struct spec *s, struct taker *t, struct err *e)
{
	const size_t first = t->next;
	struct spec_counter counter;

	if (s->ncounters == SPEC_COUNTERS_MAX)
		return err_set(e, ERR_CALL, "a session has at most %u counters", SPEC_COUNTERS_MAX);
	if (first == t->count)
		return err_set(e, ERR_CALL, "\"counter\" needs NAME=FILTER behind it");
	free(take_rest(t));
	if (spec_counter_parse(t->word + first, t->next - first, &counter, e))
		return -1;
	for (unsigned i = 0; i < s->ncounters; i++)
		if (strcmp(s->counter[i].name, counter.name) == 0) {
			err_set(e, ERR_CALL, "two counters are called \"%s\"", counter.name);
			free(counter.name);
			free(counter.filter);
			return -1;
		}
	s->counter[s->ncounters++] = counter;
	return 0;
}

static int take_snaplen(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 0, SPEC_SNAPLEN_MAX, &n, e))
		return -1;
	s->snaplen = n ? (uint32_t)n : SPEC_SNAPLEN_MAX; /* 0 means all, as in tcpdump */
	return 0;
}

static int take_buffer(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 1, SPEC_BUFFER_MAX_BYTES, &n, e))
		return -1;
	if (n <= SPEC_BUFFER_MAX_BYTES / 1000000) /* a plain number is MB */
		n *= 1000000;
	s->buffer_bytes = (uint32_t)n;
	return 0;
}

static int take_promiscuous(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->promiscuous = true;
	return 0;
}

/* One of two words; which. */
static int take_choice(struct taker *t, const char *first, const char *second, bool *is_second,
		       struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	*is_second = str_is(v, second);
	if (!*is_second && !str_is(v, first))
		return err_set(e, ERR_CALL, "\"%s\" is \"%s\" or \"%s\", not \"%.*s\"", t->key,
			       first, second, (int)v.len, v.p);
	return 0;
}

static int take_direction(struct spec *s, struct taker *t, struct err *e)
{
	bool out;

	if (take_choice(t, "in", "out", &out, e))
		return -1;
	s->direction = out ? 2 : 1;
	return 0;
}

static int take_own(struct spec *s, struct taker *t, struct err *e)
{
	return take_choice(t, "in", "out", &s->own_out, e);
}

static int take_format(struct spec *s, struct taker *t, struct err *e)
{
	return take_choice(t, "pcapng", "pcap", &s->pcap, e);
}

static int take_duration(struct taker *t, struct str v, uint64_t *ns, struct err *e)
{
	int64_t n;

	if (text_parse_duration(v, &n, e)) {
		if (e)
			e->code = ERR_CALL;
		return err_wrap(e, "%s", t->key);
	}
	if (n < 1000000000)
		return err_set(e, ERR_CALL, "\"%s\" is at least a second, not \"%.*s\"", t->key,
			       (int)v.len, v.p);
	*ns = (uint64_t)n;
	return 0;
}

static int take_every(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};
	uint64_t ns = 0;

	if (take_value(t, &v, e) || take_duration(t, v, &ns, e))
		return -1;
	s->every_ns = (int64_t)ns;
	return 0;
}

static int take_size(struct spec *s, struct taker *t, struct err *e)
{
	return take_number(t, 4096, UINT64_MAX / 2, &s->size_bytes, e);
}

static int take_packets(struct spec *s, struct taker *t, struct err *e)
{
	return take_number(t, 1, UINT64_MAX / 2, &s->packets, e);
}

/* "7" a number, "7d" a time, "7M" "7MB" bytes. */
static int take_amount(struct taker *t, struct spec_amount *a, struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	if (v.len && strchr("smhd", v.p[v.len - 1])) {
		a->kind = SPEC_TIME;
		return take_duration(t, v, &a->value, e);
	}
	t->next--;
	a->kind =
		v.len && v.p[v.len - 1] >= '0' && v.p[v.len - 1] <= '9' ? SPEC_NUMBER : SPEC_BYTES;
	return take_number(t, 1, UINT64_MAX / 2, &a->value, e);
}

static int take_keep(struct spec *s, struct taker *t, struct err *e)
{
	return take_amount(t, &s->keep, e);
}

static int take_stop(struct spec *s, struct taker *t, struct err *e)
{
	return take_amount(t, &s->stop, e);
}

static int take_names(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};
	char text[NAMES_MAX + 1], *name;

	if (take_value(t, &v, e))
		return -1;
	if (v.len > 0 && v.len <= NAMES_MAX)
		memcpy(text, v.p, v.len);
	text[v.len <= NAMES_MAX ? v.len : 0] = 0;
	name = segment_pattern(text, 0, 1);
	if (!name || !capture_name_ok(str_of(name))) {
		free(name);
		return err_set(e, ERR_CALL,
			       "\"names\" is a pattern for a file's name, of letters, digits, "
			       "\".\", \"_\" and \"-\", with %%Y %%m %%d %%H %%M %%S "
			       "for the time (UTC) and %%N for the segment's number; not \"%.*s\"",
			       (int)v.len, v.p);
	}
	free(name);
	free(s->names);
	s->names = str_dup(v);
	return 0;
}

static int take_note(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	free(s->note);
	s->note = str_dup(v);
	return 0;
}

static int take_wait(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 0, SPEC_WAIT_MAX_MS, &n, e))
		return -1;
	s->wait_ms = (uint32_t)n;
	return 0;
}

static int take_ephemeral(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->ephemeral = true;
	return 0;
}

/* Times in names are UTC already. */
static int take_utc(struct spec *s, struct taker *t, struct err *e)
{
	(void)s, (void)t, (void)e;
	return 0;
}

static const struct spec_word known[] = {
	{"filter", take_filter},
	{"device", take_device},
	{"on", take_on},
	{"record", take_record},
	{"count", take_count},
	{"counter", take_counter},
	{"alert", NULL},
	{"snaplen", take_snaplen},
	{"buffer", take_buffer},
	{"promiscuous", take_promiscuous},
	{"direction", take_direction},
	{"sample", NULL},
	{"past", NULL},
	{"every", take_every},
	{"size", take_size},
	{"packets", take_packets},
	{"own-traffic", take_own},
	{"keep", take_keep},
	{"stop-after", take_stop},
	{"format", take_format},
	{"names", take_names},
	{"utc", take_utc},
	{"compress", NULL},
	{"pipe", NULL},
	{"announce", NULL},
	{"watch-file", NULL},
	{"on-full", NULL},
	{"wait-ms", take_wait},
	{"user", NULL},
	{"note", take_note},
	{"persist", NULL},
	{"ephemeral", take_ephemeral},
};

static const struct spec_word *word_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_is(name, known[i].name))
			return &known[i];
	return NULL;
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

static int spec_finish(struct spec *s, struct err *e)
{
	if (!s->record && (spec_rotates(s) || s->keep.kind || s->pcap || s->names))
		return err_set(e, ERR_CALL,
			       "every, size, packets, keep, format and names are about files: say "
			       "\"record\" too");
	if (s->pcap && s->ndevices > 1)
		return err_set(e, ERR_CALL,
			       "\"format pcap\" holds one device; several need pcapng");
	if (s->snaplen == 0)
		s->snaplen = DEFAULT_SNAPLEN;
	if (s->buffer_bytes == 0)
		s->buffer_bytes = s->record ? DEFAULT_RECORD_BYTES : DEFAULT_COUNT_BYTES;
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
	s->name = str_dup(word[0]);
	s->words = spec_join(word + 1, count - 1);
	while (t.next < t.count) {
		const struct str name = t.word[t.next++];
		const struct spec_word *w = word_find(name);

		if (!w)
			return word_unknown(name, e);
		t.key = w->name;
		if (!w->take)
			return err_set(e, ERR_CALL, "this version cannot do \"%s\" yet", w->name);
		if (w->take(s, &t, e))
			return -1;
	}
	return spec_finish(s, e);
}

void spec_release(struct spec *s)
{
	for (unsigned i = 0; i < s->ndevices; i++)
		free(s->device[i]);
	for (unsigned i = 0; i < s->ncounters; i++) {
		free(s->counter[i].name);
		free(s->counter[i].filter);
	}
	free(s->name);
	free(s->filter);
	free(s->note);
	free(s->names);
	free(s->words);
	*s = (struct spec){0};
}
