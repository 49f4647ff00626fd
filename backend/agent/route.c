/* What comes from a client: answered here, by a reader, or by the daemon that an attached process
 * hands it on to. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/xalloc.h"
#include "folder.h"
#include "opening.h"
#include "reader_child.h"
#include "session.h"
#include "fetch.h"
#include "upstream.h"

static bool is_attach(const struct peer *p)
{
	return p->control->role == CONTROL_ATTACH;
}

static void refuse(struct peer *p, const struct frame *f, const struct err *e)
{
	const struct reply r = {p->serial, f->channel, f->id};

	reply_error(p->control, &r, e);
}

/* Hands the request on, remembering it until its last answer. */
static void hand_on(struct peer *p, const struct frame *f, enum route route, bool periodic)
{
	struct binding *b = peer_binding(p, f->channel);
	struct err e;

	if (pending_put(p, f, route, periodic)) {
		err_set(&e, ERR_CALL, "more than %u requests are under way", PEER_PENDING_MAX);
		refuse(p, f, &e);
	} else if (route == ROUTE_UPSTREAM) {
		upstream_forward(p->control->upstream, f);
	} else if (b) {
		reader_child_forward(b, f->type, f->id, f->payload, f->len);
	}
}

/* --- OPEN --- */

static int open_files(struct peer *p, struct binding *b, const struct targets *t, struct err *e)
{
	struct reader_child *r;

	if (!is_attach(p))
		return err_set(e, ERR_REFUSED,
			       "a daemon opens no file that a client names: `tapdeckd --attach` "
			       "does, with your rights");
	r = opening_start(p->control, t, e);
	b->route = ROUTE_READER;
	return r ? reader_child_bind(r, b, e) : -1;
}

static int open_file(struct peer *p, struct binding *b, const char *path, struct err *e)
{
	const struct targets t = {.count = 1, .path = {path}};

	return open_files(p, b, &t, e);
}

/* Several, as one capture. */
static int open_merged(struct peer *p, struct binding *b, const char *list, struct err *e)
{
	struct targets t;
	int r = targets_read(&t, list, e);

	if (r == 0)
		r = open_files(p, b, &t, e);
	targets_release(&t);
	return r;
}

static int open_session(struct peer *p, struct binding *b, struct str name, struct err *e)
{
	struct session *s = session_need(p->control, name, e);

	if (!s || access_check(&p->who, "open", s->uid, e))
		return -1;
	b->route = ROUTE_READER;
	b->session = s;
	/* Without a reader its totals and counters are there all the same. */
	if (!s->reader && s->state == SESSION_ENDED && s->nsegments && session_reader_start(s, e))
		return -1;
	return s->reader ? reader_child_bind(s->reader, b, e) : 0;
}

static int open_target(struct peer *p, struct binding *b, const struct frame *f, struct err *e)
{
	static const char file[] = "file:", files[] = "files:", session[] = "session:";
	const char *target = b->target;

	if (strncmp(target, file, sizeof(file) - 1) == 0)
		return open_file(p, b, target + sizeof(file) - 1, e);
	if (strncmp(target, files, sizeof(files) - 1) == 0)
		return open_merged(p, b, target + sizeof(files) - 1, e);
	if (is_attach(p)) {
		if (upstream_need(p->control->upstream, e))
			return -1;
		b->route = ROUTE_UPSTREAM;
		hand_on(p, f, ROUTE_UPSTREAM, false); /* its answer is the daemon's */
		return 1;
	}
	if (strncmp(target, session, sizeof(session) - 1) == 0)
		return open_session(p, b, str_of(target + sizeof(session) - 1), e);
	if (target[0] == 0)
		return 0;
	return err_set(e, ERR_CALL,
		       "\"%s\" is nothing that can be opened: file:PATH, files:... or session:NAME",
		       target);
}

