/* Views against qsort, with rows that come and change meanwhile; cells and windows on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "table/server.h"
#include "table/view.h"
#include "wire/msg.h"

static const struct column columns[] = {
	{"number", KIND_COUNT, 0, "", ""},
	{"mixed", KIND_TEXT, 0, "", ""},
	{"secret", KIND_COUNT, COLUMN_HIDDEN, "x", ""},
};
static const struct table_type type = {"things", "", "", columns, 3};

/* A table that computes: numbers in no order, many alike. */
struct made {
	uint64_t rows, version;
	int64_t salt;
	unsigned kind;
};

static struct value made_cell(void *data, uint64_t row, unsigned column)
{
	static char text[64]; /* borrowed until the next call, as the contract says */
	const struct made *m = data;
	const uint64_t mixed = (row * UINT64_C(2654435761) + (uint64_t)m->salt) % 1009;
	struct addr a = {.family = mixed % 3 ? ADDR_IP6 : ADDR_IP4};

	if (column != 1)
		return value_int((int64_t)(column ? row : mixed));
	switch (m->kind == 9 ? mixed % 6 : m->kind) {
	case 0:
		return value_null();
	case 1:
		return value_int((INT64_C(1) << 53) + (int64_t)(mixed % 7) -
				 (mixed % 2 ? INT64_MAX : 0));
	case 2:
		return value_real(mixed % 5 ? (double)mixed - 500.5 : 9007199254740993.0);
	case 3:
		snprintf(text, sizeof(text), "t%u", (unsigned)(mixed % 50));
		return value_str((struct str){text, mixed % 11 ? strlen(text) : 0});
	case 4: /* alike for longer than a key holds inside */
		snprintf(text, sizeof(text), "a common beginning of texts %u", (unsigned)mixed);
		return value_str((struct str){text, mixed % 5 == 0 ? mixed % 20 : strlen(text)});
	default:
		a.bytes[mixed % 3 ? 15 : 3] = (uint8_t)mixed;
		return value_addr(&a);
	}
}

static uint64_t made_rows(void *data)
{
	return ((const struct made *)data)->rows;
}

static uint64_t made_version(void *data)
{
	return ((const struct made *)data)->version;
}

static struct table made_table(struct made *m)
{
	return (struct table){.type = &type,
			      .data = m,
			      .rows = made_rows,
			      .version = made_version,
			      .cell = made_cell};
}

static void finish(struct view *v, int64_t budget, bool resort)
{
	bool first = resort;

	while (!view_step(v, budget, first))
		first = false;
}

/* Each row once, and each pair of neighbours in order, ties by row. */
static void check_order(const struct view *v, const struct table *t, unsigned column,
			bool descending, uint64_t rows)
{
	assert_int_equal(view_total(v), rows);
	for (uint64_t i = 1; i < rows; i++) {
		const uint64_t a = view_row(v, i - 1), b = view_row(v, i);
		struct value x = t->cell(t->data, a, column), y;
		char copy[64];
		int c;

		if (x.type == VALUE_TEXT) {
			memcpy(copy, x.s.p, x.s.len);
			x.s.p = copy;
		}
		y = t->cell(t->data, b, column);
		c = value_compare(&x, &y);
		assert_true(descending ? c >= 0 : c <= 0);
		if (c == 0)
			assert_true(a < b);
	}
}

static void test_identity(void **state)
{
	struct made m = {.rows = 10};
	const struct table t = made_table(&m);
	struct view *v = view_new(&t, str_of(""), str_of(""), NULL, NULL, NULL);

	(void)state;
	assert_true(view_step(v, 0, true));
	assert_int_equal(view_total(v), 10);
	assert_int_equal(view_row(v, 9), 9);
	assert_int_equal(view_row(v, 10), UINT64_MAX);
	assert_int_equal(view_place(v, 4), 4);
	assert_int_equal(view_place(v, 10), UINT64_MAX);
	m.rows = 20;
	assert_true(view_step(v, 0, false));
	assert_int_equal(view_total(v), 20);
	view_free(v);
}

static void test_every_kind_of_value_sorts(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 10; kind++) {
		for (int descending = 0; descending < 2; descending++) {
			struct made m = {.rows = 3001, .kind = kind};
			const struct table t = made_table(&m);
			struct view *v =
				view_new(&t, str_of(""), str_of(descending ? "-mixed" : "mixed"),
					 NULL, NULL, NULL);

			finish(v, 0, false); /* the smallest slices */
			check_order(v, &t, 1, descending, 3001);
			for (uint64_t i = 0; i < 3001; i += 500)
				assert_int_equal(view_place(v, view_row(v, i)), i);
			view_free(v);
		}
	}
}

