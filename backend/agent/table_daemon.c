/* `daemon`: what the process that keeps sessions is and holds, one row a fact. */
#include <grp.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "reader_child.h"
#include "tables.h"

static void fact_number(struct rowset *rows, const char *name, uint64_t n)
{
	fact(rows, name, "%llu", (unsigned long long)n);
}

static void daemon_limits(const struct control *c, struct rowset *rows)
{
	char text[TEXT_NUMBER_MAX];

	fact_number(rows, "limit_size_bytes", c->limits.size_bytes);
	fact(rows, "limit_time_s", "%s", text_integer(c->limits.time_ns / NS_PER_S, text));
	fact_number(rows, "limit_free_bytes", c->limits.free_bytes);
	fact_number(rows, "limit_free_percent", c->limits.free_percent);
	fact_number(rows, "limit_sessions", c->sessions_max);
	fact_number(rows, "limit_clients", c->clients_max);
	fact_number(rows, "limit_buffer_bytes", c->buffer_max_bytes);
}

static void daemon_holds(const struct control *c, struct rowset *rows)
{
	unsigned running = 0, readers = 0;
	double percent = 0;
	uint64_t memory = 0;

	for (const struct session *s = c->sessions; s; s = s->next) {
		running += s->state == SESSION_RUNNING;
		percent += s->usage.cpu_percent > 0 ? s->usage.cpu_percent : 0;
		memory += s->usage.memory_bytes;
	}
	for (const struct reader_child *r = c->readers; r; r = r->next)
		readers++;
	fact_number(rows, "clients", c->npeers);
	fact_number(rows, "sessions", c->nsessions);
	fact_number(rows, "running", running);
	fact_number(rows, "readers", readers);
	fact(rows, "sessions_cpu_percent", "%.1f", percent);
	fact_number(rows, "sessions_memory_bytes", memory);
}

void daemon_fill(struct control *c, const struct table_arguments *a, struct rowset *rows)
{
	const struct group *group = c->group == (gid_t)-1 ? NULL : getgrgid(c->group);
	struct usage u;

	(void)a;
	(void)usage_of(0, &u); /* zeros where that cannot be known */
	fact(rows, "version", "%s", TAPDECK_VERSION);
	fact(rows, "host", "%s", c->host);
	fact(rows, "pid", "%ld", (long)getpid());
	fact(rows, "uid", "%lu", (unsigned long)geteuid());
	if (c->group == (gid_t)-1)
		fact(rows, "group", "%s", "");
	else if (group)
		fact(rows, "group", "%s", group->gr_name);
	else
		fact(rows, "group", "%lu", (unsigned long)c->group);
	fact(rows, "socket", "%s", c->socket ? c->socket : "");
	fact(rows, "on_demand", "%s", c->on_demand ? "yes" : "no");
	fact(rows, "captures", "%s", c->captures);
	fact(rows, "state", "%s", c->state);
	fact(rows, "up_s", "%.1f", (double)(clock_mono_ns() - c->started_ns) / (double)NS_PER_S);
	fact(rows, "cpu_s", "%.2f", (double)u.cpu_ns / (double)NS_PER_S);
	fact(rows, "cpu_percent", "%.1f", c->usage.cpu_percent > 0 ? c->usage.cpu_percent : 0.0);
	fact_number(rows, "memory_bytes", u.memory_bytes);
	daemon_holds(c, rows);
	daemon_limits(c, rows);
}
