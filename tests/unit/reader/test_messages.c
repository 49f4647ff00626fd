/* The tables dns, tls and http against what tshark says of captures that others made. Rows that are
 * not equal stand in a list, with the reason. */
#include "rig.h"

#define FIELDS_MAX 10
#define TRUTH_BYTES (1u << 20)
#define WORDS_BYTES 8192
#define PATH_BYTES 4096
#define EQUAL_MIN 99 /* of 100, of all rows together */

/* frame "": all of the file. */
static const struct {
	const char *table, *file, *frame, *reason;
} known[] = {
	{"dns", "z-gre-sample.pcap", "34", "quoted in an ICMP error: no message of its own"},
	{"dns", "z-gre-sample.pcap", "36", "quoted in an ICMP error"},
	{"dns", "z-icmp-destunreach-udp.pcap", "1", "quoted in an ICMP error"},
	{"dns", "z-icmp6.pcap", "35", "quoted in an ICMP error"},
	{"http", "ark-wireshark-retrans.pcap", "42", "sent again: tshark counts it twice"},
	{"http", "ark-wireshark-retrans.pcap", "86", "sent again: tshark counts it twice"},
	{"http", "d-time-backwards.pcap", "98", "sent again: tshark counts it twice"},
	{"http", "d-time-backwards.pcap", "142", "sent again: tshark counts it twice"},
};

/* Rows that tshark has not, and why they are right. */
static const struct {
	const char *table, *file;
	unsigned rows;
	const char *reason;
} more[] = {
	{"http", "ark-http2-nghttp2.pcap", 1, "a request over several segments, which is all here"},
	{"http", "d-mixed-linktypes.pcapng", 2, "the capture ends inside of the body"},
	{"http", "pp-raw_ip.pcap", 1, "the capture ends inside of the body"},
	{"http", "z-206_example_b.pcap", 1, "parts of the body were not captured"},
	{"http", "z-Teredo.pcap", 4, "inside of Teredo, which tshark takes for data of UDP"},
	{"http", "z-gtp1_gn_normal_incl_fragmentation.pcap", 1, "parts were not captured"},
};

struct truth {
	const char *table, *columns;
	char *field[FIELDS_MAX];
	char *text, *rest; /* the file; what of it was not read */
	struct rig rig;
	char file[256]; /* that rig has open */
	bool *used;	/* rows that were compared */
	unsigned total, equal, unknown;
};

static const char *folder_of_captures(void)
{
	const char *folder = getenv("TAPDECK_CAPTURES");

	folder = folder && folder[0] ? folder : "../shared/captures";
	if (access(folder, R_OK) == 0)
		return folder;
	print_message("the captures of others are not there (TAPDECK_CAPTURES)\n");
	return NULL;
}

/* Rows that nothing of the truth was compared with; of tls also those that it has no lines for. */
static void count_more(const struct truth *t)
{
	unsigned rows = 0, expected = 0;

	if (strcmp(t->table, "tls") == 0)
		return;
	for (uint32_t i = 0; i < t->rig.window.rows; i++)
		rows += !t->used[i];
	for (size_t i = 0; i < ARRAY_LEN(more); i++)
		if (strcmp(more[i].table, t->table) == 0 && strcmp(more[i].file, t->file) == 0)
			expected = more[i].rows;
	if (rows != expected)
		fail_msg("%s of %s: %u rows more than tshark has", t->table, t->file, rows);
}

static void close_file(struct truth *t)
{
	if (t->file[0]) {
		count_more(t);
		rig_stop(&t->rig);
		rig_release(&t->rig);
	}
	free(t->used);
	t->used = NULL;
}

static void open_file(struct truth *t, const char *folder, const char *file)
{
	char path[PATH_BYTES];
	const struct rig_query q = {.table = t->table, .columns = t->columns, .count = 65536};

	close_file(t);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	(void)snprintf(t->file, sizeof(t->file), "%s", file);
	rig_start(&t->rig);
	assert_int_equal(rig_open(&t->rig, path), 0);
	assert_int_equal(rig_query(&t->rig, &q), 0);
	t->used = xcalloc(t->rig.window.rows + 1, sizeof(*t->used));
}

