/* The history where it cannot be kept: folders that are read-only, another's or full, databases that are damaged. A sentence,
 * no crash, and nothing that was held is touched. */
#include "store_peer.h"

#include <sched.h>
#include <sys/mount.h>

#define CONNECTIONS 1500
#define NOBODY 65534

struct world {
	char folder[64];
	struct buf journal;
	struct store_peer peer;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	folder_make(w->folder);
	journal_make(&w->journal, "web-1", CONNECTIONS);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	(void)chmod(w->folder, 0700);
	folder_remove(w->folder);
	buf_release(&w->journal);
	free(w);
	return 0;
}

static void feed_all(struct world *w, struct reply *r)
{
	peer_feed(&w->peer, "web-1/reader", 0, w->journal.data, w->journal.len, r);
}

static void history_make(struct world *w)
{
	struct reply r;

	peer_start(&w->peer, w->folder);
	feed_all(w, &r);
	assert_int_equal(r.error.code, ERR_NONE);
	assert_int_equal(peer_count(&w->peer, "connections"), CONNECTIONS);
	(void)peer_end(&w->peer, 0);
}

static char *path_of(const struct world *w, const char *name)
{
	return xasprintf("%s/%s", w->folder, name);
}

static void file_read(const char *path, struct buf *out)
{
	const int fd = open(path, O_RDONLY);

	assert_true(fd >= 0);
	journal_bytes(fd, out);
	close(fd);
}

static void file_write(const char *path, const void *bytes, size_t len)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fdio_write_all(fd, bytes, len), 0);
	close(fd);
}

static bool run_as_root(const char *what)
{
	if (geteuid() != 0)
		print_message("# SKIP %s: needs root\n", what);
	return geteuid() == 0;
}

/* A store that must refuse: what it says, and that it ends. */
static void refused(struct world *w, const char *says)
{
	peer_start_as(&w->peer, w->folder, 0);
	(void)peer_wait(&w->peer, &w->peer.ready);
	if (!w->peer.gone || !strstr(w->peer.why.text, says))
		fail_msg("%s", w->peer.gone ? w->peer.why.text : "it was opened");
	assert_true(WIFEXITED(peer_end(&w->peer, 0)));
}

static void a_damaged_catalog_is_left_alone(void **state)
{
	static const struct {
		const char *what, *says;
	} damages[] = {{"garbage", "damaged"}, {"cut", "damaged"}, {"foreign", "another program"}, {"newer", "newer"}};
	struct world *w = *state;
	char *path = path_of(w, "catalog.db");
	struct buf good;

	history_make(w);
	file_read(path, &good);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct buf bad, after;

		buf_init(&bad, 64u << 20);
		assert_int_equal(buf_add(&bad, good.data, good.len), 0);
		if (i == 0)
			memset(bad.data, 0x77, 4096);
		else if (i == 1)
			bad.len = bad.len / 2 / 8192 * 8192;
		else if (i == 2)
			memcpy(bad.data + 68, "\x00\x00\x12\x34", 4); /* application_id, see sqlite.org/fileformat.html */
		else
			bad.data[63] = 99; /* user_version */
		file_write(path, bad.data, bad.len);
		refused(w, damages[i].says);
		file_read(path, &after);
		assert_int_equal(after.len, bad.len);
		assert_memory_equal(after.data, bad.data, bad.len);
		buf_release(&bad);
		buf_release(&after);
	}
	buf_release(&good);
	free(path);
}

/* Moved away, as the sentence says, all is there again from the journals, and nothing twice. */
static void a_new_catalog_begins_anew(void **state)
{
	struct world *w = *state;
	char *path = path_of(w, "catalog.db");

	history_make(w);
	assert_int_equal(unlink(path), 0);
	history_make(w);
	file_write(path, "", 0);
	history_make(w);
	free(path);
}

static void flip(const char *path, uint32_t seed)
{
	struct buf b;

	file_read(path, &b);
	for (int i = 0; i < 40; i++) {
		seed = seed * 1664525u + 1013904223u;
		b.data[(seed >> 4) % b.len] ^= (uint8_t)(1 + (seed >> 20) % 255);
	}
	file_write(path, b.data, b.len);
	buf_release(&b);
}

