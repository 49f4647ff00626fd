#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "feed.h"
#include "places.h"
#include "plan.h"
#include "question.h"
#include "relay.h"
#include "result.h"
#include "table/server.h"
#include "tables.h"
#include "wire/channel.h"

#define STORE_TRIES 250 /* 5 s */
#define STORE_TRY_MS 20
#define STORE_CLIENTS_MAX 64 /* consoles of one user */
#define STORE_RESULTS_MAX 256
#define STORE_REFRESH_MS 1000
#define STORE_SWEEP_MS 2000
#define STORE_REST_MS 1000
#define STORE_STEP_MS 50	    /* between two indexes */
#define STORE_REST_BYTES (1u << 20) /* of journals in that time: less is little */

struct store {
	uv_loop_t loop;
	char *folder, *program;
	bool still;		 /* it cannot be written: asked only */
	struct catalog *catalog; /* NULL when still */
	struct feeds *feeds;	 /* NULL when still */
	struct table_server *server;
	struct channel *client[STORE_CLIENTS_MAX];
	int clients;
	struct result *result[STORE_RESULTS_MAX];
	int results;
	int listener;
	uv_poll_t listen_poll;
	uv_timer_t refresh, sweep, rest;
	uint64_t fed_bytes; /* since `rest` looked */
	bool resting, sealing;
	uv_signal_t child;
};

void store_say_error(int fd, const struct err *e)
{
	struct buf payload, frame;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&frame, MSG_PAYLOAD_MAX);
	if (msg_put_error(&payload, &(struct msg_error){.code = e->code,
							.at = -1,
							.sentence = str_of(e->text)}) == 0 &&
	    frame_put(&frame, MSG_ERROR, 0, 0, payload.data, payload.len) == 0)
		(void)fdio_write_all(fd, frame.data,
				     frame.len); /* nobody else is there to be told */
	buf_release(&payload);
	buf_release(&frame);
}

/* --- results --- */

static void store_changed(void *arg)
{
	table_server_wake(((struct store *)arg)->server);
}

static void store_ended(void *arg, struct result *r)
{
	struct store *s = arg;

	for (int i = 0; i < s->results; i++)
		if (s->result[i] == r)
			s->result[i--] = s->result[--s->results];
}

static void store_refresh(uv_timer_t *timer)
{
	struct store *s = timer->data;
	bool later = false;

	for (int i = 0; i < s->results; i++)
		later = result_again(s->result[i]) || later;
	if (later)
		uv_timer_start(timer, store_refresh, STORE_REFRESH_MS, 0);
}

static void store_refresh_soon(struct store *s)
{
	if (!uv_is_active((uv_handle_t *)&s->refresh))
		uv_timer_start(&s->refresh, store_refresh, STORE_REFRESH_MS, 0);
}

/* An index at a time, so that questions and feeds come between. Starts with the store: one that was
 * killed may have left work. */
static void store_rest(uv_timer_t *timer)
{
	struct store *s = timer->data;
	bool fed = false;
	struct err e;
	int more;

	if (!s->sealing) {
		s->resting = s->fed_bytes < STORE_REST_BYTES;
		fed = s->fed_bytes > 0;
		s->fed_bytes = 0;
	}
	more = feeds_seal(s->feeds, s->resting, &e);
	if (more < 0)
		log_warn("%s", e.text);
	if (more > 0 || fed || s->sealing)
		uv_timer_start(timer, store_rest, more > 0 ? STORE_STEP_MS : STORE_REST_MS, 0);
	s->sealing = more > 0;
}

static void store_rest_soon(struct store *s, size_t bytes)
{
	s->fed_bytes += bytes;
	if (!uv_is_active((uv_handle_t *)&s->rest))
		uv_timer_start(&s->rest, store_rest, STORE_REST_MS, 0);
}

static void store_unread(void *arg, int64_t shard)
{
	struct store *s = arg;
	struct err e;

	if (s->feeds && feeds_look(s->feeds, shard, &e) != 0)
		store_refresh_soon(s);
}

static const struct result_ops store_result_ops = {
	.changed = store_changed, .ended = store_ended, .unread = store_unread};

/* `history WORDS...` is the question; `captures WORDS...` and the like put their own word before
 * it. */
