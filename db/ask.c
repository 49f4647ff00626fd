#include "ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "places.h"
#include "plan.h"
#include "shard.h"
#include "sql.h"
#include "sums.h"
#include "table/view.h"
#include "tables.h"
#include "wire/frame.h"

#define ASK_WINDOW_ROWS 2048u
#define ASK_HEAP_BYTES (INT64_C(512) << 20)
#define ASK_WINDOW_BYTES (MSG_PAYLOAD_MAX / 4) /* of rows, before the next window begins */

struct ask {
	const char *folder;
	struct question q;
	struct places *places;
	struct rowset *rows;
	struct sums *sums;	      /* TOP */
	bool cut;		      /* more is there than the limit */
	int unread;		      /* shards that could not be read */
	bool still;		      /* nobody writes this history */
	char note[ERR_TEXT_MAX + 64]; /* why the first of them could not */
};

/* Totals of a COUNT over all shards. */
struct total {
	double packets, bytes;
	int64_t connections, first_ns, last_ns;
};

static int say(uint16_t type, const struct buf *payload);

/* --- rows --- */

/* The SQL's columns are the table's; host and session come from the capture, and the path from its
 * segment. */
static void add_connection(struct ask *a, sqlite3_stmt *s)
{
	enum { CAPTURE = 0, HOST = 1, SESSION = 2 };
	struct value v[TABLE_COLUMNS_MAX];
	const struct place *place = places_find(a->places, sqlite3_column_int64(s, CAPTURE));
	const int path = table_column(&table_history_connections, str_of("path"));
	char *file;

	if (!place) /* fed after the places were looked at: the next question has it */
		return;
	file = places_path(a->places, place, sqlite3_column_int64(s, path));
	for (unsigned i = 0; i < table_history_connections.ncolumns; i++)
		v[i] = column_value(s, (int)i);
	v[HOST] = value_text(place->host);
	v[SESSION] = value_text(*place->session ? place->session : NULL);
	v[path] = value_text(file);
	rowset_add(a->rows, v);
	free(file);
}

static void add_total(struct total *t, sqlite3_stmt *s)
{
	const int64_t connections = sqlite3_column_int64(s, 0), first = sqlite3_column_int64(s, 3),
		      last = sqlite3_column_int64(s, 4);

	if (connections == 0)
		return;
	t->first_ns = t->connections == 0 || first < t->first_ns ? first : t->first_ns;
	t->last_ns = t->connections == 0 || last > t->last_ns ? last : t->last_ns;
	t->connections += connections;
	t->packets += sqlite3_column_double(s, 1);
	t->bytes += sqlite3_column_double(s, 2);
}

static void take_row(struct ask *a, enum plan_shape shape, sqlite3_stmt *s, struct total *total)
{
	switch (shape) {
	case PLAN_ROWS:
		add_connection(a, s);
		break;
	case PLAN_CAPTURES:
		places_mark(a->places, sqlite3_column_int64(s, 0));
		break;
	case PLAN_TOP:
		sums_add(a->sums, s);
		break;
	case PLAN_COUNT:
		add_total(total, s);
		break;
	}
}

/* Tells the store that something is wrong with a shard, so that it looks at it itself. */
static int say_shard(int64_t number, const struct err *e)
{
	char where[32];
	struct buf payload;
	struct msg_event m = {.severity = str_of("error"), .sentence = str_of(e->text)};
	int r;

	(void)snprintf(where, sizeof(where), "%" PRId64, number);
	m.where = str_of(where);
	buf_init(&payload, MSG_PAYLOAD_MAX);
	r = msg_put_event(&payload, &m);
	if (r == 0)
		r = say(MSG_EVENT, &payload);
	buf_release(&payload);
	return r;
}

static int ask_plan(struct ask *a, struct plan *plan, enum plan_shape shape, sqlite3 *db,
		    struct total *total, struct err *e)
{
	sqlite3_stmt *s = plan_prepare(plan, db, e);
	int rc, r;

	if (!s)
		return -1;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		take_row(a, shape, s, total);
	r = rc == SQLITE_DONE ? 0 : sql_error(db, e);
	sqlite3_finalize(s);
	if (r == 0 && shape == PLAN_TOP)
		r = sums_end_shard(a->sums, db, e);
	return r;
}

/* One transaction: all that is asked of the shard is of the same moment. -1: the question cannot be
 * asked (*e); 1: this shard cannot answer it (*why). */
static int ask_file(struct ask *a, const char *path, enum plan_shape shape,
		    const struct plan_scope *scope, struct total *total, struct err *why,
		    struct err *e)
{
	struct plan *plan = xmalloc(sizeof(*plan));
	struct plan_scope here = *scope;
	sqlite3 *db = NULL;
	bool sealed = false;
	int r = 1;