static void route_open(struct peer *p, const struct frame *f)
{
	const struct reply reply = {p->serial, f->channel, f->id};
	struct binding *b = NULL;
	struct msg_open m;
	struct err e;
	int r = -1;

	if (msg_get_open(f->payload, f->len, &m, &e))
		goto out;
	if (f->channel == 0 || peer_binding(p, f->channel) ||
	    memchr(m.target.p ? m.target.p : "", 0, m.target.len)) {
		err_set(&e, ERR_CALL,
			"channel %u cannot be bound to that: it is taken, or the target is no text",
			f->channel);
		goto out;
	}
	audit_begin(p, &reply, "open", &(struct strs){.count = 1, .at = {m.target}});
	b = xcalloc(1, sizeof(*b));
	*b = (struct binding){.peer = p,
			      .channel = f->channel,
			      .target = xstrndup(m.target.p ? m.target.p : "", m.target.len)};
	if (map_put(p->bindings, &f->channel, sizeof(f->channel), b))
		err_set(&e, ERR_CALL, "more than %u channels are open", PEER_BINDINGS_MAX);
	else
		r = open_target(p, b, f, &e);
out:
	if (r < 0) {
		if (b)
			binding_free(b);
		refuse(p, f, &e);
	} else if (r == 0) {
		reply_done(p->control, &reply, "");
	}
}

static void route_close(struct peer *p, const struct frame *f)
{
	struct binding *b = peer_binding(p, f->channel);
	const struct err gone = {.code = ERR_ABSENT, .at = -1, .text = "the channel was closed"};

	if (!b)
		return;
	if (b->route == ROUTE_UPSTREAM)
		upstream_forward(p->control->upstream, f);
	table_server_drop(p->control->tables, p->channel, f->channel);
	fetch_drop(p, f->channel);
	peer_fail(p, f->channel, b->route, &gone);
	binding_free(b);
}

/* --- QUERY --- */

/* Where a request on a bound channel goes. -1: nowhere, *e says why. */
static int route_of(const struct binding *b, struct err *e)
{
	if (b->route == ROUTE_READER && !b->reader)
		return err_set(e, ERR_PART, "nothing reads %s any more: %s",
			       b->target + strcspn(b->target, ":") + (b->target[0] != 0),
			       b->session ? "its reader died, or it had recorded nothing"
					  : "open it again");
	if (b->route == ROUTE_UPSTREAM && !upstream_is_open(b->peer->control->upstream))
		return err_set(e, ERR_REFUSED, "the daemon that had %s open is gone: open it again",
			       b->target);
	return (int)b->route;
}

static bool is_one_of(struct str name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(name, list[i]))
			return true;
	return false;
}

/* An attached process answers what needs no daemon, and starts none for it. */
static int query_route_attach(struct peer *p, struct str table, struct err *e)
{
	static const char *const own[] = {"devices"};
	static const char *const either[] = {"sessions", "events", "journals"};

	if (is_one_of(table, own, ARRAY_LEN(own)))
		return ROUTE_HERE;
	if (upstream_mend(p->control->upstream))
		return ROUTE_UPSTREAM;
	if (is_one_of(table, either, ARRAY_LEN(either)))
		return ROUTE_HERE;
	if (str_is(table, "daemon"))
		return err_set(e, ERR_ABSENT, "no daemon runs here: `new` starts one");
	return upstream_need(p->control->upstream, e) ? -1 : ROUTE_UPSTREAM;
}

static int query_route(struct peer *p, const struct frame *f, struct str table, struct err *e)
{
	struct binding *b = peer_binding(p, f->channel);

	if (f->channel && !b)
		return err_set(e, ERR_CALL, "channel %u is not open", f->channel);
	if (b && b->session && tables_of_session(table))
		return ROUTE_HERE;
	if (b && b->target[0])
		return route_of(b, e);
	return is_attach(p) ? query_route_attach(p, table, e) : ROUTE_HERE;
}

static void route_query(struct peer *p, const struct frame *f)
{
	struct msg_query m;
	struct err e = {.at = -1};
	int route = msg_get_query(f->payload, f->len, &m, &e) ? -1 : query_route(p, f, m.table, &e);

	if (route < 0) {
		refuse(p, f, &e);
	} else if (route != ROUTE_HERE) {
		hand_on(p, f, (enum route)route, m.period_ms != 0);
	} else {
		/* What goes on for long may have to move to a daemon. */
		if (is_attach(p) && m.period_ms && !str_is(m.table, "devices"))
			(void)pending_put(p, f, ROUTE_HERE, true);
		table_server_query(p->control->tables, p->channel, f->channel, f->id, &m);
	}
}

