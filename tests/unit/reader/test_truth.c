/* Captures that others made: what capinfos says of them is what the tables say, and what is no
 * sound capture is told. */
#include <ftw.h>

#include "rig.h"

#define FIELDS 22

static char *path_of(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

/* --- truth.tsv --- */

enum truth {
	T_FILE,
	T_FORMAT,
	T_LINKTYPES,
	T_INTERFACES,
	T_PRECISION,
	T_SNAPLEN,
	T_PACKETS,
	T_FILE_BYTES,
	T_WIRE,
	T_CAPTURED,
	T_DURATION,
	T_FIRST,
	T_LAST,
	T_ORDER
};

/* Wireshark's words for link types, and libpcap's. */
static const struct {
	const char *theirs, *ours;
} link_types[] = {
	{"ether", "EN10MB"},
	{"linux-sll", "LINUX_SLL"},
	{"linux-sll2", "LINUX_SLL2"},
	{"null", "NULL"},
	{"ppp", "PPP"},
	{"rawip4", "IPV4"},
	{"rawip6", "IPV6"},
	{"rawip", "RAW"},
	{"netlink", "NETLINK"},
	{"ieee-802-11-radiotap", "IEEE802_11_RADIO"},
	{"ether-mpacket", "ETHERNET_MPACKET"},
};

static void check_link_types(const struct rig *r, const char *theirs)
{
	char *ours = rig_text(r, 0, "link_types"), *list = xstrdup(theirs), *rest = list;

	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
		const char *name = word;

		for (size_t i = 0; i < ARRAY_LEN(link_types); i++)
			if (strcmp(word, link_types[i].theirs) == 0)
				name = link_types[i].ours;
		if (!strstr(ours, name))
			fail_msg("%s is not among %s", name, ours);
	}
	free(ours);
	free(list);
}

static void check_time(const struct rig *r, const char *column, const char *epoch)
{
	struct value v = rig_cell(r, 0, column);
	char text[TEXT_NUMBER_MAX];
	size_t digits = strchr(epoch, '.') ? strlen(strchr(epoch, '.')) - 1 : 0;

	if (strcmp(epoch, "n/a") == 0)
		return;
	assert_int_equal(v.type, VALUE_INT);
	(void)text_seconds9(v.i, text);
	/* theirs may have fewer decimals */
	if (strncmp(text, epoch, strlen(text) - 9 + digits) != 0)
		fail_msg("%s is %s, not %s", column, text, epoch);
}

/* Files whose truth is of another kind, with the reason. */
static const char *truth_other(const char *name, int column)
{
	if (strcmp(name, "pp-pcapng-example.pcapng") == 0 && column >= T_DURATION)
		return "its times lie beyond what 64 bits of nanoseconds hold";
	if (strcmp(name, "d-big-endian-spb.pcapng") == 0 && column == T_CAPTURED)
		return "tshark counts a custom block as a packet";
	return NULL;
}

static void check_number(const struct rig *r, const char *file, int field, const char *column,
			 const char *truth)
{
	char *ours = rig_text(r, 0, column);

	if (!truth_other(file, field) && strcmp(ours, truth) != 0)
		fail_msg("%s: %s is %s, not %s", file, column, ours, truth);
	free(ours);
}

