/* The question language: what people ask, in the words that they use; wrong words have a place; and a thousand random filters
 * find in SQL what the filter itself finds row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"

#include "../../../db/plan.h"
#include "../../../db/shard.h"
#include "../../../db/sql.h"
#include "../../../db/tables.h"
#include "base/clock.h"
#include "base/xalloc.h"

#define NOW INT64_C(1700000000000000000) /* 2023-11-14 22:13:20 UTC */
#define MIDNIGHT (NOW - INT64_C(80000) * NS_PER_S)
#define ROWS 400
#define FILTERS 1000

static void parsed(struct question *q, const char *text)
{
	struct err e = {0};

	if (question_parse(q, str_of(text), NOW, &e) != 0)
		fail_msg("'%s': %s (at %d)", text, e.text, e.at);
}

/* The SQL of a question, for comparing two of them. */
static char *sql_of(const char *text)
{
	static const struct plan_scope scope = {.captures = "", .newer_ns = INT64_MIN};
	struct plan *plan = xmalloc(sizeof(*plan));
	struct question q;
	struct err e = {0};
	char *sql;

	parsed(&q, text);
	if (plan_make(plan, &q, PLAN_ROWS, &scope, &e) != 0)
		fail_msg("'%s': %s", text, e.text);
	sql = xstrdup(buf_str(&plan->sql));
	for (int i = 0; i < plan->binds; i++) {
		char *more = plan->bind[i].type == BIND_TEXT
				     ? xasprintf("%s %.*s", sql, (int)plan->bind[i].s.len, plan->bind[i].s.p)
				     : xasprintf("%s %lld/%g/%02x%02x%02x%02x", sql, (long long)plan->bind[i].i, plan->bind[i].r,
						 plan->bind[i].bytes[12], plan->bind[i].bytes[13], plan->bind[i].bytes[14],
						 plan->bind[i].bytes[15]);
		free(sql);
		sql = more;
	}
	plan_release(plan);
	free(plan);
	question_release(&q);
	return sql;
}

/* --- the questions that people ask --- */

