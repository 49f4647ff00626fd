/* fake_tapdeckd: a backend without rights, devices or a clock, for tests of screens. As `tapdeckd` or `tapdeck-store` beside a
 * copy of tapdeck it speaks messages on descriptor 0 and serves the tables in the folder TAPDECK_FAKE: PLACE/TABLE.tsv, where
 * PLACE is "host", "session", "file" (by what the channel was opened on; a file's own name where there is such a folder) or
 * "store"; PLACE/TABLE-WORD.tsv is for questions with that first word. The first line of a file names columns as NAME:KIND, the
 * others are rows of raw values (CONTRACT: Raw values), "" is unknown. A line "!reading DONE OF" or "!note TEXT" says what the
 * window says. Commands succeed, but for a filter with the word "prt" in it.
 * As `tapdeck-ssh HOST` it is that host: HOST/refused.txt is why it cannot be reached; with HOST/leaves.txt its link is lost at
 * the first command, and that is why it cannot be reached afterwards (noted in XDG_STATE_HOME). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "table/server.h"

#define TABLES_MAX 64
#define CHANNELS_MAX 64
#define FILE_MAX (1u << 20) /* bytes of a table's file */

struct canned {
	char *place, *name;
	struct table_type type;
	struct column column[TABLE_COLUMNS_MAX];
	struct rowset *rows;
	uint64_t done, of;
	const char *note;
	char *text; /* the file: names point into it */
};

struct fake {
	const char *folder, *host;
	bool store;
	struct canned *table[TABLES_MAX];
	size_t tables;
	char *place[CHANNELS_MAX]; /* by channel number */
	struct table_server *server;
	uv_loop_t loop;
};

static void die(const char *what, const char *which)
{
	fprintf(stderr, "fake_tapdeckd: %s: %s\n", which, what);
	exit(1);
}

static enum kind kind_of(const char *name)
{
	static const struct {
		const char *name;
		enum kind kind;
	} known[] = {{"count", KIND_COUNT}, {"bytes", KIND_BYTES}, {"text", KIND_TEXT}, {"addr", KIND_ADDR}, {"port", KIND_PORT},
		     {"flow", KIND_FLOW}, {"time", KIND_TIME}, {"s", KIND_SECONDS}, {"ms", KIND_MS}, {"pps", KIND_PPS}, {"bps", KIND_BPS},
		     {"share", KIND_SHARE}, {"bool", KIND_BOOL}, {"real", KIND_REAL}, {"series", KIND_SERIES}};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i].name, name) == 0)
			return known[i].kind;
	die("no such kind", name);
	return KIND_TEXT;
}

static struct value value_of(enum kind kind, char *raw)
{
	struct addr addr;
	struct err e;
	int64_t ns;
	char *dot;

	if (!*raw)
		return value_null();
	switch (kind) {
	case KIND_TEXT: case KIND_SERIES:
		return value_text(raw);
	case KIND_ADDR:
		return addr_parse(str_of(raw), &addr, &e) == 0 ? value_addr(&addr) : value_null();
	case KIND_TIME:
		return text_parse_time(str_of(raw), 0, &ns, &e) == 0 ? value_int(ns) : value_null();
	case KIND_SECONDS:
		return value_int((int64_t)(strtod(raw, NULL) * 1e9 + (*raw == '-' ? -0.5 : 0.5)));
	case KIND_MS:
		return value_int((int64_t)(strtod(raw, NULL) * 1e6 + 0.5));
	case KIND_PPS: case KIND_BPS: case KIND_SHARE: case KIND_REAL:
		return value_real(strtod(raw, NULL));
	case KIND_BOOL:
		return value_int(strcmp(raw, "yes") == 0);
	case KIND_FLOW:
		dot = strchr(raw, '.');
		return value_int(2 * strtoll(raw, NULL, 10) + (dot ? strtoll(dot + 1, NULL, 10) - 1 : 0));
	case KIND_COUNT: case KIND_BYTES: case KIND_PORT:
		break;
	}
	return value_int(strtoll(raw, NULL, 10));
}

/* Cuts the next part off at `sign`; NULL at the end. */
static char *cut(char **rest, char sign)
{
	char *part = *rest, *end;

	if (!part)
		return NULL;
	end = strchr(part, sign);
	*rest = end ? end + 1 : NULL;
	if (end)
		*end = 0;
	return part;
}

static void columns_read(struct canned *c, char *line)
{
	char *part;

	while ((part = cut(&line, '\t')) && c->type.ncolumns < TABLE_COLUMNS_MAX) {
		char *colon = strchr(part, ':');

		if (!colon)
			die("a column without a kind", part);
		*colon = 0;
		c->column[c->type.ncolumns++] = (struct column){.name = part, .kind = kind_of(colon + 1), .unit = "", .summary = ""};
	}
	c->type.columns = c->column;
	c->rows = rowset_new(&c->type);
}

