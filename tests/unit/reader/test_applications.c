/* Lines of packets against what tshark read in them: DNS messages, TLS hellos, HTTP requests and
 * responses. tshark puts what lies in several packets at the last of them; the files here have what
 * is asked for whole in one packet, but for a few that are counted. */
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
#include "decode/decode.h"

#define FIELDS_MAX 16
#define FILES_MAX 128

/* Files that hold what is not decoded yet (tunnels, other link types, HTTP in SCTP), and one whose
 * packets tshark numbers in its own way (a custom block is one for it). */
static const char *const skipped[] = {
	"ark-80211http.pcap",
	"ark-gtp-iphone.pcap",
	"td-geneve.pcap",
	"z-gre-sample.pcap",
	"z-gtp1_gn_normal_incl_fragmentation.pcap",
	"z-Teredo.pcap",
	"z-vxlan-encapsulated-http.pcap",
	"z-ftp-many-port-expected.pcap.gz",
	"ark-sctp-www.pcap",
	"d-big-endian-spb.pcapng",
	NULL,
};

struct question {
	char file[128], text[2][512]; /* both must be in the packet's line */
	uint64_t frame;
	bool answered;
};

static const char *captures_folder(void)
{
	const char *folder = getenv("TAPDECK_CAPTURES");

	if (!folder)
		folder = "../shared/captures";
	return access(folder, R_OK) == 0 ? folder : NULL;
}

static bool is_skipped(const char *file)
{
	for (const char *const *s = skipped; *s; s++) {
		if (strcmp(*s, file) == 0)
			return true;
	}
	return false;
}

/* The questions of one table; make() says what to look for, false to leave the row out. */
static size_t questions_read(const char *table, bool (*make)(struct question *q, char **field),
			     struct question **out)
{
	char path[4096], line[8192], *field[FIELDS_MAX];
	struct question *q = NULL;
	size_t n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%s", captures_folder(), table);
	in = fopen(path, "re");
	assert_non_null(in);
	while (fgets(line, sizeof(line), in)) {
		char *rest = line;

		line[strcspn(line, "\n")] = 0;
		for (int i = 0; i < FIELDS_MAX; i++)
			field[i] = rest ? strsep(&rest, "\t") : NULL;
		if (strcmp(field[0], "file") == 0 || is_skipped(field[0]))
			continue;
		q = realloc(q, (n + 1) * sizeof(*q));
		assert_non_null(q);
		memset(&q[n], 0, sizeof(*q));
		snprintf(q[n].file, sizeof(q[n].file), "%s", field[0]);
		q[n].frame = strtoull(field[1], NULL, 10);
		n += make(&q[n], field);
	}
	fclose(in);
	*out = q;
	return n;
}

static void packet_answer(struct question *q, size_t n, const struct packet *pk)
{
	static const struct decode_options o = {.app = true};
	struct decoded d;
	struct buf line;

	buf_init(&line, 65536);
	decode_packet(&d, &o, pk->link_type, pk->data, pk->captured, pk->length);
	decode_info(&line, &d, pk->data, pk->captured, NULL);
	for (size_t i = 0; i < n; i++) {
		if (q[i].frame == pk->number && !q[i].answered)
			q[i].answered = strstr(buf_str(&line), q[i].text[0]) &&
					strstr(buf_str(&line), q[i].text[1]);
	}
	buf_release(&line);
}

/* The rows of one file lie together. */
static void file_answer(struct question *q, size_t n)
{
	struct capfile *f;
	struct packet pk;
	struct err e;
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", captures_folder(), q->file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (capfile_open(&f, fd, path, &e) < 0)
		fail_msg("%s", e.text);
	while (capfile_next(f, &pk, &e) > 0)
		packet_answer(q, n, &pk);
	capfile_close(f);
}

/* Asks everything; returns how many were not answered. */
static unsigned ask(const char *table, bool (*make)(struct question *q, char **field),
		    size_t *asked)
{
	struct question *q;
	unsigned missing = 0;

	*asked = questions_read(table, make, &q);
	for (size_t i = 0, j; i < *asked; i = j) {
		for (j = i + 1; j < *asked && strcmp(q[i].file, q[j].file) == 0; j++)
			;
		file_answer(q + i, j - i);
	}
	for (size_t i = 0; i < *asked; i++) {
		if (!q[i].answered && missing++ < 20)
			print_message("%s packet %llu: no '%s' '%s'\n", q[i].file,
				      (unsigned long long)q[i].frame, q[i].text[0], q[i].text[1]);
	}
	free(q);
	return missing;
}

static bool make_dns(struct question *q, char **field)
{
	snprintf(q->text[0], sizeof(q->text[0]), "%s %s",
		 strcmp(field[5], "1") == 0 ? "response" : "query", field[4]);
	snprintf(q->text[1], sizeof(q->text[1]), "%.*s", (int)strcspn(field[6], " "), field[6]);
	return field[4][0] && !strchr(q->text[1], '<');
}

static bool make_tls(struct question *q, char **field)
{
	if (strcmp(field[3], "tls") != 0)
		return false;
	snprintf(q->text[0], sizeof(q->text[0]), "%s",
		 strcmp(field[4], "client_hello") == 0 ? "ClientHello" : "ServerHello");
	snprintf(q->text[1], sizeof(q->text[1]), "%s%s", field[5][0] ? "sni=" : "", field[5]);
	return true;
}

static bool make_http(struct question *q, char **field)
{
	if (strcmp(field[3], "http") != 0 || strchr(field[4], ' '))
		return false;
	if (field[4][0]) {
		/* The line shows the beginning of a long one. */
		snprintf(q->text[0], sizeof(q->text[0]), "%s %.150s", field[4], field[6]);
		return true;
	}
	return false; /* a response stands at its last packet there, at its first here */
}

static void asked_of(const char *table, bool (*make)(struct question *q, char **field),
		     size_t at_least, unsigned spread)
{
	size_t asked;
	unsigned missing;

	if (!captures_folder()) {
		print_message(
			"no captures with truth here (TAPDECK_CAPTURES): lines not compared\n");
		skip();
	}
	missing = ask(table, make, &asked);
	assert_true(asked >= at_least);
	assert_true(missing <= spread);
}

static void test_dns(void **state)
{
	(void)state;
	asked_of("dns.tsv", make_dns, 200,
		 8); /* six put together from fragments, two quoted in ICMP errors */
}

static void test_tls(void **state)
{
	(void)state;
	asked_of("tls.tsv", make_tls, 10, 0);
}

static void test_http(void **state)
{
	(void)state;
	asked_of("http.tsv", make_http, 100, 8); /* requests in several packets */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_tls),
		cmocka_unit_test(test_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
