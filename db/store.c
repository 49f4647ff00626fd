#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/xalloc.h"
#include "feed.h"
#include "question.h"
#include "result.h"
#include "sql.h"
#include "table/server.h"
#include "tables.h"
#include "wire/channel.h"

#define STORE_CLIENTS_MAX 64
#define STORE_RESULTS_MAX 256
#define STORE_REFRESH_MS 1000
#define STORE_RELAY_BYTES (256u * 1024)

struct store {
	uv_loop_t loop;
	char *folder, *program;
	struct catalog *catalog;
	struct feeds *feeds;
	struct table_server *server;
	struct channel *client[STORE_CLIENTS_MAX];
	int clients;
	struct result *result[STORE_RESULTS_MAX];
	int results;
	int listener;
	uv_poll_t listen_poll;
	uv_timer_t refresh;
	uv_signal_t child;
};

void store_say_error(int fd, const struct err *e)
{
	struct buf payload, frame;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	buf_init(&frame, MSG_PAYLOAD_MAX);
	if (msg_put_error(&payload, &(struct msg_error){.code = e->code, .at = -1, .sentence = str_of(e->text)}) == 0 &&
	    frame_put(&frame, MSG_ERROR, 0, 0, payload.data, payload.len) == 0)
		(void)fdio_write_all(fd, frame.data, frame.len); /* nobody else is there to be told */
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

static const struct result_ops store_result_ops = {.changed = store_changed, .ended = store_ended};

static void store_refresh(uv_timer_t *timer)
{
	struct store *s = timer->data;

	for (int i = 0; i < s->results; i++)
		result_again(s->result[i]);
}

/* `history WORDS...` is the question; `captures WORDS...` and the like put their own word before it. */
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

static int store_journals(struct store *s, struct table *t, struct err *e)
{
	struct rowset *rows = rowset_new(&table_history_journals);
	sqlite3_stmt *statement = sql_prepare(catalog_db(s->catalog), "SELECT h.name,j.name,j.offset FROM journal j JOIN host h ON h.id=j.host", e);
	int rc = SQLITE_ERROR;

	while (statement && (rc = sqlite3_step(statement)) == SQLITE_ROW) {
		const struct value v[] = {value_str(sql_text(statement, 0)), value_str(sql_text(statement, 1)),
					  value_int(sqlite3_column_int64(statement, 2))};
		rowset_add(rows, v);
	}
	sqlite3_finalize(statement);
	*t = rowset_table(rows, true);
	if (rc == SQLITE_DONE)
		return 0;
	rowset_free(rows);
	return statement ? sql_error(catalog_db(s->catalog), "history", e) : -1;
}

static bool store_knows(struct str table)
{
	static const char *const names[] = {"history", "captures", "files", "connections", "events"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(table, names[i]))
			return true;
	return false;
}

static int store_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e)
{
	struct store *s = arg;
	struct question parsed;
	struct result *result;
	char *text;
	int r = -1;

	(void)channel;
	if (str_is(q->table, "journals"))
		return store_journals(s, t, e);
	if (!store_knows(q->table))
		return err_set(e, ERR_ABSENT, "the history has no table '%.*s': it has captures, files, connections and events",
			       (int)q->table.len, q->table.p);
	if (s->results == STORE_RESULTS_MAX)
		return err_set(e, ERR_REFUSED, "%d questions are being answered: close some", STORE_RESULTS_MAX);
	text = store_question(q);
	if (question_parse(&parsed, str_of(text), clock_now_ns(), e) == 0) {
		result = result_new(&s->loop, s->program, s->folder, str_of(text), parsed.type, &store_result_ops, s, e);
		if (result) {
			s->result[s->results++] = result;
			*t = result_table(result);
			r = 0;
		}
		question_release(&parsed);
	} else if (e && e->at >= 0 && !str_is(q->table, "history")) {
		e->at = e->at > (int)q->table.len ? e->at - (int)q->table.len - 1 : -1; /* the user did not write that word */
	}
	free(text);
	return r;
}

static void store_state(void *arg, uint32_t channel, const struct table *t, struct table_state *state)
{
	struct store *s = arg;

	(void)channel;
	for (int i = 0; i < s->results; i++) {
		if (s->result[i] != t->data)
			continue;
		state->note = result_note(t->data);
		state->state = result_running(t->data) ? WINDOW_READING : state->note ? WINDOW_PARTIAL : WINDOW_COMPLETE;
	}
}

/* --- messages --- */

