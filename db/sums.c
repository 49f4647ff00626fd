#include "sums.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "sql.h"
#include "tables.h"

#define SUMS_KEYS_MAX 4000000u
#define SUMS_KEY_BYTES 65536u

struct sum {
	double bytes, packets; /* exact up to 2^53 */
	int64_t connections;
};

struct sums {
	const struct question *q;
	struct map *here; /* of one shard: its numbers -> struct sum */
	struct map *all;  /* words -> struct sum */
	struct buf key;
	bool cut;
};

struct sums *sums_new(const struct question *q)
{
	struct sums *s = xcalloc(1, sizeof(*s));

	s->q = q;
	s->here = map_new(SUMS_KEYS_MAX);
	s->all = map_new(SUMS_KEYS_MAX);
	buf_init(&s->key, SUMS_KEY_BYTES);
	return s;
}

static void sums_empty(struct map *m)
{
	size_t iter = 0, len;
	const void *key;
	void *entry;

	while (map_next(m, &iter, &key, &len, &entry))
		free(entry);
	map_free(m);
}

void sums_free(struct sums *s)
{
	if (!s)
		return;
	sums_empty(s->here);
	sums_empty(s->all);
	buf_release(&s->key);
	free(s);
}

/* To the sum of s->key. */
static void sum_to(struct sums *s, struct map *m, const struct sum *more)
{
	struct sum *sum = map_get(m, s->key.data, s->key.len);

	if (!sum && map_count(m) == SUMS_KEYS_MAX) {
		s->cut = true;
		return;
	}
	if (!sum) {
		sum = xcalloc(1, sizeof(*sum));
		(void)map_put(m, s->key.data, s->key.len, sum); /* there is room */
	}
	sum->bytes += more->bytes;
	sum->packets += more->packets;
	sum->connections += more->connections;
}

/* --- a row: its keys as the shard has them, a type and its bytes each --- */

static void key_add(struct sums *s, sqlite3_stmt *row, int column)
{
	const int64_t i = sqlite3_column_int64(row, column);
	const uint8_t type = (uint8_t)sqlite3_column_type(row, column);
	struct str text;
	uint32_t len;

	(void)buf_add_byte(&s->key,
			   type); /* what is too long is cut, and so is summed with its like */
	if (type == SQLITE_TEXT) {
		text = sql_text(row, column);
		len = text.len > SUMS_KEY_BYTES / 8 ? SUMS_KEY_BYTES / 8 : (uint32_t)text.len;
		(void)buf_add(&s->key, &len, sizeof(len));
		(void)buf_add(&s->key, text.p, len);
	} else {
		(void)buf_add(&s->key, &i, sizeof(i));
	}
}

/* `either`: the column that stands for a key which is the address of either end. */
static void row_add(struct sums *s, sqlite3_stmt *row, int either, const struct sum *more)
{
	buf_clear(&s->key);
	for (int i = 0; i < s->q->keys; i++)
		key_add(s, row, s->q->key[i] == QUESTION_KEY_EITHER ? either : i);
	sum_to(s, s->here, more);
}

void sums_add(struct sums *s, sqlite3_stmt *row)
{
	const int keys = s->q->keys, a = keys + 2, b = keys + 3;
	const struct sum more = {.bytes = sqlite3_column_double(row, keys),
				 .packets = sqlite3_column_double(row, keys + 1),
				 .connections = 1};
	bool either = false;

	for (int i = 0; i < keys; i++)
		either = either || s->q->key[i] == QUESTION_KEY_EITHER;
	row_add(s, row, a, &more);
	if (either && sqlite3_column_int64(row, a) != sqlite3_column_int64(row, b))
		row_add(s, row, b, &more);
}

/* --- numbers to words --- */

static sqlite3_stmt *word_of(const struct question *q, int key, sqlite3 *shard, struct err *e)
{
	const struct column_sql *c =
		q->key[key] == QUESTION_KEY_EITHER ? NULL : &connection_sql[q->key[key]];
	char *sql;
	sqlite3_stmt *s;

	if (!c || c->addr)
		return sql_prepare(shard, "SELECT ip FROM addr WHERE id=?1", e);
	sql = c->word ? xasprintf("SELECT %s FROM kind k WHERE k.id=?1", c->word)
		      : xstrdup("SELECT ?1");
	s = sql_prepare(shard, sql, e);
	free(sql);
	return s;
}

/* One key, printed to s->key; where the next one begins. */
static const uint8_t *key_print(struct sums *s, const uint8_t *at, int key, sqlite3_stmt *word)
{
	const int column = s->q->key[key];
	const enum kind kind = column == QUESTION_KEY_EITHER
				       ? KIND_ADDR
				       : table_history_connections.columns[column].kind;
	const uint8_t type = *at++;
	struct value v = value_null();
	uint32_t len;
	int64_t i;

	if (type == SQLITE_TEXT) {
		memcpy(&len, at, sizeof(len));
		at += sizeof(len);
		v = value_str((struct str){(const char *)at, len});
		at += len;
	} else {
		memcpy(&i, at, sizeof(i));
		at += sizeof(i);
		sql_bind(word, "i", i);
		if (type != SQLITE_NULL && sqlite3_step(word) == SQLITE_ROW)
			v = column_value(word, 0);
	}
	if (key > 0)
		(void)buf_add_byte(&s->key, ' ');
	if (v.type == VALUE_NULL)
		(void)buf_add_byte(&s->key, '-');
	value_print_raw(&s->key, kind, &v);
	sqlite3_reset(word);
	return at;
}

int sums_end_shard(struct sums *s, sqlite3 *shard, struct err *e)
{
	sqlite3_stmt *word[QUESTION_KEYS_MAX] = {NULL};
	size_t iter = 0, len;
	const void *key;
	void *entry;
	int r = 0;

	for (int i = 0; r == 0 && i < s->q->keys; i++) {
		word[i] = word_of(s->q, i, shard, e);
		r = word[i] ? 0 : -1;
	}
	while (r == 0 && map_next(s->here, &iter, &key, &len, &entry)) {
		const uint8_t *at = key;

		buf_clear(&s->key);
		for (int i = 0; i < s->q->keys; i++)
			at = key_print(s, at, i, word[i]);
		sum_to(s, s->all, entry);
	}
	for (int i = 0; i < s->q->keys; i++)
		sqlite3_finalize(word[i]);
	sums_empty(s->here);
	s->here = map_new(SUMS_KEYS_MAX);
	return r;
}

static int64_t whole(double sum)
{
	return sum < 9.2e18 ? (int64_t)sum : INT64_MAX;
}

bool sums_rows(const struct sums *s, struct rowset *rows)
{
	size_t iter = 0, len;
	const void *key;
	void *entry;

	while (map_next(s->all, &iter, &key, &len, &entry)) {
		const struct sum *sum = entry;
		const struct value v[] = {
			value_str((struct str){key, len}), value_int(whole(sum->bytes)),
			value_int(whole(sum->packets)), value_int(sum->connections)};

		rowset_add(rows, v);
	}
	return s->cut;
}