/* The whole file: a child that ends would move the place where it is read. */
static void truth_read(struct truth *t, const char *path)
{
	FILE *in = fopen(path, "re");
	size_t n;

	assert_non_null(in);
	t->text = xcalloc(1, TRUTH_BYTES);
	n = fread(t->text, 1, TRUTH_BYTES - 1, in);
	assert_true(n > 0 && n < TRUTH_BYTES - 1);
	(void)fclose(in);
	t->rest = t->text;
}

/* The next line of truth. */
static bool line_next(struct truth *t)
{
	char *line = strsep(&t->rest, "\n");

	if (!line || !line[0])
		return false;
	for (unsigned i = 0; i < FIELDS_MAX; i++)
		t->field[i] = line ? strsep(&line, "\t") : NULL;
	return true;
}

static void word_add(char out[WORDS_BYTES], const char *word)
{
	size_t n = strlen(out);

	if (word[0])
		(void)snprintf(out + n, WORDS_BYTES - n, "%s%s", n ? " " : "", word);
}

/* The cells of all these rows, joined by blanks as the truth's are. */
static void cells_join(const struct truth *t, const uint32_t *row, unsigned rows,
		       const char *column, char out[WORDS_BYTES])
{
	out[0] = '\0';
	for (unsigned i = 0; i < rows; i++) {
		char *text = rig_text(&t->rig, row[i], column);

		word_add(out, text);
		free(text);
	}
}

/* Rows of the packet (or whose last packet it is), `most` of them, that were not compared yet. */
static unsigned rows_of(const struct truth *t, const char *packet, unsigned most, uint32_t row[64])
{
	unsigned n = 0;

	for (uint32_t i = 0; i < t->rig.window.rows && n < most; i++) {
		char *own = rig_text(&t->rig, i, "packet");
		char *last = window_column(&t->rig.window, "last_packet") >= 0
				     ? rig_text(&t->rig, i, "last_packet")
				     : xstrdup("");

		if (!t->used[i] && (strcmp(own, packet) == 0 || strcmp(last, packet) == 0))
			row[n++] = i;
		free(own);
		free(last);
	}
	return n;
}

static bool same(const struct truth *t, const uint32_t *row, unsigned rows, const char *column,
		 const char *theirs)
{
	char ours[WORDS_BYTES];

	cells_join(t, row, rows, column, ours);
	return strcmp(ours, theirs) == 0;
}

/* One of a list of words with their numbers. */
struct word {
	const char *theirs, *ours;
};

static void words_join(const struct word *words, const char *theirs, const char *otherwise,
		       char out[WORDS_BYTES])
{
	char *list = xstrdup(theirs), *rest = list;

	out[0] = '\0';
	for (char *w = strsep(&rest, " "); w; w = strsep(&rest, " ")) {
		const struct word *found = words;
		char text[64];

		while (found->theirs && strcmp(found->theirs, w) != 0)
			found++;
		(void)snprintf(text, sizeof(text), "%s%s", w[0] ? otherwise : "", w);
		word_add(out, found->theirs ? found->ours : text);
	}
	free(list);
}

/* --- dns --- */

enum { D_FILE, D_FRAME, D_PROTO, D_STREAM, D_ID, D_RESPONSE, D_NAME, D_TYPE, D_RCODE, D_TIME };

static bool same_time(const struct truth *t, uint32_t row, const char *seconds)
{
	struct value v = rig_cell(&t->rig, row, "latency_ms");
	char text[TEXT_NUMBER_MAX];

	if (!seconds[0])
		return v.type == VALUE_NULL;
	return v.type == VALUE_INT && strcmp(text_seconds9(v.i, text), seconds) == 0;
}