static void check_row(const char *folder, char **t)
{
	struct rig r;
	char *path = path_of(folder, t[T_FILE]);

	rig_start(&r);
	if (rig_open(&r, path) < 0)
		fail_msg("%s", r.error.text);
	assert_int_equal(rig_table(&r, "summary"), 0);
	assert_int_equal(r.window.rows, 1);
	rig_is(&r, 0, "file", path);
	rig_is(&r, 0, "format", t[T_FORMAT]);
	check_link_types(&r, t[T_LINKTYPES]);
	check_number(&r, t[T_FILE], T_INTERFACES, "interfaces", t[T_INTERFACES]);
	if (t[T_PRECISION][0] == 'm' || t[T_PRECISION][0] == 'n')
		check_number(&r, t[T_FILE], T_PRECISION, "precision", t[T_PRECISION]);
	if (t[T_SNAPLEN][0] != '(')
		check_number(&r, t[T_FILE], T_SNAPLEN, "snaplen", t[T_SNAPLEN]);
	check_number(&r, t[T_FILE], T_PACKETS, "packets", t[T_PACKETS]);
	check_number(&r, t[T_FILE], T_FILE_BYTES, "file_bytes", t[T_FILE_BYTES]);
	check_number(&r, t[T_FILE], T_WIRE, "wire_bytes", t[T_WIRE]);
	check_number(&r, t[T_FILE], T_CAPTURED, "captured_bytes", t[T_CAPTURED]);
	check_number(&r, t[T_FILE], T_ORDER, "in_order",
		     strcmp(t[T_ORDER], "True") == 0 ? "yes" : "no");
	if (!truth_other(t[T_FILE], T_FIRST)) {
		check_time(&r, "duration_s", t[T_DURATION]);
		check_time(&r, "first_time", t[T_FIRST]);
		check_time(&r, "last_time", t[T_LAST]);
	}
	assert_int_equal(rig_table(&r, "packets"), 0);
	assert_int_equal(r.window.total, strtoull(t[T_PACKETS], NULL, 10));
	rig_stop(&r);
	free(path);
}

static void test_truth(void **state)
{
	const char *folder = rig_captures();
	char *field[FIELDS], *lines, *line;
	unsigned rows = 0;
	struct buf b;

	(void)state;
	if (!folder)
		return;
	char *path = path_of(folder, "truth.tsv");

	rig_load(path, &b);
	assert_int_equal(buf_add_byte(&b, 0), 0);
	lines = (char *)b.data;
	while ((line = strsep(&lines, "\n"))) {
		char *rest = line;
		unsigned n = 0;

		while (n < FIELDS && (field[n] = strsep(&rest, "\t")))
			n++;
		if (n <= T_ORDER || strcmp(field[0], "file") == 0 || strstr(field[0], ".gz"))
			continue;
		check_row(folder, field);
		rows++;
	}
	free(path);
	buf_release(&b);
	assert_true(rows >= 50);
}

/* --- bad input --- */

static int check_malformed(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	static const char *const tables[] = {"summary", "interfaces", "connections",
					     "flows",	"packets",    "columns"};
	struct rig r;

	(void)st;
	(void)where;
	if (kind != FTW_F)
		return 0;
	rig_start(&r);
	if (rig_open(&r, path) < 0) {
		assert_int_equal(r.error.code, ERR_REFUSED);
		assert_non_null(strstr(r.error.text, path));
		assert_int_equal(rig_table(&r, "summary"), -1);
		assert_int_equal(r.error.code, ERR_REFUSED);
	} else {
		for (size_t i = 0; i < ARRAY_LEN(tables); i++)
			assert_int_equal(rig_table(&r, tables[i]), 0);
		for (unsigned n = 1; n <= 3; n++) {
			char word[8];

			snprintf(word, sizeof(word), "%u", n);
			(void)rig_query(&r, &(struct rig_query){.table = "packet", .word = word});
			(void)rig_query(&r, &(struct rig_query){.table = "hex", .word = word});
		}
	}
	rig_stop(&r);
	return 0;
}

static void test_malformed(void **state)
{
	const char *folder = rig_captures();

	(void)state;
	if (!folder)
		return;
	char *path = path_of(folder, "malformed");

	assert_int_equal(nftw(path, check_malformed, 8, FTW_PHYS), 0);
	free(path);
}

static void test_no_capture(void **state)
{
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp("", 0), "nothing.pcap", false, 0), -1);
	assert_int_equal(r.error.code, ERR_REFUSED);
	assert_non_null(strstr(r.error.text, "nothing.pcap"));
	rig_stop(&r);
	rig_start(&r);
	assert_int_equal(rig_file(&r, open("/tmp", O_RDONLY | O_DIRECTORY), "/tmp", false, 0), -1);
	assert_non_null(strstr(r.error.text, "folder"));
	assert_int_equal(rig_table(&r, "packets"), -1);
	assert_int_equal(r.error.code, ERR_REFUSED);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_no_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