static char *store_question(const struct msg_query *q)
{
	struct buf text;
	char *question;

	buf_init(&text, QUESTION_TEXT_MAX + 1);
	if (!str_is(q->table, "history"))
		(void)buf_add(&text, q->table.p, q->table.len);
	for (uint32_t i = 0; i < q->words.count; i++) {
		(void)buf_add_str(&text, text.len ? " " : "");
		(void)buf_add(&text, q->words.at[i].p, q->words.at[i].len);
	}
	question = xstrdup(buf_str(&text));
	buf_release(&text);
	return question;
}

static bool store_knows(struct str table)
{
	static const char *const names[] = {"history", "captures", "files", "connections",
					    "events",  "minutes",  "hours"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(table, names[i]))
			return true;
	return false;
}

/* Everything that can be wrong with the words, before a process is started for them. */
static int question_check(const struct question *q, struct err *e)
{
	const struct plan_scope scope = {.captures = "", .newer_ns = INT64_MIN};
	struct plan *plan = xmalloc(sizeof(*plan));
	const int r = plan_make(plan, q, PLAN_ROWS, &scope, e);

	plan_release(plan);
	free(plan);
	return r;
}

static int store_ask(struct store *s, const char *text, bool live, struct table *t, struct err *e)
{
	struct result_spec spec = {.loop = &s->loop,
				   .program = s->program,
				   .folder = s->folder,
				   .question = str_of(text),
				   .live = live,
				   .still = s->still};
	struct question q;
	struct result *result = NULL;

	if (question_parse(&q, str_of(text), clock_now_ns(), e) != 0)
		return -1;
	spec.type = q.type;
	if (question_check(&q, e) == 0)
		result = result_new(&spec, &store_result_ops, s, e);
	question_release(&q);
	if (!result)
		return -1;
	s->result[s->results++] = result;
	*t = result_table(result);
	return 0;
}

static int store_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t,
		       struct err *e)
{
	struct store *s = arg;
	char *text;
	int r;

	(void)channel;
	if (str_is(q->table, "journals"))
		return places_journals(s->folder, t, e);
	if (!store_knows(q->table))
		return err_set(e, ERR_ABSENT,
			       "the history has no table '%.*s': it has captures, files, "
			       "connections, events and journals",
			       q->table.len > 100 ? 100 : (int)q->table.len, q->table.p);
	if (s->results == STORE_RESULTS_MAX)
		return err_set(e, ERR_REFUSED, "%d questions are being answered: close some",
			       STORE_RESULTS_MAX);
	text = store_question(q);
	r = store_ask(s, text, q->period_ms > 0, t, e);
	free(text);
	if (r != 0 && e && e->at >= 0 &&
	    !str_is(q->table, "history")) /* the user did not write that word */
		e->at = e->at > (int)q->table.len ? e->at - (int)q->table.len - 1 : 0;
	return r;
}

static void store_state(void *arg, uint32_t channel, const struct table *t,
			struct table_state *state)
{
	struct store *s = arg;

	(void)channel;
	for (int i = 0; i < s->results; i++) {
		if (s->result[i] != t->data)
			continue;
		state->note = result_note(t->data);
		state->state = result_running(t->data) ? WINDOW_READING
			       : state->note	       ? WINDOW_PARTIAL
						       : WINDOW_COMPLETE;
	}
}

/* --- messages --- */

static void store_hello(struct channel *c)
{
	char host[256] = "";
	struct msg_hello m = {.protocol = WIRE_PROTOCOL,
			      .program = str_of("tapdeck-store"),
			      .version = str_of(TAPDECK_VERSION),
			      .features = str_of(""),
			      .user = str_of(""),
			      .now_ns = clock_now_ns()};

	if (gethostname(host, sizeof(host) - 1) == 0)
		m.host = str_of(host);
	(void)channel_put_hello(c, 0, 0, &m); /* a failure comes as `gone` */
}

static void on_query(struct store *s, struct channel *c, const struct frame *f, struct err *e)
{
	struct msg_query *q = xcalloc(1, sizeof(*q));

	if (msg_get_query(f->payload, f->len, q, e) == 0)
		table_server_query(s->server, c, f->channel, f->id, q);
	else
		(void)channel_send_error(c, f->channel, f->id, e);
	free(q);
}

static void on_feed(struct store *s, struct channel *c, const struct frame *f, struct err *e)
{
	struct msg_feed m;
	int r = msg_get_feed(f->payload, f->len, &m, e);

	if (r == 0)
		r = s->still ? err_set(e, ERR_REFUSED,
				       "the history in %s is read-only: nothing is taken up",
				       s->folder)
			     : feeds_add(s->feeds, &m, e);
	if (r == 0) {
		store_refresh_soon(s);
		store_rest_soon(s, m.bytes.len);
		(void)channel_send_done(c, f->channel, f->id, "");
	} else {
		log_warn("%s", e->text);
		(void)channel_send_error(c, f->channel, f->id, e);
	}
}

