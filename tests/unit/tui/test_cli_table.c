/* Tables and verbs against a server of the test's own, in a process of its own, over a unix socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../tui/cli.h"
#include "base/xalloc.h"
#include "table/server.h"

#define ROWS 150000 /* more than two windows */

/* --- the far side --- */

struct far {
	uv_loop_t loop;
	uv_poll_t listening;
	int fd;
	struct table_server *server;
	struct channel *channel;
};

static const struct column columns[] = {{"n", KIND_COUNT, 0, "", ""}, {"name", KIND_TEXT, 0, "", ""}};
static const struct table_type numbers = {"numbers", "", "", columns, 2}, partial = {"partial", "", "", columns, 2};

static uint64_t numbers_rows(void *data)
{
	(void)data;
	return ROWS;
}

static struct value numbers_cell(void *data, uint64_t row, unsigned column)
{
	(void)data;
	return column == 0 ? value_count(row + 1) : value_text(row % 2 ? "even" : "odd");
}

static int far_table(void *arg, uint32_t channel, const struct msg_query *q, struct table *t, struct err *e)
{
	(void)arg;
	(void)channel;
	*t = (struct table){.type = str_is(q->table, "partial") ? &partial : &numbers, .rows = numbers_rows, .cell = numbers_cell};
	if (str_is(q->table, "numbers") || str_is(q->table, "partial"))
		return 0;
	return err_set(e, ERR_ABSENT, "no table here is called that");
}

static void far_state(void *arg, uint32_t channel, const struct table *t, struct table_state *s)
{
	(void)arg;
	(void)channel;
	*s = (struct table_state){.state = WINDOW_COMPLETE};
	if (t->type == &partial)
		*s = (struct table_state){.state = WINDOW_PARTIAL, .note = "cut behind packet 7"};
}

/* "good" is done, with a note; anything else has a fault at byte 4. */
static void far_command(struct channel *c, const struct frame *f)
{
	struct msg_command m;
	struct err e;

	if (msg_get_command(f->payload, f->len, &m, &e))
		return;
	if (str_is(m.words.at[0], "good")) {
		(void)channel_send_done(c, f->channel, f->id, "");
		return;
	}
	err_at(&e, 4, "that word is wrong");
	(void)channel_send_error(c, f->channel, f->id, &e);
}

static void far_message(void *arg, struct channel *c, const struct frame *f, const int *fd, size_t nfd)
{
	struct far *far = arg;
	struct msg_query q;
	struct msg_ping ping;

	(void)fd;
	(void)nfd;
	if (f->type == MSG_QUERY && msg_get_query(f->payload, f->len, &q, NULL) == 0)
		table_server_query(far->server, c, f->channel, f->id, &q);
	else if (f->type == MSG_CANCEL)
		table_server_cancel(far->server, c, f->channel, f->id);
	else if (f->type == MSG_COMMAND)
		far_command(c, f);
	else if (f->type == MSG_PING && msg_get_ping(f->payload, f->len, &ping, NULL) == 0)
		(void)channel_put_pong(c, 0, 0, &(struct msg_pong){.now_ns = ping.now_ns});
}

static void far_gone(void *arg, struct channel *c, const struct err *e)
{
	(void)c;
	(void)e;
	table_server_drop(((struct far *)arg)->server, c, UINT32_MAX);
	channel_close(c);
}

static const struct channel_ops far_ops = {.message = far_message, .gone = far_gone};

static void far_accept(uv_poll_t *poll, int status, int events)
{
	struct far *far = poll->data;
	const struct msg_hello hello = {.protocol = WIRE_PROTOCOL, .program = str_of("test"), .version = str_of("1"), .host = str_of("far")};
	int fd = accept4(far->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	far->channel = channel_new(&far->loop, fd, -1, &far_ops, far);
	(void)channel_put_hello(far->channel, 0, 0, &hello);
}

static void far_run(int fd)
{
	static const struct table_server_ops ops = {.table = far_table, .state = far_state};
	struct far far = {.fd = fd};

	uv_loop_init(&far.loop);
	far.server = table_server_new(&far.loop, &ops, &far);
	uv_poll_init(&far.loop, &far.listening, fd);
	far.listening.data = &far;
	uv_poll_start(&far.listening, UV_READABLE, far_accept);
	uv_run(&far.loop, UV_RUN_DEFAULT);
	_exit(0);
}

/* --- this side --- */

struct rig {
	char folder[32];
	char *path, *host;
	pid_t pid;
	struct cli c;
	char *text;
	size_t size;
	struct err e;
};

static int rig_start(void **state)
{
	struct rig *rig = xcalloc(1, sizeof(*rig));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(rig->folder, sizeof(rig->folder), "/tmp/test-cli-XXXXXX");
	if (fd < 0 || !mkdtemp(rig->folder))
		return -1;
	rig->path = xasprintf("%s/socket", rig->folder);
	rig->host = xasprintf("unix:%s", rig->path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4))
		return -1;
	rig->pid = fork();
	if (rig->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves nobody behind */
		far_run(fd);
	}
	close(fd);
	uv_loop_init(&rig->c.loop);
	rig->c.hosts = hosts_new(&rig->c.loop, false, NULL, NULL);
	rig->c.opt.limit = UINT64_MAX;
	rig->c.opt.print = (struct print_options){.format = PRINT_CSV};
	rig->c.out = open_memstream(&rig->text, &rig->size);
	*state = rig;
	return rig->pid > 0 ? 0 : -1;
}

