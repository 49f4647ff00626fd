#include "ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "places.h"
#include "plan.h"
#include "shard.h"
#include "sql.h"
#include "table/view.h"
#include "tables.h"
#include "wire/frame.h"

#define ASK_WINDOW_ROWS 2048u
#define ASK_HEAP_BYTES (INT64_C(512) << 20)
#define ASK_KEYS_MAX 4000000u

struct ask {
	const char *folder;
	struct question q;
	struct places *places;
	struct rowset *rows;
	struct map *sums; /* TOP: key -> struct sum */
	bool cut;	  /* more is there than the limit */
};

struct sum {
	int64_t bytes, packets, connections;
};

/* --- rows --- */

static void addr_from(sqlite3_stmt *s, int column, struct addr *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	const uint8_t *ip = sqlite3_column_blob(s, column);

	*a = (struct addr){0};
	if (!ip || sqlite3_column_bytes(s, column) != 16)
		return;
	a->family = memcmp(ip, mapped, sizeof(mapped)) == 0 ? ADDR_IP4 : ADDR_IP6;
	if (a->family == ADDR_IP4)
		memcpy(a->bytes, ip + 12, 4);
	else
		memcpy(a->bytes, ip, 16);
}

static struct value cell_from(sqlite3_stmt *s, int column)
{
	struct addr a;

	switch (sqlite3_column_type(s, column)) {
	case SQLITE_INTEGER:
		return value_int(sqlite3_column_int64(s, column));
	case SQLITE_FLOAT:
		return value_real(sqlite3_column_double(s, column));
	case SQLITE_TEXT:
		return value_str(sql_text(s, column));
	case SQLITE_BLOB:
		addr_from(s, column, &a);
		return value_addr(&a);
	default:
		return value_null();
	}
}

/* The SQL's columns are the table's without host and session; segment becomes the path. */
static void add_connection(struct ask *a, sqlite3_stmt *s)
{
	struct value v[TABLE_COLUMNS_MAX];
	const struct place *place = places_find(a->places, sqlite3_column_int64(s, 0));
	const unsigned n = table_history_connections.ncolumns;
	char *path = place ? places_path(a->places, place, sqlite3_column_int64(s, (int)n - 4)) : NULL;

	v[0] = cell_from(s, 0);
	v[1] = value_text(place ? place->host : NULL);
	v[2] = value_text(place ? place->session : NULL);
	for (unsigned i = 3; i < n; i++)
		v[i] = cell_from(s, (int)i - 2);
	v[n - 2] = value_text(path);
	rowset_add(a->rows, v);
	free(path);
}

static void add_sum(struct ask *a, sqlite3_stmt *s)
{
	struct buf key;
	struct value v = cell_from(s, 0);
	struct sum *sum;
	enum kind kind = a->q.key >= 0 ? table_history_connections.columns[a->q.key].kind : KIND_ADDR;

	buf_init(&key, 65536);
	value_print_raw(&key, v.type == VALUE_ADDR ? KIND_ADDR : kind, &v);
	sum = map_get(a->sums, buf_str(&key), key.len);
	if (!sum) {
		sum = xcalloc(1, sizeof(*sum));
		if (map_put(a->sums, buf_str(&key), key.len, sum) != 0) {
			free(sum);
			a->cut = true;
			sum = NULL;
		}
	}
	if (sum) {
		sum->bytes += sqlite3_column_int64(s, 1);
		sum->packets += sqlite3_column_int64(s, 2);
		sum->connections += sqlite3_column_int64(s, 3);
	}
	buf_release(&key);
}

static void take_row(struct ask *a, enum plan_shape shape, sqlite3_stmt *s, struct value total[5])
{
	if (shape == PLAN_ROWS) {
		add_connection(a, s);
	} else if (shape == PLAN_CAPTURES) {
		places_mark(a->places, sqlite3_column_int64(s, 0));
	} else if (shape == PLAN_TOP) {
		add_sum(a, s);
	} else if (sqlite3_column_int64(s, 0) > 0) {
		for (int i = 0; i < 3; i++)
			total[i].i += sqlite3_column_int64(s, i);
		if (total[3].type == VALUE_NULL || sqlite3_column_int64(s, 3) < total[3].i)
			total[3] = value_int(sqlite3_column_int64(s, 3));
		if (total[4].type == VALUE_NULL || sqlite3_column_int64(s, 4) > total[4].i)
			total[4] = value_int(sqlite3_column_int64(s, 4));
	}
}

