/* Connections of real captures against tshark's: packets and bytes a direction, how many there are,
 * and the time of the handshake. tests/golden/conversations.list names the files, and for those
 * left out the reason. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "capfile/capfile.h"
#include "flow/flows.h"

#define FIELDS_MAX 24
#define FILES_MIN 25 /* fewer in the list would prove too little */
#define LIST "tests/golden/conversations.list"

static const char *captures_folder(void)
{
	const char *folder = getenv("TAPDECK_CAPTURES");

	if (!folder)
		folder = "../shared/captures";
	return access(folder, R_OK) == 0 ? folder : NULL;
}

static struct flows *captures_read(const char *folder, const char *file)
{
	static const struct decode_options decode = {.app = true};
	static const struct flows_options options;
	struct flows *f;
	struct capfile *cf;
	struct packet pk;
	struct decoded d;
	struct err e;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (capfile_open(&cf, fd, path, &e) < 0)
		fail_msg("%s", e.text);
	f = flows_new(&options);
	while (capfile_next(cf, &pk, &e) > 0) {
		struct flow_place place = {pk.number, pk.offset,   0,
					   pk.ts_ns,  pk.has_time, pk.length};
		struct flow_note note;

		decode_packet(&d, &decode, pk.link_type, pk.data, pk.captured, pk.length);
		flows_packet(f, &d, &place, &note);
	}
	flows_finish(f);
	capfile_close(cf);
	return f;
}

/* --- the truth tables --- */

typedef void (*truth_fn)(void *arg, char **field);

static int split(char *line, char **field)
{
	int n = 0;

	line[strcspn(line, "\n")] = 0;
	while (line && n < FIELDS_MAX)
		field[n++] = strsep(&line, "\t");
	for (int i = n; i < FIELDS_MAX; i++)
		field[i] = NULL;
	return n;
}

static int truth_lines(const char *folder, const char *table, const char *file, truth_fn fn,
		       void *arg)
{
	char path[4096], line[4096], *field[FIELDS_MAX];
	int count = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", folder, table);
	in = fopen(path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		split(line, field);
		if (strcmp(field[0], file) != 0)
			continue;
		count++;
		fn(arg, field);
	}
	fclose(in);
	return count;
}

/* --- one file --- */

struct check {
	const char *file;
	struct flows *f;
	int wrong;
};

/* tshark numbers a protocol's conversations from 0, in the order of first packets; so do we, all
 * protocols together. */
static const struct connection *nth(const struct flows *f, const char *proto, unsigned n)
{
	for (uint64_t i = 0; i < flows_in_memory(f); i++) {
		const struct connection *c = flows_at(f, i);

		if (strcmp(ip_protocol_name(c->protocol), proto) == 0 && c->has_ports && n-- == 0)
			return c;
	}
	return NULL;
}

static unsigned count_of(const struct flows *f, const char *proto)
{
	unsigned n = 0;

	while (nth(f, proto, n))
		n++;
	return n;
}

static void check_line(void *arg, char **field)
{
	struct check *k = arg;
	const struct connection *c = nth(k->f, field[1], (unsigned)atoi(field[2]));
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX], ours[512], truth[512];

	if (!c) {
		print_error("%s: %s conversation %s is missing\n", k->file, field[1], field[2]);
		k->wrong++;
		return;
	}
	snprintf(ours, sizeof(ours), "%s %u %s %u %llu %llu %llu %llu", addr_text(&c->addr_a, a),
		 c->port_a, addr_text(&c->addr_b, b), c->port_b,
		 (unsigned long long)c->flow[0].packets, (unsigned long long)c->flow[0].bytes,
		 (unsigned long long)c->flow[1].packets, (unsigned long long)c->flow[1].bytes);
	snprintf(truth, sizeof(truth), "%s %s %s %s %s %s %s %s", field[3], field[4], field[5],
		 field[6], field[7], field[8], field[9], field[10]);
	if (strcmp(ours, truth) == 0)
		return;
	print_error("%s: %s %s: we say %s, tshark %s\n", k->file, field[1], field[2], ours, truth);
	k->wrong++;
}

/* tshark takes a RST that answers a SYN for the end of a handshake too: a refused connection has
 * none. */
