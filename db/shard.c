#include "shard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "sql.h"

#define SHARD_ADDRS_KEPT 65536u /* addresses whose number is remembered */

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so that a net is one range in both families; an
 * IPv6 packet of such an address counts as IPv4. What is unknown is null. Indexes stand from the
 * start: a plan has one form, and the price (1.7 times the insert) is paid a few rows at a time. */
const char shard_schema[] =
	"CREATE TABLE addr(id INTEGER PRIMARY KEY, ip BLOB NOT NULL UNIQUE CHECK(length(ip)=16)) "
	"STRICT;"
	"CREATE TABLE connection(row INTEGER PRIMARY KEY, start_ns INTEGER NOT NULL, duration_ns "
	"INTEGER NOT NULL,"
	" proto TEXT, a INTEGER NOT NULL, b INTEGER NOT NULL, port_a INTEGER, port_b INTEGER,"
	" packets_ab INTEGER NOT NULL, bytes_ab INTEGER NOT NULL, packets_ba INTEGER NOT NULL, "
	"bytes_ba INTEGER NOT NULL,"
	" payload_ab INTEGER NOT NULL, payload_ba INTEGER NOT NULL, state TEXT, history TEXT, "
	"initiator TEXT, app TEXT,"
	" handshake_ns INTEGER, retrans_ab INTEGER NOT NULL, retrans_ba INTEGER NOT NULL, tunnel "
	"TEXT, vlan TEXT,"
	" segment INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT;"
	"CREATE INDEX connection_a ON connection(a,start_ns);"
	"CREATE INDEX connection_b ON connection(b,start_ns);"
	"CREATE INDEX connection_pa ON connection(port_a,start_ns);"
	"CREATE INDEX connection_pb ON connection(port_b,start_ns);"
	"CREATE INDEX connection_t ON connection(start_ns);"
	"CREATE INDEX connection_long ON connection(start_ns) WHERE duration_ns>" SHARD_LONG_SQL ";"
	"PRAGMA user_version=1;";

static const char put_sql[] =
	"INSERT INTO "
	"connection(row,start_ns,duration_ns,proto,a,b,port_a,port_b,packets_ab,bytes_ab,packets_"
	"ba,bytes_ba,"
	"payload_ab,payload_ba,state,history,initiator,app,handshake_ns,retrans_ab,retrans_ba,"
	"tunnel,vlan,segment,offset)"
	" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20,?21,?22,?"
	"23,?24,?25)"
	" ON CONFLICT(row) DO UPDATE SET "
	"start_ns=?2,duration_ns=?3,proto=?4,a=?5,b=?6,port_a=?7,port_b=?8,packets_ab=?9,"
	"bytes_ab=?10,packets_ba=?11,bytes_ba=?12,payload_ab=?13,payload_ba=?14,state=?15,history=?"
	"16,initiator=?17,app=?18,"
	"handshake_ns=?19,retrans_ab=?20,retrans_ba=?21,tunnel=?22,vlan=?23,segment=?24,offset=?25";
enum { PUT_PORT_A = 7, PUT_PORT_B = 8, PUT_HANDSHAKE = 19 }; /* places that may be null */

struct shard {
	sqlite3 *db;
	sqlite3_stmt *put, *addr, *addr_id;
	struct map *addrs; /* 16 bytes -> number, for the most recent ones */
	int64_t min_ns, max_ns, rows;
};

char *shard_path(const char *folder, int64_t number)
{
	return xasprintf("%s/flows/%06" PRId64 ".db", folder, number);
}

static int shard_make(struct shard *s, struct err *e)
{
	int64_t version = 0;

	if (sql_pragma(s->db, "user_version", &version, e) != 0)
		return -1;
	if (version == SHARD_VERSION)
		return 0;
	if (version != 0)
		return err_set(e, ERR_REFUSED,
			       "%s was made by a newer tapdeck (form %" PRId64
			       ", this one knows %d): use that one",
			       sqlite3_db_filename(s->db, "main"), version, SHARD_VERSION);
	if (shard_begin(s, e) == 0 && sql_exec(s->db, shard_schema, e) == 0 &&
	    shard_commit(s, e) == 0)
		return 0;
	shard_rollback(s);
	return -1;
}

static int shard_prepare(struct shard *s, struct err *e)
{
	sqlite3_stmt *count;
	int r;

	s->put = sql_prepare(s->db, put_sql, e);
	s->addr = s->put ? sql_prepare(s->db, "INSERT INTO addr(ip) VALUES(?1)", e) : NULL;
	s->addr_id = s->addr ? sql_prepare(s->db, "SELECT id FROM addr WHERE ip=?1", e) : NULL;
	count = s->addr_id ? sql_prepare(s->db, "SELECT count(*) FROM connection", e) : NULL;
	if (!count)
		return -1;
	r = sql_int(s->db, count, &s->rows, e);
	sqlite3_finalize(count);
	return r;
}

int shard_open(struct shard **out, const char *folder, int64_t number, struct err *e)
{
	struct shard *s = xcalloc(1, sizeof(*s));
	char *path = shard_path(folder, number), *flows = xasprintf("%s/flows", folder);
	int r = fdio_make_folder(flows, e);

	s->min_ns = INT64_MAX;
	s->max_ns = INT64_MIN;
	s->addrs = map_new(SHARD_ADDRS_KEPT);
	if (r == 0)
		r = sql_open(&s->db, path, SQL_WRITER, e);
	if (r == 0)
		r = shard_make(s, e);
	if (r == 0)
		r = shard_prepare(s, e);
	free(path);
	free(flows);
	if (r != 0) {
		shard_close(s);
		return -1;
	}
	*out = s;
	return 0;
}

