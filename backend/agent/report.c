/* What the daemon does and holds, as lines of the log: for who has nothing but a signal. */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "daemon.h"
#include "reader_child.h"
#include "session.h"
#include "usage.h"

#define REPORT_CLIENTS_MAX 100u /* lines of them */

static void report_daemon(const struct control *c)
{
	char up[TEXT_NUMBER_MAX], cpu[TEXT_NUMBER_MAX], memory[TEXT_NUMBER_MAX];
	struct usage u;
	unsigned readers = 0;

	(void)usage_of(0, &u); /* zeros where that cannot be known */
	for (const struct reader_child *r = c->readers; r; r = r->next)
		readers++;
	log_asked("state: tapdeckd %s, up %s, %s of CPU, %s of memory; %u sessions, %u clients, %u "
		  "readers; captures go to %s",
		  TAPDECK_VERSION, text_duration(clock_mono_ns() - c->started_ns, up),
		  text_duration(u.cpu_ns, cpu), text_bytes(u.memory_bytes, memory), c->nsessions,
		  c->npeers, readers, c->captures);
}

static void report_session(const struct session *s)
{
	const struct msg_tap_stats *t = &s->total;
	char cpu[TEXT_NUMBER_MAX], memory[TEXT_NUMBER_MAX];

	log_asked(
		"state: session %s of %s: %s on %s, tap %ld, reader %ld, %llu packets, dropped "
		"%llu by the device, %llu kernel, %llu buffer, %llu disk; %u files, %s; %s of CPU, "
		"%s of memory",
		s->name, s->owner, session_state_text(s), s->devices, (long)s->tap_pid,
		s->reader ? (long)s->reader->pid : 0L, (unsigned long long)t->packets,
		(unsigned long long)t->dropped_device, (unsigned long long)t->dropped_kernel,
		(unsigned long long)t->dropped_buffer, (unsigned long long)t->dropped_disk,
		s->nsegments, s->recording ? "recording" : "not recording",
		text_duration(s->usage.cpu_ns, cpu), text_bytes(s->usage.memory_bytes, memory));
}

static void report_client(const struct peer *p)
{
	log_asked("state: client of uid %lu, pid %ld: %zu channels, %zu requests under way, %zu "
		  "bytes "
		  "not read yet",
		  (unsigned long)p->who.uid, (long)p->who.pid, map_count(p->bindings),
		  map_count(p->pending), channel_queued(p->channel));
}

void report_log(struct control *c)
{
	unsigned clients = 0;

	report_daemon(c);
	for (const struct session *s = c->sessions; s; s = s->next)
		report_session(s);
	for (const struct peer *p = c->peers; p && clients < REPORT_CLIENTS_MAX; p = p->next) {
		report_client(p);
		clients++;
	}
}