static void on_ping(struct channel *c, const struct frame *f, struct err *e)
{
	struct msg_ping m;
	struct msg_pong pong;

	if (msg_get_ping(f->payload, f->len, &m, e) != 0)
		return;
	pong = (struct msg_pong){.now_ns = m.now_ns, .here_ns = clock_now_ns()};
	(void)channel_put_pong(c, f->channel, f->id, &pong);
}

static void store_message(void *arg, struct channel *c, const struct frame *f, const int *fd,
			  size_t nfd)
{
	struct store *s = arg;
	struct err e = {0};

	for (size_t i = 0; i < nfd; i++)
		close(fd[i]);
	switch (f->type) {
	case MSG_QUERY:
		on_query(s, c, f, &e);
		return;
	case MSG_FEED:
		on_feed(s, c, f, &e);
		return;
	case MSG_PING:
		on_ping(c, f, &e);
		return;
	case MSG_CANCEL:
		table_server_cancel(s->server, c, f->channel, f->id);
		return;
	case MSG_CLOSE:
		table_server_drop(s->server, c, f->channel);
		return;
	case MSG_OPEN:
		(void)channel_send_done(c, f->channel, f->id, "");
		return;
	case MSG_HELLO:
	case MSG_PONG:
	case MSG_CREDIT:
	case MSG_OWN:
		return;
	default:
		break;
	}
	err_set(&e, ERR_CALL, "the history does not answer %s", msg_name(f->type));
	(void)channel_send_error(c, f->channel, f->id, &e);
}

static void store_gone(void *arg, struct channel *c, const struct err *e)
{
	struct store *s = arg;

	(void)e;
	table_server_drop(s->server, c, UINT32_MAX);
	for (int i = 0; i < s->clients; i++)
		if (s->client[i] == c)
			s->client[i--] = s->client[--s->clients];
	channel_close(c);
	if (s->clients == 0)
		uv_stop(&s->loop);
}

/* A client that was killed with our answers unread leaves its descriptor in error, which the loop
 * may have told of once only, while there was still something to read. */
static void store_sweep(uv_timer_t *timer)
{
	struct store *s = timer->data;

	for (int i = s->clients; i-- > 0;) {
		struct pollfd p = {.fd = channel_fd(s->client[i])};

		if (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)))
			store_gone(s, s->client[i], NULL);
	}
}

static void store_client(struct store *s, int fd)
{
	static const struct channel_ops ops = {.message = store_message, .gone = store_gone};

	if (s->clients == STORE_CLIENTS_MAX) {
		close(fd);
		return;
	}
	s->client[s->clients] = channel_new(&s->loop, fd, -1, &ops, s);
	store_hello(s->client[s->clients++]);
}

static void store_accept(uv_poll_t *poll, int status, int events)
{
	struct store *s = poll->data;
	struct ucred who;
	socklen_t len = sizeof(who);
	int fd;

	(void)status;
	(void)events;
	fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 && who.uid == geteuid())
		store_client(s, fd);
	else
		close(fd);
}

static void store_reap(uv_signal_t *signal, int number)
{
	struct store *s = signal->data;
	pid_t pid;

	(void)number;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (int i = 0; i < s->results; i++)
			result_reaped(s->result[i], pid);
}

/* --- one writer a folder --- */

static int store_listen(struct store *s, struct err *e)
{
	struct sockaddr_un a;

	if (relay_address(s->folder, &a, e) != 0)
		return -1;
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(a.sun_path); /* of one that was killed: we hold the lock */
	if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(s->listener, 16) != 0)
		return err_errno(e, ERR_REFUSED, "cannot listen on %s", a.sun_path);
	uv_poll_init(&s->loop, &s->listen_poll, s->listener);
	s->listen_poll.data = s;
	return uv_poll_start(&s->listen_poll, UV_READABLE, store_accept);
}

/* Whether the folder is one that we write: ours, and on a disk that can be written. Databases of
 * ours in another's folder would shut its owner out. -1: it cannot be read either. */
