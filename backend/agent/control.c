#include "control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/paths.h"
#include "base/xalloc.h"
#include "devices.h"
#include "foresee.h"
#include "reader_child.h"
#include "session.h"
#include "fetch.h"
#include "mend.h"
#include "outlet.h"
#include "remember.h"
#include "socket.h"
#include "upstream.h"

#define LEFT_MAX_NS (5 * NS_PER_S) /* for writing down what was learnt, behind the last client */
#define TICK_MS 1000u
#define FAST_MS 50u
#define IDLE_NS (2 * NS_PER_S)	    /* an on-demand daemon that nobody needs */
#define STOP_MAX_NS (50 * NS_PER_S) /* tap and reader have their own limits before it */

static const struct table_server_ops tables_ops = {tables_query, tables_state};

static void on_tick(uv_timer_t *timer);
static void on_fast(uv_timer_t *timer);

struct control *control_new(uv_loop_t *loop, enum control_role role, struct err *e)
{
	struct control *c = xcalloc(1, sizeof(*c));

	(void)e;
	c->loop = loop;
	c->role = role;
	c->group = (gid_t)-1;
	c->sessions_max = CONTROL_SESSIONS_MAX;
	c->clients_max = CONTROL_PEERS_MAX;
	c->buffer_max_bytes = SPEC_BUFFER_MAX_BYTES;
	c->started_ns = clock_mono_ns();
	c->limits = limits_usual();
	if (gethostname(c->host, sizeof(c->host) - 1))
		memcpy(c->host, "localhost", sizeof("localhost"));
	c->captures = paths_captures();
	c->state = paths_state();
	c->generation = 1;
	c->children = children_new(loop);
	c->compiler = compiler_new(loop, c->children);
	c->mender = mender_new(loop, c->children);
	c->devices = devices_new(c);
	c->tables = table_server_new(loop, &tables_ops, c);
	if (role == CONTROL_ATTACH)
		c->upstream = upstream_new(c);
	else
		c->sockets = socket_watch_new(c);
	(void)uv_timer_init(loop, &c->tick); /* these give always 0 */
	(void)uv_timer_init(loop, &c->later);
	(void)uv_timer_init(loop, &c->fast);
	c->tick.data = c->later.data = c->fast.data = c;
	(void)uv_timer_start(&c->tick, on_tick, TICK_MS, TICK_MS);
	return c;
}

static void on_closed(uv_handle_t *handle)
{
	struct control *c = handle->data;

	if (--c->handles == 0)
		free(c);
}

void control_free(struct control *c)
{
	c->stopping = true;
	while (c->peers)
		peer_free(c->peers);
	foresee_free(c);
	while (c->sessions)
		session_free(c->sessions);
	while (c->readers)
		reader_child_free(c->readers);
	upstream_free(c->upstream);
	table_server_free(c->tables);
	devices_free(c->devices);
	socket_watch_free(c->sockets);
	compiler_free(c->compiler);
	mender_free(c->mender);
	children_free(c->children);
	for (uint64_t i = 0; i < c->nevents && i < CONTROL_EVENTS_MAX; i++) {
		free(c->event[i].where);
		free(c->event[i].sentence);
	}
	audit_free(c->audit);
	free(c->captures);
	free(c->state);
	free(c->socket);
	c->handles = 3;
	uv_close((uv_handle_t *)&c->tick, on_closed);
	uv_close((uv_handle_t *)&c->later, on_closed);
	uv_close((uv_handle_t *)&c->fast, on_closed);
}

void control_changed(struct control *c)
{
	c->generation++;
	if (c->tables)
		table_server_wake(c->tables);
}

/* --- events --- */

static void event_tell(struct control *c, const struct event *x)
{
	const struct msg_event m = {.time_ns = x->time_ns,
				    .severity = str_of(x->severity),
				    .where = str_of(x->where),
				    .sentence = str_of(x->sentence)};

	for (struct peer *p = c->peers; p; p = p->next)
		if (p->greeted && !channel_congested(p->channel) && access_event(&p->who, x->owner))
			(void)channel_put_event(p->channel, 0, 0, &m); /* -1: `gone` will come */
}