void route_to_upstream(struct peer *p)
{
	size_t iter = 0;
	void *value;

	while (map_next(p->pending, &iter, NULL, NULL, &value)) {
		struct pending *q = value;

		if (q->route != ROUTE_HERE)
			continue;
		table_server_cancel(p->control->tables, p->channel, q->channel, q->id);
		q->route = ROUTE_UPSTREAM;
		upstream_send(p->control->upstream, q->type, q->channel, q->id, q->payload, q->len);
	}
}

static void send_again(struct peer *p, bool opens)
{
	size_t iter = 0;
	void *value;

	while (map_next(p->pending, &iter, NULL, NULL, &value)) {
		const struct pending *q = value;

		if (q->route == ROUTE_UPSTREAM && (q->type == MSG_OPEN) == opens)
			upstream_send(p->control->upstream, q->type, q->channel, q->id, q->payload,
				      q->len);
	}
}

void route_again(struct peer *p)
{
	send_again(p, true); /* a channel is bound before it is asked */
	send_again(p, false);
}

/* Long looks at what files can tell as well go on here; all else fails. */
void route_from_upstream(struct peer *p, const struct err *why)
{
	static const char *const either[] = {"sessions", "events", "journals"};
	size_t iter = 0;
	void *value;

	while (map_next(p->pending, &iter, NULL, NULL, &value)) {
		struct pending *q = value;
		struct msg_query m;

		if (q->route != ROUTE_UPSTREAM || q->type != MSG_QUERY || q->channel ||
		    !q->periodic || msg_get_query(q->payload, q->len, &m, NULL) ||
		    !is_one_of(m.table, either, ARRAY_LEN(either)))
			continue;
		q->route = ROUTE_HERE;
		p->control->asking = p;
		table_server_query(p->control->tables, p->channel, q->channel, q->id, &m);
		p->control->asking = NULL;
	}
	peer_fail(p, UINT32_MAX, ROUTE_UPSTREAM, why);
}

/* --- COMMAND --- */

/* What is compiled is the same here as there. */
static bool checks_filter(const struct msg_command *m)
{
	return m->words.count > 1 && str_is(m->words.at[0], "check") &&
	       str_is(m->words.at[1], "filter");
}

static void route_command(struct peer *p, const struct frame *f)
{
	struct binding *b = peer_binding(p, f->channel);
	struct msg_command m;
	struct err e = {.at = -1};
	int route = ROUTE_HERE;

	if (msg_get_command(f->payload, f->len, &m, &e))
		route = -1;
	else if (f->channel && !b)
		route = err_set(&e, ERR_CALL, "channel %u is not open", f->channel);
	else if (b && b->target[0] &&
		 m.words.count == 1) /* "cancel": about what the channel reads */
		route = route_of(b, &e);
	else if (is_attach(p) && !checks_filter(&m))
		route = upstream_need(p->control->upstream, &e) ? -1 : ROUTE_UPSTREAM;
	if (route < 0)
		refuse(p, f, &e);
	else if (route == ROUTE_HERE)
		command_run(p, f);
	else
		hand_on(p, f, (enum route)route, false);
}

/* --- STREAM --- */

static int stream_begin(struct peer *p, const struct frame *f, const struct msg_stream *m, int fd,
			const char *note, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(e, ERR_REFUSED, "only files can be fetched");
	}
	return fetch_start(p, f->channel, f->id, fd, m->offset, m->credit, note, e);
}

static int stream_file(struct peer *p, const struct frame *f, const struct msg_stream *m,
		       struct err *e)
{
	char *path = xstrndup(m->words.at[1].p, m->words.at[1].len);
	struct stat st;
	const int fd = reader_child_open(path, &st, e);

	free(path);
	return fd < 0 ? -1 : stream_begin(p, f, m, fd, "", e);
}

static int stream_segment(struct peer *p, const struct frame *f, const struct msg_stream *m,
			  struct err *e)
{
	struct session *s = session_need(p->control, m->words.at[1], e);
	const struct str name = m->words.count > 2 ? m->words.at[2] : (struct str){0};

