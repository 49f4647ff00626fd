/* Percentiles and ranges against values that are sorted and counted here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../backend/flow/spread.h"

#define VALUES_MAX 5000u

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void percentiles_are(const struct spread *d, const uint64_t *sorted, uint32_t n, bool exact)
{
	static const unsigned percent[] = {1, 25, 50, 95, 99, 100};

	for (size_t i = 0; i < sizeof(percent) / sizeof(percent[0]); i++) {
		const uint64_t rank = ((uint64_t)n * percent[i] + 99) / 100,
			       truth = sorted[rank - 1], ours = spread_percentile(d, percent[i]),
			       off = ours > truth ? ours - truth : truth - ours;

		assert_true(exact ? off == 0 : off <= truth / 64);
	}
}

/* Values of up to `bits` bits, as many small as large ones. */
static void spread_holds(uint32_t n, unsigned bits)
{
	uint64_t state = 88172645463325252u + n, *v = calloc(n, sizeof(*v));
	struct flows f = {0};
	struct spread d = {0};

	assert_non_null(v);
	for (uint32_t i = 0; i < n; i++) {
		v[i] = next_random(&state) >> (64 - 1 - next_random(&state) % bits);
		spread_add(&f, &d, v[i], 1);
	}
	assert_int_equal(d.count, n);
	for (unsigned k = 0; k < 10; k++) {
		uint32_t below = 0;

		for (uint32_t i = 0; i < n; i++)
			below += v[i] < UINT64_C(20) << k;
		assert_int_equal(spread_below(&d, UINT64_C(20) << k), below);
	}
	qsort(v, n, sizeof(*v), by_value);
	percentiles_are(&d, v, n, n <= SPREAD_EXACT && bits <= 32);
	assert_true(f.more_bytes <= 60 * 128);
	spread_release(&f, &d);
	assert_int_equal(f.more_bytes, 0);
	free(v);
}

static void test_spread(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 15, 16, 17, 18, 100, VALUES_MAX};
	static const unsigned bits[] = {4, 10, 17, 32, 40, 63};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (size_t j = 0; j < sizeof(bits) / sizeof(bits[0]); j++)
			spread_holds(counts[i], bits[j]);
}

/* Many of the same are as many single ones. */
static void test_runs(void **state)
{
	struct flows f = {0};
	struct spread one = {0}, two = {0};

	(void)state;
	for (uint32_t run = 1; run < 40; run++) {
		for (uint32_t i = 0; i < run; i++)
			spread_add(&f, &one, run * 100, 1);
		spread_add(&f, &two, run * 100, run);
		assert_int_equal(one.count, two.count);
		for (unsigned percent = 1; percent <= 100; percent++)
			assert_int_equal(spread_percentile(&one, percent),
					 spread_percentile(&two, percent));
	}
	spread_release(&f, &one);
	spread_release(&f, &two);
	assert_int_equal(f.more_bytes, 0);
}

/* The ends of what there is. */
static void test_ends(void **state)
{
	struct flows f = {0};
	struct spread d = {0};

	(void)state;
	spread_add(&f, &d, UINT64_MAX, 1);
	spread_add(&f, &d, 0, 1);
	assert_int_equal(spread_percentile(&d, 50), 0);
	assert_true(spread_percentile(&d, 51) >= UINT64_MAX - UINT64_MAX / 64);
	assert_int_equal(spread_below(&d, 20), 1);
	spread_release(&f, &d);
	assert_int_equal(f.more_bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
