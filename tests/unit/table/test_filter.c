/* The filter language against rows that are counted by hand and against a plain reading of what
 * each word means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/xalloc.h"
#include "table/filter.h"

enum {
	C_ID,
	C_PROTO,
	C_ADDR_A,
	C_PORT_A,
	C_ADDR_B,
	C_PORT_B,
	C_BYTES,
	C_MS,
	C_STATE,
	C_UP,
	C_TIME,
	C_SHARE,
	C_FLOW,
	C_COUNT
};

static const struct column columns[C_COUNT] = {
	{"id", KIND_COUNT, 0, "", ""},	      {"proto", KIND_TEXT, 0, "", ""},
	{"addr_a", KIND_ADDR, 0, "", ""},     {"port_a", KIND_PORT, 0, "", ""},
	{"addr_b", KIND_ADDR, 0, "", ""},     {"port_b", KIND_PORT, COLUMN_HIDDEN, "", ""},
	{"bytes", KIND_BYTES, 0, "", ""},     {"handshake_ms", KIND_MS, 0, "", ""},
	{"state", KIND_TEXT, 0, "", ""},      {"up", KIND_BOOL, 0, "", ""},
	{"first_time", KIND_TIME, 0, "", ""}, {"share", KIND_SHARE, 0, "", ""},
	{"flow", KIND_FLOW, 0, "", ""},
};
static const struct table_type type = {"connections", "", "", columns, C_COUNT};

static struct value addr(const char *text)
{
	struct addr a;

	if (!text)
		return value_null();
	assert_int_equal(addr_parse(str_of(text), &a, NULL), 0);
	return value_addr(&a);
}

struct given {
	const char *proto, *a;
	int port_a;
	const char *b;
	int port_b;
	int64_t bytes, ns;
	const char *state;
};

static const struct given given[] = {
	{"tcp", "10.0.0.1", 40000, "10.0.0.2", 443, 1500, 50000000, "SF"}, /* 0 */
	{"tcp", "10.0.0.3", 443, "10.0.0.1", 40001, 100, 51000000, "S0"},  /* 1 */
	{"udp", "10.0.0.1", 40002, "192.168.1.5", 53, 2000000, -1, NULL},  /* 2 */
	{"icmp", "10.0.0.1", 443, "10.0.0.2", 443, 0, -1, "OTH"}, /* 3: the identifier is 443 */
	{"tcp", "2001:db8::1", 5, "2001:db8::2", 80, 1000, 250000, "RSTO"}, /* 4 */
	{"igmp", "10.0.0.9", -1, "224.0.0.1", -1, 64, -1, ""},		    /* 5 */
};

static struct rowset *rows(void)
{
	struct rowset *r = rowset_new(&type);

	for (size_t i = 0; i < ARRAY_LEN(given); i++) {
		const struct given *g = &given[i];
		const struct value v[C_COUNT] = {
			value_int((int64_t)i + 1),
			value_text(g->proto),
			addr(g->a),
			g->port_a < 0 ? value_null() : value_int(g->port_a),
			addr(g->b),
			g->port_b < 0 ? value_null() : value_int(g->port_b),
			value_int(g->bytes),
			g->ns < 0 ? value_null() : value_int(g->ns),
			value_text(g->state),
			value_int(i % 2),
			value_int((int64_t)(1769854830 + i) * 1000000000),
			value_real((double)i / 10),
			value_int((int64_t)(i + 1) * 2),
		};

		rowset_add(r, v);
	}
	return r;
}

/* The rows that pass, as digits. */
static void passes(const char *expression, const char *want)
{
	struct rowset *r = rows();
	const struct table t = rowset_table(r, true);
	struct filter *f;
	char got[16] = "";
	struct err e;

	f = filter_parse(&type, str_of(expression), &e);
	if (!f)
		fail_msg("%s: %s (at %d)", expression, e.text, e.at);
	for (size_t i = 0; i < ARRAY_LEN(given); i++)
		if (filter_match(f, &t, i))
			got[strlen(got)] = (char)('0' + i);
	if (strcmp(got, want) != 0)
		fail_msg("%s: rows %s, not %s", expression, got, want);
	filter_free(f);
	t.release(t.data);
}

static void test_columns(void **state)
{
	(void)state;
	passes("", "012345");
	passes("  ", "012345");
	passes("bytes > 1k", "02");
	passes("bytes >= 1k", "024");
	passes("bytes>=1k and bytes<=1.5k", "04");
	passes("bytes == 2MB", "2");
	passes("bytes != 0", "01245");
	passes("handshake_ms > 50", "1");
	passes("handshake_ms >= 50ms", "01");
	passes("handshake_ms < 300us", "4");
	passes("handshake_ms", "014");
	passes("not handshake_ms", "235");
	passes("state", "0134");
	passes("state == SF", "0");
	passes("state != SF", "12345");
	passes("state ~ ^S", "01");
	passes("state !~ ^S", "2345");
	passes("state ~ '^(SF|OTH)$'", "03");
	passes("(state ~ ^(SF|OTH)$)", "03");
	passes("state in [SF, S0, 'x y']", "01");
	passes("port_b in {80 , 53}", "24");
	passes("port_b == https", "03");
	passes("up", "135");
	passes("up == no", "024");
	passes("share > 30%", "45");
	passes("share >= 0.3", "345");
	passes("flow == 2.1", "1");
	passes("flow == 2", "1");
	passes("flow > 2.2", "2345");
	passes("first_time > '2026-01-31 10:20:33'", "45");
	passes("first_time <= 2026-01-31T10:20:30Z", "0");
	passes("id == 0x3", "2");
	passes("proto == \"tcp\" && !(id == 1 || id == 2)", "4");
	passes("addr_a == 10.0.0.0/8", "01235");
	passes("addr_a != 10.0.0.0/8", "4");
	passes("addr_b ~ ^2001:", "4");
	passes("id == -1", "");
}