	if (!s || access_check(&p->who, "segment", s->uid, e))
		return -1;
	for (unsigned i = 0; i < s->nsegments; i++) {
		const struct segment *g = &s->segment[i];
		char *file;
		int fd;

		if (!str_is(name, g->name))
			continue;
		file = segment_file(g, segment_is_part(g));
		fd = folder_open(s->folder, file, O_RDONLY);
		if (fd < 0)
			err_errno(e, ERR_ABSENT, "could not open %s/%s", s->folder, file);
		free(file);
		return fd < 0 ? -1
			      : stream_begin(p, f, m, fd,
					     g->sealed ? "" : "it is still being written", e);
	}
	return err_set(e, ERR_ABSENT, "the session %s has no file \"%.*s\"; `files %s` shows them",
		       s->name, (int)name.len, name.p, s->name);
}

/* FOLDER/tap.journal or FOLDER/reader.journal of the captures folder, and nothing else: no link is
 * followed. */
static int journal_open(const struct control *c, struct str name, struct err *e)
{
	const char *slash = memchr(name.p ? name.p : "", '/', name.len);
	const struct str folder = {name.p, slash ? (size_t)(slash - name.p) : 0};
	const struct str file = {slash ? slash + 1 : NULL, slash ? name.len - folder.len - 1 : 0};
	const char *known = str_is(file, "tap.journal")	     ? "tap.journal"
			    : str_is(file, "reader.journal") ? "reader.journal"
							     : NULL;
	char *path;
	int fd;

	if (!known || !capture_name_ok(folder))
		return err_set(e, ERR_ABSENT,
			       "there is no journal \"%.*s\"; the table journals shows them",
			       (int)name.len, name.p);
	path = xasprintf("%s/%.*s", c->captures, (int)folder.len, folder.p);
	fd = folder_open(path, known, O_RDONLY);
	if (fd < 0)
		err_errno(e, ERR_ABSENT, "could not open the journal %s/%s", path, known);
	free(path);
	return fd;
}

static int stream_here(struct peer *p, const struct frame *f, const struct msg_stream *m,
		       struct err *e)
{
	const struct str what = m->words.count ? m->words.at[0] : (struct str){0};
	int fd;

	if (m->words.count < 2)
		return err_set(e, ERR_CALL,
			       "a stream is: pcapng (on a channel), file PATH, segment SESSION "
			       "NAME, journal NAME");
	if (str_is(what, "file") && is_attach(p))
		return stream_file(p, f, m, e);
	if (str_is(what, "file"))
		return err_set(e, ERR_REFUSED,
			       "a daemon opens no file that a client names: `tapdeckd --attach` "
			       "does, with your rights");
	if (str_is(what, "segment"))
		return stream_segment(p, f, m, e);
	if (!str_is(what, "journal"))
		return err_set(e, ERR_CALL, "there is no stream \"%.*s\"", (int)what.len, what.p);
	if (access_check(&p->who, "journal", (uid_t)-1, e))
		return -1;
	fd = journal_open(p->control, m->words.at[1], e);
	return fd < 0 ? -1 : stream_begin(p, f, m, fd, "", e);
}

static int stream_route(struct peer *p, const struct frame *f, const struct msg_stream *m,
			struct err *e)
{
	struct binding *b = peer_binding(p, f->channel);
	const struct str what = m->words.count ? m->words.at[0] : (struct str){0};

	if (f->channel && !b)
		return err_set(e, ERR_CALL, "channel %u is not open", f->channel);
	if (str_is(what, "pcapng"))
		return b ? route_of(b, e)
			 : err_set(e, ERR_CALL,
				   "\"pcapng\" is a stream of an open file or session, not of "
				   "channel 0");
	if (!is_attach(p) || str_is(what, "file"))
		return ROUTE_HERE;
	if (str_is(what, "journal"))
		return upstream_try(p->control->upstream) ? ROUTE_UPSTREAM : ROUTE_HERE;
	return upstream_need(p->control->upstream, e) ? -1 : ROUTE_UPSTREAM;
}

