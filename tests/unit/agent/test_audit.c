/* The audit log: what its lines say, that they can be read back, and that it stays bounded and closed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../backend/agent/audit.h"
#include "base/words.h"
#include "base/xalloc.h"

struct rig {
	uv_loop_t loop;
	struct control control;
	struct peer peer;
	char folder[64];
	char *path;
};

static int setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct err e;

	uv_loop_init(&r->loop);
	r->control.loop = &r->loop;
	r->peer = (struct peer){.control = &r->control, .serial = 7, .who = {.uid = 64999, .pid = 42}};
	memcpy(r->folder, "/tmp/test-audit-XXXXXX", sizeof("/tmp/test-audit-XXXXXX"));
	assert_non_null(mkdtemp(r->folder));
	r->path = xasprintf("%s/logs/audit.log", r->folder);
	assert_int_equal(audit_use(&r->control, r->path, &e), 0);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	char *old = xasprintf("%s.1", r->path), *logs = xasprintf("%s/logs", r->folder);

	audit_free(r->control.audit);
	uv_run(&r->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&r->loop), 0);
	unlink(r->path);
	unlink(old);
	rmdir(logs);
	rmdir(r->folder);
	free(old);
	free(logs);
	free(r->path);
	free(r);
	return 0;
}

/* The file once all is written. */
static char *written(struct rig *r)
{
	struct stat st;
	char *text;
	int fd;

	uv_run(&r->loop, UV_RUN_DEFAULT);
	fd = open(r->path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	text = xmalloc((size_t)st.st_size + 1);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	text[st.st_size] = 0;
	close(fd);
	return text;
}

static struct reply reply_of(const struct rig *r, uint32_t id)
{
	return (struct reply){.peer = r->peer.serial, .id = id};
}

static void test_lines(void **state)
{
	const char *const said[] = {"new", "web", "filter", "tcp port 80", "note", "it's \n\033[31m \"red\""};
	struct rig *r = *state;
	struct reply one = reply_of(r, 1), two = reply_of(r, 2), three = reply_of(r, 3);
	struct words w, request;
	struct strs words;
	struct err no;
	char *text, *line;

	assert_int_equal(msg_strs(&words, said, 6), 0);
	audit_begin(&r->peer, &one, "", &words);
	audit_begin(&r->peer, &two, "open", NULL);
	audit_begin(&r->peer, &three, "stream", NULL);
	err_set(&no, ERR_REFUSED, "it is not yours");
	audit_end(&r->control, &two, &no);
	audit_end(&r->control, &one, NULL);
	audit_end(&r->control, &one, NULL); /* once is enough */
	audit_gone(&r->peer);
	text = written(r);
	assert_non_null(strstr(text, "refused uid=64999 user='' pid=42 request=open why='it is not yours'\n"));
	assert_non_null(strstr(text, "unanswered uid=64999 user='' pid=42 request=stream\n"));
	assert_null(strchr(text, '\033'));
	line = strchr(text, '\n') + 1; /* the second: done */
	line[strcspn(line, "\n")] = 0;
	assert_int_equal(words_parse(&w, line, NULL), 0);
	assert_string_equal(w.word[1], "done");
	assert_int_equal(strncmp(w.word[5], "request=", 8), 0);
	assert_int_equal(words_parse(&request, w.word[5] + 8, NULL), 0);
	assert_int_equal(request.count, 6);
	assert_string_equal(request.word[3], "tcp port 80");
	words_release(&request);
	words_release(&w);
	free(text);
}

static void test_long_request(void **state)
{
	struct rig *r = *state;
	struct reply one = reply_of(r, 1);
	struct strs words = {.count = 3};
	char *big = xcalloc(1, 60001), *text;

	memset(big, '\'', 60000);
	words.at[0] = str_of("new");
	words.at[1] = str_of("a");
	words.at[2] = str_of(big);
	audit_begin(&r->peer, &one, "", &words);
	audit_end(&r->control, &one, NULL);
	text = written(r);
	assert_non_null(strstr(text, "request='new a ...'\n"));
	free(text);
	free(big);
}

static void test_bounded(void **state)
{
	struct rig *r = *state;
	char *old = xasprintf("%s.1", r->path), *text;
	struct stat st;
	struct err no;

	err_set(&no, ERR_REFUSED, "%0900d", 0);
	for (int i = 0; i < 40000; i++) {
		audit_refused(&r->control, &r->peer.who, &no);
		if (i % 1000 == 0)
			uv_run(&r->loop, UV_RUN_DEFAULT);
	}
	text = written(r);
	assert_int_equal(stat(old, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(st.st_size >= AUDIT_BYTES_MAX && st.st_size < AUDIT_BYTES_MAX + AUDIT_QUEUE_MAX);
	assert_true(strlen(text) < AUDIT_BYTES_MAX);
	assert_int_equal(text[strlen(text) - 1], '\n');
	free(text);
	free(old);
}

/* Somebody has put something else in its place. */
static void test_place(void **state)
{
	struct rig *r = *state;
	char *link = xasprintf("%s/link", r->folder);
	struct err e;

	assert_int_equal(symlink("/etc/passwd", link), 0);
	assert_int_equal(audit_use(&r->control, link, &e), -1);
	assert_int_equal(audit_use(&r->control, r->folder, &e), -1);
	assert_int_equal(audit_use(&r->control, "/dev/null", &e), -1);
	audit_refused(&r->control, &r->peer.who, &(struct err){.code = ERR_REFUSED});
	free(written(r)); /* still there */
	unlink(link);
	free(link);
}

/* Renamed by somebody who keeps logs: it goes on in a new one when told so. */
static void test_again(void **state)
{
	struct rig *r = *state;
	char *old = xasprintf("%s.1", r->path), *text;
	const struct err no = {.code = ERR_REFUSED, .text = "no"};
	struct err e;

	audit_refused(&r->control, &r->peer.who, &no);
	free(written(r));
	assert_int_equal(rename(r->path, old), 0);
	assert_int_equal(audit_use(&r->control, r->path, &e), 0);
	audit_refused(&r->control, &r->peer.who, &no);
	assert_int_equal(audit_use(&r->control, r->path, &e), 0); /* while it is written */
	audit_refused(&r->control, &r->peer.who, &no);
	text = written(r);
	assert_non_null(strchr(text, '\n'));
	assert_string_equal(strchr(strchr(text, '\n') + 1, '\n'), "\n");
	free(text);
	free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_request, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_place, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
