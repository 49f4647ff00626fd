/* What a shard keeps: connections that left memory and came back are one row, whatever is told twice; and a history of an
 * earlier form is asked as it was. */
#include "folder.h"

#include <string.h>

#include "../../../db/catalog.h"
#include "../../../db/shard.h"
#include "../../../db/sql.h"
#include "base/clock.h"
#include "base/xalloc.h"

#define T0 INT64_C(1700000000000000000)

static int64_t number(sqlite3 *db, const char *sql)
{
	struct err e = {0};
	sqlite3_stmt *s = sql_prepare(db, sql, &e);
	int64_t n = -1;

	if (!s || sql_int(db, s, &n, &e) != 0)
		fail_msg("%s: %s", sql, e.text);
	sqlite3_finalize(s);
	return n;
}

static char *text(sqlite3 *db, const char *sql)
{
	struct err e = {0};
	sqlite3_stmt *s = sql_prepare(db, sql, &e);
	char *t = NULL;

	if (!s)
		fail_msg("%s: %s", sql, e.text);
	if (sqlite3_step(s) == SQLITE_ROW)
		t = xstrndup(sql_text(s, 0).p, sql_text(s, 0).len);
	sqlite3_finalize(s);
	return t;
}

static struct msg_j_connection connection(uint64_t id, int64_t start_ns, int64_t duration_ns, uint64_t packets)
{
	static const char a[4] = {10, 0, 0, 1}, b[4] = {10, 0, 0, 2};

	return (struct msg_j_connection){.id = id, .protocol = 6, .proto = str_of("tcp"), .addr_a = {a, 4}, .addr_b = {b, 4},
					 .port_a = 40000, .port_b = 443, .start_ns = start_ns, .duration_ns = duration_ns,
					 .packets_ab = packets, .bytes_ab = packets * 100, .packets_ba = 2 * packets,
					 .bytes_ba = packets * 1000, .payload_ab = packets * 60, .payload_ba = packets * 900,
					 .retrans_ab = 1, .retrans_ba = 2, .handshake_ns = -1, .segment = 1, .offset = 24};
}

static void put(struct shard *s, const struct msg_j_connection *m)
{
	struct err e = {0};

	if (shard_put(s, 1, m, &e) != SHARD_TAKEN)
		fail_msg("%s", e.text);
}

/* Three stays in memory, the first and the last told while they went on. */
static void put_stays(struct shard *s)
{
	struct msg_j_connection m = connection(7, T0, NS_PER_S, 5);

	m.state = str_of("S1");
	m.history = str_of("ShA");
	m.initiator = str_of("a");
	m.handshake_ns = 3 * NS_PER_MS;
	put(s, &m);
	m.packets_ab = 10;
	m.duration_ns = 2 * NS_PER_S;
	m.app = str_of("tls");
	put(s, &m);
	m = connection(7, T0 + 60 * NS_PER_S, 0, 1);
	m.state = str_of("S1");
	m.history = str_of("D");
	m.offset = 5000;
	put(s, &m);
	m = connection(7, T0 + 90 * NS_PER_S, NS_PER_S, 2);
	m.state = str_of("S1");
	put(s, &m);
	m.packets_ab = 4;
	m.duration_ns = 5 * NS_PER_S;
	m.state = str_of("SF");
	m.history = str_of("Ff");
	put(s, &m);
}

