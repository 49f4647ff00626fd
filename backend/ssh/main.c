/* tapdeck-ssh DESTINATION: the relay. Descriptor 0 is the console's stream; the far side runs `tapdeckd --attach`. What goes
 * wrong is said as an ERROR message in the stream, so that the console shows it like any other. */
#include <errno.h>
#include <fcntl.h>
#include <libssh2.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fdio.h"
#include "base/spawn.h"
#include "config.h"
#include "connect.h"
#include "hostkey.h"
#include "pump.h"
#include "wire/frame.h"
#include "wire/msg.h"

#define RELAY_COMMAND "tapdeckd --attach"
#define RELAY_TIMEOUT_MS 20000
#define RELAY_KEEPALIVE_S 15

struct relay {
	struct config config;
	LIBSSH2_SESSION *session;
	struct hostkey *hostkey;
	LIBSSH2_CHANNEL *channel;
	int socket;
	bool by_ssh; /* this library cannot; ssh(1) might */
};

static void relay_say(unsigned type, const struct buf *payload)
{
	struct buf frame;

	buf_init(&frame, MSG_PAYLOAD_MAX);
	if (frame_put(&frame, (uint16_t)type, 0, 0, payload->data, payload->len) == 0)
		(void)fdio_write_all(STDIN_FILENO, frame.data, frame.len); /* nobody is left to tell */
	buf_release(&frame);
}

static void relay_say_error(const struct err *e)
{
	struct msg_error m = {.code = e->code, .at = -1, .sentence = str_of(e->text)};
	struct buf payload;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	if (msg_put_error(&payload, &m) == 0)
		relay_say(MSG_ERROR, &payload);
	buf_release(&payload);
}

static void relay_say_event(const char *host, const char *sentence)
{
	struct msg_event m = {.time_ns = clock_now_ns(), .severity = str_of("note"), .where = str_of(host),
			      .sentence = str_of(sentence)};
	struct buf payload;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	if (msg_put_event(&payload, &m) == 0)
		relay_say(MSG_EVENT, &payload);
	buf_release(&payload);
}

static int relay_session_error(struct relay *r, const char *doing, struct err *e)
{
	char *text = NULL;
	int code = libssh2_session_last_error(r->session, &text, NULL, 0);

	/* -5: no key exchange, cipher or MAC in common; -18: the key's kind is refused (RSA with SHA-2). */
	if (code == LIBSSH2_ERROR_KEX_FAILURE || code == LIBSSH2_ERROR_METHOD_NONE || code == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED)
		r->by_ssh = true;
	return err_set(e, ERR_REFUSED, "%s %s: %s (%d)", doing, r->config.hostname, text ? text : "?", code);
}

static int relay_handshake(struct relay *r, struct err *e)
{
	r->session = libssh2_session_init();
	if (!r->session)
		return err_set(e, ERR_REFUSED, "the SSH library has no memory");
	libssh2_session_set_timeout(r->session, RELAY_TIMEOUT_MS);
	r->hostkey = hostkey_new(r->session, &r->config);
	if (hostkey_prefer(r->hostkey, e) != 0)
		return -1;
	libssh2_session_set_blocking(r->session, 1);
	if (libssh2_session_handshake(r->session, r->socket) != 0)
		return relay_session_error(r, "no SSH handshake with", e);
	return hostkey_check(r->hostkey, e);
}

static int relay_start(struct relay *r, struct err *e)
{
	r->channel = libssh2_channel_open_ex(r->session, "session", 7, PUMP_WINDOW_BYTES, LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0);
	if (!r->channel)
		return relay_session_error(r, "no channel on", e);
	if (libssh2_channel_exec(r->channel, RELAY_COMMAND) != 0)
		return relay_session_error(r, "cannot run " RELAY_COMMAND " on", e);
	libssh2_keepalive_config(r->session, 1, RELAY_KEEPALIVE_S);
	return 0;
}

