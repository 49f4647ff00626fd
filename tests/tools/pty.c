/* pty [-s COLSxROWS] [-t TERM] -- PROGRAM ARGS...: runs a program on a pseudo-terminal and measures it. Commands on standard input, a
 * line each; answers on standard output:
 *   expect SECONDS TEXT   until TEXT was written: "expect MS TEXT" (from the start of the program), or the end with status 1
 *   send KEYS             \e \r \n \t \xNN are escapes
 *   key COUNT KEYS        each time to the first byte, then to 5 ms of silence: "key COUNT p50 p95 max" (ms)
 *   rate SECONDS          "rate BYTES_PER_SECOND"
 *   slow BYTES SECONDS    reads no more than BYTES a second meanwhile
 *   stall SECONDS         reads nothing meanwhile; keys sent before and after it find the terminal as full as it is
 *   drain SECONDS         reads until nothing came for 0.3 s: "drain BYTES", all that waited
 *   save FILE             all that was read since the start, for a terminal to show
 *   gone SECONDS          waits for the program to end, reads nothing: "gone MS", or status 1
 *   size COLS ROWS        resizes
 *   hangup SECONDS        closes the terminal: "hangup MS" until the program is gone, or status 1
 * The only recorder with a resolution under a millisecond: no terminal emulator stands between. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEN_MAX (1u << 20)
#define SAVED_MAX (16u << 20)
#define QUIET_MS 5
#define KEYS_MAX 1000

struct recorder {
	int master;
	pid_t pid;
	double start_ms;
	char *seen; /* what was written since the last expect, escape sequences left out */
	size_t seen_len;
	char *saved; /* the first bytes of all */
	uint64_t bytes;
	int escape; /* in an escape sequence */
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void see(struct recorder *r, char c)
{
	if (c == '\033') {
		r->escape = 1;
	} else if (r->escape == 1) {
		r->escape = c == '[' || c == ']' ? 2 : (c == '(' || c == ')') ? 3 : 0;
	} else if (r->escape == 2) {
		r->escape = (c >= '@' && c <= '~') || c == '\a' ? 0 : 2;
	} else if (r->escape == 3) {
		r->escape = 0;
	} else {
		if (r->seen_len == SEEN_MAX - 1) {
			memmove(r->seen, r->seen + SEEN_MAX / 2, SEEN_MAX - 1 - SEEN_MAX / 2);
			r->seen_len -= SEEN_MAX / 2;
		}
		r->seen[r->seen_len++] = c;
		r->seen[r->seen_len] = '\0';
	}
}

/* Up to `limit` bytes within `ms`; the bytes read, 0 when none came, -1 at the end. */
static ssize_t take(struct recorder *r, double ms, size_t limit)
{
	struct timespec wait = {.tv_sec = (time_t)(ms / 1e3), .tv_nsec = (long)((ms - 1e3 * (double)(time_t)(ms / 1e3)) * 1e6)};
	struct pollfd p = {.fd = r->master, .events = POLLIN};
	char piece[65536];
	ssize_t n;

	if (ppoll(&p, 1, &wait, NULL) <= 0)
		return 0;
	n = read(r->master, piece, limit < sizeof(piece) ? limit : sizeof(piece));
	if (n <= 0)
		return -1;
	for (ssize_t i = 0; i < n; i++)
		see(r, piece[i]);
	if (r->bytes + (uint64_t)n <= SAVED_MAX)
		memcpy(r->saved + r->bytes, piece, (size_t)n);
	r->bytes += (uint64_t)n;
	return n;
}

static size_t unescape(const char *text, char *out, size_t room)
{
	size_t n = 0;
	unsigned value;

	for (const char *p = text; *p && n < room; p++) {
		if (*p != '\\' || !p[1]) {
			out[n++] = *p;
			continue;
		}
		p++;
		if (*p == 'x' && sscanf(p + 1, "%2x", &value) == 1) {
			out[n++] = (char)value;
			p += 2;
		} else {
			out[n++] = *p == 'e' ? '\033' : *p == 'r' ? '\r' : *p == 'n' ? '\n' : *p == 't' ? '\t' : *p;
		}
	}
	return n;
}

static int send_keys(struct recorder *r, const char *text)
{
	char keys[4096];
	size_t n = unescape(text, keys, sizeof(keys));

	return write(r->master, keys, n) == (ssize_t)n ? 0 : -1;
}