static void stays_are_added_up(void **state)
{
	struct err e = {0};
	struct shard *s;
	char *path = shard_path(*state, 1), *words;
	struct msg_j_connection other = connection(8, T0, NS_PER_S, 3);
	sqlite3 *db;

	assert_int_equal(shard_open(&s, *state, 1, &e), 0);
	assert_int_equal(sql_open(&db, path, SQL_READER, &e), 0);
	put(s, &other);
	for (int times = 0; times < 3; times++) { /* again: as after a crash; the third time with indexes */
		put_stays(s);
		assert_int_equal(number(db, "SELECT count(*) FROM connection"), 2);
		assert_int_equal(shard_rows(s), 2);
		assert_int_equal(number(db, "SELECT packets_ab FROM connection WHERE row&65535=7"), 10 + 1 + 4);
		assert_int_equal(number(db, "SELECT bytes_ab FROM connection WHERE row&65535=7"), 500 + 100 + 200);
		assert_int_equal(number(db, "SELECT payload_ba FROM connection WHERE row&65535=7"), 4500 + 900 + 1800);
		assert_int_equal(number(db, "SELECT retrans_ba FROM connection WHERE row&65535=7"), 6);
		assert_int_equal(number(db, "SELECT start_ns FROM connection WHERE row&65535=7"), T0);
		assert_int_equal(number(db, "SELECT duration_ns FROM connection WHERE row&65535=7"), 95 * NS_PER_S);
		assert_int_equal(number(db, "SELECT handshake_ns FROM connection WHERE row&65535=7"), 3 * NS_PER_MS);
		assert_int_equal(number(db, "SELECT offset FROM connection WHERE row&65535=7"), 24);
		words = text(db, "SELECT state||' '||history||' '||initiator||' '||app FROM connection c JOIN kind k ON k.id=c.kind"
				 " WHERE row&65535=7");
		assert_string_equal(words, "SF ShADFf a tls");
		free(words);
		assert_int_equal(number(db, "SELECT packets_ab FROM connection WHERE row&65535=8"), 3);
		while (times == 1 && shard_seal(s, &e) > 0)
			;
	}
	assert_int_equal(number(db, "SELECT count(*) FROM piece"), 3);
	sql_close(db);
	shard_close(s);
	free(path);
}

static void sums_have_an_end(void **state)
{
	struct msg_j_connection m = connection(7, INT64_MAX - 5, INT64_MAX, UINT64_MAX);
	struct err e = {0};
	char *path = shard_path(*state, 1);
	struct shard *s;
	sqlite3 *db;

	assert_int_equal(shard_open(&s, *state, 1, &e), 0);
	put(s, &m);
	m.start_ns = INT64_MIN;
	put(s, &m);
	assert_int_equal(sql_open(&db, path, SQL_READER, &e), 0);
	assert_int_equal(number(db, "SELECT packets_ab FROM connection"), INT64_MAX);
	assert_int_equal(number(db, "SELECT duration_ns FROM connection"), INT64_MAX);
	sql_close(db);
	shard_close(s);
	free(path);
}

/* --- form 1, as it was made until form 2 came --- */

static const char form_1[] =
	"CREATE TABLE addr(id INTEGER PRIMARY KEY, ip BLOB NOT NULL UNIQUE CHECK(length(ip)=16)) STRICT;"
	"CREATE TABLE connection(row INTEGER PRIMARY KEY, start_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,"
	" proto TEXT, a INTEGER NOT NULL, b INTEGER NOT NULL, port_a INTEGER, port_b INTEGER,"
	" packets_ab INTEGER NOT NULL, bytes_ab INTEGER NOT NULL, packets_ba INTEGER NOT NULL, bytes_ba INTEGER NOT NULL,"
	" payload_ab INTEGER NOT NULL, payload_ba INTEGER NOT NULL, state TEXT, history TEXT, initiator TEXT, app TEXT,"
	" handshake_ns INTEGER, retrans_ab INTEGER NOT NULL, retrans_ba INTEGER NOT NULL, tunnel TEXT, vlan TEXT,"
	" segment INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT;"
	"CREATE INDEX connection_a ON connection(a,start_ns);"
	"PRAGMA user_version=1;"
	"INSERT INTO addr VALUES(1,x'00000000000000000000ffff0a000001'),(2,x'20010db8000000000000000000000001');"
	"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<140000) INSERT INTO connection"
	" SELECT (1+i%2)<<36|i,1700000000000000000+i*1000,i,CASE i%3 WHEN 0 THEN NULL WHEN 1 THEN 'tcp' ELSE 'udp' END,1,2,i%65536,"
	"443,i,2*i,3*i,4*i,5,6,nullif('S'||i%4,'S3'),substr('ShADadFf',1,i%9),'a','tls',nullif(i%5,0),0,0,NULL,nullif('v'||i%7,'v0'),"
	"1,i*100 FROM n;";