static bool check_dns(struct truth *t)
{
	static const struct word types[] = {
		{"1", "A"},	  {"2", "NS"},	  {"5", "CNAME"},  {"6", "SOA"},  {"12", "PTR"},
		{"15", "MX"},	  {"16", "TXT"},  {"28", "AAAA"},  {"33", "SRV"}, {"43", "DS"},
		{"48", "DNSKEY"}, {"255", "ANY"}, {"65", "HTTPS"}, {NULL, NULL},
	};
	static const struct word rcodes[] = {
		{"0", "NOERROR"}, {"2", "SERVFAIL"}, {"3", "NXDOMAIN"}, {"5", "REFUSED"}, {0},
	};
	char type[WORDS_BYTES], rcode[WORDS_BYTES];
	const char *name = strcmp(t->field[D_NAME], "<Root>") == 0 ? "." : t->field[D_NAME];
	uint32_t row[64];
	unsigned n = rows_of(t, t->field[D_FRAME], 64, row);

	words_join(types, t->field[D_TYPE], "TYPE", type);
	words_join(rcodes, t->field[D_RCODE], "RCODE", rcode);
	for (unsigned i = 0; i < n; i++)
		t->used[row[i]] = true;
	return n && same(t, row, 1, "id", t->field[D_ID]) &&
	       (rig_int(&t->rig, row[0], "response") == 1) == (t->field[D_RESPONSE][0] == '1') &&
	       same(t, row, n, "name", name) && same(t, row, n, "type", type) &&
	       same(t, row, n, "rcode", rcode) && same_time(t, row[0], t->field[D_TIME]);
}

/* --- tls --- */

enum { S_FILE, S_FRAME, S_STREAM, S_CARRIER, S_HANDSHAKE, S_SNI, S_LEGACY, S_VERSIONS };

static bool check_tls(struct truth *t)
{
	static const struct word versions[] = {
		{"0x0300", "SSL 3.0"}, {"0x0301", "TLS 1.0"}, {"0x0302", "TLS 1.1"},
		{"0x0303", "TLS 1.2"}, {"0x0304", "TLS 1.3"}, {NULL, NULL},
	};
	char version[WORDS_BYTES], *best = t->field[S_VERSIONS];
	uint32_t row[64];
	unsigned n = rows_of(t, t->field[S_FRAME], 64, row);

	best[strcspn(best, " ")] = '\0'; /* the best stands first in these captures */
	words_join(versions, best[0] ? best : t->field[S_LEGACY], "", version);
	for (unsigned i = 0; i < n; i++) {
		if (!same(t, &row[i], 1, "kind", t->field[S_HANDSHAKE]))
			continue;
		t->used[row[i]] = true;
		return same(t, &row[i], 1, "sni", t->field[S_SNI]) &&
		       same(t, &row[i], 1, "version", version);
	}
	return false;
}

/* --- http --- */

enum { H_FILE, H_FRAME, H_STREAM, H_KIND, H_METHOD, H_HOST, H_URI, H_STATUS };

static bool check_http(struct truth *t)
{
	const char *values = t->field[H_STATUS][0] ? t->field[H_STATUS] : t->field[H_METHOD];
	uint32_t row[64];
	unsigned most = 1, n;

	for (const char *p = values; *p; p++)
		most += *p == ' ';
	n = rows_of(t, t->field[H_FRAME], most, row);
	for (unsigned i = 0; i < n; i++)
		t->used[row[i]] = true;
	return n == most && same(t, row, n, "method", t->field[H_METHOD]) &&
	       same(t, row, n, "host", t->field[H_HOST]) &&
	       same(t, row, n, "uri", t->field[H_URI]) &&
	       same(t, row, n, "status", t->field[H_STATUS]);
}

/* --- all of a table --- */

static bool is_known(const struct truth *t)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].table, t->table) == 0 &&
		    strcmp(known[i].file, t->field[0]) == 0 &&
		    (!known[i].frame[0] || strcmp(known[i].frame, t->field[1]) == 0))
			return true;
	return false;
}