static void store_hello(struct channel *c)
{
	char host[256] = "";
	struct msg_hello m = {.protocol = WIRE_PROTOCOL, .program = str_of("tapdeck-store"), .version = str_of(TAPDECK_VERSION),
			      .features = str_of(""), .user = str_of(""), .now_ns = clock_now_ns()};

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

	if (msg_get_feed(f->payload, f->len, &m, e) == 0 && feeds_add(s->feeds, &m, e) == 0) {
		if (!uv_is_active((uv_handle_t *)&s->refresh))
			uv_timer_start(&s->refresh, store_refresh, STORE_REFRESH_MS, 0);
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

static void store_message(void *arg, struct channel *c, const struct frame *f, const int *fd, size_t nfd)
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
	(void)signal;
	(void)number;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* --- one writer a folder --- */

static int store_address(const struct store *s, struct sockaddr_un *a, struct err *e)
{
	const size_t len = strlen(s->folder) + sizeof("/socket");

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len > sizeof(a->sun_path))
		return err_set(e, ERR_REFUSED, "the folder %s has too long a name for a socket: set XDG_DATA_HOME to a shorter one", s->folder);
	memcpy(a->sun_path, s->folder, len - sizeof("/socket"));
	memcpy(a->sun_path + len - sizeof("/socket"), "/socket", sizeof("/socket"));
	return 0;
}

static int store_listen(struct store *s, struct err *e)
{
	struct sockaddr_un a;

	if (store_address(s, &a, e) != 0)
		return -1;
	s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)unlink(a.sun_path); /* of one that was killed: we hold the lock */
	if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(s->listener, 16) != 0)
		return err_errno(e, ERR_REFUSED, "cannot listen on %s", a.sun_path);
	uv_poll_init(&s->loop, &s->listen_poll, s->listener);
	s->listen_poll.data = s;
	return uv_poll_start(&s->listen_poll, UV_READABLE, store_accept);
}

/* The lock is the kernel's: it goes with the process, however that ends. -1: cannot be had; 0: another one has it. */
static int store_lock(const struct store *s, int *lock, struct err *e)
{
	char *path = xasprintf("%s/lock", s->folder);
	int r = 1;

	*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*lock < 0)
		r = err_errno(e, ERR_REFUSED, "the history needs to write in %s", s->folder);
	else if (flock(*lock, LOCK_EX | LOCK_NB) != 0)
		r = errno == EWOULDBLOCK ? 0 : err_errno(e, ERR_REFUSED, "cannot lock %s", path);
	free(path);
	return r;
}

static int relay_piece(int from, int to)
{
	static const size_t room = STORE_RELAY_BYTES;
	char *piece = xmalloc(room);
	ssize_t n = read(from, piece, room);
	int r = n > 0 && fdio_write_all(to, piece, (size_t)n) == 0 ? 0 : -1;

	free(piece);
	return r;
}

/* The writer is another process: bytes go through unchanged. */
static int store_relay(const struct store *s, struct err *e)
{
	struct sockaddr_un a;
	struct pollfd fd[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;

	if (sock < 0 || store_address(s, &a, e) != 0)
		return -1;
	for (int tries = 0; (r = connect(sock, (struct sockaddr *)&a, sizeof(a))) != 0 && tries < 50; tries++)
		(void)poll(NULL, 0, 20); /* it has the lock and will listen in a moment */
	if (r != 0)
		return err_errno(e, ERR_REFUSED, "another tapdeck keeps the history in %s, but does not answer", s->folder);
	fd[1].fd = sock;
	while (r == 0 && (poll(fd, 2, -1) >= 0 || errno == EINTR)) {
		if (fd[0].revents)
			r = relay_piece(STDIN_FILENO, sock);
		if (r == 0 && fd[1].revents)
			r = relay_piece(sock, STDIN_FILENO);
		fd[0].revents = fd[1].revents = 0;
	}
	close(sock);
	return 0;
}

static int store_serve(struct store *s, struct err *e)
{
	static const struct table_server_ops ops = {.table = store_table, .state = store_state};

	uv_loop_init(&s->loop);
	s->program = spawn_sibling("tapdeck-store", e);
	if (!s->program || catalog_open(&s->catalog, s->folder, e) != 0 || store_listen(s, e) != 0)
		return -1;
	s->feeds = feeds_new(s->catalog, s->folder);
	s->server = table_server_new(&s->loop, &ops, s);
	uv_timer_init(&s->loop, &s->refresh);
	s->refresh.data = s;
	uv_signal_init(&s->loop, &s->child);
	uv_signal_start(&s->child, store_reap, SIGCHLD);
	store_client(s, dup(STDIN_FILENO));
	uv_run(&s->loop, UV_RUN_DEFAULT);
	table_server_free(s->server);
	feeds_free(s->feeds);
	return 0;
}

int store_run(const char *folder, struct err *e)
{
	struct store s = {.folder = xstrdup(folder), .listener = -1};
	int lock = -1, r;

	(void)signal(SIGPIPE, SIG_IGN);
	r = store_lock(&s, &lock, e);
	if (r == 0)
		r = store_relay(&s, e);
	else if (r > 0)
		r = store_serve(&s, e);
	catalog_close(s.catalog);
	free(s.folder);
	free(s.program);
	if (lock >= 0)
		close(lock);
	return r;
}
