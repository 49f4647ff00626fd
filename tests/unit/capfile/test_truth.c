/* Every shared capture against what capinfos said of it (truth.tsv). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "capfile/capfile.h"
#include "captures.h"

enum column {
	FILE_NAME,
	FORMAT,
	LINK_TYPES,
	INTERFACES,
	PRECISION,
	SNAPLEN,
	PACKETS,
	FILE_BYTES,
	WIRE,
	CAPTURED,
	DURATION,
	FIRST,
	LAST,
	ORDER,
	COLUMNS
};

struct totals {
	uint64_t packets, wire, captured;
	int64_t first_ns, last_ns, min_ns, max_ns;
	bool in_order, has_time, all_timed;
};

static void totals_add(struct totals *t, const struct packet *pk)
{
	t->packets++;
	t->wire += pk->length;
	t->captured += pk->captured;
	assert_int_equal(pk->number, t->packets);
	if (!pk->has_time) {
		t->all_timed = false;
		return;
	}
	if (!t->has_time)
		t->first_ns = t->min_ns = t->max_ns = t->last_ns = pk->ts_ns;
	if (pk->ts_ns < t->last_ns)
		t->in_order = false;
	t->last_ns = pk->ts_ns;
	t->min_ns = pk->ts_ns < t->min_ns ? pk->ts_ns : t->min_ns;
	t->max_ns = pk->ts_ns > t->max_ns ? pk->ts_ns : t->max_ns;
	t->has_time = true;
}

static void check_again(struct capfile *f, const struct packet *pk)
{
	struct packet at;
	struct err e;

	assert_int_equal(capfile_read_at(f, pk->offset, pk->interface, pk->number, &at, &e), 0);
	assert_int_equal(at.captured, pk->captured);
	assert_int_equal(at.length, pk->length);
	assert_int_equal(at.ts_ns, pk->ts_ns);
	assert_int_equal(at.link_type, pk->link_type);
	assert_int_equal(at.number, pk->number);
	assert_memory_equal(at.data, pk->data, pk->captured);
}

/* times_from: the interface whose times count, UINT32_MAX for all. */
static struct totals walk(struct capfile *f, uint32_t times_from)
{
	struct totals t = {.in_order = true, .all_timed = true};
	struct packet pk;
	struct err e;
	int r;

	while ((r = capfile_next(f, &pk, &e)) == 1) {
		check_again(f, &pk);
		if (times_from != UINT32_MAX && pk.interface != times_from)
			pk.has_time = false;
		totals_add(&t, &pk);
	}
	assert_int_equal(r, 0);
	capfile_end(f);
	assert_int_equal(capfile_next(f, &pk, &e), 0);
	return t;
}

/* "1294816093.386451" to nanoseconds. A clock before 1970 stands there as what 64 unsigned bits
 * make of it. */
static int64_t epoch_ns(const char *text)
{
	char *end;
	const unsigned long long s = strtoull(text, &end, 10);
	char digits[10] = "000000000";
	int64_t part;

	for (int i = 0; *end == '.' && i < 9 && end[1 + i]; i++)
		digits[i] = end[1 + i];
	part = strtoll(digits, NULL, 10);
	if (s > 18446744000000ULL) /* 2^64 microseconds, in seconds, and less */
		return ((int64_t)(s - 18446744073709ULL) * 1000000 + part / 1000 - 551616) * 1000;
	return (int64_t)s * 1000000000 + part;
}

static const char *const link_words[][2] = {
	{"ether", "EN10MB"},
	{"linux-sll", "LINUX_SLL"},
	{"null", "NULL"},
	{"rawip", "RAW"},
	{"rawip4", "IPV4"},
	{"rawip6", "IPV6"},
	{"netlink", "NETLINK"},
	{"linux-sll2", "LINUX_SLL2"},
	{"ppp", "PPP"},
	{"ieee-802-11-radiotap", "IEEE802_11_RADIO"},
	{"ether-mpacket", "ETHERNET_MPACKET"},
};

/* capinfos lists every link type of the interfaces once. */
static void check_links(const struct blocks *b, const char *words)
{
	char room[24];

	for (uint32_t i = 0; i < blocks_interfaces(b); i++) {
		const char *name = link_type_name(blocks_interface(b, i)->link_type, room);
		bool found = false;

		for (size_t w = 0; w < ARRAY_LEN(link_words); w++)
			found |= strcmp(link_words[w][1], name) == 0 &&
				 strstr(words, link_words[w][0]);
		if (!found)
			fail_msg("%s is not in %s", name, words);
	}
}

static void check_times(const struct totals *t, char **cell)
{
	if (strcmp(cell[ORDER], "True") == 0)
		assert_true(t->in_order);
	if (strcmp(cell[FIRST], "n/a") == 0)
		return;
	assert_int_equal(t->min_ns, epoch_ns(cell[FIRST]));
	assert_int_equal(t->max_ns, epoch_ns(cell[LAST]));
	assert_int_equal(t->max_ns - t->min_ns, epoch_ns(cell[DURATION]));
	if (strcmp(cell[ORDER], "True") != 0 && t->all_timed)
		assert_false(t->in_order);
}