	plan->bind = NULL;
	buf_init(&plan->sql, 0);
	if (sql_open(&db, path, SQL_READER, why) == 0 && sql_exec(db, "BEGIN", why) == 0 &&
	    shard_check(db, why) == 0 && shard_sealed(db, &sealed, why) == 0) {
		here.open = !sealed;
		here.wide = shard_mostly(db, scope->only);
		r = plan_make(plan, &a->q, shape, &here, e);
		if (r == 0 && ask_plan(a, plan, shape, db, total, why) != 0)
			r = 1;
	}
	plan_release(plan);
	free(plan);
	sql_close(db);
	return r;
}

/* A shard that cannot be read costs its rows, not the answer: the note says so. */
static int ask_shard(struct ask *a, int64_t number, enum plan_shape shape,
		     const struct plan_scope *scope, struct total *total, struct err *e)
{
	char *path = shard_path(a->folder, number);
	struct err why;
	int r = ask_file(a, path, shape, scope, total, &why, e);

	if (r > 0) {
		if (a->unread++ == 0)
			(void)snprintf(a->note, sizeof(a->note), "connections are missing: %s",
				       why.text);
		r = say_shard(number, &why) != 0
			    ? err_set(e, ERR_REFUSED, "the history does not listen")
			    : 0;
	}
	free(path);
	return r;
}

static int newest_first(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

/* When the rows so far fill the limit, what began before the last of them is not wanted any more.
 */
static int64_t ask_newer(const struct ask *a)
{
	const uint64_t rows = rowset_rows(a->rows), limit = (uint64_t)a->q.limit;
	const int column = table_column(&table_history_connections, str_of("start_time"));
	int64_t *start, newer;

	if (rows <= limit || a->q.sort >= 0)
		return INT64_MIN;
	start = xreallocarray(NULL, rows, sizeof(*start));
	for (uint64_t i = 0; i < rows; i++)
		start[i] = rowset_cell(a->rows, i, (unsigned)column).i;
	qsort(start, rows, sizeof(*start), newest_first);
	newer = start[limit];
	free(start);
	return newer;
}

/* Shards whose time meets the question's, the newest first; the limit of rows holds for each, since
 * they are merged. */
static int ask_shards(struct ask *a, enum plan_shape shape, struct total *total, struct err *e)
{
	char *captures = places_list(a->places);
	struct plan_scope scope = {
		.captures = captures, .only = places_only(a->places), .newer_ns = INT64_MIN};
	struct place_shard *shard = NULL;
	int count = captures ? places_shards(a->places, a->q.from_ns, a->q.to_ns, &shard, e) : 0,
	    r = count < 0 ? -1 : 0;

	for (int i = 0; r == 0 && i < count; i++) {
		if (shape == PLAN_ROWS && i > 0)
			scope.newer_ns = ask_newer(a);
		if (shard[i].max_ns < scope.newer_ns)
			break; /* and so do all behind it */
		r = ask_shard(a, shard[i].number, shape, &scope, total, e);
	}
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
		return places_files(a->places, a->rows, a->q.has_filter, a->q.from_ns, a->q.to_ns,
				    e);
	if (a->q.kind == QUESTION_MINUTES || a->q.kind == QUESTION_HOURS)
		return places_totals(a->places, a->rows, &a->q, e);
	return places_events(a->places, a->rows, a->q.has_filter, a->q.from_ns, a->q.to_ns, e);
}

static int64_t whole(double sum)
{
	return sum < 9.2e18 ? (int64_t)sum : INT64_MAX;
}

static int answer_top(struct ask *a, struct err *e)
{
	a->sums = sums_new(&a->q);
	if (ask_shards(a, PLAN_TOP, NULL, e) != 0)
		return -1;
	a->cut = sums_rows(a->sums, a->rows);
	return 0;
}

static int answer_count(struct ask *a, struct err *e)
{
	struct total total = {0};
	struct value v[5];

	if (ask_shards(a, PLAN_COUNT, &total, e) != 0)
		return -1;
	v[0] = value_int(total.connections);
	v[1] = value_int(whole(total.packets));
	v[2] = value_int(whole(total.bytes));
	v[3] = total.connections ? value_int(total.first_ns) : value_null();
	v[4] = total.connections ? value_int(total.last_ns) : value_null();
	rowset_add(a->rows, v);
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
	case QUESTION_MINUTES:
	case QUESTION_HOURS:
		break;
	}
	return answer_places(a, e);
}

/* As view_new wants it; the caller's. */
static char *answer_order(const struct question *q)
{
	static const char *const usual[] = {
		[QUESTION_CAPTURES] = "-start_time", [QUESTION_CONNECTIONS] = "-start_time",
		[QUESTION_EVENTS] = "-time",	     [QUESTION_TOP] = "-bytes",
		[QUESTION_MINUTES] = "-time",	     [QUESTION_HOURS] = "-time",
		[QUESTION_FILES] = "-first_time",    [QUESTION_COUNT] = "",
	};

	if (q->sort < 0)
		return xstrdup(usual[q->kind]);
	return xasprintf("%s%s", q->descending ? "-" : "", q->type->columns[q->sort].name);
}

