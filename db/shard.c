#include "shard.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "names.h"
#include "pieces.h"
#include "sql.h"
#include "upgrade.h"

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so that a net is one range in both families; an
 * IPv6 packet of such an address counts as IPv4. What is unknown is null. What is looked at when a
 * shard without indexes is read through stands in front: SQLite reads a row up to what it needs. */
const char shard_schema[] =
	"CREATE TABLE addr(id INTEGER PRIMARY KEY, ip BLOB NOT NULL CHECK(length(ip)=16)) STRICT;"
	"CREATE TABLE kind(id INTEGER PRIMARY KEY, proto TEXT, state TEXT, history TEXT, initiator "
	"TEXT, app TEXT, tunnel TEXT)"
	" STRICT;"
	"CREATE TABLE slot(id INTEGER PRIMARY KEY, capture INTEGER NOT NULL, part INTEGER NOT "
	"NULL, UNIQUE(capture,part)) STRICT;"
	"CREATE TABLE connection(row INTEGER PRIMARY KEY, start_ns INTEGER NOT NULL, a INTEGER NOT "
	"NULL, b INTEGER NOT NULL,"
	" port_a INTEGER, port_b INTEGER, kind INTEGER NOT NULL, duration_ns INTEGER NOT NULL,"
	" packets_ab INTEGER NOT NULL, bytes_ab INTEGER NOT NULL, packets_ba INTEGER NOT NULL, "
	"bytes_ba INTEGER NOT NULL,"
	" payload_ab INTEGER NOT NULL, payload_ba INTEGER NOT NULL, handshake_ns INTEGER,"
	" retrans_ab INTEGER NOT NULL, retrans_ba INTEGER NOT NULL, vlan TEXT, segment INTEGER NOT "
	"NULL, offset INTEGER NOT NULL,"
	" tick INTEGER GENERATED ALWAYS AS (start_ns>>30) VIRTUAL) STRICT;" PIECES_SCHEMA
	"PRAGMA user_version=2;";

const char *const shard_indexes[] = {
	"CREATE UNIQUE INDEX addr_ip ON addr(ip)",
	"CREATE INDEX connection_a ON connection(a,tick)",
	"CREATE INDEX connection_b ON connection(b,tick)",
	"CREATE INDEX connection_pa ON connection(port_a,tick)",
	"CREATE INDEX connection_pb ON connection(port_b,tick)",
	"CREATE INDEX connection_t ON connection(tick)",
	("CREATE INDEX connection_long ON connection(tick) WHERE duration_ns>" SHARD_LONG_SQL),
	NULL,
};
enum { SHARD_INDEXES = 7 };

#define PUT_SQL                                                                                    \
	"INSERT INTO "                                                                             \
	"connection(row,start_ns,a,b,port_a,port_b,kind,duration_ns,packets_ab,bytes_ab,packets_"  \
	"ba,bytes_ba,"                                                                             \
	"payload_ab,payload_ba,handshake_ns,retrans_ab,retrans_ba,vlan,segment,offset)"            \
	" VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,?20) ON "      \
	"CONFLICT(row) "
enum { PUT_PORT_A = 5, PUT_PORT_B = 6, PUT_HANDSHAKE = 15 }; /* places that may be null */

static const char add_sql[] = PUT_SQL "DO NOTHING";
static const char replace_sql[] =
	PUT_SQL "DO UPDATE SET "
		"start_ns=?2,a=?3,b=?4,port_a=?5,port_b=?6,kind=?7,duration_ns=?8,packets_ab=?9,"
		"bytes_ab=?10,"
		"packets_ba=?11,bytes_ba=?12,payload_ab=?13,payload_ba=?14,handshake_ns=?15,"
		"retrans_ab=?16,retrans_ba=?17,vlan=?18,"
		"segment=?19,offset=?20";

struct shard {
	sqlite3 *db;
	sqlite3_stmt *add, *replace;
	struct names *names;
	struct pieces *pieces;
	int64_t min_ns, max_ns, rows;
};

