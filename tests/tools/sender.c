/* sender ADDRESS PORT BYTES|mix RATE SECONDS: numbered datagrams, so that whoever captured them can be told what is missing.
 * BYTES is the Ethernet frame's without its checksum, RATE packets a second (0: as fast as it goes). The payload begins
 * with the number, 64 bits, big-endian, from 1. Prints how many were sent, at its end or at SIGTERM. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64u
#define HEADERS 42u /* Ethernet, IPv4, UDP */
#define PAYLOAD_MIN 8u
#define PAYLOAD_MAX 1472u
#define SEND_BUFFER (4 << 20)

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct sender {
	int fd;
	const char *size;
	uint64_t sent;
	uint8_t payload[BATCH][PAYLOAD_MAX];
};

/* The mix: half of them as short as acknowledgements, the rest as they come in bulk; 512 bytes on average. */
static size_t payload_len(const char *size, uint64_t number)
{
	static const size_t mix[] = {64, 1514, 66, 594, 64, 66, 1514, 214};
	size_t frame = strcmp(size, "mix") == 0 ? mix[number % (sizeof(mix) / sizeof(mix[0]))]
						: strtoul(size, NULL, 10);
	size_t len = frame > HEADERS + PAYLOAD_MIN ? frame - HEADERS : PAYLOAD_MIN;

	return len < PAYLOAD_MAX ? len : PAYLOAD_MAX;
}

/* -1: the address cannot be sent to. */
static int send_batch(struct sender *s, unsigned count)
{
	struct mmsghdr message[BATCH];
	struct iovec vec[BATCH];
	int n;

	memset(message, 0, sizeof(message));
	for (unsigned i = 0; i < count; i++) {
		uint64_t number = htobe64(s->sent + 1 + i);

		memcpy(s->payload[i], &number, sizeof(number));
		vec[i] = (struct iovec){s->payload[i], payload_len(s->size, s->sent + i)};
		message[i].msg_hdr = (struct msghdr){.msg_iov = &vec[i], .msg_iovlen = 1};
	}
	n = sendmmsg(s->fd, message, count, 0);
	if (n > 0)
		s->sent += (uint64_t)n;
	else if (errno != EINTR && errno != ENOBUFS && errno != EAGAIN && errno != ECONNREFUSED)
		return -1;
	return 0;
}

static int run(struct sender *s, double rate, double seconds)
{
	const double start = now_s();
	double now;

	while (!stopped && (now = now_s() - start) < seconds) {
		double due = rate > 0 ? rate * now - (double)s->sent : BATCH;

		if (due < 1) {
			usleep(500);
			continue;
		}
		if (send_batch(s, due < BATCH ? (unsigned)due : BATCH)) {
			perror("sender");
			return 1;
		}
	}
	printf("%llu\n", (unsigned long long)s->sent);
	return 0;
}

int main(int argc, char **argv)
{
	static struct sender s;
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct sigaction act = {.sa_handler = on_signal};
	int bytes = SEND_BUFFER;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: sender ADDRESS PORT BYTES|mix RATE SECONDS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	s.size = argv[3];
	s.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	if (s.fd < 0 || setsockopt(s.fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) ||
	    connect(s.fd, (struct sockaddr *)&to, sizeof(to))) {
		perror("sender");
		return 1;
	}
	return run(&s, strtod(argv[4], NULL), strtod(argv[5], NULL));
}