void shard_close(struct shard *s)
{
	if (!s)
		return;
	sql_close(s->db);
	map_free(s->addrs);
	free(s);
}

int shard_begin(struct shard *s, struct err *e)
{
	return sql_exec(s->db, "BEGIN IMMEDIATE", e);
}

int shard_commit(struct shard *s, struct err *e)
{
	return sql_exec(s->db, "COMMIT", e);
}

/* The numbers of addresses that were new are not theirs any more. */
void shard_rollback(struct shard *s)
{
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	map_free(s->addrs);
	s->addrs = map_new(SHARD_ADDRS_KEPT);
}

/* --- one connection --- */

static bool shard_ip(struct str bytes, uint8_t ip[16])
{
	memset(ip, 0, 16);
	if (bytes.len == 4) {
		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, bytes.p, 4);
	} else if (bytes.len == 16) {
		memcpy(ip, bytes.p, 16);
	}
	return bytes.len == 4 || bytes.len == 16;
}

static void shard_keep_addr(struct shard *s, const uint8_t ip[16], int64_t id)
{
	if (map_count(s->addrs) == SHARD_ADDRS_KEPT) {
		map_free(s->addrs);
		s->addrs = map_new(SHARD_ADDRS_KEPT);
	}
	(void)map_put(s->addrs, ip, 16, (void *)(intptr_t)id); /* there is room */
}

static int shard_addr(struct shard *s, const uint8_t ip[16], int64_t *id, struct err *e)
{
	const struct str key = {(const char *)ip, 16};

	*id = (int64_t)(intptr_t)map_get(s->addrs, ip, 16);
	if (*id)
		return 0;
	sql_bind(s->addr_id, "b", key);
	if (sql_int(s->db, s->addr_id, id, e) != 0)
		return -1;
	if (!*id) {
		sql_bind(s->addr, "b", key);
		if (sql_run(s->db, s->addr, e) != 0)
			return -1;
		*id = sqlite3_last_insert_rowid(s->db);
	}
	shard_keep_addr(s, ip, *id);
	return 0;
}

/* Ports are of those that have them, and of an ICMP echo, whose identifier stands in both. */
static bool has_ports(const struct msg_j_connection *m)
{
	return m->protocol == 6 || m->protocol == 17 || m->protocol == 132 || m->port_a ||
	       m->port_b;
}

static void shard_bind(struct shard *s, int64_t row, int64_t a, int64_t b, int64_t duration_ns,
		       const struct msg_j_connection *m)
{
	sql_bind(s->put,
		 "iiioiiiiiiiiiioooo"
		 "iiiooii",
		 row, m->start_ns, duration_ns, m->proto, a, b, (int64_t)m->port_a,
		 (int64_t)m->port_b, sql_count(m->packets_ab), sql_count(m->bytes_ab),
		 sql_count(m->packets_ba), sql_count(m->bytes_ba), sql_count(m->payload_ab),
		 sql_count(m->payload_ba), m->state, m->history, m->initiator, m->app,
		 m->handshake_ns, sql_count(m->retrans_ab), sql_count(m->retrans_ba), m->tunnel,
		 m->vlan, (int64_t)m->segment, sql_count(m->offset));
	if (m->handshake_ns < 0)
		sqlite3_bind_null(s->put, PUT_HANDSHAKE);
	if (!has_ports(m)) {
		sqlite3_bind_null(s->put, PUT_PORT_A);
		sqlite3_bind_null(s->put, PUT_PORT_B);
	}
}

static void shard_span(struct shard *s, int64_t start_ns, int64_t duration_ns)
{
	const int64_t end_ns =
		start_ns > INT64_MAX - duration_ns ? INT64_MAX : start_ns + duration_ns;

	if (start_ns < s->min_ns)
		s->min_ns = start_ns;
	if (end_ns > s->max_ns)
		s->max_ns = end_ns;
}

enum shard_put shard_put(struct shard *s, int64_t capture, const struct msg_j_connection *m,
			 struct err *e)
{
	const int64_t row = (int64_t)((uint64_t)capture << SHARD_ID_BITS | m->id);
	const int64_t duration_ns = m->duration_ns < 0 ? 0 : m->duration_ns;
	uint8_t ip[2][16];
	int64_t a = 0, b = 0;

	if (m->id == 0 || m->id > SHARD_ID_MAX || !shard_ip(m->addr_a, ip[0]) ||
	    !shard_ip(m->addr_b, ip[1])) {
		err_set(e, ERR_PART, "connection %" PRIu64 " with addresses of %zu and %zu bytes",
			m->id, m->addr_a.len, m->addr_b.len);
		return SHARD_NONSENSE;
	}
	if (shard_addr(s, ip[0], &a, e) != 0 || shard_addr(s, ip[1], &b, e) != 0)
		return SHARD_FAILED;
	shard_bind(s, row, a, b, duration_ns, m);
	sqlite3_set_last_insert_rowid(s->db, 0); /* a replaced row leaves it */
	if (sql_run(s->db, s->put, e) != 0)
		return SHARD_FAILED;
	s->rows += sqlite3_last_insert_rowid(s->db) != 0;
	shard_span(s, m->start_ns, duration_ns);
	return SHARD_TAKEN;
}

int64_t shard_rows(const struct shard *s)
{
	return s->rows;
}

void shard_times(const struct shard *s, int64_t *min_ns, int64_t *max_ns)
{
	*min_ns = s->min_ns;
	*max_ns = s->max_ns;
}
