/* What a connection is called by its port: where it was not seen to begin, or said too little; not
 * where its first words are nothing that is known, and never by the client's port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../../backend/reader/tables.h"
#include "unit/flow/script.h"

static const char *app(const struct script *s)
{
	return connection_app(conn(s, 1));
}

static void test_refused_and_silent(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 1, END_A, TCP_SYN, 1000, 0, 0);
	assert_string_equal(app(&s), "http");
	tcp(&s, 1, END_B, TCP_RST | TCP_ACK, 0, 1001, 0);
	assert_string_equal(app(&s), "http");
	flows_free(s.f);
}

static void test_other_words_on_a_port(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	shake(&s, 1000);
	tcp(&s, 1, END_A, TCP_ACK, 1001, 5001, 40);
	assert_string_equal(app(&s), "");
	tcp(&s, 1, END_B, TCP_ACK, 5001, 1041, 400);
	assert_string_equal(app(&s), "");
	flows_free(s.f);
}

/* Two bytes of length before a DNS message tell nothing yet. */
static void test_few_words(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.port_b = 53;
	shake(&s, 1000);
	tcp(&s, 1, END_A, TCP_ACK, 1001, 5001, 2);
	tcp(&s, 1, END_A, TCP_ACK, 1003, 5001, 30);
	assert_string_equal(app(&s), "dns");
	flows_free(s.f);
}

static void test_in_the_middle(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	tcp(&s, 1, END_A, TCP_ACK, 1001, 5001, 400);
	assert_string_equal(app(&s), "http");
	flows_free(s.f);
}

static void test_port_of_the_client(void **state)
{
	struct script s;

	(void)state;
	script_open(&s, NULL);
	s.port_a = 3306;
	s.port_b = 9999;
	tcp(&s, 1, END_A, TCP_SYN, 1000, 0, 0);
	assert_string_equal(app(&s), "");
	flows_free(s.f);
	script_open(&s, NULL);
	s.port_a = 3306;
	s.port_b = 9999;
	tcp(&s, 1, END_A, TCP_ACK, 1001, 5001, 400); /* who serves is not known */
	assert_string_equal(app(&s), "mysql");
	flows_free(s.f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_and_silent),
		cmocka_unit_test(test_other_words_on_a_port),
		cmocka_unit_test(test_few_words),
		cmocka_unit_test(test_in_the_middle),
		cmocka_unit_test(test_port_of_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