static void test_rows_come_while_it_sorts(void **state)
{
	struct made m = {.rows = 1, .kind = 9};
	const struct table t = made_table(&m);
	struct view *v = view_new(&t, str_of(""), str_of("mixed"), NULL, NULL, NULL);

	(void)state;
	for (int i = 0; i < 300; i++) {
		view_step(v, 0, false);
		m.rows += (uint64_t)(i * 7 % 101);
	}
	finish(v, 0, false);
	check_order(v, &t, 1, false, m.rows);
	m.rows++;
	finish(v, 0, false);
	check_order(v, &t, 1, false, m.rows);
	m.salt = 5; /* cells changed */
	finish(v, 0, true);
	check_order(v, &t, 1, false, m.rows);
	m.salt = 9;
	m.rows = 100; /* rows went */
	m.version++;
	finish(v, 0, false);
	check_order(v, &t, 1, false, 100);
	view_free(v);
}

static void test_fixed_cells_are_read_once(void **state)
{
	struct made m = {.rows = 1000};
	struct table t = made_table(&m);
	struct view *v;

	(void)state;
	t.fixed = true;
	v = view_new(&t, str_of("number < 500"), str_of("-number"), NULL, NULL, NULL);
	finish(v, 0, true);
	const uint64_t first = view_row(v, 0), total = view_total(v);

	m.salt = 77;
	finish(v, 0, true);
	assert_int_equal(view_row(v, 0), first);
	assert_int_equal(view_total(v), total);
	view_free(v);
}

static bool keep_odd(void *arg, uint64_t row)
{
	(void)arg;
	return row % 2;
}

static void test_filter_and_keep(void **state)
{
	struct made m = {.rows = 1000};
	const struct table t = made_table(&m);
	struct view *v = view_new(&t, str_of("secret >= 500"), str_of(""), keep_odd, NULL, NULL);

	(void)state;
	finish(v, 0, false);
	assert_int_equal(view_total(v), 250);
	assert_int_equal(view_row(v, 0), 501);
	assert_int_equal(view_place(v, 503), 1);
	assert_int_equal(view_place(v, 502), UINT64_MAX);
	m.rows = 2000;
	finish(v, 0, false);
	assert_int_equal(view_total(v), 750);
	view_free(v);
	v = view_new(&t, str_of(""), str_of("-secret"), keep_odd, NULL, NULL);
	finish(v, 0, false);
	assert_int_equal(view_total(v), 1000);
	assert_int_equal(view_row(v, 0), 1999);
	view_free(v);
}

static void test_errors_and_columns(void **state)
{
	struct made m = {.rows = 1};
	const struct table t = made_table(&m);
	unsigned column[TABLE_COLUMNS_MAX];
	struct err e;

	(void)state;
	assert_null(view_new(&t, str_of("numbr > 1"), str_of(""), NULL, NULL, &e));
	assert_null(view_new(&t, str_of(""), str_of("-numbr"), NULL, NULL, &e));
	assert_non_null(strstr(e.text, "did you mean \"number\""));
	assert_int_equal(e.at, 1);
	assert_int_equal(view_columns(&type, str_of(""), column, &e), 2);
	assert_int_equal(view_columns(&type, str_of("secret, number"), column, &e), 2);
	assert_int_equal(column[0], 2);
	assert_int_equal(column[1], 0);
	assert_int_equal(view_columns(&type, str_of("number,,mixed"), column, &e), -1);
	assert_int_equal(view_columns(&type, str_of("number,mixd"), column, &e), -1);
	assert_int_equal(e.at, 7);
	assert_non_null(strstr(e.text, "mixed"));
}

/* A million rows: about a second of processor time at most, and no slice that would be felt. */
static void test_million(void **state)
{
	struct made m = {.rows = 1000000, .kind = 9};
	const struct table t = made_table(&m);
	struct view *v = view_new(&t, str_of(""), str_of("-number"), NULL, NULL, NULL);
	int64_t worst = 0, begun;
	clock_t cpu = clock();
	bool done;

	(void)state;
	do {
		begun = clock_mono_ns();
		done = view_step(v, 5 * NS_PER_MS, false);
		begun = clock_mono_ns() - begun;
		worst = begun > worst ? begun : worst;
	} while (!done);
	print_message("1000000 rows sorted: %.2f s of processor, longest slice %.1f ms\n",
		      (double)(clock() - cpu) / CLOCKS_PER_SEC, (double)worst / 1e6);
	check_order(v, &t, 0, true, 1000000);
	view_free(v);
}

