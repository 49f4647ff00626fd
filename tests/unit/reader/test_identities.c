/* What is one connection and what are several: the project's own captures of each case, opened as
 * files. The numbers of connections are those of tshark but where it is said; what other tools
 * make of the same events differs widely (they merge, split at silence, or follow a SYN-ACK). */
#include "rig.h"

#define CONNECTIONS_MAX 2

struct wanted {
	const char *file, *states;	       /* of all connections, a blank between */
	uint32_t packets[2 * CONNECTIONS_MAX]; /* N.1, N.2 */
	const char *src;		       /* of 1.1: who sent the first packet */
	const char *initiator;
	int64_t retrans, repeated_bytes; /* of 1.1 */
};

#define A_END "10.0.1.1"
#define B_END "10.0.2.2"

static const struct wanted wanted[] = {
	{"reuse-fin-higher", "SF SF", {6, 3, 6, 3}, A_END, "a", 0, 0},
	{"reuse-fin-lower", "SF SF", {6, 3, 6, 3}, A_END, "a", 0, 0},
	{"reuse-rst", "RSTO SF", {5, 2, 6, 3}, A_END, "a", 0, 0},
	{"reuse-open", "S1 SF", {4, 2, 6, 3}, A_END, "a", 0, 0},
	{"same-isn-open", "S1", {6, 3}, A_END, "a", 0, 0},
	{"same-isn-soon", "SF", {7, 3}, A_END, "a", 0, 0},
	/* Closed for more than 2 s: another one. tshark, which looks at the numbers alone, has one.
	 */
	{"same-isn-late", "SF S0", {6, 3, 1, 0}, A_END, "a", 0, 0},
	{"silence", "S1", {5, 2}, A_END, "a", 0, 0},
	{"syn-again", "S0", {4, 0}, A_END, "a", 0, 0},
	{"refused-twice", "REJ REJ", {1, 1, 1, 1}, A_END, "a", 0, 0},
	{"blind-rst", "RSTR", {6, 4}, A_END, "a", 0, 0},
	{"fin-before-syn-ack", "S2", {3, 1}, A_END, "a", 0, 0},
	{"gap-again", "S1", {5, 2}, A_END, "a", 1, 100},
	{"same-port", "SF", {6, 3}, A_END, "a", 0, 0},
	{"one-side", "SH", {4, 0}, A_END, "a", 0, 0},
	{"handshake-order", "SF", {6, 3}, A_END, "a", 0, 0},
	{"syn-ack-first", "SF", {3, 6}, B_END, "b", 0, 0},
	{"server-first", "OTH", {1, 2}, B_END, "", 0, 0},
	{"wrap", "S1", {5, 2}, A_END, "a", 0, 0},
	{"overlap", "S1", {4, 2}, A_END, "a", 1, 50},
	{"crossed-ports", "SF SF", {6, 3, 6, 3}, A_END, "a", 0, 0},
	{"crossed-addresses", "SF SF", {6, 3, 6, 3}, A_END, "a", 0, 0},
};

/* A folder with the captures. */
static void folder_make(char *folder)
{
	const char *build = getenv("B");
	char *maker = xasprintf("%s/tests/tools/make_captures", build ? build : "build/release");
	int status;
	pid_t pid;

	if (access(maker, X_OK) < 0)
		skip();
	assert_non_null(mkdtemp(folder));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execl(maker, maker, folder, "identity", (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(maker);
}

static void check_connections(struct rig *r, const struct wanted *w)
{
	char states[64] = "";

	assert_int_equal(rig_table(r, "connections"), 0);
	for (uint32_t i = 0; i < r->window.rows; i++) {
		char *state = rig_text(r, i, "state");

		assert_int_equal(rig_int(r, i, "id"), i + 1);
		assert_int_equal(rig_int(r, i, "packets_ab"), w->packets[2 * i]);
		assert_int_equal(rig_int(r, i, "packets_ba"), w->packets[2 * i + 1]);
		(void)strncat(states, i ? " " : "", sizeof(states) - strlen(states) - 1);
		(void)strncat(states, state, sizeof(states) - strlen(states) - 1);
		free(state);
	}
	assert_string_equal(states, w->states);
	rig_is(r, 0, "addr_a", w->src);
	rig_is(r, 0, "initiator", w->initiator);
}

/* Both flows of each connection are there, also where one has no packet. */
static void check_flows(struct rig *r, const struct wanted *w)
{
	assert_int_equal(rig_table(r, "flows"), 0);
	for (uint32_t i = 0; i < r->window.rows; i++) {
		char *id = xasprintf("%u.%u", i / 2 + 1, i % 2 + 1);

		rig_is(r, i, "id", id);
		assert_int_equal(rig_int(r, i, "packets"), w->packets[i]);
		assert_int_equal(rig_int(r, i, "retrans_bytes"),
				 rig_int(r, i, "payload_bytes") - rig_int(r, i, "unique_bytes"));
		free(id);
	}
	rig_is(r, 0, "src", w->src);
	assert_int_equal(rig_int(r, 0, "retrans_packets"), w->retrans);
	assert_int_equal(rig_int(r, 0, "retrans_bytes"), w->repeated_bytes);
}

static void test_identities(void **state)
{
	char folder[] = "/tmp/identities.XXXXXX";

	(void)state;
	folder_make(folder);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		char *path = xasprintf("%s/%s.pcap", folder, wanted[i].file);
		struct rig r;

		print_message("%s\n", wanted[i].file);
		rig_start(&r);
		assert_int_equal(rig_open(&r, path), 0);
		check_connections(&r, &wanted[i]);
		check_flows(&r, &wanted[i]);
		rig_stop(&r);
		assert_int_equal(unlink(path), 0);
		free(path);
	}
	assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_identities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