static int rig_end(void **state)
{
	struct rig *rig = *state;
	int r;

	hosts_free(rig->c.hosts);
	uv_run(&rig->c.loop, UV_RUN_DEFAULT);
	r = uv_loop_close(&rig->c.loop);
	fclose(rig->c.out);
	free(rig->text);
	kill(rig->pid, SIGKILL);
	waitpid(rig->pid, NULL, 0);
	unlink(rig->path);
	rmdir(rig->folder);
	free(rig->path);
	free(rig->host);
	free(rig);
	return r;
}

static int print(struct rig *rig, const char *table)
{
	struct cli_ask ask = {.client = cli_client(&rig->c, rig->host, &rig->e), .table = table};
	int r;

	assert_non_null(ask.client);
	r = cli_print(&rig->c, &ask, &rig->e);
	fflush(rig->c.out);
	return r;
}

static size_t lines(const struct rig *rig)
{
	size_t n = 0;

	for (const char *p = rig->text; *p; p++)
		n += *p == '\n';
	return n;
}

static void test_all_windows(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(print(rig, "numbers"), 0);
	assert_int_equal(lines(rig), ROWS);
	assert_memory_equal(rig->text, "1,odd\n2,even\n", 13);
	assert_string_equal(rig->text + rig->size - 12, "150000,even\n");
}

static void test_limit_sort_filter(void **state)
{
	struct rig *rig = *state;

	rig->c.opt.limit = 3;
	rig->c.opt.sort = "-n";
	rig->c.opt.filter = "name == odd";
	rig->c.opt.columns = "n";
	assert_int_equal(print(rig, "numbers"), 0);
	assert_string_equal(rig->text, "149999\n149997\n149995\n");
}

static void test_partial_is_printed_and_told(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(print(rig, "partial"), -1);
	assert_int_equal(rig->e.code, ERR_PART);
	assert_string_equal(rig->e.text, "cut behind packet 7");
	assert_int_equal(lines(rig), ROWS);
}

static void test_wrong_filter_has_its_place(void **state)
{
	struct rig *rig = *state;

	rig->c.opt.filter = "n > 3 and nme == odd";
	assert_int_equal(print(rig, "numbers"), -1);
	assert_int_equal(rig->e.code, ERR_CALL);
	assert_int_equal(rig->e.at, 10);
	assert_ptr_equal(rig->c.fault, rig->c.opt.filter);
	assert_int_equal(rig->size, 0);
}

static void test_absent_table(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(print(rig, "nonsense"), -1);
	assert_int_equal(rig->e.code, ERR_ABSENT);
}

static void test_verbs(void **state)
{
	static const char *const good[] = {"good"}, *const bad[] = {"bad", "x"};
	struct rig *rig = *state;
	struct client *client = cli_client(&rig->c, rig->host, &rig->e);

	assert_non_null(client);
	assert_int_equal(cli_command(&rig->c, client, 0, good, 1, &rig->e), 0);
	assert_int_equal(cli_command(&rig->c, client, 0, bad, 2, &rig->e), -1);
	assert_int_equal(rig->e.code, ERR_CALL);
	assert_int_equal(rig->e.at, 4);
}

static void test_lost_link_is_an_error(void **state)
{
	struct rig *rig = *state;
	struct cli_ask ask = {.client = cli_client(&rig->c, rig->host, &rig->e), .table = "numbers"};

	kill(rig->pid, SIGKILL);
	assert_int_equal(cli_print(&rig->c, &ask, &rig->e), -1);
	assert_int_equal(rig->e.code, ERR_REFUSED);
	while (host_state(hosts_get(rig->c.hosts, rig->host)) == HOST_OPENING)
		uv_run(&rig->c.loop, UV_RUN_ONCE);
	assert_int_equal(host_state(hosts_get(rig->c.hosts, rig->host)), HOST_FAILED);
	assert_null(cli_client(&rig->c, rig->host, &rig->e)); /* a lost link stays lost */
}

/* The link goes while a device's session is ended: what is left of it is the daemon's. */
static void test_lost_link_at_the_end(void **state)
{
	struct rig *rig = *state;
	struct cli_source s = {.source = {.kind = SOURCE_SESSION, .host = xstrdup(rig->host), .name = xstrdup("x")}};

	s.client = cli_client(&rig->c, rig->host, &rig->e);
	s.session = xstrdup("x");
	s.channel = 1;
	kill(rig->pid, SIGKILL);
	cli_source_close(&rig->c, &s);
	assert_int_equal(host_state(hosts_get(rig->c.hosts, rig->host)), HOST_FAILED);
}

static void test_rows_in_memory(void **state)
{
	struct rig *rig = *state;
	struct rowset *rows = rowset_new(&numbers);

	rowset_add(rows, (struct value[]){value_int(2), value_text("b,c")});
	rowset_add(rows, (struct value[]){value_int(1), value_null()});
	rig->c.opt.sort = "n";
	rig->c.opt.print.header = true;
	assert_int_equal(cli_print_rows(&rig->c, rows, &rig->e), 0);
	fflush(rig->c.out);
	assert_string_equal(rig->text, "n,name\n1,\n2,\"b,c\"\n");
	rowset_free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_windows, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_limit_sort_filter, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_partial_is_printed_and_told, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_wrong_filter_has_its_place, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_absent_table, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_verbs, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_lost_link_is_an_error, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_lost_link_at_the_end, rig_start, rig_end),
		cmocka_unit_test_setup_teardown(test_rows_in_memory, rig_start, rig_end),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