static void check_line(struct truth *t, const char *folder, bool (*check)(struct truth *))
{
	char number[32];

	if (strcmp(t->file, t->field[0]) != 0)
		open_file(t, folder, t->field[0]);
	/* tshark counts this file's custom block as a packet. */
	if (strcmp(t->field[0], "d-big-endian-spb.pcapng") == 0) {
		(void)snprintf(number, sizeof(number), "%ld", strtol(t->field[1], NULL, 10) - 1);
		t->field[1] = number;
	}
	t->total++;
	if (check(t)) {
		t->equal++;
	} else if (!is_known(t)) {
		t->unknown++;
		print_error("%s of %s, packet %s: not as tshark says\n", t->table, t->field[0],
			    t->field[1]);
	}
}

static void check_table(const char *table, const char *columns, bool (*check)(struct truth *),
			unsigned *total, unsigned *equal)
{
	const char *folder = folder_of_captures();
	struct truth own = {0}, *t = &own; /* here: who forks leaves no memory that nobody knows */
	char path[PATH_BYTES];
	(void)snprintf(path, sizeof(path), "%s/%s.tsv", folder, table);
	truth_read(t, path);
	t->table = table;
	t->columns = columns;
	(void)line_next(t); /* the heading */
	while (line_next(t))
		check_line(t, folder, check);
	close_file(t);
	print_message("%s: %u of %u rows equal tshark's\n", table, t->equal, t->total);
	assert_int_equal(t->unknown, 0);
	*total += t->total;
	*equal += t->equal;
	free(t->text);
}

static void test_messages(void **state)
{
	unsigned total = 0, equal = 0;

	(void)state;
	if (!folder_of_captures())
		skip();
	check_table("dns", "packet,id,response,name,type,rcode,latency_ms", check_dns, &total,
		    &equal);
	check_table("tls", "packet,kind,sni,version", check_tls, &total, &equal);
	check_table("http", "packet,last_packet,method,host,uri,status", check_http, &total,
		    &equal);
	assert_true(equal * 100 >= total * EQUAL_MIN);
}

/* --- what must hold of every capture --- */

static uint64_t sum_of(struct rig *r, const char *table, const char *column)
{
	uint64_t sum = 0;

	assert_int_equal(rig_table(r, table), 0);
	for (uint32_t i = 0; i < r->window.rows; i++)
		sum += (uint64_t)rig_int(r, i, column);
	return sum;
}

static void check_sums(const char *folder, const char *file)
{
	struct rig r;
	char path[PATH_BYTES];
	uint64_t sent, received, top = 0, packets;
	const struct rig_query q = {
		.table = "summary", .columns = "packets,other_packets", .count = 1};

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	rig_start(&r);
	assert_int_equal(rig_open(&r, path), 0);
	sent = sum_of(&r, "endpoints", "packets_tx");
	received = sum_of(&r, "endpoints", "packets_rx");
	assert_int_equal(rig_table(&r, "protocols"), 0);
	for (uint32_t i = 0; i < r.window.rows; i++)
		if (rig_int(&r, i, "depth") == 0)
			top += (uint64_t)rig_int(&r, i, "packets");
	assert_int_equal(rig_query(&r, &q), 0);
	packets = (uint64_t)rig_int(&r, 0, "packets");
	/* Each packet has one sender and one receiver, and one outermost layer. */
	assert_int_equal(sent, packets - (uint64_t)rig_int(&r, 0, "other_packets"));
	assert_int_equal(received, sent);
	assert_int_equal(top, packets);
	rig_stop(&r);
	rig_release(&r);
}

static void test_sums(void **state)
{
	static const char *const files[] = {
		"z-wikipedia.pcap", "z-dns-edns-ecs.pcap",	"pp-sll.pcap",	    "z-Teredo.pcap",
		"z-mdns.pcap",	    "d-mixed-linktypes.pcapng", "d-own-lossy.pcap",
	};
	const char *folder = folder_of_captures();

	(void)state;
	if (!folder)
		skip();
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		check_sums(folder, files[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