static void people_are_understood(void **state)
{
	static const struct {
		const char *text;
		enum question_kind kind;
	} asked[] = {
		{"", QUESTION_CAPTURES},
		{"10.1.2.3 between 14:00 and 15:00 | captures", QUESTION_CAPTURES},
		{"10.1.2.3", QUESTION_CONNECTIONS},
		{"at 14:03:22.118 on gw1", QUESTION_CONNECTIONS},
		{"capture 41", QUESTION_CONNECTIONS},
		{"between yesterday 09:00 and 10:00 | top 20 ip", QUESTION_TOP},
		{"10.1.2.3 <-> 10.9.9.9 | count by capture", QUESTION_TOP},
		{"10.1.2.3 <-> 10.9.9.9 | count", QUESTION_COUNT},
		{"tcp port 5060 last 2h | files", QUESTION_FILES},
		{"net 10.4.0.0/22 last 1d", QUESTION_CONNECTIONS},
		{"net 2001:db8:7::/64", QUESTION_CONNECTIONS},
		{"state == REJ last 1d | top 20 dst,dport", QUESTION_TOP},
		{"retrans > 10 last 1h | sort retrans", QUESTION_CONNECTIONS},
		{"rtt > 200ms port 443 | top 10 dst", QUESTION_TOP},
		{"duration > 1h and state == S1", QUESTION_CONNECTIONS},
		{"bytes.ab > 1G last 1d net 10/8", QUESTION_CONNECTIONS},
		{"10.1.2.3 port 443 at 14:03 +-5s on gw1", QUESTION_CONNECTIONS},
		{"10.1.2.3 port 443 at 14:03 +- 5s", QUESTION_CONNECTIONS},
		{"ip.addr == 10.1.2.3 and tcp.port == 443", QUESTION_CONNECTIONS},
		{"port in {80 443}", QUESTION_CONNECTIONS},
		{"app ~ dns|tls", QUESTION_CONNECTIONS},
		{"session web since yesterday | events", QUESTION_EVENTS},
		{"files last 1d", QUESTION_FILES},
		{"session web counter dns last 1d", QUESTION_MINUTES},
		{"session web counter dns last 1d | hours", QUESTION_HOURS},
		{"minutes on edge-01", QUESTION_MINUTES},
		{"before 2026-11-01 | captures", QUESTION_CAPTURES},
		{"10.1.2.3 | sort -bytes | limit 10", QUESTION_CONNECTIONS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct question q;

		parsed(&q, asked[i].text);
		if (q.kind != asked[i].kind)
			fail_msg("'%s' is of kind %d", asked[i].text, q.kind);
		question_release(&q);
		if (*asked[i].text)
			free(sql_of(asked[i].text));
	}
}

static void one_thing_has_many_words(void **state)
{
	static const char *const same[][2] = {
		{"10.1.2.3", "host 10.1.2.3"},
		{"10.1.2.3", "host == 10.1.2.3"},
		{":443", "port 443"},
		{"443", "port 443"},
		{"10.1/16", "net 10.1.0.0/16"},
		{"tcp port 443 10.1.2.3", "tcp port 443 and host 10.1.2.3"},
		{"10.0.0.1 <-> 10.0.0.2", "(host 10.0.0.1 and host 10.0.0.2)"},
		{"duration > 2s", "duration_s > 2s"},
		{"rtt > 200ms", "handshake_ms > 200ms"},
		{"bytes.ab > 1G", "bytes_ab > 1G"},
		{"pkts.ba eq 0", "packets_ba == 0"},
		{"bytes gt 5", "bytes > 5"},
		{"port in [80 443]", "port in [80, 443]"},
		{"tcp && not port 80", "tcp and not port 80"},
		{"port 80 or 443", "port 80 or port 443"},
		{"port 80 last 1h", "last 1h and port 80"},
		{"port 80 and last 1h and tcp", "port 80 and tcp last 1h"},
		{"not (a_b or port 80)", NULL},
	};

	(void)state;
	for (size_t i = 0; same[i][1]; i++) {
		char *a = sql_of(same[i][0]), *b = sql_of(same[i][1]);

		if (strcmp(a, b) != 0)
			fail_msg("'%s' and '%s' differ:\n%s\n%s", same[i][0], same[i][1], a, b);
		free(a);
		free(b);
	}
}

static void times_are_meant(void **state)
{
	static const struct {
		const char *text;
		int64_t from_ns, to_ns;
	} asked[] = {
		{"last 10s", NOW - 10 * NS_PER_S, INT64_MAX},
		{"after 2023-11-14T22:00:00Z", NOW - 800 * NS_PER_S, INT64_MAX},
		{"before '2023-11-14 22:00'", INT64_MIN, NOW - 800 * NS_PER_S},
		{"before 2023-11-14 22:00", INT64_MIN, NOW - 800 * NS_PER_S},
		{"between yesterday 09:00 and 10:00", MIDNIGHT - 54000 * NS_PER_S, MIDNIGHT - 50400 * NS_PER_S},
		{"between today 09:00 and 10:00", MIDNIGHT + 32400 * NS_PER_S, MIDNIGHT + 36000 * NS_PER_S},
		{"at 14:00", MIDNIGHT + 50400 * NS_PER_S, MIDNIGHT + 50401 * NS_PER_S},
		{"at 14:00 +-1m", MIDNIGHT + 50340 * NS_PER_S, MIDNIGHT + 50460 * NS_PER_S},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct question q;

		parsed(&q, asked[i].text);
		if (q.from_ns != asked[i].from_ns || q.to_ns != asked[i].to_ns)
			fail_msg("'%s': from %lld to %lld", asked[i].text, (long long)q.from_ns, (long long)q.to_ns);
		question_release(&q);
	}
}

static void wrong_words_have_a_place(void **state)
{
	static const struct {
		const char *text;
		int at;
		const char *says;
	} wrong[] = {
		{"port 443 and prt 80", 13, "\"port\""},
		{"port 443 and lats 1d", 13, "\"last\""},
		{"port 443 | capturs", 11, "\"captures\""},
		{"port 443 | sort bytez", 16, "column"},
		{"port 443 | top 5 nothing", 17, "column"},
		{"port 443 | limit 0", 17, "number"},
		{"last", 4, "missing"},
		{"on", 2, "missing"},
		{"after soon", 6, "no time"},
		{"between 10:00 or 11:00", 14, "'and'"},
		{"port 80 or last 1d", 11, "'or'"},
		{"(port 80 last 1d)", 9, "brackets"},
		{"capture web", 8, "number"},
		{"port 99999", 5, "port"},
		{"app ~ [", 6, "regular expression"},
		{"(port 80", 0, "bracket"},
		{"port 80 | captures now", 19, "end"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		struct question q;
		struct err e = {0};

		if (question_parse(&q, str_of(wrong[i].text), NOW, &e) == 0)
			fail_msg("'%s' was understood", wrong[i].text);
		if (e.code != ERR_CALL || e.at != wrong[i].at || !strstr(e.text, wrong[i].says))
			fail_msg("'%s': place %d, not %d: %s", wrong[i].text, e.at, wrong[i].at, e.text);
	}
}

static void what_sql_cannot_is_refused(void **state)
{
	static const struct plan_scope scope = {.captures = "", .newer_ns = INT64_MIN};
	static const char *const refused[] = {"path == /x", "host == edge", "tcp and session == web"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct plan *plan = xmalloc(sizeof(*plan));
		struct question q;
		struct err e = {0};

		parsed(&q, refused[i]);
		assert_int_equal(plan_make(plan, &q, PLAN_ROWS, &scope, &e), -1);
		assert_int_equal(e.code, ERR_CALL);
		assert_true(e.at >= 0);
		plan_release(plan);
		free(plan);
		question_release(&q);
	}
}

/* --- a thousand filters against the filter itself --- */

static uint32_t random_next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static const char *const texts[] = {"", "tls", "dns", "http", "SF", "S0", "REJ", "ShADadFf"};

static void shard_fill(struct shard *s)
{
	uint32_t r = 7;
	struct err e;

	assert_int_equal(shard_begin(s, &e), 0);
	for (uint64_t id = 1; id <= ROWS; id++) {
		const bool six = random_next(&r) % 4 == 0;
		uint8_t a[16] = {10, 0, 0, (uint8_t)(random_next(&r) % 6)}, b[16] = {10, 1, (uint8_t)(random_next(&r) % 2), 1};
		const uint32_t proto = random_next(&r) % 3;
		struct msg_j_connection m = {
			.id = id,
			.protocol = (uint8_t[]){6, 17, 47}[proto],
			.proto = str_of((const char *[]){"tcp", "udp", "gre"}[proto]),
			.port_a = proto == 2 ? 0 : (uint16_t)(random_next(&r) % 3 + 50000),
			.port_b = proto == 2 ? 0 : (uint16_t)(random_next(&r) % 4 * 100 + 80),
			.start_ns = NOW + (int64_t)(random_next(&r) % 100) * NS_PER_S,
			.duration_ns = random_next(&r) % 5 * NS_PER_S,
			.packets_ab = random_next(&r) % 4,
			.packets_ba = random_next(&r) % 3,
			.bytes_ab = random_next(&r) % 5 * 100,
			.bytes_ba = random_next(&r) % 5 * 100,
			.state = str_of(texts[random_next(&r) % 3 ? 4 + random_next(&r) % 3 : 0]),
			.history = str_of(texts[random_next(&r) % 2 * 7]),
			.app = str_of(texts[random_next(&r) % 4]),
			.handshake_ns = random_next(&r) % 2 ? (int64_t)(random_next(&r) % 4) * 10 * NS_PER_MS : -1,
			.retrans_ab = random_next(&r) % 3,
			.segment = 1,
		};

		if (six) {
			memcpy(a, (const uint8_t[16]){0x20, 1, 0xd, 0xb8, [15] = a[3]}, 16);
			memcpy(b, (const uint8_t[16]){[15] = 1}, 16);
		}
		m.addr_a = (struct str){(char *)a, six ? 16 : 4};
		m.addr_b = (struct str){(char *)b, six ? 16 : 4};
		assert_int_equal(shard_put(s, 1, &m, &e), SHARD_TAKEN);
	}
	assert_int_equal(shard_commit(s, &e), 0);
}

static const char *const leaves[] = {
	"addr_a == 10.0.0.3", "addr == 10.0.0.2", "addr != 10.0.0.1", "host 10.0.0.4", "net 10.0.0.0/29", "net 10.1.0.0/16",
	"net 2001:db8::/32", "ip6", "ip", "addr_b < 10.1.1.0", "addr_a > 10.0.0.3", "addr_a <= 2001:db8::2", "addr_b >= ::2",
	"addr ~ ^2001", "addr_b !~ 1$", "addr in [10.0.0.1, 2001:db8::3]", "addr_b in [10.1.0.0/24, ::/8]", "port 80", "port != 180",
	"port_b > 100", "port_b <= 180", "port in [80, 280]", "portrange 100-200", "port_a ~ 50001", "port_a", "not port_b",
	"tcp", "udp port 80", "src host 10.0.0.1", "dst port 80", "proto == gre", "proto != tcp", "proto in [udp, gre]", "proto ~ ^g",
	"app", "not app", "app == tls", "app != tls", "app !~ ^t", "app == \"\"", "app < http", "app >= http", "state == SF",
	"state != SF", "state in [S0, REJ]", "state ~ .", "state !~ .", "history", "history ~ D", "handshake_ms > 15",
	"handshake_ms < 15", "handshake_ms != 10", "handshake_ms == 20", "handshake_ms", "handshake_ms ~ ^1", "duration > 2s",
	"duration_s ~ ^3", "duration_s <= 1", "start_time > 2023-11-14T22:14:00Z", "start_time ~ 22:14", "bytes > 500", "bytes < 300",
	"bytes_ab == 0", "bytes_ab ~ 00$", "packets != 3", "packets >= 4", "payload == 0", "retrans > 1", "retrans == 0",
	"bytes_ab > 150.5", "id > 200", "id in [1, 2, 3]", "capture == 1", "capture != 1", "tcp port 80 or udp", "vlan", "tunnel == x",
};

static void filter_make(struct buf *out, uint32_t *r, int depth)
{
	const uint32_t what = depth == 0 ? 0 : random_next(r) % 6;

	if (what < 2) {
		(void)buf_printf(out, "(%s)", leaves[random_next(r) % ARRAY_LEN(leaves)]);
	} else if (what == 2) {
		(void)buf_add_str(out, "not (");
		filter_make(out, r, depth - 1);
		(void)buf_add_str(out, ")");
	} else {
		(void)buf_add_str(out, "(");
		filter_make(out, r, depth - 1);
		(void)buf_add_str(out, what < 5 ? " and " : " or ");
		filter_make(out, r, depth - 1);
		(void)buf_add_str(out, ")");
	}
}

/* All rows as a table, by the SQL of the plan itself. */
static struct rowset *rows_of(sqlite3 *db, const char *text, struct plan_scope scope)
{
	bool sealed;
	struct plan *plan = xmalloc(sizeof(*plan));
	struct rowset *rows = rowset_new(&table_history_connections);
	struct value v[TABLE_COLUMNS_MAX];
	struct question q;
	sqlite3_stmt *s;
	struct err e = {0};

	parsed(&q, text);
	assert_int_equal(shard_sealed(db, &sealed, &e), 0);
	scope.open = !sealed;
	if (plan_make(plan, &q, PLAN_ROWS, &scope, &e) != 0 || !(s = plan_prepare(plan, db, &e)))
		fail_msg("'%s': %s", text, e.text);
	while (sqlite3_step(s) == SQLITE_ROW) {
		for (unsigned i = 0; i < table_history_connections.ncolumns; i++) {
			const uint8_t *ip = sqlite3_column_blob(s, (int)i);
			const bool four = sqlite3_column_type(s, (int)i) == SQLITE_BLOB && ip[10] == 0xff;
			struct addr a = {.family = four ? ADDR_IP4 : ADDR_IP6};

			v[i] = value_null();
			if (sqlite3_column_type(s, (int)i) == SQLITE_INTEGER)
				v[i] = value_int(sqlite3_column_int64(s, (int)i));
			else if (sqlite3_column_type(s, (int)i) == SQLITE_TEXT)
				v[i] = value_str(sql_text(s, (int)i));
			else if (sqlite3_column_type(s, (int)i) == SQLITE_BLOB) {
				memcpy(a.bytes, four ? ip + 12 : ip, four ? 4 : 16);
				v[i] = value_addr(&a);
			}
		}
		rowset_add(rows, v);
	}
	sqlite3_finalize(s);
	plan_release(plan);
	free(plan);
	question_release(&q);
	return rows;
}

static uint64_t ids_sum(struct rowset *rows)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < rowset_rows(rows); i++)
		sum += (uint64_t)rowset_cell(rows, i, 3).i * (uint64_t)rowset_cell(rows, i, 3).i;
	return sum;
}

