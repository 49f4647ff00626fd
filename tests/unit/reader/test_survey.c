/* Sums over connections, made in slices: each counts once, wherever a slice ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../../../backend/reader/survey.h"
#include "base/xalloc.h"
#include "made_capture.h"

#define CONNECTIONS 1000u

static int64_t cell(const struct survey *v, uint64_t row, const char *column)
{
	const int at = table_column(&type_endpoints, str_of(column));

	assert_true(at >= 0);
	return v->type->cell(v->state, row, (unsigned)at).i;
}

static void test_a_connection_counts_once(void **state)
{
	struct capture c;
	struct source s;
	struct index x;
	struct survey *v;
	unsigned slices = 1;
	int64_t received = 0, sent = 0;

	(void)state;
	made_capture(&c, CONNECTIONS);
	source_init(&s);
	index_init(&x);
	v = survey_new(&analysis_endpoints, &c, NULL, &s);
	while (survey_step(v, &x, 0, true,
			   0)) /* each slice is over at its first look at the clock */
		slices++;
	assert_true(slices > 10);
	assert_int_equal(v->type->rows(v->state), CONNECTIONS + 1);
	for (uint64_t row = 0; row < CONNECTIONS + 1; row++) {
		sent += cell(v, row, "packets_tx");
		received += cell(v, row, "packets_rx");
		assert_true(cell(v, row, "connections") == 1 ||
			    cell(v, row, "connections") == CONNECTIONS);
	}
	assert_int_equal(sent, CONNECTIONS);
	assert_int_equal(received, CONNECTIONS);
	survey_free(v);
	index_release(&x);
	source_release(&s);
	capture_release(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_connection_counts_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