static void route_stream(struct peer *p, const struct frame *f)
{
	struct msg_stream m;
	struct err e = {.at = -1};
	const struct reply reply = {p->serial, f->channel, f->id};
	int route = msg_get_stream(f->payload, f->len, &m, &e) ? -1 : stream_route(p, f, &m, &e);

	if (m.words.count)
		audit_begin(p, &reply, "stream", &m.words);
	if (route == ROUTE_HERE)
		route = stream_here(p, f, &m, &e) ? -1 : ROUTE_HERE;
	if (route < 0)
		refuse(p, f, &e);
	else if (route != ROUTE_HERE)
		hand_on(p, f, (enum route)route, false);
	if (route >= 0)
		audit_end(p->control, &reply, NULL); /* it flows */
}

/* --- about requests that are under way --- */

static void follow(struct peer *p, const struct frame *f)
{
	const struct pending *q = pending_get(p, f->channel, f->id);
	struct binding *b = peer_binding(p, f->channel);

	if (q && q->route == ROUTE_UPSTREAM)
		upstream_forward(p->control->upstream, f);
	else if (q && q->route == ROUTE_READER && b)
		reader_child_forward(b, f->type, f->id, f->payload, f->len);
}

static void route_credit(struct peer *p, const struct frame *f)
{
	struct msg_credit m;

	if (msg_get_credit(f->payload, f->len, &m, NULL) == 0 &&
	    !fetch_credit(p, f->channel, f->id, m.bytes))
		follow(p, f);
}

static void route_cancel(struct peer *p, const struct frame *f)
{
	follow(p, f);
	table_server_cancel(p->control->tables, p->channel, f->channel, f->id);
	(void)fetch_cancel(p, f->channel, f->id);
	pending_remove(p, f->channel, f->id);
}

static void route_own(struct peer *p, const struct frame *f)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
	struct msg_own m;

	if (msg_get_own(f->payload, f->len, &m, NULL) || m.addr_a.len >= sizeof(a) ||
	    m.addr_b.len >= sizeof(b))
		return;
	if (is_attach(p)) {
		if (upstream_try(p->control->upstream))
			upstream_forward(p->control->upstream, f);
		return;
	}
	memcpy(a, m.addr_a.p ? m.addr_a.p : "", m.addr_a.len);
	memcpy(b, m.addr_b.p ? m.addr_b.p : "", m.addr_b.len);
	a[m.addr_a.len] = b[m.addr_b.len] = 0;
	if (own_set(&p->own, a, m.port_a, b, m.port_b, NULL) == 0)
		session_own_changed(p->control);
}

static void route_ping(struct peer *p, const struct frame *f)
{
	struct msg_ping m;

	if (msg_get_ping(f->payload, f->len, &m, NULL))
		return;
	const struct msg_pong pong = {.now_ns = m.now_ns, .here_ns = clock_now_ns()};

	(void)channel_put_pong(p->channel, f->channel, f->id, &pong); /* -1: `gone` will come */
}

static void route_unknown(struct peer *p, const struct frame *f)
{
	struct err e;

	if (f->id == 0)
		return;
	err_set(&e, ERR_CALL, "tapdeckd %s does not know message %u (%s): a newer version may",
		TAPDECK_VERSION, f->type, msg_name(f->type));
	refuse(p, f, &e);
}

static const struct {
	uint16_t type;
	void (*run)(struct peer *p, const struct frame *f);
} routes[] = {
	{MSG_PING, route_ping},	    {MSG_OPEN, route_open},	{MSG_CLOSE, route_close},
	{MSG_QUERY, route_query},   {MSG_CANCEL, route_cancel}, {MSG_COMMAND, route_command},
	{MSG_STREAM, route_stream}, {MSG_CREDIT, route_credit}, {MSG_OWN, route_own},
};

void route_frame(struct peer *p, const struct frame *f)
{
	struct control *c = p->control;

	if (f->type == MSG_HELLO || f->type == MSG_PONG)
		return;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (routes[i].type != f->type)
			continue;
		c->asking = p;
		routes[i].run(p, f);
		c->asking = NULL;
		return;
	}
	route_unknown(p, f);
}
