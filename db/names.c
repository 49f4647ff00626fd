#include "names.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "journal/journal.h"
#include "sql.h"

#define NAMES_ADDRS_MAX (1u << 23) /* in memory; what is more is looked up in the shard */
#define NAMES_SLOTS_MAX (1u << 20)
#define NAMES_KINDS_MAX 65536u /* past it they are forgotten: the same words may have two numbers  \
				*/
#define NAMES_KIND_BYTES 512u  /* longer words are not remembered */

struct slot_key {
	int64_t capture, part;
};

struct names {
	sqlite3 *db;
	struct map *addrs, *kinds, *slots;
	struct buf key;	      /* of a kind */
	struct slot_key last; /* the slot that was asked for before, and its number: 0 none */
	int64_t last_slot;
	sqlite3_stmt *add_addr, *find_addr, *add_kind, *add_slot;
};

static void *names_number(int64_t id)
{
	return (void *)(intptr_t)id;
}

static void names_put(struct map *m, const void *key, size_t len, int64_t id)
{
	(void)map_put(m, key, len,
		      names_number(id)); /* a full one is asked about where it matters */
}

/* --- what the shard has --- */

static void take_addr(struct names *n, sqlite3_stmt *s)
{
	if (sqlite3_column_bytes(s, 1) == 16)
		names_put(n->addrs, sqlite3_column_blob(s, 1), 16, sqlite3_column_int64(s, 0));
}

static void take_slot(struct names *n, sqlite3_stmt *s)
{
	const struct slot_key key = {sqlite3_column_int64(s, 1), sqlite3_column_int64(s, 2)};

	names_put(n->slots, &key, sizeof(key), sqlite3_column_int64(s, 0));
}

static int kind_key(struct names *n, const struct str *word, size_t words)
{
	int r = 0;

	buf_clear(&n->key);
	for (size_t i = 0; r == 0 && i < words; i++) {
		r = buf_add(&n->key, word[i].p, word[i].len);
		if (r == 0)
			r = buf_add_byte(&n->key, 0);
	}
	return r;
}

static void take_kind(struct names *n, sqlite3_stmt *s)
{
	struct str word[6];

	for (int i = 0; i < (int)ARRAY_LEN(word); i++)
		word[i] = sql_text(s, i + 1);
	if (kind_key(n, word, ARRAY_LEN(word)) == 0)
		names_put(n->kinds, n->key.data, n->key.len, sqlite3_column_int64(s, 0));
}

static int names_read(struct names *n, const char *sql,
		      void (*take)(struct names *n, sqlite3_stmt *s), struct err *e)
{
	sqlite3_stmt *s = sql_prepare(n->db, sql, e);
	int rc;

	if (!s)
		return -1;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		take(n, s);
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? 0 : sql_error(n->db, e);
}

static int names_prepare(struct names *n, struct err *e)
{
	n->add_addr = sql_prepare(n->db, "INSERT INTO addr(ip) VALUES(?1)", e);
	if (n->add_addr)
		n->find_addr = sql_prepare(n->db, "SELECT id FROM addr WHERE ip=?1", e);
	if (n->find_addr)
		n->add_slot = sql_prepare(n->db, "INSERT INTO slot(capture,part) VALUES(?1,?2)", e);
	if (n->add_slot)
		n->add_kind =
			sql_prepare(n->db,
				    "INSERT INTO kind(proto,state,history,initiator,app,tunnel) "
				    "VALUES(?1,?2,?3,?4,?5,?6)",
				    e);
	return n->add_kind ? 0 : -1;
}

int names_open(struct names **out, sqlite3 *db, struct err *e)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->db = db;
	n->addrs = map_new(NAMES_ADDRS_MAX);
	n->kinds = map_new(NAMES_KINDS_MAX);
	n->slots = map_new(NAMES_SLOTS_MAX);
	buf_init(&n->key, NAMES_KIND_BYTES);
	if (names_prepare(n, e) != 0 ||
	    names_read(n, "SELECT id,ip FROM addr", take_addr, e) != 0 ||
	    names_read(n, "SELECT id,capture,part FROM slot", take_slot, e) != 0 ||
	    names_read(n, "SELECT id,proto,state,history,initiator,app,tunnel FROM kind", take_kind,
		       e) != 0) {
		names_close(n);
		return -1;
	}
	*out = n;
	return 0;
}

void names_close(struct names *n)
{
	if (!n)
		return;
	sqlite3_finalize(n->add_addr);
	sqlite3_finalize(n->find_addr);
	sqlite3_finalize(n->add_slot);
	sqlite3_finalize(n->add_kind);
	map_free(n->addrs);
	map_free(n->kinds);
	map_free(n->slots);
	buf_release(&n->key);
	free(n);
}

/* --- numbers --- */

static int names_add(struct names *n, sqlite3_stmt *s, int64_t *id, struct err *e)
{
	if (sql_run(n->db, s, e) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(n->db);
	return 0;
}

int names_addr(struct names *n, const uint8_t ip[16], int64_t *id, struct err *e)
{
	const struct str key = {(const char *)ip, 16};

	*id = (int64_t)(intptr_t)map_get(n->addrs, ip, 16);
	if (*id == 0 && map_count(n->addrs) == NAMES_ADDRS_MAX) {
		sql_bind(n->find_addr, "b", key);
		if (sql_int(n->db, n->find_addr, id, e) != 0)
			return -1;
	}
	if (*id)
		return 0;
	sql_bind(n->add_addr, "b", key);
	if (names_add(n, n->add_addr, id, e) != 0)
		return -1;
	names_put(n->addrs, ip, 16, *id);
	return 0;
}

int names_kind(struct names *n, const struct msg_j_connection *m, int64_t *id, struct err *e)
{
	const struct str word[] = {m->proto, m->state, m->history, m->initiator, m->app, m->tunnel};
	const bool kept = kind_key(n, word, ARRAY_LEN(word)) == 0;

	*id = kept ? (int64_t)(intptr_t)map_get(n->kinds, n->key.data, n->key.len) : 0;
	if (*id)
		return 0;
	sql_bind(n->add_kind, "oooooo", word[0], word[1], word[2], word[3], word[4], word[5]);
	if (names_add(n, n->add_kind, id, e) != 0)
		return -1;
	if (map_count(n->kinds) == NAMES_KINDS_MAX) {
		map_free(n->kinds);
		n->kinds = map_new(NAMES_KINDS_MAX);
	}
	if (kept)
		names_put(n->kinds, n->key.data, n->key.len, *id);
	return 0;
}

int names_slot(struct names *n, int64_t capture, int64_t part, int64_t *id, struct err *e)
{
	const struct slot_key key = {capture, part};

	*id = n->last_slot;
	if (n->last_slot && n->last.capture == capture && n->last.part == part)
		return 0;
	*id = (int64_t)(intptr_t)map_get(n->slots, &key, sizeof(key));
	if (*id == 0) {
		sql_bind(n->add_slot, "ii", capture, part);
		if (names_add(n, n->add_slot, id, e) != 0)
			return -1;
		names_put(n->slots, &key, sizeof(key), *id);
	}
	n->last = key;
	n->last_slot = *id;
	return 0;
}
