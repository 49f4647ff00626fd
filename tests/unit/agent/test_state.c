/* What is known of a session after a restart is what was known before, whatever its texts hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../backend/agent/alert.h"
#include "../../../backend/agent/control.h"
#include "../../../backend/agent/session.h"
#include "base/clock.h"
#include "base/xalloc.h"

struct place {
	uv_loop_t loop;
	struct control *control;
	char folder[64];
};

static void control_start(struct place *p)
{
	struct err e;

	(void)uv_loop_init(&p->loop);
	p->control = control_new(&p->loop, CONTROL_DAEMON, &e);
	free(p->control->state);
	p->control->state = xstrdup(p->folder);
}

static void control_end(struct place *p)
{
	control_free(p->control);
	(void)uv_run(&p->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&p->loop), 0);
}

static int setup(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));

	(void)snprintf(p->folder, sizeof(p->folder), "/tmp/tapdeck-state-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	control_start(p);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char *command = xasprintf("rm -rf -- %s", p->folder);

	control_end(p);
	assert_int_equal(system(command), 0);
	free(command);
	free(p);
	return 0;
}

/* The daemon dies and is there again. */
static struct session *again(struct place *p, const char *name)
{
	control_end(p);
	control_start(p);
	state_load(p->control);
	return session_find(p->control, str_of(name));
}

static void set(char **text, const char *to)
{
	free(*text);
	*text = xstrdup(to);
}

/* --- everything --- */

static void fill_texts(struct session *s)
{
	set(&s->owner, "anna \"the\" owner");
	set(&s->capture, "web-20260101T000000Z");
	set(&s->folder, "/nowhere/it's there");
	set(&s->devices, "eth0,netns:7/eth1");
	set(&s->filter, "tcp port 80 # no comment");
	set(&s->spec.note, "two\nlines, a 'quote', a \"quote\" and a \\");
	set(&s->spec.words, "filter tcp note 'two\nlines' persist");
	set(&s->reason, "tap died: a\ttab");
	set(&s->spec.compress, "zstd");
	set(&s->persist.gap_why, "the machine\nwent down");
}

static void fill_numbers(struct session *s)
{
	s->uid = 4294967294u;
	s->state = SESSION_ENDED;
	s->failed = true;
	s->spec.record = s->spec.pcap = s->spec.persist = s->persist.recorded = true;
	s->spec.snaplen = 262144;
	s->who.owner = false;
	s->who.member = true;
	s->removed_files = UINT64_MAX;
	s->started_ns = 1;
	s->ended_ns = INT64_MAX;
	s->persist.gap_from_ns = 12;
	s->total = (struct msg_tap_stats){.time_ns = INT64_MAX,
					  .packets = UINT64_MAX,
					  .bytes = UINT64_MAX - 1,
					  .dropped_device = UINT64_MAX - 2,
					  .dropped_kernel = 4,
					  .dropped_buffer = 5,
					  .dropped_disk = 6,
					  .own_packets = 7,
					  .own_bytes = 8,
					  .written_bytes = 9,
					  .late_packets = 10};
}

static void fill_lists(struct session *s)
{
	struct segment *g = segment_add(s, UINT32_MAX, "web-1.pcapng.zst");
	struct counter *k = session_counter_add(s, "dns", "udp port 53 or\n\ttcp port 53");
	struct err e;

	g->sealed = g->packed = g->saved = true;
	g->packets = 11;
	g->bytes = UINT64_MAX;
	g->plain_bytes = UINT64_MAX - 1;
	g->first_packet = 12;
	g->first_ns = 13;
	g->last_ns = 14;
	(void)snprintf(g->reason, sizeof(g->reason), "past \"keep\": files");
	(void)segment_add(s, 2, "web-2.pcapng");
	k->packets = UINT64_MAX;
	k->bytes = 15;
	k->last_ns = 16;
	session_note_filter(s, "dns", "udp\nport 53", 17, 18);
	s->change[0].time_ns = 19;
	assert_int_equal(alerts_add(s, "pps > 1000\n for 10s", &e), 0);
	assert_int_equal(alerts_add(s, "counter dns pps > 1", &e), 0);
}

static void same_texts(const struct session *s, const struct session *was)
{
	assert_string_equal(s->owner, was->owner);
	assert_string_equal(s->capture, was->capture);
	assert_string_equal(s->folder, was->folder);
	assert_string_equal(s->devices, was->devices);
	assert_string_equal(s->filter, was->filter);
	assert_string_equal(s->spec.note, was->spec.note);
	assert_string_equal(s->spec.words, was->spec.words);
	assert_string_equal(s->reason, was->reason);
	assert_string_equal(s->spec.compress, was->spec.compress);
	assert_string_equal(s->persist.gap_why, was->persist.gap_why);
}

static void same_numbers(const struct session *s, const struct session *was)
{
	assert_int_equal(s->uid, was->uid);
	assert_int_equal(s->state, was->state);
	assert_int_equal(s->failed, was->failed);
	assert_int_equal(s->spec.record, was->spec.record);
	assert_int_equal(s->spec.pcap, was->spec.pcap);
	assert_int_equal(s->spec.persist, was->spec.persist);
	assert_int_equal(s->spec.snaplen, was->spec.snaplen);
	assert_int_equal(s->persist.recorded, was->persist.recorded);
	assert_int_equal(s->who.owner, was->who.owner);
	assert_int_equal(s->who.member, was->who.member);
	assert_int_equal(s->removed_files, was->removed_files);
	assert_int_equal(s->started_ns, was->started_ns);
	assert_int_equal(s->ended_ns, was->ended_ns);
	assert_int_equal(s->persist.gap_from_ns, was->persist.gap_from_ns);
	assert_memory_equal(&s->total, &was->total, sizeof(s->total));
}