static int relay_run(struct relay *r, struct err *e)
{
	int started = 0;

	if (r->config.proxy_command || r->config.certificate) {
		r->by_ssh = true; /* a shell command of the user's, or a certificate: ssh(1) knows how */
		return err_set(e, ERR_REFUSED, "%s is reached by a ProxyCommand or a certificate", r->config.host);
	}
	r->socket = connect_host(&r->config, e);
	if (r->socket < 0 || relay_handshake(r, e) != 0)
		return -1;
	if (auth_login(r->session, &r->config, &r->by_ssh, e) != 0 || relay_start(r, e) != 0)
		return -1;
	if (pump_run(r->session, r->channel, STDIN_FILENO, r->socket, &started, e) != 0)
		return err_wrap(e, "%s", r->config.host);
	return 0;
}

/* What ssh(1) said on its stderr, the last line of it. */
static void relay_stderr(int fd, char *text, size_t room)
{
	char piece[4096];
	size_t used = 0;
	ssize_t n;
	char *line;

	text[0] = '\0';
	while ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)) {
		for (ssize_t i = 0; i < n; i++) {
			if (used + 1 == room) {
				memmove(text, text + room / 2, used - room / 2);
				used -= room / 2;
			}
			text[used++] = piece[i];
		}
		text[used] = '\0';
	}
	while (used > 0 && strchr("\r\n", text[used - 1]))
		text[--used] = '\0';
	line = strrchr(text, '\n');
	if (line)
		memmove(text, line + 1, strlen(line));
}

/* The same stream over ssh(1), which knows more: RSA with SHA-2, new ciphers, certificates, FIDO. It has our descriptor; we
 * only wait for its end. *e stays as it was when it could not help either, with its own words behind. */
static int relay_by_ssh(struct relay *r, struct err *e)
{
	const char *argv[16] = {"ssh", "-T", "-x", "-a", "-e", "none", "-o", "BatchMode=yes"};
	struct spawn s = {.path = "ssh", .argv = (char *const *)(uintptr_t)argv, .fd = {STDIN_FILENO, STDIN_FILENO, -1}, .nfd = 3,
			  .die_with_parent = true};
	int n = 8, fd[2], status = 0;
	char text[2048];
	struct err spawned;
	pid_t pid;

	(void)snprintf(text, sizeof(text), "carried by ssh(1), as the SSH library could not: %.900s", e->text);
	n += config_arguments(&r->config, argv + n, 6);
	argv[n++] = RELAY_COMMAND;
	argv[n] = NULL;
	if (pipe2(fd, O_CLOEXEC) != 0)
		return -1;
	relay_say_event(r->config.host, text);
	s.fd[2] = fd[1];
	pid = spawn_start(&s, &spawned);
	close(fd[1]);
	relay_stderr(fd[0], text, sizeof(text));
	close(fd[0]);
	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return err_set(e, ERR_REFUSED, "%.500s; ssh(1): %.400s", e->text, *text ? text : "it ended");
}

int main(int argc, char **argv)
{
	struct relay r = {.socket = -1};
	struct err e = {0};
	int status = 0;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("tapdeck-ssh " TAPDECK_VERSION);
		return 0;
	}
	if (argc != 2) {
		fputs("usage: tapdeck-ssh [USER@]HOST[:PORT] (started by tapdeck; descriptor 0 is its stream)\n", stderr);
		return ERR_CALL;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (libssh2_init(0) != 0)
		return ERR_REFUSED;
	if ((config_read(&r.config, argv[1], &e) != 0 || relay_run(&r, &e) != 0) && (!r.by_ssh || relay_by_ssh(&r, &e) != 0)) {
		relay_say_error(&e);
		status = e.code ? (int)e.code : ERR_REFUSED;
	}
	hostkey_free(r.hostkey);
	if (r.session)
		libssh2_session_free(r.session);
	config_release(&r.config);
	return status;
}