static const struct plan_scope scopes[] = {{.captures = "", .newer_ns = INT64_MIN},
					   {.captures = "[1]", .only = 1, .newer_ns = INT64_MIN},
					   {.captures = "[1]", .only = 1, .newer_ns = INT64_MIN, .wide = true}};

static void filter_holds(sqlite3 *db, struct rowset *all, const char *text, size_t scope)
{
	const struct table t = rowset_table(all, false);
	struct rowset *got = rows_of(db, text, scopes[scope]);
	struct question q;
	uint64_t expected = 0, sum = 0;

	parsed(&q, text);
	for (uint64_t row = 0; row < rowset_rows(all); row++) {
		const uint64_t id = (uint64_t)rowset_cell(all, row, 3).i;

		if (!filter_match(q.filter, &t, row))
			continue;
		expected++;
		sum += id * id;
	}
	if (rowset_rows(got) != expected || ids_sum(got) != sum)
		fail_msg("'%s': %llu rows, the filter says %llu", text, (unsigned long long)rowset_rows(got),
			 (unsigned long long)expected);
	question_release(&q);
	rowset_free(got);
}

static void filters_hold(sqlite3 *db, uint32_t r)
{
	struct rowset *all = rows_of(db, "connections", scopes[0]);

	assert_int_equal(rowset_rows(all), ROWS);
	for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
		for (size_t scope = 0; scope < ARRAY_LEN(scopes); scope++)
			filter_holds(db, all, leaves[i], scope);
	for (int i = 0; i < FILTERS; i++) {
		struct buf text;

		buf_init(&text, 65536);
		filter_make(&text, &r, 5);
		filter_holds(db, all, buf_str(&text), (size_t)i % ARRAY_LEN(scopes));
		buf_release(&text);
	}
	rowset_free(all);
}