/* --- the descriptor --- */

static int say(uint16_t type, const struct buf *payload)
{
	struct buf frame;
	int r;

	buf_init(&frame, MSG_PAYLOAD_MAX + FRAME_HEADER_BYTES);
	r = frame_put(&frame, type, 0, 1, payload->data, payload->len) != 0
		    ? -1
		    : fdio_write_all(STDIN_FILENO, frame.data, frame.len);
	buf_release(&frame);
	return r;
}

/* Rows from `first` on, up to `until` or until they are enough for one message; returns how many, 0
 * when it failed. */
static uint32_t say_window(struct table *t, const struct view *v, uint64_t first, uint64_t until)
{
	struct buf rows, columns, payload;
	unsigned column[TABLE_COLUMNS_MAX];
	struct msg_window m = {
		.table = str_of(t->type->name), .first = first, .total = view_total(v)};
	int r;

	buf_init(&rows, MSG_PAYLOAD_MAX);
	buf_init(&columns, MSG_PAYLOAD_MAX);
	buf_init(&payload, MSG_PAYLOAD_MAX);
	for (unsigned i = 0; i < t->type->ncolumns; i++)
		column[i] = i;
	r = row_put_columns(&columns, t->type, column, t->type->ncolumns);
	while (r == 0 && first + m.count < until && m.count < ASK_WINDOW_ROWS &&
	       rows.len < ASK_WINDOW_BYTES) {
		for (unsigned c = 0; r == 0 && c < t->type->ncolumns; c++) {
			const struct value cell = t->cell(t->data, view_row(v, first + m.count), c);

			r = row_put_cell(&rows, &cell);
		}
		m.count++;
	}
	m.columns = (struct str){(const char *)columns.data, columns.len};
	m.rows = (struct str){(const char *)rows.data, rows.len};
	if (r == 0)
		r = msg_put_window(&payload, &m);
	if (r == 0)
		r = say(MSG_WINDOW, &payload);
	buf_release(&rows);
	buf_release(&columns);
	buf_release(&payload);
	return r == 0 ? m.count : 0;
}

static int say_rows(struct ask *a, struct err *e)
{
	struct table t = rowset_table(a->rows, false);
	char *order = answer_order(&a->q);
	struct view *v = view_new(&t, str_of(""), str_of(order), NULL, NULL, e);
	uint64_t until, first = 0;
	uint32_t said = 1;

	free(order);
	if (!v)
		return -1;
	while (!view_step(v, NS_PER_S, false))
		;
	until = view_total(v);
	if (until > (uint64_t)a->q.limit) {
		a->cut = a->cut || a->q.kind != QUESTION_TOP;
		until = (uint64_t)a->q.limit;
	}
	for (; said > 0 && first < until; first += said)
		said = say_window(&t, v, first, until);
	view_free(v);
	return said > 0 ? 0 : err_set(e, ERR_PART, "the rows could not be handed over");
}

static void note_end(const struct ask *a, struct buf *note)
{
	if (a->unread)
		(void)buf_add_str(note, a->note);
	if (a->cut)
		(void)buf_printf(note, "%sonly the first %" PRId64 ": more with '| limit N'",
				 note->len ? "; " : "", a->q.limit);
	if (a->still)
		(void)buf_printf(note, "%sread-only: nothing new is taken up",
				 note->len ? "; " : "");
}

static int say_end(const struct ask *a, const struct err *e)
{
	struct buf payload, note;
	int r;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&note, 4096);
	note_end(a, &note);
	if (e)
		r = msg_put_error(&payload, &(struct msg_error){.code = e->code,
								.at = e->at,
								.sentence = str_of(e->text)});
	else
		r = msg_put_done(&payload, &(struct msg_done){.note = {buf_str(&note), note.len}});
	if (r == 0)
		r = say(e ? MSG_ERROR : MSG_DONE, &payload);
	buf_release(&payload);
	buf_release(&note);
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

int ask_main(const char *folder, bool still)
{
	struct ask a = {.folder = folder, .still = still};
	struct msg_command *m = xcalloc(1, sizeof(*m));
	struct err e = {0};
	struct buf in;
	int r;

	buf_init(&in, MSG_PAYLOAD_MAX + FRAME_HEADER_BYTES);
	(void)sqlite3_hard_heap_limit64(ASK_HEAP_BYTES);
	r = hear(&in, m, &e);
	if (r == 0)
		r = question_parse(&a.q, m->words.count ? m->words.at[0] : str_of(""),
				   clock_now_ns(), &e);
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