/* Random bytes: an answer or a sentence, never a crash; and the journals make it whole again. */
static void damaged_shards_are_made_again(void **state)
{
	struct world *w = *state;
	char *path = path_of(w, "flows/000001.db");
	struct reply r;

	history_make(w);
	peer_start(&w->peer, w->folder);
	(void)peer_end(&w->peer, 0);
	file_write(path, "this is no database, it is a text of some length, for all that one knows", 70);
	peer_start(&w->peer, w->folder);
	peer_ask(&w->peer, "connections", "", &r);
	assert_int_equal(r.error.code, ERR_NONE);
	assert_int_equal(r.state, WINDOW_PARTIAL);
	assert_non_null(strstr(r.note, "damaged"));
	feed_all(w, &r); /* its journal begins anew */
	if (r.error.code)
		fail_msg("%s", r.error.text);
	assert_int_equal(peer_count(&w->peer, "connections"), CONNECTIONS);
	(void)peer_end(&w->peer, 0);
	free(path);
	path = path_of(w, "flows/000002.db");
	for (uint32_t seed = 1; seed <= 12; seed++) {
		flip(path, seed);
		peer_start(&w->peer, w->folder);
		peer_ask(&w->peer, "connections", "", &r);
		peer_ask(&w->peer, "10.0.0.7 port 443 | count", "", &r);
		assert_false(w->peer.gone);
		(void)peer_end(&w->peer, 0);
		if (access(path, F_OK) != 0)
			break; /* it was found, and put aside */
	}
	free(path);
}

static void lost_shards_are_made_again(void **state)
{
	struct world *w = *state;
	char *path = path_of(w, "flows/000001.db");
	struct reply r;

	history_make(w);
	assert_int_equal(unlink(path), 0);
	peer_start(&w->peer, w->folder);
	peer_ask(&w->peer, "connections", "", &r);
	assert_int_equal(r.state, WINDOW_PARTIAL);
	feed_all(w, &r);
	if (r.error.code)
		fail_msg("%s", r.error.text);
	assert_int_equal(peer_count(&w->peer, "connections"), CONNECTIONS);
	(void)peer_end(&w->peer, 0);
	free(path);
}

static void asked_but_not_written(struct world *w, uid_t uid)
{
	struct reply r;

	peer_start_as(&w->peer, w->folder, uid);
	if (!peer_wait(&w->peer, &w->peer.ready))
		fail_msg("%s", w->peer.why.text);
	peer_ask(&w->peer, "connections", "", &r);
	assert_int_equal(r.total, CONNECTIONS);
	assert_non_null(strstr(r.note, "read-only"));
	feed_all(w, &r);
	assert_int_equal(r.error.code, ERR_REFUSED);
	assert_non_null(strstr(r.error.text, "read-only"));
	(void)peer_end(&w->peer, 0);
}

static void a_read_only_history_is_asked(void **state)
{
	struct world *w = *state;
	const char *const own[] = {"chown", "-R", "nobody", w->folder, NULL};
	const char *const open_up[] = {"chmod", "-R", "a+rX", w->folder, NULL};

	history_make(w);
	if (!run_as_root("a folder of another user"))
		return;
	run(open_up);
	asked_but_not_written(w, NOBODY); /* not ours */
	run(own);
	assert_int_equal(chmod(w->folder, 0555), 0);
	asked_but_not_written(w, NOBODY); /* ours, read-only */
	asked_but_not_written(w, 0);	  /* root leaves others' alone */
}

static void an_empty_folder_of_another_is_refused(void **state)
{
	struct world *w = *state;

	if (!run_as_root("an empty folder of another user"))
		return;
	assert_int_equal(chown(w->folder, NOBODY, (gid_t)-1), 0);
	refused(w, "another user's");
}

/* A disk of 1.5 MB: what does not fit is refused with a sentence, what is there is answered, and with room it goes on. */
static void a_full_disk_is_survived(void **state)
{
	struct world *w = *state;
	char *filler = path_of(w, "filler");
	struct buf big;
	struct reply r;
	uint64_t before;

	if (!run_as_root("a full disk") || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", w->folder, "tmpfs", 0, "size=1500k,mode=0700") != 0) {
		print_message("# SKIP a full disk: cannot mount\n");
		free(filler);
		return;
	}
	peer_start(&w->peer, w->folder);
	feed_all(w, &r);
	assert_int_equal(r.error.code, ERR_NONE);
	journal_make(&big, "web-2", 16000);
	peer_feed(&w->peer, "web-2/reader", 0, big.data, big.len, &r);
	assert_true(r.error.code != ERR_NONE);
	if (!strstr(r.error.text, "full"))
		fail_msg("%s", r.error.text);
	before = peer_count(&w->peer, "connections");
	assert_in_range(before, CONNECTIONS, CONNECTIONS + 16000);
	assert_int_equal(mount("tmpfs", w->folder, "tmpfs", MS_REMOUNT, "size=30m"), 0);
	peer_feed(&w->peer, "web-2/reader", 0, big.data, big.len, &r);
	if (r.error.code)
		fail_msg("%s", r.error.text);
	assert_int_equal(peer_count(&w->peer, "connections | limit 100000"), CONNECTIONS + 16000);
	(void)peer_end(&w->peer, 0);
	assert_int_equal(umount(w->folder), 0);
	buf_release(&big);
	free(filler);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_damaged_catalog_is_left_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_catalog_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_shards_are_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(lost_shards_are_made_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_read_only_history_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_folder_of_another_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_is_survived, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