static void test_precedence(void **state)
{
	(void)state;
	passes("id == 1 or id == 2 and id == 3", "0");		  /* and binds before or */
	passes("host 192.168.1.5 or host 10.0.0.3 and udp", "2"); /* BPF: alike, from the left */
	passes("tcp or udp and port 53", "2");
	passes("tcp or (udp and port 53)", "0124");
	passes("not tcp and not udp", "35");
	passes("not (tcp or udp)", "35");
	passes("!tcp", "235");
}

static void test_either_end(void **state)
{
	(void)state;
	passes("addr == 10.0.0.2", "03");
	passes("addr != 10.0.0.2", "1245");
	passes("host == 10.0.0.0/24", "01235");
	passes("host != 10.0.0.0/24", "4");
	passes("port == 443", "013");
	passes("port != 443", "245");
	passes("port in [80, 53]", "24");
	passes("port > 40000", "12");
	passes("port", "01234");
}

static void test_bpf_words(void **state)
{
	(void)state;
	passes("host 10.0.0.2", "03");
	passes("src host 10.0.0.3", "1");
	passes("dst host 10.0.0.1", "1");
	passes("src 10.0.0.1", "023");
	passes("src or dst host 10.0.0.3", "1");
	passes("src and dst net 10.0.0.0/24", "013");
	passes("net 192.168", "2");
	passes("net 192.168.0.0 mask 255.255.0.0", "2");
	passes("net 2001:db8::/32", "4");
	passes("port 443", "01"); /* icmp's identifier is no port */
	passes("tcp port 443", "01");
	passes("tcp dst port 443", "0");
	passes("port https", "01");
	passes("udp", "2");
	passes("icmp", "3");
	passes("ip", "01235");
	passes("ip6", "4");
	passes("ip6 and tcp port 80", "4");
	passes("ip proto 6", "01");
	passes("proto 17", "2");
	passes("portrange 50-90", "24");
	passes("portrange 90-50", "24");
	passes("src portrange 0-100", "4");
	passes("tcp port 80 or 443", "014");
	passes("port (80 or 53)", "24");
	passes("host 10.0.0.3 or 10.0.0.9", "15");
	passes("not host 10.0.0.1 and not 10.0.0.9", "4");
	passes("host 10.0.0.1 and tcp port 443", "01");
	passes("tcp and bytes > 1k", "0");
}

static void test_wireshark_words(void **state)
{
	(void)state;
	passes("ip.addr == 10.0.0.2", "03");
	passes("ip.src == 10.0.0.3", "1");
	passes("ip.dst == 10.0.0.0/24", "013");
	passes("ipv6.addr == 2001:db8::2", "4");
	passes("tcp.port == 443", "01");
	passes("tcp.port != 443", "4");
	passes("udp.dstport == 53", "2");
	passes("tcp.srcport in {443}", "1");
	passes("tcp.port", "014");
	passes("frame.time > '2026-01-31 10:20:33'", "45");
}

static void wrong(const char *expression, int at, const char *said)
{
	struct filter *f;
	struct err e;

	err_clear(&e);
	f = filter_parse(&type, str_of(expression), &e);
	if (f)
		fail_msg("%s was taken", expression);
	if (e.at != at || !strstr(e.text, said) || e.code != ERR_CALL)
		fail_msg("%s: %s (at %d, not %d)", expression, e.text, e.at, at);
}

static void test_errors(void **state)
{
	(void)state;
	wrong("stat == SF", 0, "did you mean \"state\"");
	wrong("tcp and adr_a == 1", 8, "did you mean \"addr_a\"");
	wrong("bytes > x", 8, "no value for bytes");
	wrong("bytes >", 7, "missing");
	wrong("addr == 10.0.0.300", 8, "no address");
	wrong("addr_a < 10.0.0.0/8", 9, "net");
	wrong("port_a == 70000", 10, "no port");
	wrong("(tcp", 0, "not closed");
	wrong("tcp)", 3, "no bracket");
	wrong("tcp udp", 4, "missing");
	wrong("state == SF bytes > 1", 12, "and or or");
	wrong("state == 'SF", 9, "not closed");
	wrong("state ~ '('", 8, "regular expression");
	wrong("state ~ '(a{200}){200}'", 8, "repeats");
	wrong("state ~ '(a)\\1'", 8, "back references");
	wrong("port in 80", 8, "list");
	wrong("port in [80", 11, "missing");
	wrong("and", 0, "missing");
	wrong("tcp and", 7, "missing");
	wrong("first_time > yesteryear", 13, "no time");
	wrong("handshake_ms > 5x", 15, "length of time");
}

