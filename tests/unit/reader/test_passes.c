/* Filters (--bpf) and outer numbering: the counts are tcpdump's, the numbers those of the whole
 * capture. */
#include "rig.h"

static const char *const files[] = {
	"z-wikipedia.pcap",	 "z-206_example_b.pcap",
	"pp-sll.pcap",		 "d-mixed-linktypes.pcapng",
	"z-ssh-dups.pcap",	 "d-own-lossy.pcap",
	"z-http-qinq-0.pcap",	 "pp-ip4_fragments.pcap",
	"pp-ip6_fragments.pcap", "z-gtp1_gn_normal_incl_fragmentation.pcap",
	"pp-raw_ip.pcap",	 "z-icmp6.pcap",
};

static const char *const filters[] = {
	"tcp port 80", "udp",	 "tcp[tcpflags] & tcp-syn != 0", "greater 1000",
	"ip6",	       "not ip", "icmp or icmp6 or arp",
};

/* Packets that tcpdump would write of the file; -1 where it takes no such filter (or is not there).
 */
static long tcpdump_count(const char *path, const char *filter)
{
	int out[2];
	char byte[65536];
	long lines = 0;
	ssize_t n;
	int status;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		(void)dup2(out[1], 1);
		(void)dup2(open("/dev/null", O_WRONLY), 2);
		execlp("tcpdump", "tcpdump", "-nqtr", path, filter, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], byte, sizeof(byte))) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += byte[i] == '\n' && (i + 1 == n || byte[i + 1] != '\t');
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? lines : -1;
}

static int64_t sum(const struct rig *r, const char *column)
{
	int64_t total = 0;

	for (uint32_t i = 0; i < r->window.rows; i++)
		total += rig_cell(r, i, column).type == VALUE_INT ? rig_cell(r, i, column).i : 0;
	return total;
}

static void check_filter(struct rig *r, const char *path, const char *filter)
{
	long truth = tcpdump_count(path, filter);

	if (truth < 0)
		return;
	if (rig_query(r, &(struct rig_query){
				 .table = "summary",
				 .bpf = filter,
				 .columns = "packets,wire_bytes,connections,other_packets"}) < 0)
		fail_msg("%s: %s", filter, r->error.text);
	int64_t packets = rig_int(r, 0, "packets"), bytes = rig_int(r, 0, "wire_bytes");
	int64_t connections = rig_int(r, 0, "connections"), other = rig_int(r, 0, "other_packets");

	if (packets != truth)
		fail_msg("%s of %s: %lld packets, tcpdump has %ld", filter, path,
			 (long long)packets, truth);
	assert_int_equal(rig_query(r, &(struct rig_query){.table = "packets",
							  .bpf = filter,
							  .columns = "number,length"}),
			 0);
	assert_int_equal(r->window.total, packets);
	assert_int_equal(sum(r, "length"), bytes);
	assert_int_equal(rig_query(r, &(struct rig_query){.table = "connections",
							  .bpf = filter,
							  .columns = "id,packets"}),
			 0);
	assert_int_equal(r->window.total, connections);
	assert_int_equal(sum(r, "packets") + other, packets);
	for (uint32_t i = 1; i < r->window.rows; i++)
		assert_true(rig_int(r, i - 1, "id") < rig_int(r, i, "id"));
	assert_int_equal(rig_query(r, &(struct rig_query){.table = "interfaces", .bpf = filter}),
			 0);
	assert_int_equal(sum(r, "packets"), packets);
}

static void test_filters(void **state)
{
	const char *folder = rig_captures();

	(void)state;
	for (size_t i = 0; folder && i < ARRAY_LEN(files); i++) {
		char *path = xasprintf("%s/%s", folder, files[i]);
		struct rig r;

		rig_start(&r);
		assert_int_equal(rig_open(&r, path), 0);
		for (size_t k = 0; k < ARRAY_LEN(filters); k++)
			if (!strstr(files[i], "mixed"))
				check_filter(&r, path, filters[k]);
		rig_stop(&r);
		free(path);
	}
}

/* Filters change what counts, never what a number names. */
static void test_numbers_stay(void **state)
{
	const char *folder = rig_captures();
	struct rig r;

	(void)state;
	if (!folder)
		return;
	char *path = xasprintf("%s/z-wikipedia.pcap", folder);

	rig_start(&r);
	assert_int_equal(rig_open(&r, path), 0);
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "connections", .filter = "id == 9"}), 0);
	char *port = rig_text(&r, 0, "port_a"), *all = rig_text(&r, 0, "packets_ab");

	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "connections",
							   .filter = "id == 9",
							   .sort = "-bytes_ab",
							   .bpf = "tcp[tcpflags] & tcp-syn != 0"}),
			 0);
	assert_int_equal(r.window.total, 1);
	rig_is(&r, 0, "port_a", port);
	rig_is(&r, 0, "packets_ab", "1");
	assert_string_not_equal(all, "1");
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets",
							   .bpf = "tcp port 80",
							   .sort = "-length",
							   .filter = "connection == 9",
							   .columns = "number,length,connection"}),
			 0);
	char *number = rig_text(&r, 0, "number"), *length = rig_text(&r, 0, "length");

	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets",
							   .first = strtoull(number, NULL, 10) - 1,
							   .count = 1}),
			 0);
	rig_is(&r, 0, "number", number);
	rig_is(&r, 0, "length", length);
	rig_stop(&r);
	free(port);
	free(all);
	free(number);
	free(length);
	free(path);
}

