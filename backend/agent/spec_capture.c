/* The words of `new` that say what is captured and counted. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "spec_take.h"

#define NOTE_BYTES_MAX 4096u
#define USER_BYTES_MAX 64u
#define PAST_BYTES_MAX (480u * 1024 * 1024)   /* what the chunks of a session can hold */

int take_filter(struct spec *s, struct taker *t, struct err *e)
{
	if (s->filter[0])
		return err_set(e, ERR_CALL,
			       "a session has one filter: join both by \"and\" or \"or\"");
	return take_rest(t, &s->filter, e);
}

int take_device(struct spec *s, struct taker *t, struct err *e)
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
		if (s->ndevices == SPEC_DEVICES_MAX)
			return err_set(e, ERR_CALL, "a session has at most %u devices",
				       SPEC_DEVICES_MAX);
		s->device[s->ndevices++] = xstrndup(name.p, name.len);
		v.len -= name.len + (comma != NULL);
		v.p += name.len + (comma != NULL);
	}
	return 0;
}

/* `on HOST` was for the console: by now we are there. */
int take_on(struct spec *s, struct taker *t, struct err *e)
{
	struct str v = {0};

	(void)s;
	return take_value(t, &v, e);
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

int take_counter(struct spec *s, struct taker *t, struct err *e)
{
	const size_t first = t->next;
	struct spec_counter counter;
	char *text = NULL;
	int r;

	if (s->ncounters == SPEC_COUNTERS_MAX)
		return err_set(e, ERR_CALL, "a session has at most %u counters", SPEC_COUNTERS_MAX);
	if (first == t->count)
		return err_set(e, ERR_CALL, "\"counter\" needs NAME=FILTER behind it");
	r = take_rest(t, &text, e);
	free(text);
	if (r || spec_counter_parse(t->word + first, t->next - first, &counter, e))
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

int take_alert(struct spec *s, struct taker *t, struct err *e)
{
	if (s->nalerts == SPEC_ALERTS_MAX)
		return err_set(e, ERR_CALL, "a session has at most %u alerts", SPEC_ALERTS_MAX);
	if (take_rest(t, &s->alert[s->nalerts], e))
		return -1;
	s->nalerts++;
	return 0;
}

int take_snaplen(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 0, SPEC_SNAPLEN_MAX, &n, e))
		return -1;
	s->snaplen = n ? (uint32_t)n : SPEC_SNAPLEN_MAX; /* 0 means all, as in tcpdump */
	return 0;
}

int take_buffer(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 1, SPEC_BUFFER_MAX_BYTES, &n, e))
		return -1;
	if (n <= SPEC_BUFFER_MAX_BYTES / 1000000) /* a plain number is MB */
		n *= 1000000;
	s->buffer_bytes = (uint32_t)n;
	return 0;
}

int take_promiscuous(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->promiscuous = true;
	return 0;
}

int take_direction(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const choices[] = {"in", "out", NULL};
	unsigned which;

	if (take_choice(t, choices, &which, e))
		return -1;
	s->direction = which ? 2 : 1;
	return 0;
}

int take_sample(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 1, UINT32_MAX, &n, e))
		return -1;
	s->sample = (uint32_t)n;
	return 0;
}

int take_stamp(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const choices[] = {"host",	 "host_lowprec",     "host_hiprec",
					      "adapter", "adapter_unsynced", NULL};
	unsigned which;

	if (take_choice(t, choices, &which, e))
		return -1;
	free(s->stamp);
	s->stamp = xstrdup(choices[which]);
	return 0;
}

int take_precision(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const choices[] = {"ns", "us", NULL};
	unsigned which;

	if (take_choice(t, choices, &which, e))
		return -1;
	s->microseconds = which == 1;
	return 0;
}

int take_past(struct spec *s, struct taker *t, struct err *e)
{
	struct spec_limits limits = {0};

	if (take_limit(t, &limits, e))
		return -1;
	if (limits.number)
		return err_set(e, ERR_CALL, "\"past\" is a time or a size: past 30s, past 100MB");
	if (limits.bytes > PAST_BYTES_MAX)
		return err_set(e, ERR_CALL, "\"past\" holds at most %u MB in memory",
			       PAST_BYTES_MAX / (1024 * 1024));
	if (limits.bytes)
		s->past_bytes = limits.bytes;
	if (limits.time_ns)
		s->past_ns = limits.time_ns;
	if (!s->past_bytes)
		s->past_bytes = SPEC_PAST_USUAL_BYTES;
	return 0;
}

int take_save_when(struct spec *s, struct taker *t, struct err *e)
{
	return take_rest(t, &s->save_when, e);
}

int take_stop_when(struct spec *s, struct taker *t, struct err *e)
{
	return take_rest(t, &s->stop_when, e);
}

int take_stop_after(struct spec *s, struct taker *t, struct err *e)
{
	return take_limit(t, &s->stop, e);
}

int take_own_traffic(struct spec *s, struct taker *t, struct err *e)
{
	static const char *const choices[] = {"in", "out", NULL};
	unsigned which;

	if (take_choice(t, choices, &which, e))
		return -1;
	s->own_out = which == 1;
	return 0;
}

int take_wait_ms(struct spec *s, struct taker *t, struct err *e)
{
	uint64_t n;

	if (take_number(t, 0, SPEC_WAIT_MAX_MS, &n, e))
		return -1;
	s->wait_ms = (uint32_t)n;
	return 0;
}

int take_user(struct spec *s, struct taker *t, struct err *e)
{
	return take_text(t, USER_BYTES_MAX, &s->user, e);
}

int take_note(struct spec *s, struct taker *t, struct err *e)
{
	return take_text(t, NOTE_BYTES_MAX, &s->note, e);
}

int take_persist(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->persist = true;
	return 0;
}

int take_ephemeral(struct spec *s, struct taker *t, struct err *e)
{
	(void)t, (void)e;
	s->ephemeral = true;
	return 0;
}
