/* Connections of real captures against tshark's: ends, packets and bytes a direction, and the time
 * of the handshake, each line of conversations.tsv and of tcp_analysis.tsv.
 * tests/golden/conversations.list names the lines where we differ, with the reason. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "capfile/capfile.h"
#include "flow/figures.h"
#include "flow/flows.h"

#define FIELDS_MAX 24
#define LINES_MIN 500	  /* fewer would prove too little */
#define DIFFERENT_MAX 100 /* one line in so many may be in the list */
#define HANDSHAKES_MIN 300
#define LIST "tests/golden/conversations.list"

static const char *captures_folder(void)
{
	const char *folder = getenv("TAPDECK_CAPTURES");

	if (!folder)
		folder = "../shared/captures";
	return access(folder, R_OK) == 0 ? folder : NULL;
}

/* --- a capture --- */

/* What tshark does not count: it shows a datagram on the last of its fragments, we on each. */
struct less {
	uint64_t packets, bytes;
};

struct numbering {
	struct flows *f;
	struct less *less; /* by 2 * number + direction */
	uint64_t room;
	bool *taken; /* by number: a line of the truth is this connection */
};

static void less_add(struct numbering *n, uint64_t number, uint8_t direction, uint32_t length)
{
	const uint64_t place = 2 * number + direction;

	if (place >= n->room) {
		n->less = xreallocarray(n->less, place * 2, sizeof(*n->less));
		memset(n->less + n->room, 0, (place * 2 - n->room) * sizeof(*n->less));
		n->room = place * 2;
	}
	n->less[place].packets++;
	n->less[place].bytes += length;
}

static void take_packet(struct numbering *n, const struct packet *pk, bool outer)
{
	const struct decode_options decode = {.app = true, .outer = outer};
	const struct flow_place place = {pk->number, pk->offset,   0,
					 pk->ts_ns,  pk->has_time, pk->length};
	struct flow_note note;
	struct decoded d;

	decode_packet(&d, &decode, pk->link_type, pk->data, pk->captured, pk->length);
	flows_packet(n->f, &d, &place, &note);
	if (d.flags & DECODE_FRAGMENT && d.more_fragments && note.number)
		less_add(n, note.number, note.direction, pk->length);
}