static void check_handshake(void *arg, char **field)
{
	struct check *k = arg;
	const struct connection *c = nth(k->f, "tcp", (unsigned)atoi(field[1]));
	char ours[64] = "";

	if (!c || !field[19] || !*field[19] || c->state == CONN_REJ)
		return;
	if (c->handshake_ns >= 0)
		snprintf(ours, sizeof(ours), "%lld.%09lld",
			 (long long)(c->handshake_ns / 1000000000),
			 (long long)(c->handshake_ns % 1000000000));
	if (strcmp(ours, field[19]) == 0)
		return;
	print_error("%s: tcp %s: handshake %s, tshark %s\n", k->file, field[1], ours, field[19]);
	k->wrong++;
}

/* What must hold of every connection, whatever the file. */
static void check_sums(struct check *k)
{
	for (uint64_t i = 0; i < flows_in_memory(k->f); i++) {
		const struct connection *c = flows_at(k->f, i);

		assert_int_equal(c->number, i + 1);
		for (int j = 0; j < 2; j++) {
			assert_true(c->flow[j].unique <= c->flow[j].payload);
			assert_true(c->flow[j].retrans_packets ||
				    c->flow[j].unique == c->flow[j].payload);
			assert_true(c->flow[j].last_ns >= c->flow[j].first_ns);
		}
	}
}

static int check_file(const char *folder, const char *file)
{
	struct check k = {.file = file, .f = captures_read(folder, file)};
	unsigned rows = (unsigned)truth_lines(folder, "conversations.tsv", file, check_line, &k);

	if (rows != count_of(k.f, "tcp") + count_of(k.f, "udp")) {
		print_error("%s: %u conversations, tshark has %u\n", file,
			    count_of(k.f, "tcp") + count_of(k.f, "udp"), rows);
		k.wrong++;
	}
	truth_lines(folder, "tcp_analysis.tsv", file, check_handshake, &k);
	check_sums(&k);
	flows_free(k.f);
	return k.wrong;
}

static void test_conversations(void **state)
{
	const char *folder = captures_folder();
	char line[512];
	int files = 0, wrong = 0;
	FILE *in;

	(void)state;
	if (!folder) {
		print_message("no captures with truth here (TAPDECK_CAPTURES): conversations not "
			      "compared\n");
		skip();
	}
	in = fopen(LIST, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, " \t\n")] = 0;
		if (!line[0] || line[0] == '#' || line[0] == '-')
			continue;
		wrong += check_file(folder, line);
		files++;
	}
	fclose(in);
	assert_int_equal(wrong, 0);
	assert_true(files >= FILES_MIN);
}

/* Payload, the union of its sequence intervals, and the segments that overlap what was seen:
 * computed apart. */
static void test_unique_bytes(void **state)
{
	static const struct {
		const char *file;
		unsigned tcp; /* the n-th */
		uint64_t payload[2], unique[2], overlaps[2];
	} truth[] = {
		{"z-ssh-dups.pcap", 0, {14820, 17092}, {3705, 4273}, {72, 90}},
		{"z-retransmit-fast009.pcap", 0, {474, 28073}, {474, 23783}, {0, 3}},
		{"z-206_example_b.pcap", 0, {580, 1172508}, {580, 1023578}, {0, 108}},
		{"z-wikipedia.pcap", 0, {463, 350}, {463, 350}, {0, 0}},
		{"pp-sll.pcap", 0, {251, 414863}, {251, 414863}, {0, 0}},
	};

	(void)state;
	if (!captures_folder())
		skip();
	for (size_t i = 0; i < sizeof(truth) / sizeof(truth[0]); i++) {
		struct flows *f = captures_read(captures_folder(), truth[i].file);
		const struct connection *c = nth(f, "tcp", truth[i].tcp);

		assert_non_null(c);
		for (int j = 0; j < 2; j++) {
			assert_int_equal(c->flow[j].payload, truth[i].payload[j]);
			assert_int_equal(c->flow[j].unique, truth[i].unique[j]);
			assert_int_equal(c->flow[j].retrans_packets, truth[i].overlaps[j]);
		}
		flows_free(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_unique_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