/* Every packet is of a connection or of none, in every order of rows. */
static void test_sums(void **state)
{
	static const char *const sorts[] = {"", "-packets_ab", "addr_b", "-duration_s"};
	const char *folder = rig_captures();

	(void)state;
	for (size_t i = 0; folder && i < ARRAY_LEN(files); i++) {
		char *path = xasprintf("%s/%s", folder, files[i]);
		struct rig r;

		rig_start(&r);
		assert_int_equal(rig_open(&r, path), 0);
		assert_int_equal(
			rig_query(
				&r,
				&(struct rig_query){
					.table = "summary",
					.columns = "packets,wire_bytes,other_packets,other_bytes"}),
			0);
		int64_t packets = rig_int(&r, 0, "packets") - rig_int(&r, 0, "other_packets");
		int64_t bytes = rig_int(&r, 0, "wire_bytes") - rig_int(&r, 0, "other_bytes");

		for (size_t k = 0; k < ARRAY_LEN(sorts); k++) {
			assert_int_equal(rig_query(&r, &(struct rig_query){.table = "connections",
									   .sort = sorts[k]}),
					 0);
			assert_int_equal(sum(&r, "packets_ab") + sum(&r, "packets_ba"), packets);
			assert_int_equal(sum(&r, "bytes_ab") + sum(&r, "bytes_ba"), bytes);
		}
		assert_int_equal(rig_table(&r, "flows"), 0);
		assert_int_equal(sum(&r, "packets"), packets);
		assert_int_equal(sum(&r, "bytes"), bytes);
		for (uint32_t row = 0; row < r.window.rows; row++)
			if (rig_cell(&r, row, "retrans_bytes").type == VALUE_INT)
				assert_int_equal(rig_int(&r, row, "retrans_bytes"),
						 rig_int(&r, row, "payload_bytes") -
							 rig_int(&r, row, "unique_bytes"));
		rig_stop(&r);
		free(path);
	}
}

static void test_wrong_filter(void **state)
{
	static const char head[] = "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0";
	struct rig r;

	(void)state;
	rig_start(&r);
	assert_int_equal(rig_file(&r, rig_temp(head, 24), "empty.pcap", false, 0), 0);
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "packets", .bpf = "tcp prt 80"}), -1);
	assert_int_equal(r.error.code, ERR_CALL);
	assert_int_equal(r.error.at, 4);
	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "packets", .bpf = "tcp port 80"}), 0);
	assert_int_equal(r.window.total, 0);
	/* more filters than are kept: the older ones make room */
	for (unsigned port = 1; port <= 20; port++) {
		char *text = xasprintf("udp port %u", port);

		assert_int_equal(
			rig_query(&r, &(struct rig_query){.table = "connections", .bpf = text}), 0);
		free(text);
	}
	rig_stop(&r);
}

/* Without a tunnel both numberings are one. */
static void test_outer(void **state)
{
	const char *folder = rig_captures();
	struct rig r;

	(void)state;
	if (!folder)
		return;
	char *path = xasprintf("%s/z-wikipedia.pcap", folder);

	rig_start(&r);
	assert_int_equal(rig_open(&r, path), 0);
	assert_int_equal(rig_table(&r, "connections"), 0);
	uint32_t rows = r.window.rows;
	char *port = rig_text(&r, 8, "port_a"), *bytes = rig_text(&r, 8, "bytes_ba"),
	     *start = rig_text(&r, 8, "start_s");

	assert_int_equal(
		rig_query(&r, &(struct rig_query){.table = "connections", .flags = QUERY_OUTER}),
		0);
	assert_int_equal(r.window.rows, rows);
	rig_is(&r, 8, "port_a", port);
	rig_is(&r, 8, "bytes_ba", bytes);
	rig_is(&r, 8, "start_s", start);
	assert_int_equal(rig_query(&r, &(struct rig_query){.table = "packets",
							   .flags = QUERY_OUTER,
							   .bpf = "tcp"}),
			 0);
	assert_int_equal(r.window.total, tcpdump_count(path, "tcp"));
	assert_int_equal(rig_int(&r, 0, "connection"), 4);
	rig_stop(&r);
	free(port);
	free(bytes);
	free(start);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters), cmocka_unit_test(test_numbers_stay),
		cmocka_unit_test(test_sums),	cmocka_unit_test(test_wrong_filter),
		cmocka_unit_test(test_outer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