/* What `gzip -dc` makes of it, in memory. */
static int open_unpacked(const char *path)
{
	int fd = memfd_create("capture", MFD_CLOEXEC), status;
	pid_t pid = fork();

	assert_true(fd >= 0 && pid >= 0);
	if (pid == 0) {
		if (dup2(fd, STDOUT_FILENO) >= 0)
			(void)execlp("gzip", "gzip", "-dc", path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return fd;
}

static struct numbering captures_read(const char *folder, const char *file, bool outer)
{
	static const struct flows_options options;
	struct numbering n = {.f = flows_new(&options)};
	struct capfile *cf;
	struct packet pk;
	struct err e;
	char *path = xasprintf("%s/%s", folder, file);
	const size_t len = strlen(path);
	int fd = len > 3 && strcmp(path + len - 3, ".gz") == 0 ? open_unpacked(path)
							       : open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	if (capfile_open(&cf, fd, path, &e) < 0)
		fail_msg("%s", e.text);
	while (capfile_next(cf, &pk, &e) > 0)
		take_packet(&n, &pk, outer);
	flows_finish(n.f);
	n.taken = xcalloc(flows_count(n.f) + 1, sizeof(*n.taken));
	capfile_close(cf);
	free(path);
	return n;
}

static void numbering_free(struct numbering *n)
{
	flows_free(n->f);
	free(n->less);
	free(n->taken);
	*n = (struct numbering){0};
}

/* --- the truth tables --- */

/* A table, read once: line[i][column], the heading is line 0. */
struct truth {
	char *(*line)[FIELDS_MAX]; /* [0] holds the memory of all */
	size_t lines;
};

static struct truth truth_read(const char *path)
{
	struct truth t = {0};
	char line[8192];
	FILE *in = fopen(path, "re");

	if (!in)
		fail_msg("%s is not there", path);
	while (fgets(line, sizeof(line), in)) {
		char *rest = xstrdup(line);

		rest[strcspn(rest, "\n")] = 0;
		t.line = xreallocarray(t.line, t.lines + 1, sizeof(*t.line));
		for (int i = 0; i < FIELDS_MAX; i++)
			t.line[t.lines][i] = strsep(&rest, "\t");
		t.lines++;
	}
	(void)fclose(in);
	return t;
}

static void truth_free(struct truth *t)
{
	for (size_t i = 0; i < t->lines; i++)
		free(t->line[i][0]);
	free(t->line);
}

/* --- lines that differ, and why --- */

/* "FILE PROTO STREAM: reason" stands in the list. */
static bool listed(const char *file, const char *what, const char *number)
{
	char *wanted = xasprintf("%s %s %s: ", file, what, number), line[1024];
	FILE *in = fopen(LIST, "re");
	bool found = false;

	assert_non_null(in);
	while (!found && fgets(line, sizeof(line), in))
		found = strncmp(line, wanted, strlen(wanted)) == 0 &&
			strlen(line) > strlen(wanted) + 1;
	(void)fclose(in);
	free(wanted);
	return found;
}

/* --- one file --- */

struct check {
	const char *file;
	struct numbering inner, outer;
	const struct truth *analysis;
	unsigned lines, different, wrong;
	unsigned handshakes, mistimed, untimed; /* compared, not equal, unknown to tshark alone */
};

static bool is_conversation(const struct connection *c)
{
	return c->has_ports && (c->protocol == 6 || c->protocol == 17);
}

static void text_of(const struct numbering *n, const struct connection *c, char *out, size_t size)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
	struct less less[2] = {{0, 0}, {0, 0}};

	for (unsigned i = 0; i < 2; i++)
		if (2 * c->number + i < n->room)
			less[i] = n->less[2 * c->number + i];
	(void)snprintf(out, size, "%s %s %u %s %u %llu %llu %llu %llu",
		       ip_protocol_name(c->protocol), addr_text(&c->addr_a, a), c->port_a,
		       addr_text(&c->addr_b, b), c->port_b,
		       (unsigned long long)(c->flow[0].packets - less[0].packets),
		       (unsigned long long)(c->flow[0].bytes - less[0].bytes),
		       (unsigned long long)(c->flow[1].packets - less[1].packets),
		       (unsigned long long)(c->flow[1].bytes - less[1].bytes));
}

/* The first that says the same and is no other line's. */
static const struct connection *take_same(struct numbering *n, const char *truth)
{
	char ours[512];

	for (uint64_t i = 0; i < flows_in_memory(n->f); i++) {
		const struct connection *c = flows_at(n->f, i);

		if (!is_conversation(c) || n->taken[c->number])
			continue;
		text_of(n, c, ours, sizeof(ours));
		if (strcmp(ours, truth) != 0)
			continue;
		n->taken[c->number] = true;
		return c;
	}
	return NULL;
}

/* Of every connection that both have: what tshark says, and that it says nothing. */
static void check_handshake(struct check *k, const struct connection *c, const char *stream)
{
	char ours[64] = "";
	const char *truth = NULL;

	for (size_t i = 0; i < k->analysis->lines; i++)
		if (strcmp(k->analysis->line[i][0], k->file) == 0 &&
		    strcmp(k->analysis->line[i][1], stream) == 0)
			truth = k->analysis->line[i][19];
	if (!truth)
		return;
	k->handshakes++;
	if (c->handshake_ns >= 0)
		(void)snprintf(ours, sizeof(ours), "%lld.%09lld",
			       (long long)(c->handshake_ns / 1000000000),
			       (long long)(c->handshake_ns % 1000000000));
	if (strcmp(ours, truth) == 0)
		return;
	k->untimed += !*truth;
	k->mistimed += *truth != 0;
	if (listed(k->file, "handshake", stream))
		return;
	print_error("%s handshake %s: %s, tshark %s\n", k->file, stream, ours, truth);
	k->wrong++;
}

/* tshark counts a tunnel's packets inside and outside. */
static void check_line(struct check *k, char **field)
{
	const struct connection *c;
	char truth[512];

	(void)snprintf(truth, sizeof(truth), "%s %s %s %s %s %s %s %s %s", field[1], field[3],
		       field[4], field[5], field[6], field[7], field[8], field[9], field[10]);
	k->lines++;
	c = take_same(&k->inner, truth);
	if (!c)
		c = take_same(&k->outer, truth);
	if (c && strcmp(field[1], "tcp") == 0)
		check_handshake(k, c, field[2]);
	if (c)
		return;
	if (listed(k->file, field[1], field[2])) {
		k->different++;
		return;
	}
	print_error("%s %s %s: none of ours is %s\n", k->file, field[1], field[2], truth);
	k->wrong++;
}

/* Conversations of ours that tshark has not. */
static void check_rest(struct check *k)
{
	char ours[512];

	for (uint64_t i = 0; i < flows_in_memory(k->inner.f); i++) {
		const struct connection *c = flows_at(k->inner.f, i);
		char number[32];

		assert_int_equal(c->number, i + 1);
		if (!is_conversation(c) || k->inner.taken[c->number])
			continue;
		(void)snprintf(number, sizeof(number), "%llu", (unsigned long long)c->number);
		if (listed(k->file, "ours", number))
			continue;
		text_of(&k->inner, c, ours, sizeof(ours));
		print_error("%s ours %s: tshark has no %s\n", k->file, number, ours);
		k->wrong++;
	}
}

static void check_file(struct check *k, const struct truth *t, const char *folder, const char *file)
{
	k->file = file;
	k->inner = captures_read(folder, file, false);
	k->outer = captures_read(folder, file, true);
	for (size_t i = 0; i < t->lines; i++)
		if (strcmp(t->line[i][0], file) == 0)
			check_line(k, t->line[i]);
	check_rest(k);
	numbering_free(&k->inner);
	numbering_free(&k->outer);
}

static char *path_of(const char *folder, const char *name)
{
	return xasprintf("%s/%s", folder, name);
}

static void test_conversations(void **state)
{
	const char *folder = captures_folder();
	struct check k = {0};

	(void)state;
	if (!folder) {
		print_message("no captures with truth here (TAPDECK_CAPTURES): conversations not "
			      "compared\n");
		skip();
	}
	char *truth = path_of(folder, "truth.tsv"), *lines = path_of(folder, "conversations.tsv"),
	     *analysis = path_of(folder, "tcp_analysis.tsv");
	struct truth files = truth_read(truth), t = truth_read(lines), a = truth_read(analysis);

	k.analysis = &a;
	for (size_t i = 1; i < files.lines; i++)
		check_file(&k, &t, folder, files.line[i][0]);
	assert_int_equal(k.wrong, 0);
	assert_true(k.lines >= LINES_MIN && k.lines == t.lines - 1);
	assert_true(k.different <= k.lines / DIFFERENT_MAX);
	print_message("%u handshakes: %u differ, %u are unknown to tshark alone\n", k.handshakes,
		      k.mistimed, k.untimed);
	assert_true(k.handshakes >= HANDSHAKES_MIN);
	assert_true(k.mistimed <= k.handshakes / DIFFERENT_MAX);
	truth_free(&files);
	truth_free(&t);
	truth_free(&a);
	free(truth);
	free(lines);
	free(analysis);
}

/* tshark numbers TCP's conversations from 0, in the order of first packets; so do we, all protocols
 * together. */
static const struct connection *nth_tcp(const struct flows *f, unsigned n)
{
	for (uint64_t i = 0; i < flows_in_memory(f); i++) {
		const struct connection *c = flows_at(f, i);

		if (c->protocol == 6 && c->has_ports && n-- == 0)
			return c;
	}
	return NULL;
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
		struct numbering n = captures_read(captures_folder(), truth[i].file, false);
		const struct connection *c = nth_tcp(n.f, truth[i].tcp);

		assert_non_null(c);
		for (int j = 0; j < 2; j++) {
			assert_int_equal(c->flow[j].payload, truth[i].payload[j]);
			assert_int_equal(c->flow[j].unique, truth[i].unique[j]);
			assert_int_equal(c->flow[j].retrans_packets, truth[i].overlaps[j]);
		}
		numbering_free(&n);
	}
}