static int ask_shard(struct ask *a, int64_t number, enum plan_shape shape, const char *captures, struct value total[5], struct err *e)
{
	char *path = shard_path(a->folder, number);
	struct plan plan;
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	int rc = SQLITE_ERROR, r = -1;

	if (plan_make(&plan, &a->q, shape, captures, e) != 0 || sql_open(&db, path, SQL_READER, e) != 0)
		goto out;
	s = plan_prepare(&plan, db, e);
	if (!s)
		goto out;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		take_row(a, shape, s, total);
	r = rc == SQLITE_DONE ? 0 : sql_error(db, path, e);
out:
	sqlite3_finalize(s);
	sql_close(db);
	plan_release(&plan);
	free(path);
	return r;
}

/* Shards whose time meets the question's, the newest first; the limit of rows holds for each, since they are merged. */
static int ask_shards(struct ask *a, enum plan_shape shape, struct value total[5], struct err *e)
{
	char *captures = places_list(a->places);
	int64_t *shard = NULL;
	int count = captures ? places_shards(a->places, a->q.from_ns, a->q.to_ns, &shard, e) : 0, r = count < 0 ? -1 : 0;

	for (int i = 0; r == 0 && i < count; i++)
		r = ask_shard(a, shard[i], shape, captures, total, e);
	free(captures);
	free(shard);
	return r;
}

/* --- answers --- */

static int answer_connections(struct ask *a, struct err *e)
{
	return ask_shards(a, PLAN_ROWS, NULL, e);
}

static int answer_places(struct ask *a, struct err *e)
{
	if (a->q.has_filter && ask_shards(a, PLAN_CAPTURES, NULL, e) != 0)
		return -1;
	if (a->q.kind == QUESTION_CAPTURES)
		return places_captures(a->places, a->rows, a->q.has_filter, e);
	if (a->q.kind == QUESTION_FILES)
		return places_files(a->places, a->rows, a->q.has_filter, a->q.from_ns, a->q.to_ns, e);
	return places_events(a->places, a->rows, a->q.has_filter, a->q.from_ns, a->q.to_ns, e);
}

static int answer_top(struct ask *a, struct err *e)
{
	size_t iter = 0, len;
	const void *key;
	void *entry;

	a->sums = map_new(ASK_KEYS_MAX);
	if (ask_shards(a, PLAN_TOP, NULL, e) != 0)
		return -1;
	while (map_next(a->sums, &iter, &key, &len, &entry)) {
		const struct sum *sum = entry;
		const struct value v[] = {value_str((struct str){key, len}), value_int(sum->bytes), value_int(sum->packets),
					  value_int(sum->connections)};
		rowset_add(a->rows, v);
	}
	return 0;
}

static int answer_count(struct ask *a, struct err *e)
{
	struct value total[5] = {value_int(0), value_int(0), value_int(0), value_null(), value_null()};

	if (ask_shards(a, PLAN_COUNT, total, e) != 0)
		return -1;
	rowset_add(a->rows, total);
	return 0;
}

static int answer(struct ask *a, struct err *e)
{
	switch (a->q.kind) {
	case QUESTION_CONNECTIONS:
		return answer_connections(a, e);
	case QUESTION_TOP:
		return answer_top(a, e);
	case QUESTION_COUNT:
		return answer_count(a, e);
	case QUESTION_CAPTURES:
	case QUESTION_FILES:
	case QUESTION_EVENTS:
		break;
	}
	return answer_places(a, e);
}

static const char *answer_order(enum question_kind kind)
{
	switch (kind) {
	case QUESTION_CAPTURES:
	case QUESTION_CONNECTIONS:
		return "-start_time";
	case QUESTION_EVENTS:
		return "-time";
	case QUESTION_TOP:
		return "-bytes";
	case QUESTION_FILES:
		return "-first_time";
	case QUESTION_COUNT:
		break;
	}
	return "";
}

/* --- the descriptor --- */

static int say(uint16_t type, const struct buf *payload)
{
	struct buf frame;
	int r;

	buf_init(&frame, MSG_PAYLOAD_MAX + FRAME_HEADER_BYTES);
	r = frame_put(&frame, type, 0, 1, payload->data, payload->len) != 0 ? -1 : fdio_write_all(STDIN_FILENO, frame.data, frame.len);
	buf_release(&frame);
	return r;
}