void control_event(struct control *c, const char *severity, const char *where, const char *fmt, ...)
{
	struct event *x = &c->event[c->nevents % CONTROL_EVENTS_MAX];
	const struct session *s = session_find(c, str_of(where));
	struct buf text;
	va_list ap;

	buf_init(&text, ERR_TEXT_MAX * 4);
	va_start(ap, fmt);
	(void)buf_vprintf(&text, fmt, ap); /* what is too long stays empty */
	va_end(ap);
	free(x->where);
	free(x->sentence);
	*x = (struct event){.time_ns = clock_now_ns(),
			    .severity = severity,
			    .owner = s ? s->uid : (uid_t)-1,
			    .where = xstrdup(where),
			    .sentence = xstrdup(buf_str(&text))};
	buf_release(&text);
	c->nevents++;
	if (strcmp(severity, "error") == 0)
		log_error("%s: %s", where, x->sentence);
	else
		log_info("%s: %s", where, x->sentence);
	event_tell(c, x);
	control_changed(c);
}

/* --- time --- */

static bool anything_runs(const struct control *c)
{
	for (const struct session *s = c->sessions; s; s = s->next)
		if (session_runs(s) || outlets_busy(s) || persist_waits(s))
			return true;
	return false;
}

static void idle_look(struct control *c, int64_t now_ns)
{
	if (!c->on_demand || c->npeers || anything_runs(c)) {
		c->idle_since_ns = 0;
		return;
	}
	if (!c->idle_since_ns)
		c->idle_since_ns = now_ns;
	if (now_ns - c->idle_since_ns > IDLE_NS) {
		log_info("nobody is left and nothing runs: this daemon ends");
		uv_stop(c->loop);
	}
}

void control_left(struct control *c)
{
	bool busy = false;

	if (c->role != CONTROL_ATTACH || c->npeers)
		return;
	for (const struct reader_child *r = c->readers; r; r = r->next)
		busy = busy || remember_busy(r);
	if (!c->idle_since_ns)
		c->idle_since_ns = clock_mono_ns();
	if (!busy || clock_mono_ns() - c->idle_since_ns > LEFT_MAX_NS)
		uv_stop(c->loop);
}

/* Sessions end themselves (an abort) or others (none do): the next one is fetched before. */
static void sessions_tick(struct control *c, int64_t now_ns)
{
	bool fast = false;

	for (struct session *s = c->sessions, *next; s; s = next) {
		next = s->next;
		if (c->role == CONTROL_DAEMON)
			session_tick(s, now_ns);
	}
	for (const struct session *s = c->sessions; s; s = s->next)
		fast = fast || session_watches(s);
	if (fast && !uv_is_active((uv_handle_t *)&c->fast))
		(void)uv_timer_start(&c->fast, on_fast, FAST_MS,
				     FAST_MS); /* fails for a closing timer only */
	if (!fast)
		(void)uv_timer_stop(&c->fast);
}

void control_tick(struct control *c)
{
	const int64_t now_ns = clock_mono_ns();

	compiler_tick(c->compiler, now_ns);
	mender_tick(c->mender, now_ns);
	usage_look(&c->usage, &(pid_t){getpid()}, 1, now_ns);
	sessions_tick(c, now_ns);
	if (c->sockets)
		socket_watch_tick(c->sockets);
	for (struct peer *p = c->peers, *next; p; p = next) {
		next = p->next;
		peer_tick(p, now_ns);
	}
	if (c->upstream)
		upstream_tick(c->upstream);
	if (c->role == CONTROL_ATTACH)
		control_left(c);
	else
		idle_look(c, now_ns);
	if (c->stopping && (!anything_runs(c) || now_ns > c->stop_deadline_ns))
		uv_stop(c->loop);
}

static void on_tick(uv_timer_t *timer)
{
	control_tick(timer->data);
}

static void on_fast(uv_timer_t *timer)
{
	struct control *c = timer->data;

	for (struct session *s = c->sessions, *next; s; s = next) {
		next = s->next;
		segment_watch(s);
	}
}

void control_stop(struct control *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	c->stop_deadline_ns = clock_mono_ns() + STOP_MAX_NS;
	for (struct session *s = c->sessions, *next; s; s = next) {
		next = s->next;
		session_stop(s, "the daemon was stopped");
	}
	/* Often, so that the end is not a second late. */
	(void)uv_timer_start(&c->tick, on_tick, 0, FAST_MS);
}