static void test_errors_without_bpf(void **state)
{
	static const struct column few[] = {{"name", KIND_TEXT, 0, "", ""},
					    {"host", KIND_TEXT, 0, "", ""}};
	static const struct table_type names = {"http", "", "", few, 2};
	struct filter *f;
	struct err e;

	(void)state;
	assert_null(filter_parse(&names, str_of("tcp"), &e));
	assert_non_null(strstr(e.text, "proto"));
	assert_null(filter_parse(&names, str_of("port 80"), &e));
	assert_null(filter_parse(&names, str_of("port == 80"), &e));
	assert_null(strstr(e.text, "mean \"port\"")); /* which it does not take */
	assert_null(filter_parse(&names, str_of("addr == 1.2.3.4"), &e));
	assert_null(filter_parse(&names, str_of("name = "), NULL));
	f = filter_parse(&names, str_of("host example.com and host ~ example"),
			 &e); /* its own column of that name */
	assert_non_null(f);
	filter_free(f);
}

static void test_limits(void **state)
{
	struct buf b;
	struct err e;
	struct filter *f;

	(void)state;
	buf_init(&b, 1 << 20);
	for (int i = 0; i < 70; i++)
		assert_int_equal(buf_add_byte(&b, '('), 0);
	assert_null(filter_parse(&type, (struct str){buf_str(&b), b.len}, &e));
	assert_non_null(strstr(e.text, "brackets"));
	buf_clear(&b);
	for (int i = 0; i < 600; i++)
		assert_int_equal(buf_add_str(&b, i ? " or id==1" : "id==1"), 0);
	assert_null(filter_parse(&type, (struct str){buf_str(&b), b.len}, &e));
	assert_non_null(strstr(e.text, "parts"));
	buf_clear(&b);
	assert_int_equal(buf_add_str(&b, "id in [1"), 0);
	for (int i = 0; i < 255; i++)
		assert_int_equal(buf_printf(&b, ",%d", i), 0);
	assert_int_equal(buf_add_str(&b, "]"), 0);
	f = filter_parse(&type, (struct str){buf_str(&b), b.len}, &e);
	assert_non_null(f);
	assert_int_equal(filter_root(f)->op, FILTER_IN);
	assert_int_equal(filter_root(f)->nvalues, 256);
	filter_free(f);
	buf_release(&b);
}

/* Random comparisons against C's own. */
static void test_brute_force(void **state)
{
	static const char *const op[] = {"==", "!=", "<", ">", "<=", ">="};
	struct rowset *r = rowset_new(&type);
	const struct table t = rowset_table(r, true);
	unsigned seed = 7;
	char text[128];

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct value v[C_COUNT] = {{0}};

		v[C_ID] = value_int(i % 10);
		v[C_BYTES] = i % 7 ? value_int(i % 5) : value_null();
		rowset_add(r, v);
	}
	for (int round = 0; round < 2000; round++) {
		unsigned pick[5];
		struct filter *f;

		for (int i = 0; i < 5; i++) {
			seed = seed * 1103515245u + 12345u;
			pick[i] = (seed >> 16) % 60;
		}
		(void)snprintf(text, sizeof(text), "%sid %s %u %s bytes %s %u",
			       pick[4] % 2 ? "not " : "", op[pick[0] % 6], pick[1] % 10,
			       pick[4] % 3 ? "and" : "or", op[pick[2] % 6], pick[3] % 5);
		f = filter_parse(&type, str_of(text), NULL);
		assert_non_null(f);
		for (int i = 0; i < 50; i++) {
			const int cell[2] = {i % 10, i % 5},
				  val[2] = {(int)(pick[1] % 10), (int)(pick[3] % 5)};
			const unsigned ops[2] = {pick[0] % 6, pick[2] % 6};
			bool yes[2], want;

			for (int j = 0; j < 2; j++) {
				const bool all[6] = {cell[j] == val[j], cell[j] != val[j],
						     cell[j]<val[j], cell[j]> val[j],
						     cell[j] <= val[j], cell[j] >= val[j]};

				yes[j] = j == 1 && i % 7 == 0 ? ops[j] == 1 : all[ops[j]];
			}
			yes[0] = pick[4] % 2 ? !yes[0] : yes[0];
			want = pick[4] % 3 ? yes[0] && yes[1] : yes[0] || yes[1];
			if (filter_match(f, &t, (uint64_t)i) != want)
				fail_msg("%s, row %d", text, i);
		}
		filter_free(f);
	}
	t.release(t.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_either_end),
		cmocka_unit_test(test_bpf_words),
		cmocka_unit_test(test_wireshark_words),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_errors_without_bpf),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