static void check_file(const char *folder, char **cell)
{
	char *path = xasprintf("%s/%s", folder, cell[FILE_NAME]);
	const struct capfile_hole *hole;
	struct capfile *f = NULL;
	struct totals t;
	struct err e;
	const bool cut = strstr(cell[FILE_NAME], "cut-mid") != NULL;

	if (capfile_open(&f, open(path, O_RDONLY | O_CLOEXEC), path, &e) < 0)
		fail_msg("%s", e.text);
	/* Interface 1 of this file has times of years beyond 64 bits: capinfos compares only these.
	 */
	t = walk(f, strstr(cell[FILE_NAME], "pcapng-example") ? 1 : UINT32_MAX);
	assert_int_equal(t.packets, strtoull(cell[PACKETS], NULL, 10));
	assert_int_equal(t.wire, strtoull(cell[WIRE], NULL, 10));
	/* capinfos adds the 12 bytes of a custom block to the captured ones of this file, and not
	 * to the others. */
	assert_int_equal(t.captured,
			 strtoull(cell[strstr(cell[FILE_NAME], "big-endian-spb") ? WIRE : CAPTURED],
				  NULL, 10));
	assert_int_equal(capfile_size(f), strtoull(cell[FILE_BYTES], NULL, 10));
	assert_int_equal(capfile_done(f), capfile_size(f));
	assert_int_equal(blocks_interfaces(capfile_blocks(f)),
			 strtoull(cell[INTERFACES], NULL, 10));
	assert_string_equal(blocks_format(capfile_blocks(f)), cell[FORMAT]);
	assert_int_equal(capfile_holes(f, &hole), cut ? 1 : 0);
	check_times(&t, cell);
	check_links(capfile_blocks(f), cell[LINK_TYPES]);
	capfile_close(f);
	free(path);
}

static void every_capture_equals_its_truth(void **state)
{
	char *folder = captures_folder(), *list, line[8192], *cell[COLUMNS], *p;
	unsigned files = 0;
	FILE *in;

	(void)state;
	if (!folder)
		return;
	list = xasprintf("%s/truth.tsv", folder);
	in = fopen(list, "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	while (fgets(line, sizeof(line), in)) {
		p = line;
		for (int i = 0; i < COLUMNS; i++)
			cell[i] = strsep(&p, "\t");
		assert_non_null(p);
		if (strstr(cell[FILE_NAME], ".gz"))
			continue;
		print_message("%s\n", cell[FILE_NAME]);
		check_file(folder, cell);
		files++;
	}
	assert_true(files > 0);
	fclose(in);
	free(list);
	free(folder);
}

/* Where tshark's count is not ours. */
static const struct {
	const char *file, *why;
	int64_t packets;
} counted_otherwise[] = {
	{"td-bgp_vpn_rt-oobr.pcap",
	 "37 records of no bytes on the wire and none captured are damage", 1},
	{"pp-fuzz-00fef6d3cfd4.bin", "tshark refuses the file for its link type", 1},
};

static void check_malformed(const char *folder, const char *name, int64_t packets)
{
	char *path = xasprintf("%s/%s", folder, name);
	const char *base = strrchr(name, '/') + 1;
	struct err e;
	int64_t got = walk_any(open(path, O_RDONLY | O_CLOEXEC), &e, NULL);

	for (size_t i = 0; i < ARRAY_LEN(counted_otherwise); i++)
		if (strcmp(counted_otherwise[i].file, base) == 0)
			packets = counted_otherwise[i].packets;
	if (got != packets && !(got < 0 && packets == 0))
		fail_msg("%s: %lld packets, not %lld", name, (long long)got, (long long)packets);
	free(path);
}

static void malformed_captures_give_what_tshark_reads(void **state)
{
	enum { NAME, COUNT = 7, CELLS };
	char *folder = captures_folder(), *list, line[8192], *cell[CELLS], *p;
	FILE *in;

	(void)state;
	if (!folder)
		return;
	list = xasprintf("%s/malformed.tsv", folder);
	in = fopen(list, "r");
	assert_non_null(in);
	assert_non_null(fgets(line, sizeof(line), in));
	while (fgets(line, sizeof(line), in)) {
		p = line;
		for (int i = 0; i < CELLS; i++)
			cell[i] = strsep(&p, "\t");
		assert_non_null(p);
		check_malformed(folder, cell[NAME], strtoll(cell[COUNT], NULL, 10));
	}
	fclose(in);
	free(list);
	free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_capture_equals_its_truth),
		cmocka_unit_test(malformed_captures_give_what_tshark_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