static int store_claim(struct store *s, struct err *e)
{
	char *catalog = xasprintf("%s/catalog.db", s->folder);
	struct stat st;
	int r = 0;

	if (stat(s->folder, &st) != 0 || !S_ISDIR(st.st_mode))
		r = err_set(e, ERR_REFUSED, "%s is no folder: the history would lie there",
			    s->folder);
	else
		s->still = st.st_uid != geteuid() || access(s->folder, W_OK) != 0;
	if (r == 0 && s->still && access(catalog, R_OK) != 0)
		r = err_set(e, ERR_REFUSED,
			    "the history needs a folder to write in, and %s is %s: set "
			    "XDG_DATA_HOME to another one",
			    s->folder, st.st_uid != geteuid() ? "another user's" : "read-only");
	free(catalog);
	return r;
}

/* The lock is the kernel's: it goes with the process, however that ends. -1: cannot be had; 0:
 * another one has it. */
static int store_lock(const struct store *s, int *lock, struct err *e)
{
	char *path = xasprintf("%s/lock", s->folder);
	int r = 1;

	*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*lock < 0)
		r = err_errno(e, ERR_REFUSED, "the history needs to write in %s", s->folder);
	else if (flock(*lock, LOCK_EX | LOCK_NB) != 0)
		r = errno == EWOULDBLOCK ? 0 : err_errno(e, ERR_REFUSED, "cannot lock %s", path);
	free(path);
	return r;
}

static int store_open(struct store *s, struct err *e)
{
	if (s->still)
		return 0;
	if (catalog_open(&s->catalog, s->folder, e) != 0)
		return -1;
	s->feeds = feeds_new(s->catalog, s->folder);
	return store_listen(s, e);
}

static void store_close_handle(uv_handle_t *handle, void *arg)
{
	(void)arg;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void store_close(struct store *s)
{
	struct sockaddr_un a;

	if (s->listener >= 0) {
		if (relay_address(s->folder, &a, NULL) == 0)
			(void)unlink(a.sun_path);
		uv_poll_stop(&s->listen_poll);
		close(s->listener);
	}
	if (s->server)
		table_server_free(s->server);
	uv_run(&s->loop, UV_RUN_NOWAIT); /* channels and the server close theirs */
	uv_walk(&s->loop, store_close_handle, NULL);
	uv_run(&s->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&s->loop);
	feeds_free(s->feeds);
	catalog_close(s->catalog);
}

static int store_serve(struct store *s, struct err *e)
{
	static const struct table_server_ops ops = {.table = store_table, .state = store_state};
	int r;

	uv_loop_init(&s->loop);
	s->program = spawn_sibling("tapdeck-store", e);
	r = s->program ? store_open(s, e) : -1;
	if (r == 0) {
		s->server = table_server_new(&s->loop, &ops, s);
		uv_timer_init(&s->loop, &s->refresh);
		uv_timer_init(&s->loop, &s->sweep);
		uv_timer_init(&s->loop, &s->rest);
		s->refresh.data = s->sweep.data = s->rest.data = s;
		if (!s->still)
			store_rest_soon(s, 0);
		uv_timer_start(&s->sweep, store_sweep, STORE_SWEEP_MS, STORE_SWEEP_MS);
		uv_signal_init(&s->loop, &s->child);
		s->child.data = s;
		uv_signal_start(&s->child, store_reap, SIGCHLD);
		store_client(s, dup(STDIN_FILENO));
		uv_run(&s->loop, UV_RUN_DEFAULT);
	}
	store_close(s);
	return r;
}

/* Becomes the writer (1), or reaches it (0, *sock). The other one may be about to listen, or about
 * to end: both are tried until one goes. */
static int store_enter(struct store *s, int *lock, int *sock, struct err *e)
{
	int r = -1;

	for (int tries = 0; tries < STORE_TRIES; tries++) {
		r = store_lock(s, lock, e);
		if (r != 0)
			return r;
		close(*lock);
		*lock = -1;
		*sock = relay_connect(s->folder, e);
		if (*sock >= 0)
			return 0;
		(void)poll(NULL, 0, STORE_TRY_MS);
	}
	return -1;
}

int store_run(const char *folder, struct err *e)
{
	struct store s = {.folder = xstrdup(folder), .listener = -1};
	int lock = -1, sock = -1, r;

	(void)signal(SIGPIPE, SIG_IGN);
	r = store_claim(&s, e);
	if (r == 0)
		r = s.still ? 1 : store_enter(&s, &lock, &sock, e);
	if (r == 0)
		r = relay_run(sock);
	else if (r > 0)
		r = store_serve(&s, e);
	free(s.folder);
	free(s.program);
	if (lock >= 0)
		close(lock);
	return r;
}