static int expect(struct recorder *r, double seconds, const char *text)
{
	const double until = now_ms() + seconds * 1e3;

	while (!strstr(r->seen, text)) {
		if (now_ms() > until || take(r, 10, SIZE_MAX) < 0) {
			printf("expect failed: %s\n", text);
			return -1;
		}
	}
	printf("expect %.1f %s\n", now_ms() - r->start_ms, text);
	r->seen_len = 0;
	r->seen[0] = '\0';
	return 0;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int measure_key(struct recorder *r, int count, const char *text)
{
	static double ms[KEYS_MAX];
	uint64_t before;

	if (count < 1 || count > KEYS_MAX)
		return -1;
	before = r->bytes;
	for (int i = 0; i < count; i++) {
		const double sent = now_ms();
		if (send_keys(r, text) != 0 || take(r, 1000, SIZE_MAX) < 0)
			return -1;
		ms[i] = now_ms() - sent;
		while (take(r, QUIET_MS, SIZE_MAX) > 0)
			;
	}
	qsort(ms, (size_t)count, sizeof(ms[0]), compare);
	printf("key %d p50 %.2f p95 %.2f max %.2f bytes %.0f\n", count, ms[count / 2], ms[count * 95 / 100], ms[count - 1],
	       (double)(r->bytes - before) / count);
	return 0;
}

static int measure_rate(struct recorder *r, double seconds, size_t limit)
{
	const double start = now_ms(), until = start + seconds * 1e3;
	const uint64_t before = r->bytes;
	double now;

	while ((now = now_ms()) < until) {
		const double allowed = limit == SIZE_MAX ? 1e18 : (now - start) / 1e3 * (double)limit - (double)(r->bytes - before);
		if (allowed < 1) {
			usleep(1000);
			continue;
		}
		if (take(r, until - now > 20 ? 20 : until - now, allowed > 65536 ? SIZE_MAX : (size_t)allowed) < 0)
			return -1;
	}
	printf("rate %.0f\n", (double)(r->bytes - before) / seconds);
	return 0;
}

static int drain(struct recorder *r, double seconds)
{
	const double until = now_ms() + seconds * 1e3;
	const uint64_t before = r->bytes;

	while (now_ms() < until && take(r, 300, SIZE_MAX) > 0)
		;
	printf("drain %.0f\n", (double)(r->bytes - before));
	return 0;
}

static int save(const struct recorder *r, const char *path)
{
	FILE *out = fopen(path, "w");
	const size_t n = r->bytes < SAVED_MAX ? (size_t)r->bytes : SAVED_MAX;
	const bool whole = out && fwrite(r->saved, 1, n, out) == n;

	return out && fclose(out) == 0 && whole && r->bytes <= SAVED_MAX ? 0 : -1;
}

static int gone(struct recorder *r, const char *what, double seconds)
{
	const double start = now_ms();

	while (waitpid(r->pid, NULL, WNOHANG) == 0) {
		if (now_ms() - start > seconds * 1e3) {
			printf("%s failed: still there\n", what);
			return -1;
		}
		usleep(1000);
	}
	printf("%s %.0f\n", what, now_ms() - start);
	r->pid = 0;
	return 0;
}

static int command(struct recorder *r, char *line)
{
	char text[4096] = "";
	double a, b;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "expect %lf %4095[^\n]", &a, text) == 2)
		return expect(r, a, text);
	if (sscanf(line, "send %4095[^\n]", text) == 1)
		return send_keys(r, text);
	if (sscanf(line, "key %lf %4095[^\n]", &a, text) == 2)
		return measure_key(r, (int)a, text);
	if (sscanf(line, "rate %lf", &a) == 1)
		return measure_rate(r, a, SIZE_MAX);
	if (sscanf(line, "slow %lf %lf", &a, &b) == 2)
		return measure_rate(r, b, (size_t)a);
	if (sscanf(line, "size %lf %lf", &a, &b) == 2) {
		struct winsize w = {.ws_col = (unsigned short)a, .ws_row = (unsigned short)b};
		return ioctl(r->master, TIOCSWINSZ, &w);
	}
	if (sscanf(line, "stall %lf", &a) == 1)
		return usleep((useconds_t)(a * 1e6));
	if (sscanf(line, "drain %lf", &a) == 1)
		return drain(r, a);
	if (sscanf(line, "save %4095[^\n]", text) == 1)
		return save(r, text);
	if (sscanf(line, "gone %lf", &a) == 1)
		return gone(r, "gone", a);
	if (sscanf(line, "hangup %lf", &a) == 1) {
		close(r->master);
		return gone(r, "hangup", a);
	}
	printf("unknown command: %s\n", line);
	return -1;
}

int main(int argc, char **argv)
{
	struct winsize size = {.ws_col = 100, .ws_row = 30};
	struct recorder r = {.seen = calloc(1, SEEN_MAX), .saved = calloc(1, SAVED_MAX)};
	char line[8192];
	int option, cols, rows, status = 0;

	setenv("TERM", "xterm-256color", 1);
	while ((option = getopt(argc, argv, "+s:t:")) != -1) {
		if (option == 's' && sscanf(optarg, "%dx%d", &cols, &rows) == 2)
			size = (struct winsize){.ws_col = (unsigned short)cols, .ws_row = (unsigned short)rows};
		else if (option == 't')
			setenv("TERM", optarg, 1);
	}
	if (optind == argc || !r.seen || !r.saved)
		return 2;
	r.start_ms = now_ms();
	r.pid = forkpty(&r.master, NULL, NULL, &size);
	if (r.pid == 0) {
		execvp(argv[optind], argv + optind);
		_exit(127);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (status == 0 && fgets(line, sizeof(line), stdin))
		status = command(&r, line) == 0 ? 0 : 1;
	if (r.pid > 0) {
		kill(r.pid, SIGTERM);
		close(r.master);
		waitpid(r.pid, NULL, 0);
	}
	free(r.seen);
	free(r.saved);
	return status;
}
