/* Second passes: rows one after another are read in blocks, also where each is looked at twice. */
#include "rig.h"

#include "../../../backend/reader/walker.h"

#define PACKETS 3000u
#define BYTES 60u

static int made_capture(void)
{
	static const uint32_t header[6] = {0xa1b2c3d4u, 4u << 16 | 2, 0, 0, 65535, 1};
	struct buf b;
	int fd;

	buf_init(&b, 1u << 20);
	assert_int_equal(buf_add(&b, header, sizeof(header)), 0);
	for (uint32_t i = 0; i < PACKETS; i++) {
		const uint32_t head[4] = {1700000000u, i, BYTES, BYTES};
		uint8_t p[BYTES] = {0};

		memcpy(p, &i, sizeof(i));
		assert_int_equal(buf_add(&b, head, sizeof(head)), 0);
		assert_int_equal(buf_add(&b, p, sizeof(p)), 0);
	}
	fd = rig_temp(b.data, b.len);
	buf_release(&b);
	return fd;
}

static void read_all(struct source *s, struct index *x)
{
	const struct msg_read_file m = {.name = str_of("made.pcap")};
	struct taken t;
	struct err e;

	source_init(s);
	index_init(x);
	assert_int_equal(source_add_file(s, made_capture(), &m, &e), 0);
	while (source_next(s, &t) == 1)
		index_add(x, t.pk.number,
			  &(struct index_entry){.place = t.place,
						.interface = t.interface,
						.length = t.pk.length,
						.ts_ns = t.pk.ts_ns});
	assert_int_equal(index_count(x), PACKETS);
}

static void row_is(struct walker *w, const struct index *x, uint32_t row)
{
	struct packet pk;
	struct err e;
	uint32_t i;

	assert_int_equal(walker_read(w, x, row, &pk, &e), 0);
	memcpy(&i, pk.data, sizeof(i));
	assert_int_equal(i, row);
	assert_int_equal(pk.number, row + 1);
	assert_int_equal(pk.captured, BYTES);
}

static void test_rows_that_are_looked_at_twice_are_walked(void **state)
{
	struct source s;
	struct index x;
	struct walker w;

	(void)state;
	read_all(&s, &x);
	walker_init(&w, &s);
	for (uint32_t row = 0; row < PACKETS; row++) {
		row_is(&w, &x, row);
		row_is(&w, &x, row);
		assert_int_equal(w.row, row + 1); /* the walk stands behind it */
		assert_int_equal(w.last, 0);	  /* nothing was read place by place */
	}
	walker_release(&w);
	index_release(&x);
	source_release(&s);
}

static void test_any_row_is_itself(void **state)
{
	struct source s;
	struct index x;
	struct walker w;

	(void)state;
	read_all(&s, &x);
	walker_init(&w, &s);
	for (uint32_t i = 0; i < 2 * PACKETS; i++)
		row_is(&w, &x, i % 3 ? i / 2 : i * 7919 % PACKETS);
	walker_release(&w);
	row_is(&w, &x, 5); /* what was held went with the walk */
	walker_release(&w);
	index_release(&x);
	source_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_that_are_looked_at_twice_are_walked),
		cmocka_unit_test(test_any_row_is_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