static void same_lists(const struct session *s)
{
	const struct segment *g = s->segment;
	const struct counter *k = s->counters;
	int64_t since_ns;

	assert_int_equal(s->nsegments, 2);
	assert_int_equal(g->number, UINT32_MAX);
	assert_string_equal(g->name, "web-1.pcapng.zst");
	assert_true(g->sealed && g->packed && g->saved && !g->part && !g->taking);
	assert_int_equal(g->packets, 11);
	assert_int_equal(g->bytes, UINT64_MAX);
	assert_int_equal(g->plain_bytes, UINT64_MAX - 1);
	assert_int_equal(g->first_packet, 12);
	assert_int_equal(g->first_ns, 13);
	assert_int_equal(g->last_ns, 14);
	assert_string_equal(g->reason, "past \"keep\": files");
	assert_false(s->segment[1].sealed || s->segment[1].packed || s->segment[1].saved);
	assert_int_equal(s->ncounters, 1);
	assert_string_equal(k->filter, "udp port 53 or\n\ttcp port 53");
	assert_int_equal(k->packets, UINT64_MAX);
	assert_int_equal(k->bytes, 15);
	assert_int_equal(k->last_ns, 16);
	assert_int_equal(s->nchanges, 1);
	assert_string_equal(s->change[0].counter, "dns");
	assert_string_equal(s->change[0].filter, "udp\nport 53");
	assert_int_equal(s->change[0].packets, 17);
	assert_int_equal(s->change[0].bytes, 18);
	assert_int_equal(s->change[0].time_ns, 19);
	assert_string_equal(alerts_at(s, 0, &since_ns), "pps > 1000\n for 10s");
	assert_string_equal(alerts_at(s, 1, &since_ns), "counter dns pps > 1");
	assert_null(alerts_at(s, 2, &since_ns));
}

static void test_everything(void **state)
{
	struct place *p = *state;
	struct session *s = session_new(p->control, "web"), was = {0};

	fill_texts(s);
	fill_numbers(s);
	fill_lists(s);
	state_save(s);
	fill_texts(&was);
	fill_numbers(&was);
	s = again(p, "web");
	assert_non_null(s);
	same_texts(s, &was);
	same_numbers(s, &was);
	same_lists(s);
	persist_release(&was.persist);
	free(was.owner);
	free(was.capture);
	free(was.folder);
	free(was.devices);
	free(was.filter);
	free(was.reason);
	spec_release(&was.spec);
}

/* --- what a client says is never a line of its own --- */

static void test_lines_of_others(void **state)
{
	static const char lines[] = "x\nuid 0\nwho 1 1\npersist 1 1\nwords 'pipe sh'\nended 0\n"
				    "folder /etc\nend\n";
	struct place *p = *state;
	struct session *s = session_new(p->control, "web");

	s->state = SESSION_ENDED;
	s->uid = 1000;
	s->who.member = true;
	set(&s->spec.words, "note x");
	set(&s->spec.note, lines);
	set(&s->filter, lines);
	(void)session_counter_add(s, "a", lines);
	session_note_filter(s, "a", lines, 1, 2);
	state_save(s);
	s = again(p, "web");
	assert_non_null(s);
	assert_int_equal(s->uid, 1000);
	assert_false(s->who.owner);
	assert_false(s->spec.persist);
	assert_int_equal(s->state, SESSION_ENDED);
	assert_string_equal(s->folder, "");
	assert_string_equal(s->spec.words, "note x");
	assert_string_equal(s->spec.note, lines);
	assert_string_equal(s->counters->filter, lines);
}

/* Written in part, as by a machine that lost its power: nothing of it is believed. */
static void test_cut(void **state)
{
	struct place *p = *state;
	struct session *s = session_new(p->control, "web");
	char *path = xasprintf("%s/sessions/web.session", p->folder);

	s->state = SESSION_ENDED;
	set(&s->spec.note, "the end\n");
	state_save(s);
	assert_int_equal(truncate(path, 150), 0);
	assert_null(again(p, "web"));
	free(path);
}

/* Whoever only lists what is there changes nothing: a daemon may be about to. */
static void test_looked_at(void **state)
{
	struct place *p = *state;
	struct session *s = session_new(p->control, "web");
	char *part = xasprintf("%s/web-1.pcapng.part", p->folder);
	FILE *f = fopen(part, "we");

	assert_non_null(f);
	(void)fclose(f);
	s->state = SESSION_ENDED;
	set(&s->folder, p->folder);
	set(&s->capture, "web");
	segment_add(s, 1, "web-1.pcapng")->sealed = true;
	s->segment[0].part = true;
	state_save(s);
	control_end(p);
	control_start(p);
	p->control->role = CONTROL_ATTACH;
	state_load(p->control);
	assert_int_equal(access(part, F_OK), 0);
	assert_non_null(again(p, "web"));
	assert_int_equal(access(part, F_OK), -1);
	free(part);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_looked_at, setup, teardown),
	};

	return cmocka_run_group_tests_name("agent/state", tests, NULL, NULL);
}