/* Every row in one number, which no form may change. */
#define ROW_SUM(capture, id, words, from)                                                                                            \
	"SELECT sum((" capture "*7+" id "*13+start_ns%1000003+duration_ns+coalesce(port_a,-1)*3+packets_ba+bytes_ba+"                \
	"coalesce(handshake_ns,-7)*11+offset+unicode(coalesce(vlan,'x'))+a*31+b*37)*(1+length(coalesce(" words "history,'-'))+3*"    \
	"unicode(substr(coalesce(" words "state,'?')||coalesce(" words "proto,'!'),-2))+" id "%17)) FROM " from

static void file_of_form_1(const char *folder, int64_t *sum)
{
	char *flows = xasprintf("%s/flows", folder), *path = shard_path(folder, 1);
	struct err e = {0};
	sqlite3 *db;

	assert_int_equal(mkdir(flows, 0700), 0);
	assert_int_equal(sql_open(&db, path, SQL_WRITER, &e), 0);
	if (sql_exec(db, form_1, &e) != 0)
		fail_msg("%s", e.text);
	*sum = number(db, ROW_SUM("(row>>36)", "(row&68719476735)", "", "connection"));
	sql_close(db);
	free(flows);
	free(path);
}

static void catalog_of_form_1(const char *folder)
{
	struct catalog *c;
	struct err e = {0};
	int64_t id;

	assert_int_equal(catalog_open(&c, folder, &e), 0);
	assert_int_equal(catalog_capture(c, str_of("h"), str_of("one"), &id, &e), 0);
	assert_int_equal(catalog_capture(c, str_of("h"), str_of("two"), &id, &e), 0);
	assert_int_equal(sql_exec(catalog_db(c), "INSERT INTO shard(id,min_ns,max_ns,rows) VALUES(1,0,9,140000);"
				  "INSERT INTO part VALUES(1,0,1),(2,0,1);"
				  "ALTER TABLE shard DROP COLUMN sealed; PRAGMA user_version=1", &e), 0);
	catalog_close(c);
}

static void an_earlier_form_is_taken_over(void **state)
{
	char *path = shard_path(*state, 1), *kept = xasprintf("%s/catalog.form-1.db", (const char *)*state);
	struct catalog *c;
	struct err e = {0};
	bool sealed = false;
	int64_t sum, shard = 0;
	sqlite3 *db;

	catalog_of_form_1(*state);
	file_of_form_1(*state, &sum);
	if (catalog_open(&c, *state, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(access(kept, R_OK), 0);
	assert_int_equal(catalog_shard(c, 2, 140000 >> SHARD_PART_BITS, &shard, &e), 0);
	assert_int_equal(shard, 1);
	assert_int_equal(catalog_shard(c, 2, 99, &shard, &e), 0);
	assert_int_equal(shard, 2);
	assert_int_equal(sql_open(&db, path, SQL_READER, &e), 0);
	assert_int_equal(shard_check(db, &e), 0);
	assert_int_equal(shard_sealed(db, &sealed, &e), 0);
	assert_true(sealed);
	assert_int_equal(number(db, "SELECT count(*) FROM connection"), 140000);
	assert_true(number(db, "SELECT count(*) FROM kind") < 200);
	assert_int_equal(number(db, ROW_SUM("s.capture", "((s.part<<16)+(c.row&65535))", "k.",
					    "connection c JOIN kind k ON k.id=c.kind JOIN slot s ON s.id=c.row>>16")), sum);
	sql_close(db);
	catalog_close(c);
	assert_int_equal(catalog_open(&c, *state, &e), 0);
	catalog_close(c);
	free(path);
	free(kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(stays_are_added_up, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(sums_have_an_end, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(an_earlier_form_is_taken_over, folder_setup, folder_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