char *shard_path(const char *folder, int64_t number)
{
	return xasprintf("%s/flows/%06" PRId64 ".db", folder, number);
}

int shard_check(sqlite3 *db, struct err *e)
{
	int64_t version = 0;

	if (sql_pragma(db, "user_version", &version, e) != 0)
		return -1;
	if (version == SHARD_VERSION)
		return 0;
	return err_set(e, ERR_REFUSED,
		       "%s was made by another tapdeck (form %" PRId64
		       ", this one knows %d): use that one",
		       sqlite3_db_filename(db, "main"), version, SHARD_VERSION);
}

/* Opens the file again when it was made anew. */
static int shard_upgrade(struct shard *s, const char *path, struct err *e)
{
	sql_close(s->db);
	s->db = NULL;
	if (upgrade_shard(path, e) != 0)
		return -1;
	return sql_open(&s->db, path, SQL_WRITER, e);
}

static int shard_make(struct shard *s, const char *path, struct err *e)
{
	int64_t version = 0;

	if (sql_pragma(s->db, "user_version", &version, e) != 0)
		return -1;
	if (version == 1)
		return shard_upgrade(s, path, e);
	if (version != 0)
		return shard_check(s->db, e);
	if (shard_begin(s, e) == 0 && sql_exec(s->db, shard_schema, e) == 0 &&
	    shard_commit(s, e) == 0)
		return 0;
	(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static int shard_prepare(struct shard *s, struct err *e)
{
	sqlite3_stmt *count;
	int r;

	s->add = sql_prepare(s->db, add_sql, e);
	s->replace = s->add ? sql_prepare(s->db, replace_sql, e) : NULL;
	count = s->replace ? sql_prepare(s->db, "SELECT count(*) FROM connection", e) : NULL;
	if (!count)
		return -1;
	r = sql_int(s->db, count, &s->rows, e);
	sqlite3_finalize(count);
	if (r == 0)
		r = names_open(&s->names, s->db, e);
	if (r == 0)
		r = pieces_open(&s->pieces, s->db, e);
	return r;
}

int shard_open(struct shard **out, const char *folder, int64_t number, struct err *e)
{
	struct shard *s = xcalloc(1, sizeof(*s));
	char *path = shard_path(folder, number), *flows = xasprintf("%s/flows", folder);
	int r = fdio_make_folder(flows, e);

	s->min_ns = INT64_MAX;
	s->max_ns = INT64_MIN;
	if (r == 0)
		r = sql_open(&s->db, path, SQL_WRITER, e);
	if (r == 0)
		r = shard_make(s, path, e);
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
	names_close(s->names);
	pieces_close(s->pieces);
	sql_close(s->db);
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

/* Ports are of those that have them, and of an ICMP echo, whose identifier stands in both. */
static bool has_ports(const struct msg_j_connection *m)
{
	return m->protocol == 6 || m->protocol == 17 || m->protocol == 132 || m->port_a ||
	       m->port_b;
}

/* The numbers that stand for a connection and its words. */
struct numbers {
	int64_t row, a, b, kind;
};

static void shard_bind(sqlite3_stmt *s, const struct numbers *n, const struct msg_j_connection *m)
{
	sql_bind(s, "iiiiiiiiiiiiiiiiioii", n->row, m->start_ns, n->a, n->b, (int64_t)m->port_a,
		 (int64_t)m->port_b, n->kind, m->duration_ns, sql_count(m->packets_ab),
		 sql_count(m->bytes_ab), sql_count(m->packets_ba), sql_count(m->bytes_ba),
		 sql_count(m->payload_ab), sql_count(m->payload_ba), m->handshake_ns,
		 sql_count(m->retrans_ab), sql_count(m->retrans_ba), m->vlan, (int64_t)m->segment,
		 sql_count(m->offset));
	if (m->handshake_ns < 0)
		sqlite3_bind_null(s, PUT_HANDSHAKE);
	if (!has_ports(m)) {
		sqlite3_bind_null(s, PUT_PORT_A);
		sqlite3_bind_null(s, PUT_PORT_B);
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

static int shard_numbers(struct shard *s, int64_t capture, const uint8_t ip[2][16],
			 const struct msg_j_connection *m, struct numbers *n, struct err *e)
{
	const uint64_t mask = (UINT64_C(1) << SHARD_PART_BITS) - 1;
	int64_t slot = 0;

	if (names_slot(s->names, capture, (int64_t)(m->id >> SHARD_PART_BITS), &slot, e) != 0 ||
	    names_addr(s->names, ip[0], &n->a, e) != 0 ||
	    names_addr(s->names, ip[1], &n->b, e) != 0 || names_kind(s->names, m, &n->kind, e) != 0)
		return -1;
	n->row = (int64_t)((uint64_t)slot << SHARD_PART_BITS | (m->id & mask));
	return 0;
}

/* The row is there: of the same stay in memory, and then this record tells more of it, or of an
 * earlier one. */
static int shard_again(struct shard *s, struct numbers *n, const struct msg_j_connection *m,
		       struct err *e)
{
	struct msg_j_connection sum;
	const int got = pieces_add(s->pieces, n->row, n->kind, m, &sum, e);

	if (got < 0)
		return -1;
	if (got > 0 && names_kind(s->names, &sum, &n->kind, e) != 0)
		return -1;
	shard_bind(s->replace, n, got > 0 ? &sum : m);
	return sql_run(s->db, s->replace, e);
}

enum shard_put shard_put(struct shard *s, int64_t capture, const struct msg_j_connection *m,
			 struct err *e)
{
	struct msg_j_connection c = *m;
	struct numbers n;
	uint8_t ip[2][16];

	if (m->id == 0 || m->id > SHARD_ID_MAX || !shard_ip(m->addr_a, ip[0]) ||
	    !shard_ip(m->addr_b, ip[1])) {
		err_set(e, ERR_PART, "connection %" PRIu64 " with addresses of %zu and %zu bytes",
			m->id, m->addr_a.len, m->addr_b.len);
		return SHARD_NONSENSE;
	}
	c.duration_ns = m->duration_ns < 0 ? 0 : m->duration_ns;
	if (shard_numbers(s, capture, ip, &c, &n, e) != 0)
		return SHARD_FAILED;
	shard_bind(s->add, &n, &c);
	if (sql_run(s->db, s->add, e) != 0)
		return SHARD_FAILED;
	if (sqlite3_changes(s->db) > 0)
		s->rows++;
	else if (shard_again(s, &n, &c, e) != 0)
		return SHARD_FAILED;
	shard_span(s, c.start_ns, c.duration_ns);
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

/* --- sealing --- */

static int shard_count_indexes(sqlite3 *db, int64_t *count, struct err *e)
{
	sqlite3_stmt *s = sql_prepare(
		db, "SELECT count(*) FROM sqlite_schema WHERE type='index' AND sql IS NOT NULL", e);
	const int r = s ? sql_int(db, s, count, e) : -1;

	sqlite3_finalize(s);
	return r;
}

int shard_seal(struct shard *s, struct err *e)
{
	int64_t count = 0;

	if (shard_count_indexes(s->db, &count, e) != 0)
		return -1;
	if (count >= SHARD_INDEXES)
		return 0;
	return sql_exec(s->db, shard_indexes[count], e) == 0 ? 1 : -1;
}

int shard_sealed(sqlite3 *db, bool *sealed, struct err *e)
{
	int64_t count = 0;
	const int r = shard_count_indexes(db, &count, e);

	*sealed = count >= SHARD_INDEXES;
	return r;
}

bool shard_mostly(sqlite3 *db, int64_t capture)
{
	sqlite3_stmt *s = sql_prepare(
		db, "SELECT 4*count(*)FILTER(WHERE capture=?1)>=count(*) FROM slot", NULL);
	int64_t mostly = 0;

	if (!s)
		return false;
	sql_bind(s, "i", capture);
	(void)sql_int(db, s, &mostly, NULL); /* a shard that cannot be read is found out at once */
	sqlite3_finalize(s);
	return capture != 0 && mostly != 0;
}