/* In a shard that is being filled, and in the same one when it is sealed. */
static void sql_finds_what_the_filter_finds(void **state)
{
	struct shard *s;
	sqlite3 *db;
	char *path = shard_path(*state, 1);
	struct err e;

	assert_int_equal(shard_open(&s, *state, 1, &e), 0);
	shard_fill(s);
	assert_int_equal(sql_open(&db, path, SQL_READER, &e), 0);
	filters_hold(db, 4711);
	for (int made = 0; made < 7; made++)
		assert_int_equal(shard_seal(s, &e), 1);
	assert_int_equal(shard_seal(s, &e), 0);
	filters_hold(db, 1147);
	sql_close(db);
	shard_close(s);
	free(path);
}

/* Long and deep questions are answered or refused, never wrong SQL. */
static void long_questions_end(void **state)
{
	static const char *const parts[] = {"port 80 or ", "not ", "(port 80 and (tcp or ", "addr != 10.0.0.1 and ", "port in [1] or "};
	sqlite3 *db;
	struct err e;

	(void)state;
	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sql_exec(db, shard_schema, &e), 0);
	for (const char *const *index = shard_indexes; *index; index++)
		assert_int_equal(sql_exec(db, *index, &e), 0);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (int n = 1; n < 2000; n += n < 70 ? 1 : 97) {
			static const struct plan_scope scope = {.captures = "[1,2]", .newer_ns = 7};
			struct plan *plan = xmalloc(sizeof(*plan));
			struct question q;
			struct buf text;
			sqlite3_stmt *s;

			buf_init(&text, 1u << 20);
			for (int k = 0; k < n; k++)
				(void)buf_add_str(&text, parts[i]);
			(void)buf_add_str(&text, "udp");
			for (int k = 0; k < n && i == 2; k++)
				(void)buf_add_str(&text, "))");
			if (question_parse(&q, str_of(buf_str(&text)), NOW, &e) == 0) {
				if (plan_make(plan, &q, PLAN_ROWS, &scope, &e) == 0) {
					s = plan_prepare(plan, db, &e);
					if (!s)
						fail_msg("%d times '%s': %s", n, parts[i], e.text);
					sqlite3_finalize(s);
				}
				plan_release(plan);
				question_release(&q);
			}
			free(plan);
			buf_release(&text);
		}
	sql_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_are_understood),
		cmocka_unit_test(one_thing_has_many_words),
		cmocka_unit_test(times_are_meant),
		cmocka_unit_test(wrong_words_have_a_place),
		cmocka_unit_test(what_sql_cannot_is_refused),
		cmocka_unit_test_setup_teardown(sql_finds_what_the_filter_finds, folder_setup, folder_teardown),
		cmocka_unit_test(long_questions_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
