/* What must hold of every capture, whatever is in it: retransmitted bytes are payload less unique
 * ones, flows add up to their connection, connections and the packets of none to the summary, and
 * neither an order nor a filter changes a figure. By inner and by outer headers. */
#include <dirent.h>

#include "rig.h"

#define PAGE_ROWS 2000u
#ifdef __SANITIZE_ADDRESS__ /* connections of a capture that is sorted by every column */
#define SORTED_ROWS_MAX 20u
#else
#define SORTED_ROWS_MAX 3000u
#endif

static const char *const kept_columns =
	"id,packets_ab,bytes_ab,packets_ba,bytes_ba,payload_ab,payload_ba,retrans_ab,retrans_ba";

struct side {
	int64_t packets, bytes, payload, unique, retrans_bytes, retrans_packets;
};

struct sums {
	const char *path;
	struct rig r;
	uint32_t flags;
	struct side *side; /* of flow N.1 and N.2 at 2 * N */
	int64_t connections;
	struct side all;
};

/* --- pages --- */

struct page {
	struct rig_query query;
	uint32_t row;
};

static struct page page_begin(const struct sums *s, const char *table, const char *columns)
{
	return (struct page){.query = {.table = table,
				       .columns = columns,
				       .flags = s->flags,
				       .count = PAGE_ROWS},
			     .row = UINT32_MAX};
}

/* The next row of all that the query has, in s->r.window. */
static bool page_next(struct sums *s, struct page *p)
{
	if (p->row != UINT32_MAX && ++p->row < s->r.window.rows)
		return true;
	if (p->row != UINT32_MAX)
		p->query.first += s->r.window.rows;
	if (p->row != UINT32_MAX && p->query.first >= s->r.window.total)
		return false;
	if (rig_query(&s->r, &p->query) < 0)
		fail_msg("%s: %s of %s", s->path, s->r.error.text, p->query.table);
	p->row = 0;
	return s->r.window.rows > 0;
}

static void equal(const struct sums *s, const char *what, int64_t a, int64_t b)
{
	if (a != b)
		fail_msg("%s%s: %s: %lld, not %lld", s->path, s->flags ? " --outer" : "", what,
			 (long long)a, (long long)b);
}

static int64_t count_of(const struct sums *s, uint32_t row, const char *column)
{
	struct value v = rig_cell(&s->r, row, column);

	return v.type == VALUE_INT ? v.i : 0;
}

/* --- the sums --- */

/* "17.2" is 35: the place of a flow. */
static size_t flow_place(const struct sums *s, uint32_t row)
{
	char *id = rig_text(&s->r, row, "id"), *end;
	size_t number = strtoull(id, &end, 10);
	size_t place = 2 * (number - 1) + (strcmp(end, ".2") == 0);

	if ((strcmp(end, ".1") != 0 && strcmp(end, ".2") != 0) || number > (size_t)s->connections)
		fail_msg("%s: flow %s", s->path, id);
	equal(s, "connection of a flow", rig_int(&s->r, row, "connection"), (int64_t)number);
	free(id);
	return place;
}

static void take_flows(struct sums *s)
{
	struct page p = page_begin(s, "flows", "");

	while (page_next(s, &p)) {
		struct side *side = &s->side[flow_place(s, p.row)];
		const int64_t payload = count_of(s, p.row, "payload_bytes");

		equal(s, "the same flow twice", side->packets, 0);
		*side = (struct side){
			.packets = rig_int(&s->r, p.row, "packets"),
			.bytes = rig_int(&s->r, p.row, "bytes"),
			.payload = payload,
			.unique = count_of(s, p.row, "unique_bytes"),
			.retrans_bytes = count_of(s, p.row, "retrans_bytes"),
			.retrans_packets = count_of(s, p.row, "retrans_packets"),
		};
		equal(s, "retransmitted bytes", side->retrans_bytes, payload - side->unique);
		if (side->retrans_bytes < 0 || (side->retrans_bytes && !side->retrans_packets))
			fail_msg("%s: retransmitted bytes without a packet", s->path);
		if (count_of(s, p.row, "duration_s") < 0)
			fail_msg("%s: a flow ends before it begins", s->path);
	}
}