static void row_read(struct canned *c, char *line)
{
	struct value v[TABLE_COLUMNS_MAX];
	char *part;

	if (strncmp(line, "!note ", 6) == 0) {
		c->note = line + 6;
		return;
	}
	if (strncmp(line, "!reading ", 9) == 0) {
		c->done = strtoull(line + 9, &part, 10);
		c->of = strtoull(part, NULL, 10);
		return;
	}
	for (unsigned i = 0; i < c->type.ncolumns; i++) {
		part = cut(&line, '\t');
		v[i] = part ? value_of(c->column[i].kind, part) : value_null();
	}
	rowset_add(c->rows, v);
}

/* NULL: there is no such file. */
static struct canned *canned_read(const struct fake *f, const char *place, const char *name)
{
	char *path = xasprintf("%s/%s/%s.tsv", f->folder, place, name), *rest, *line;
	FILE *in = fopen(path, "r");
	struct canned *c;
	size_t n;

	if (!in) {
		free(path);
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->text = xmalloc(FILE_MAX + 1);
	n = fread(c->text, 1, FILE_MAX, in);
	c->text[n] = 0;
	if (fclose(in) != 0)
		die(strerror(errno), path);
	c->place = xstrdup(place);
	c->name = xstrdup(name);
	c->type.name = c->name;
	c->type.summary = c->type.arguments = "";
	rest = c->text;
	line = cut(&rest, '\n');
	columns_read(c, line);
	while ((line = cut(&rest, '\n')))
		if (*line)
			row_read(c, line);
	free(path);
	return c;
}

static struct canned *canned_find(struct fake *f, const char *place, const char *name)
{
	struct canned *c;

	for (size_t i = 0; i < f->tables; i++)
		if (strcmp(f->table[i]->name, name) == 0 && strcmp(f->table[i]->place, place) == 0)
			return f->table[i];
	c = f->tables < TABLES_MAX ? canned_read(f, place, name) : NULL;
	if (c)
		f->table[f->tables++] = c;
	return c;
}

/* --- answering --- */

static int fake_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e)
{
	struct fake *f = arg;
	const char *place = channel < CHANNELS_MAX && f->place[channel] ? f->place[channel] : f->store ? "store" : "host";
	const struct str word = q->words.count ? q->words.at[0] : str_of("");
	char *name = xstrndup(q->table.p, q->table.len), *of = xasprintf("%s-%.*s", name, (int)word.len, word.p);
	struct canned *c = strchr(of, '/') ? NULL : canned_find(f, place, of);
	int r;

	if (!c && !strchr(of, '/'))
		c = canned_find(f, place, name);
	r = c ? 0 : err_set(e, ERR_ABSENT, "there is no table '%s' of a %s", name, place);
	if (c)
		*t = rowset_table(c->rows, false);
	free(name);
	free(of);
	return r;
}

static void fake_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s)
{
	const struct fake *f = arg;

	(void)channel;
	for (size_t i = 0; i < f->tables; i++)
		if (&f->table[i]->type == t->type)
			*s = (struct table_state){.state = f->table[i]->of ? WINDOW_READING : f->table[i]->note ? WINDOW_PARTIAL : WINDOW_COMPLETE,
						  .done = f->table[i]->done, .of = f->table[i]->of, .note = f->table[i]->note};
}

static void fake_hello(const struct fake *f, struct channel *c)
{
	const struct msg_hello m = {.protocol = WIRE_PROTOCOL, .program = str_of("tapdeckd"), .version = str_of("0.1"), .host = str_of(f->host ? f->host : "edge-01"),
				    .user = str_of("ana"), .now_ns = clock_now_ns()};

	channel_put_hello(c, 0, 0, &m);
}

/* By the target of a channel; owned by the caller. */
static char *place_of(const struct fake *f, struct str target)
{
	const bool file = target.len > 5 && memcmp(target.p, "file:", 5) == 0;
	char *name = xstrndup(target.p, target.len), *slash = strrchr(name, '/'), *path, *place;

	path = xasprintf("%s/%s", f->folder, slash ? slash + 1 : "");
	place = xstrdup(!target.len ? "host" : !file ? "session" : slash && slash[1] && access(path, F_OK) == 0 ? slash + 1 : "file");
	free(name);
	free(path);
	return place;
}

static void fake_open(struct fake *f, struct channel *c, const struct frame *frame)
{
	struct msg_open m;
	struct err e;

	if (msg_get_open(frame->payload, frame->len, &m, &e) == 0 && frame->channel < CHANNELS_MAX) {
		free(f->place[frame->channel]);
		f->place[frame->channel] = place_of(f, m.target);
	}
	channel_send_done(c, frame->channel, frame->id, "");
}

/* --- a host that fails --- */

static char *left_path(const struct fake *f)
{
	const char *state = getenv("XDG_STATE_HOME");

	return xasprintf("%s/left-%s", state ? state : "/nonexistent", f->host);
}