static int say_window(struct table *t, const struct view *v, uint64_t first, uint32_t count)
{
	struct buf rows, columns, payload;
	unsigned column[TABLE_COLUMNS_MAX];
	struct msg_window m = {.table = str_of(t->type->name), .first = first, .count = count, .total = view_total(v)};
	int r = 0;

	buf_init(&rows, MSG_PAYLOAD_MAX);
	buf_init(&columns, MSG_PAYLOAD_MAX);
	buf_init(&payload, MSG_PAYLOAD_MAX);
	for (unsigned i = 0; i < t->type->ncolumns; i++)
		column[i] = i;
	r |= row_put_columns(&columns, t->type, column, t->type->ncolumns);
	for (uint32_t i = 0; i < count; i++)
		for (unsigned c = 0; c < t->type->ncolumns; c++) {
			struct value cell = t->cell(t->data, view_row(v, first + i), c);
			r |= row_put_cell(&rows, &cell);
		}
	m.columns = (struct str){(char *)columns.data, columns.len};
	m.rows = (struct str){(char *)rows.data, rows.len};
	r |= msg_put_window(&payload, &m);
	if (r == 0)
		r = say(MSG_WINDOW, &payload);
	buf_release(&rows);
	buf_release(&columns);
	buf_release(&payload);
	return r;
}

static int say_rows(struct ask *a, struct err *e)
{
	struct table t = rowset_table(a->rows, false);
	struct view *v = view_new(&t, str_of(""), str_of(answer_order(a->q.kind)), NULL, NULL, e);
	uint64_t total, limit = (uint64_t)a->q.limit;
	int r = 0;

	if (!v)
		return -1;
	while (!view_step(v, NS_PER_S, false))
		;
	total = view_total(v);
	if (total > limit) {
		a->cut = a->q.kind != QUESTION_TOP;
		total = limit;
	}
	for (uint64_t first = 0; r == 0 && first < total; first += ASK_WINDOW_ROWS)
		r = say_window(&t, v, first, (uint32_t)(total - first < ASK_WINDOW_ROWS ? total - first : ASK_WINDOW_ROWS));
	view_free(v);
	return r == 0 ? 0 : err_set(e, ERR_PART, "the rows could not be handed over");
}

static int say_end(const struct ask *a, const struct err *e)
{
	struct buf payload;
	char note[128] = "";
	int r;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	if (e) {
		r = msg_put_error(&payload, &(struct msg_error){.code = e->code, .at = e->at, .sentence = str_of(e->text)});
	} else {
		if (a->cut)
			(void)snprintf(note, sizeof(note), "only the first %" PRId64 ": more with '| limit N'", a->q.limit);
		r = msg_put_done(&payload, &(struct msg_done){.note = str_of(note)});
	}
	if (r == 0)
		r = say(e ? MSG_ERROR : MSG_DONE, &payload);
	buf_release(&payload);
	return r;
}

/* The question: one COMMAND frame with one word. */
static int hear(struct buf *in, struct msg_command *m, struct err *e)
{
	struct frame f;
	size_t used = 0;
	int got;

	while ((got = frame_get(in->data, in->len, &f, &used, e)) == 0) {
		uint8_t *room = buf_reserve(in, 4096);
		ssize_t n = room ? read(STDIN_FILENO, room, 4096) : -1;
		if (n <= 0)
			return err_set(e, ERR_REFUSED, "no question came");
		in->len += (size_t)n;
	}
	if (got < 0 || f.type != MSG_COMMAND)
		return err_set(e, ERR_CALL, "that is no question");
	return msg_get_command(f.payload, f.len, m, e);
}

static void sums_free(struct map *sums)
{
	size_t iter = 0, len;
	const void *key;
	void *entry;

	while (sums && map_next(sums, &iter, &key, &len, &entry))
		free(entry);
	map_free(sums);
}

int ask_main(const char *folder)
{
	struct ask a = {.folder = folder};
	struct msg_command *m = xcalloc(1, sizeof(*m));
	struct err e = {0};
	struct buf in;
	int r;

	buf_init(&in, MSG_PAYLOAD_MAX + FRAME_HEADER_BYTES);
	(void)sqlite3_hard_heap_limit64(ASK_HEAP_BYTES);
	r = hear(&in, m, &e);
	if (r == 0)
		r = question_parse(&a.q, m->words.count ? m->words.at[0] : str_of(""), clock_now_ns(), &e);
	if (r == 0) {
		a.rows = rowset_new(a.q.type);
		r = places_open(&a.places, folder, &a.q, &e);
	}
	if (r == 0)
		r = answer(&a, &e);
	if (r == 0)
		r = say_rows(&a, &e);
	r |= say_end(&a, r == 0 ? NULL : &e);
	sums_free(a.sums);
	rowset_free(a.rows);
	places_close(a.places);
	question_release(&a.q);
	buf_release(&in);
	free(m);
	return r == 0 ? 0 : ERR_REFUSED;
}