static void test_cells_on_the_wire(void **state)
{
	struct addr a4, a6;
	const unsigned all[] = {0, 1, 2};
	struct buf cols, rows;
	struct msg_window m = {.table = str_of("things"),
			       .count = 5,
			       .total = 9,
			       .first = 2,
			       .note = str_of("cut")};
	struct window w = {0};
	struct err e;

	(void)state;
	assert_int_equal(addr_parse(str_of("10.1.2.3"), &a4, NULL), 0);
	assert_int_equal(addr_parse(str_of("2001:db8::1"), &a6, NULL), 0);
	const struct value v[15] = {
		value_int(0),	      value_int(-1),	   value_int(INT64_MAX),
		value_int(INT64_MIN), value_real(-0.5),	   value_null(),
		value_text(""),	      value_text("hello"), value_str((struct str){"a\0b", 3}),
		value_addr(&a4),      value_addr(&a6),	   value_count(UINT64_MAX),
		value_int(300),	      value_text(NULL),	   value_real(1e300),
	};

	buf_init(&cols, 4096);
	buf_init(&rows, 4096);
	assert_int_equal(row_put_columns(&cols, &type, all, 3), 0);
	for (size_t i = 0; i < ARRAY_LEN(v); i++)
		assert_int_equal(row_put_cell(&rows, &v[i]), 0);
	m.columns = (struct str){buf_str(&cols), cols.len};
	m.rows = (struct str){buf_str(&rows), rows.len};
	assert_int_equal(window_read(&w, &m, &e), 0);
	assert_int_equal(w.ncolumns, 3);
	assert_string_equal(w.columns[2].name, "secret");
	assert_string_equal(w.columns[2].unit, "x");
	assert_int_equal(w.columns[2].flags, COLUMN_HIDDEN);
	assert_string_equal(w.note, "cut");
	assert_int_equal(window_column(&w, "mixed"), 1);
	assert_int_equal(window_column(&w, "nothing"), -1);
	for (uint32_t i = 0; i < ARRAY_LEN(v); i++) {
		const struct value got = window_cell(&w, i / 3, (int)(i % 3));

		assert_int_equal(got.type, v[i].type);
		assert_int_equal(value_compare(&got, &v[i]), 0);
	}
	assert_int_equal(window_cell(&w, 5, 0).type, VALUE_NULL);
	for (size_t cut = 0; cut < rows.len; cut++) {
		char *part = xmalloc(cut);

		memcpy(part, rows.data, cut);
		m.rows = (struct str){part, cut};
		assert_int_equal(window_read(&w, &m, &e), -1);
		free(part);
	}
	m.rows = (struct str){buf_str(&rows), rows.len};
	for (size_t cut = 0; cut < cols.len; cut++) {
		m.columns = (struct str){buf_str(&cols), cut};
		assert_int_equal(window_read(&w, &m, &e), -1);
	}
	m.columns = (struct str){buf_str(&cols), cols.len};
	m.count = UINT32_MAX;
	assert_int_equal(window_read(&w, &m, &e), -1);
	m.count = TABLE_WINDOW_ROWS_MAX;
	assert_int_equal(window_read(&w, &m, &e), -1);
	window_release(&w);
	buf_release(&cols);
	buf_release(&rows);
}

static void test_rowset(void **state)
{
	struct rowset *r = rowset_new(&type);
	const struct table t = rowset_table(r, true);
	char text[] = "borrowed";
	const struct value v[3] = {value_int(1), value_text(text), value_null()};

	(void)state;
	for (int i = 0; i < 100; i++)
		rowset_add(r, v);
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(t.rows(t.data), 100);
	assert_memory_equal(t.cell(t.data, 99, 1).s.p, "borrowed", 8);
	assert_int_equal(t.cell(t.data, 100, 1).type, VALUE_NULL);
	const uint64_t version = t.version(t.data);

	rowset_clear(r);
	assert_int_not_equal(t.version(t.data), version);
	assert_int_equal(rowset_rows(r), 0);
	t.release(t.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_every_kind_of_value_sorts),
		cmocka_unit_test(test_rows_come_while_it_sorts),
		cmocka_unit_test(test_fixed_cells_are_read_once),
		cmocka_unit_test(test_filter_and_keep),
		cmocka_unit_test(test_errors_and_columns),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_cells_on_the_wire),
		cmocka_unit_test(test_rowset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
