#include "shard.h"

#include <stdlib.h>
#include <string.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "sql.h"

/* Addresses are 16 bytes, IPv4 as ::ffff:a.b.c.d, so that bytes sort as numbers do and a net is one range in both families.
 * Indexes stand from the start: a replaced row needs none of them looked for, a plan has one form, and the price (1.7 times
 * the insert) is paid a few rows at a time. */
static const char schema[] =
	"CREATE TABLE IF NOT EXISTS addr(id INTEGER PRIMARY KEY, ip BLOB NOT NULL UNIQUE CHECK(length(ip)=16)) STRICT;"
	"CREATE TABLE IF NOT EXISTS connection(row INTEGER PRIMARY KEY, capture INTEGER NOT NULL, id INTEGER NOT NULL, start_ns INTEGER NOT NULL,"
	" duration_ns INTEGER NOT NULL, protocol INTEGER NOT NULL, proto TEXT NOT NULL, a INTEGER NOT NULL, b INTEGER NOT NULL, port_a INTEGER,"
	" port_b INTEGER, packets_ab INTEGER, bytes_ab INTEGER, packets_ba INTEGER, bytes_ba INTEGER, payload_ab INTEGER, payload_ba INTEGER,"
	" state TEXT, history TEXT, initiator TEXT, app TEXT, handshake_ns INTEGER, retrans_ab INTEGER, retrans_ba INTEGER, tunnel TEXT,"
	" vlan TEXT, segment INTEGER, offset INTEGER, final INTEGER NOT NULL) STRICT;"
	"CREATE INDEX IF NOT EXISTS connection_a ON connection(a,start_ns);"
	"CREATE INDEX IF NOT EXISTS connection_b ON connection(b,start_ns);"
	"CREATE INDEX IF NOT EXISTS connection_pa ON connection(port_a,start_ns);"
	"CREATE INDEX IF NOT EXISTS connection_pb ON connection(port_b,start_ns);"
	"CREATE INDEX IF NOT EXISTS connection_t ON connection(start_ns);";

struct shard {
	sqlite3 *db;
	sqlite3_stmt *put, *addr, *addr_id, *count;
	int64_t min_ns, max_ns;
};

char *shard_path(const char *folder, int64_t number)
{
	return xasprintf("%s/flows/%06lld.db", folder, (long long)number);
}

static int shard_prepare(struct shard *s, struct err *e)
{
	s->put = sql_prepare(s->db,
			     "INSERT OR REPLACE INTO connection VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,?19,"
			     "nullif(?20,''),nullif(?21,''),?22,?23,?24,nullif(?25,''),nullif(?26,''),?27,?28,?29)", e);
	s->addr = sql_prepare(s->db, "INSERT OR IGNORE INTO addr(ip) VALUES(?1)", e);
	s->addr_id = sql_prepare(s->db, "SELECT id FROM addr WHERE ip=?1", e);
	s->count = sql_prepare(s->db, "SELECT count(*) FROM connection", e);
	return s->put && s->addr && s->addr_id && s->count ? 0 : -1;
}

int shard_open(struct shard **out, const char *folder, int64_t number, struct err *e)
{
	struct shard *s = xcalloc(1, sizeof(*s));
	char *path = shard_path(folder, number), *flows = xasprintf("%s/flows", folder);
	int r = fdio_make_folder(flows, e);

	s->min_ns = INT64_MAX;
	s->max_ns = INT64_MIN;
	if (r == 0)
		r = sql_open(&s->db, path, SQL_WRITER_NORMAL, e);
	if (r == 0)
		r = sql_exec(s->db, schema, e);
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

void shard_rollback(struct shard *s)
{
	if (!sqlite3_get_autocommit(s->db))
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

static int shard_addr(struct shard *s, struct str bytes, int64_t *id, struct err *e)
{
	uint8_t ip[16] = {0};
	struct str key = {(const char *)ip, sizeof(ip)};

	if (bytes.len == 4) {
		ip[10] = ip[11] = 0xff;
		memcpy(ip + 12, bytes.p, 4);
	} else if (bytes.len == sizeof(ip)) {
		memcpy(ip, bytes.p, sizeof(ip));
	} else {
		return err_set(e, ERR_PART, "an address of %zu bytes in a journal", bytes.len);
	}
	sql_bind(s->addr, "b", key);
	if (sql_run(s->db, s->addr, e) != 0)
		return -1;
	sql_bind(s->addr_id, "b", key);
	return sql_int(s->db, s->addr_id, id, e);
}

int shard_put(struct shard *s, int64_t capture, const struct msg_j_connection *m, struct err *e)
{
	int64_t a = 0, b = 0;
	const int64_t row = (int64_t)(((uint64_t)capture << 36) | (m->id & ((UINT64_C(1) << 36) - 1)));

	if (shard_addr(s, m->addr_a, &a, e) != 0 || shard_addr(s, m->addr_b, &b, e) != 0)
		return -1;
	sql_bind(s->put, "iiiiiitiiiiiiiiiittttiiittiii", row, capture, (int64_t)m->id, m->start_ns, m->duration_ns,
		 (int64_t)m->protocol, m->proto, a, b, (int64_t)m->port_a, (int64_t)m->port_b, (int64_t)m->packets_ab,
		 (int64_t)m->bytes_ab, (int64_t)m->packets_ba, (int64_t)m->bytes_ba, (int64_t)m->payload_ab, (int64_t)m->payload_ba,
		 m->state, m->history, m->initiator, m->app, m->handshake_ns, (int64_t)m->retrans_ab, (int64_t)m->retrans_ba,
		 m->tunnel, m->vlan, (int64_t)m->segment, (int64_t)m->offset, (int64_t)m->final);
	if (m->handshake_ns < 0)
		sqlite3_bind_null(s->put, 22);
	if (m->protocol != 6 && m->protocol != 17 && m->protocol != 132 && m->port_a == 0 && m->port_b == 0) {
		sqlite3_bind_null(s->put, 10);
		sqlite3_bind_null(s->put, 11);
	}
	if (sql_run(s->db, s->put, e) != 0)
		return -1;
	if (m->start_ns < s->min_ns)
		s->min_ns = m->start_ns;
	if (m->start_ns + m->duration_ns > s->max_ns)
		s->max_ns = m->start_ns + m->duration_ns;
	return 0;
}

int64_t shard_rows(struct shard *s)
{
	int64_t rows = 0;

	(void)sql_int(s->db, s->count, &rows, NULL); /* an error counts as none: it is shown where the rows are written */
	return rows;
}

void shard_times(const struct shard *s, int64_t *min_ns, int64_t *max_ns)
{
	*min_ns = s->min_ns;
	*max_ns = s->max_ns;
}
