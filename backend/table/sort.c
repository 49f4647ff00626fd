#include "sort.h"

#include <string.h>

#define SORT_RUN 16u /* keys of a first run, sorted by insertion */

void sort_begin(struct sort *s, struct key *keys, struct key *other, size_t sorted, size_t count,
		bool descending, const struct buf *texts)
{
	*s = (struct sort){
		.keys = keys,
		.other = other,
		.begin = sorted,
		.end = count,
		.at = sorted,
		.descending = descending,
		.texts = texts,
	};
}

/* Whether b must stand before a, which came first: equal ones keep their order. */
static bool out_of_order(const struct sort *s, const struct key *a, const struct key *b)
{
	const int c = sort_key_compare(a, b, s->texts);

	return s->descending ? c < 0 : c > 0;
}

static void run_insert(const struct sort *s, size_t begin, size_t end)
{
	for (size_t i = begin + 1; i < end; i++) {
		const struct key moving = s->keys[i];
		size_t j = i;

		for (; j > begin && out_of_order(s, &s->keys[j - 1], &moving); j--)
			s->keys[j] = s->keys[j - 1];
		s->keys[j] = moving;
	}
}

static size_t at_most(size_t v, size_t most)
{
	return v < most ? v : most;
}

static void first_run(struct sort *s)
{
	const size_t end = at_most(s->at + SORT_RUN, s->end);

	run_insert(s, s->at, end);
	s->at = end;
	if (s->at < s->end)
		return;
	s->width = SORT_RUN;
	s->at = s->begin;
}

/* The two runs of the pair at s->at. */
static void pair_bounds(const struct sort *s, size_t *middle, size_t *end)
{
	*middle = s->last_merge ? s->begin : at_most(s->at + s->width, s->end);
	*end = s->last_merge ? s->end : at_most(*middle + s->width, s->end);
}

static size_t pair_merge(struct sort *s, size_t steps)
{
	size_t middle, end, n = 0;

	pair_bounds(s, &middle, &end);
	if (!s->in_pair) {
		s->left = s->to = s->at;
		s->right = middle;
		s->in_pair = true;
	}
	for (; s->to < end && n < steps; n++) {
		const bool take_right =
			s->left == middle ||
			(s->right < end && out_of_order(s, &s->keys[s->left], &s->keys[s->right]));

		s->other[s->to++] = s->keys[take_right ? s->right++ : s->left++];
	}
	if (s->to == end) {
		s->in_pair = false;
		s->at = end;
	}
	return n + 1;
}

/* All pairs of a width are merged: their result becomes the input of twice the width. What stood in
 * order before s->begin is only touched by the last merge, so that few new keys behind many old
 * ones cost little. */
static void round_end(struct sort *s)
{
	struct key *keys = s->keys;

	if (s->begin > 0 && !s->last_merge) {
		memcpy(s->keys + s->begin, s->other + s->begin,
		       (s->end - s->begin) * sizeof(*s->keys));
	} else {
		s->keys = s->other;
		s->other = keys;
	}
	s->width *= 2;
	s->at = s->last_merge ? s->end : s->begin;
}

bool sort_step(struct sort *s, size_t steps)
{
	size_t n = 0;

	while (n < steps) {
		if (s->begin == s->end || (s->last_merge && s->at == s->end))
			return true;
		if (s->width == 0) {
			first_run(s);
			n += (size_t)SORT_RUN * 4;
		} else if (s->last_merge || s->width < s->end - s->begin) {
			n += pair_merge(s, steps - n);
			if (s->at == s->end)
				round_end(s);
		} else if (s->begin == 0) {
			return true;
		} else {
			s->last_merge = true;
			s->at = 0;
		}
	}
	return false;
}
