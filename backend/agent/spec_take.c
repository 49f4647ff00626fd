#include "spec_take.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"

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

char *spec_quote(const struct str *word, size_t count)
{
	struct buf b;
	char *text;

	buf_init(&b, 2 * WORDS_LINE_MAX);
	for (size_t i = 0; i < count; i++) {
		char *one = xstrndup(word[i].p ? word[i].p : "", word[i].len);

		(void)(i && buf_add_byte(&b, ' ')); /* as above */
		words_quote(&b, one);
		free(one);
	}
	text = xstrdup(buf_str(&b));
	buf_release(&b);
	return text;
}

int take_value(struct taker *t, struct str *value, struct err *e)
{
	if (t->next >= t->count)
		return err_set(e, ERR_CALL, "\"%s\" needs a value behind it", t->key);
	*value = t->word[t->next++];
	return 0;
}

int take_number(struct taker *t, uint64_t low, uint64_t high, uint64_t *number, struct err *e)
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

int take_duration(struct taker *t, struct str v, int64_t *ns, struct err *e)
{
	if (text_parse_duration(v, ns, e)) {
		if (e)
			e->code = ERR_CALL;
		return err_wrap(e, "%s", t->key);
	}
	if (*ns < 1000000000)
		return err_set(e, ERR_CALL, "\"%s\" is at least a second, not \"%.*s\"", t->key,
			       (int)v.len, v.p);
	return 0;
}

int take_limit(struct taker *t, struct spec_limits *limits, struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	if (v.len && strchr("smhd", v.p[v.len - 1]))
		return take_duration(t, v, &limits->time_ns, e);
	t->next--;
	return take_number(t, 1, UINT64_MAX / 2,
			   v.len && v.p[v.len - 1] >= '0' && v.p[v.len - 1] <= '9' ? &limits->number
										   : &limits->bytes,
			   e);
}

int take_choice(struct taker *t, const char *const *choices, unsigned *which, struct err *e)
{
	struct str v = {0};
	struct buf all;

	if (take_value(t, &v, e))
		return -1;
	for (*which = 0; choices[*which]; ++*which)
		if (str_is(v, choices[*which]))
			return 0;
	buf_init(&all, 1024);
	for (unsigned i = 0; choices[i]; i++)
		(void)buf_printf(&all, "%s\"%s\"",
				 i == 0		  ? ""
				 : choices[i + 1] ? ", "
						  : " or ",
				 choices[i]); /* the lists are literals */
	err_set(e, ERR_CALL, "\"%s\" is %s, not \"%.*s\"", t->key, buf_str(&all), (int)v.len, v.p);
	buf_release(&all);
	return -1;
}

int take_text(struct taker *t, size_t most, char **text, struct err *e)
{
	struct str v = {0};

	if (take_value(t, &v, e))
		return -1;
	if (v.len == 0 || v.len > most)
		return err_set(e, ERR_CALL, "what stands behind \"%s\" has 1 to %zu bytes", t->key,
			       most);
	free(*text);
	*text = xstrndup(v.p, v.len);
	return 0;
}

int take_rest(struct taker *t, char **text, struct err *e)
{
	const size_t first = t->next;

	while (t->next < t->count && !spec_is_word(t->word[t->next]))
		t->next++;
	free(*text);
	*text = spec_join(t->word + first, t->next - first);
	if ((*text)[0])
		return 0;
	return err_set(e, ERR_CALL, "\"%s\" needs an expression behind it, such as tcp port 80",
		       t->key);
}