/* What a histogram says is wrong by 3 in 100 at most. */
static void assert_near(int64_t ours, int64_t truth)
{
	assert_in_range(ours, truth - truth * 3 / 100, truth + truth * 3 / 100);
}

/* From tshark's lengths and flags of each segment, and from its times by the definition of a round
 * trip: computed apart. */
static void test_figures(void **state)
{
	static const struct {
		const char *file;
		unsigned tcp, direction;
		int64_t transport, psh_data, median;
		uint32_t sizes[FIGURE_SIZES];
		int64_t samples, cumulative, rtt_us[4]; /* least, mean, most; p95 */
	} truth[] = {
		{"z-206_example_b.pcap",
		 0,
		 1,
		 1189356,
		 3,
		 1400,
		 {0, 0, 0, 0, 2, 1, 0, 837, 0, 0},
		 314,
		 328,
		 {802, 1053, 2898, 1550}},
		{"z-ssh-dups.pcap",
		 0,
		 0,
		 22032,
		 96,
		 36,
		 {4, 56, 16, 4, 0, 8, 4, 4, 0, 0},
		 0,
		 2,
		 {0}},
		{"pp-sll.pcap",
		 0,
		 1,
		 425271,
		 14,
		 1388,
		 {0, 0, 1, 1, 2, 17, 24, 277, 0, 0},
		 152,
		 170,
		 {0, 88, 703, 241}},
		{"d-own-one-flow.pcap",
		 0,
		 0,
		 6796232,
		 608,
		 1448,
		 {0, 0, 0, 0, 0, 0, 0, 4592, 0, 0},
		 1549,
		 2898,
		 {9466, 10523, 15051, 11845}},
	};

	(void)state;
	if (!captures_folder())
		skip();
	for (size_t i = 0; i < sizeof(truth) / sizeof(truth[0]); i++) {
		struct numbering n = captures_read(captures_folder(), truth[i].file, false);
		const int64_t *us = truth[i].rtt_us;
		struct flow_figures g;

		assert_true(flows_figures(n.f, nth_tcp(n.f, truth[i].tcp)->number,
					  truth[i].direction, &g));
		assert_int_equal(g.value[FIGURE_TRANSPORT_BYTES], truth[i].transport);
		assert_int_equal(g.value[FIGURE_PSH_DATA_PACKETS], truth[i].psh_data);
		assert_memory_equal(g.sizes, truth[i].sizes, sizeof(g.sizes));
		assert_near(g.value[FIGURE_SEGMENT_MEDIAN], truth[i].median);
		assert_int_equal(g.value[FIGURE_RTT_SAMPLES], truth[i].samples);
		assert_int_equal(g.value[FIGURE_CUMULATIVE_ACKS], truth[i].cumulative);
		if (truth[i].samples) {
			assert_int_equal(g.value[FIGURE_RTT_MIN_MS] / 1000, us[0]);
			assert_int_equal(g.value[FIGURE_RTT_AVG_MS] / 1000, us[1]);
			assert_int_equal(g.value[FIGURE_RTT_MAX_MS] / 1000, us[2]);
			assert_near(g.value[FIGURE_RTT_P95_MS] / 1000, us[3]);
		}
		numbering_free(&n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversations),
		cmocka_unit_test(test_unique_bytes),
		cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