static bool host_has(const struct fake *f, const char *name, char *sentence, size_t room)
{
	char *path = xasprintf("%s/%s/%s", f->folder, f->host, name);
	FILE *in = fopen(path, "r");
	size_t n = in ? fread(sentence, 1, room - 1, in) : 0;

	if (in && fclose(in) != 0)
		die(strerror(errno), path);
	sentence[n] = 0;
	sentence[strcspn(sentence, "\n")] = 0;
	free(path);
	return in != NULL;
}

static void fake_leave(const struct fake *f)
{
	char sentence[256], *path = left_path(f);
	FILE *out;

	if (!f->host || !host_has(f, "leaves.txt", sentence, sizeof(sentence))) {
		free(path);
		return;
	}
	(void)mkdir(getenv("XDG_STATE_HOME"), 0700);
	out = fopen(path, "w");
	if (!out || fclose(out) != 0)
		die(strerror(errno), path);
	exit(0);
}

/* Why the host is not reached; false: it is. */
static bool host_refuses(const struct fake *f, char *sentence, size_t room)
{
	char *path;
	bool left;

	if (!f->host || host_has(f, "refused.txt", sentence, room))
		return f->host != NULL;
	path = left_path(f);
	left = access(path, F_OK) == 0;
	free(path);
	return left && host_has(f, "leaves.txt", sentence, room);
}

static void fake_command(const struct fake *f, struct channel *c, const struct frame *frame)
{
	struct msg_command m;
	struct err e;
	const char *wrong;
	char *filter;

	if (msg_get_command(frame->payload, frame->len, &m, &e) != 0)
		return;
	fake_leave(f);
	filter = m.words.count > 2 ? xstrndup(m.words.at[2].p, m.words.at[2].len) : xstrdup("");
	wrong = strstr(filter, "prt");
	if (wrong) {
		err_set(&e, ERR_CALL, "\"prt\" does not fit here; did you mean \"port\"?");
		e.at = (int)(wrong - filter);
		channel_send_error(c, frame->channel, frame->id, &e);
	} else {
		const bool check = str_is(m.words.at[0], "check"), words = check && m.words.count > 1 && str_is(m.words.at[1], "new");

		channel_send_done(c, frame->channel, frame->id,
				  words ? "eth0 now 26.5 MB/s before the filter; 83.0 GB free: 49 m 36 s until 4.15 GB are left; limit of this host: 10.0 GB = 6 m 17 s" : check ? "ok: 11 instructions" : "");
	}
	free(filter);
}

static void fake_message(void *arg, struct channel *c, const struct frame *frame, const int *fd, size_t nfd)
{
	struct fake *f = arg;
	struct msg_query q;
	struct err e;

	(void)fd;
	(void)nfd;
	if (frame->type == MSG_HELLO)
		fake_hello(f, c);
	else if (frame->type == MSG_OPEN)
		fake_open(f, c, frame);
	else if (frame->type == MSG_QUERY && msg_get_query(frame->payload, frame->len, &q, &e) == 0)
		table_server_query(f->server, c, frame->channel, frame->id, &q);
	else if (frame->type == MSG_CANCEL)
		table_server_cancel(f->server, c, frame->channel, frame->id);
	else if (frame->type == MSG_CLOSE)
		table_server_drop(f->server, c, frame->channel);
	else if (frame->type == MSG_COMMAND)
		fake_command(f, c, frame);
	else if (frame->type == MSG_FEED)
		channel_send_done(c, frame->channel, frame->id, "");
	/* A PING is left unanswered: no round trip is ever the same. */
}

static void fake_gone(void *arg, struct channel *c, const struct err *e)
{
	struct fake *f = arg;

	(void)c;
	(void)e;
	uv_stop(&f->loop);
}

/* A relay that cannot reach its host says why and ends. */
static void refuse(struct channel *c, const char *sentence)
{
	struct err e;

	(void)err_set(&e, ERR_REFUSED, "%s", sentence);
	(void)channel_send_error(c, 0, 0, &e);
}

int main(int argc, char **argv)
{
	static const struct channel_ops ops = {fake_message, fake_gone, NULL};
	static const struct table_server_ops tables = {fake_table, fake_state};
	static struct fake f;
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	char sentence[256];
	struct channel *c;

	f.folder = getenv("TAPDECK_FAKE");
	f.store = strcmp(name, "tapdeck-store") == 0;
	f.host = strcmp(name, "tapdeck-ssh") == 0 && argc > 1 ? argv[1] : NULL;
	if (!f.folder)
		die("is not set", "TAPDECK_FAKE");
	uv_loop_init(&f.loop);
	f.server = table_server_new(&f.loop, &tables, &f);
	fdio_set_nonblock(STDIN_FILENO);
	c = channel_new(&f.loop, STDIN_FILENO, -1, &ops, &f);
	if (host_refuses(&f, sentence, sizeof(sentence))) {
		refuse(c, sentence);
		uv_run(&f.loop, UV_RUN_NOWAIT);
		return 1;
	}
	uv_run(&f.loop, UV_RUN_DEFAULT);
	return 0;
}