static void take_connections(struct sums *s)
{
	static const char *const column[2][4] = {
		{"packets_ab", "bytes_ab", "payload_ab", "retrans_ab"},
		{"packets_ba", "bytes_ba", "payload_ba", "retrans_ba"},
	};
	struct page p = page_begin(s, "connections", kept_columns);
	int64_t last = 0;

	while (page_next(s, &p)) {
		const int64_t id = rig_int(&s->r, p.row, "id");

		equal(s, "connection's number", id, ++last);
		for (unsigned k = 0; k < 2; k++) {
			const struct side *side = &s->side[2 * (id - 1) + k];
			const int64_t packets = count_of(s, p.row, column[k][0]);
			const int64_t bytes = count_of(s, p.row, column[k][1]);

			equal(s, column[k][0], packets, side->packets);
			equal(s, column[k][1], bytes, side->bytes);
			equal(s, column[k][2], count_of(s, p.row, column[k][2]), side->payload);
			equal(s, column[k][3], count_of(s, p.row, column[k][3]),
			      side->retrans_packets);
			s->all.packets += packets;
			s->all.bytes += bytes;
		}
	}
	equal(s, "connections", last, s->connections);
}

/* Each packet counts for its connection and direction, or for none. */
static void take_packets(struct sums *s, int64_t packets, int64_t bytes)
{
	struct page p = page_begin(s, "packets", "number,connection,direction,length,captured");
	struct side rest = {0};
	int64_t last = 0;

	while (page_next(s, &p)) {
		const int64_t connection = count_of(s, p.row, "connection");

		equal(s, "packet's number", rig_int(&s->r, p.row, "number"), ++last);
		if (connection == 0) {
			rest.packets++;
			rest.bytes += rig_int(&s->r, p.row, "length");
			continue;
		}
		char *direction = rig_text(&s->r, p.row, "direction");
		struct side *side = &s->side[2 * (connection - 1) + (*direction == 'b')];

		side->packets--;
		side->bytes -= rig_int(&s->r, p.row, "length");
		free(direction);
	}
	equal(s, "packets", last, packets);
	equal(s, "packets of connections and the rest", s->all.packets + rest.packets, packets);
	equal(s, "bytes of connections and the rest", s->all.bytes + rest.bytes, bytes);
	for (int64_t i = 0; i < 2 * s->connections; i++) {
		equal(s, "packets of a flow, counted again", s->side[i].packets, 0);
		equal(s, "bytes of a flow, counted again", s->side[i].bytes, 0);
	}
}

/* --- orders and filters --- */

static uint64_t row_digest(const struct rig *r, uint32_t row)
{
	struct buf out;
	uint64_t digest = UINT64_C(0xcbf29ce484222325);

	buf_init(&out, 1u << 20);
	for (unsigned c = 0; c < r->window.ncolumns; c++) {
		struct value v = window_cell(&r->window, row, (int)c);

		value_print_raw(&out, r->window.columns[c].kind, &v);
		assert_int_equal(buf_add_byte(&out, '\n'), 0);
	}
	for (size_t i = 0; i < out.len; i++)
		digest = (digest ^ out.data[i]) * UINT64_C(0x100000001b3);
	buf_release(&out);
	return digest;
}

/* Of rows, whatever their order; *rows: added to. */
static uint64_t rows_digest(struct sums *s, const char *table, const char *filter, const char *sort,
			    int64_t *rows)
{
	struct page p = page_begin(s, table, "");
	uint64_t digest = 0;

	p.query.filter = filter;
	p.query.sort = sort;
	while (page_next(s, &p)) {
		digest += row_digest(&s->r, p.row);
		(*rows)++;
	}
	return digest;
}

static void check_orders(struct sums *s, const char *table)
{
	int64_t rows = 0, sorted;
	const uint64_t digest = rows_digest(s, table, NULL, NULL, &rows);
	char *name[TABLE_COLUMNS_MAX];
	unsigned columns = s->r.window.ncolumns;

	assert_true(columns <= TABLE_COLUMNS_MAX);
	for (unsigned i = 0; i < columns; i++)
		name[i] = xstrdup(s->r.window.columns[i].name);
	for (unsigned i = 0; i < 2 * columns; i++) {
		char *sort = xasprintf("%s%s", i % 2 ? "-" : "", name[i / 2]);

		sorted = 0;
		if (rows_digest(s, table, NULL, sort, &sorted) != digest || sorted != rows)
			fail_msg("%s: %s by %s are others", s->path, table, sort);
		free(sort);
	}
	for (unsigned i = 0; i < columns; i++)
		free(name[i]);
}

static void check_filters(struct sums *s, const char *table)
{
	static const char *const words[][2] = {
		{"proto == tcp", "not proto == tcp"},
		{"bytes > 500", "bytes <= 500"},
		{"port in [53, 80, 443]", "not port in [53, 80, 443]"},
	};
	const bool flows = strcmp(table, "flows") == 0;
	int64_t rows = 0;
	const uint64_t digest = rows_digest(s, table, NULL, NULL, &rows);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		int64_t parts = 0;
		uint64_t sum;

		/* Each table lacks one of the columns. */
		if ((i == 0 && flows) || (i == 1 && !flows))
			continue;
		sum = rows_digest(s, table, words[i][0], NULL, &parts) +
		      rows_digest(s, table, words[i][1], NULL, &parts);
		equal(s, words[i][0], parts, rows);
		if (sum != digest)
			fail_msg("%s: %s and the rest are other %s", s->path, words[i][0], table);
	}
}

/* --- captures --- */

static void check_numbering(struct sums *s)
{
	int64_t packets, bytes;

	s->all = (struct side){0};
	if (rig_query(&s->r, &(struct rig_query){.table = "summary", .flags = s->flags}) < 0)
		fail_msg("%s: %s", s->path, s->r.error.text);
	packets = rig_int(&s->r, 0, "packets");
	bytes = rig_int(&s->r, 0, "wire_bytes");
	s->connections = rig_int(&s->r, 0, "connections");
	s->side = xcalloc((size_t)s->connections * 2 + 1, sizeof(*s->side));
	take_flows(s);
	take_connections(s);
	take_packets(s, packets, bytes);
	free(s->side);
	check_filters(s, "connections");
	check_filters(s, "flows");
	if (s->flags == 0 && s->connections <= SORTED_ROWS_MAX) {
		check_orders(s, "connections");
		check_orders(s, "flows");
	}
}

static unsigned check_folder(const char *folder)
{
	struct dirent **entry = NULL;
	int n = scandir(folder, &entry, NULL, alphasort);
	unsigned files = 0;

	assert_true(n >= 0);
	for (int i = 0; i < n; i++) {
		char *path = xasprintf("%s/%s", folder, entry[i]->d_name);
		struct sums s = {.path = path};

		rig_start(&s.r);
		if (strstr(path, ".pcap") && rig_open(&s.r, path) == 0) {
			check_numbering(&s);
			s.flags = QUERY_OUTER;
			check_numbering(&s);
			files++;
		}
		rig_stop(&s.r);
		free(path);
		free(entry[i]);
	}
	free(entry);
	return files;
}

static void test_sums(void **state)
{
	const char *folder = rig_captures();

	(void)state;
	if (!folder)
		return;
	assert_true(check_folder(folder) >= 50);
}

static void test_malformed(void **state)
{
	const char *folder = rig_captures();

	(void)state;
	if (!folder)
		return;
	char *malformed = xasprintf("%s/malformed", folder);

	assert_true(check_folder(malformed) >= 10);
	free(malformed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
