/* A tap driven as control drives it: a child over a socket pair, on veth pairs in a network
 * namespace of the test's own, with numbered UDP packets as traffic. Included by test programs, of
 * which each uses a part. */
#ifndef TEST_TAP_RIG_H
#define TEST_TAP_RIG_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <poll.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-function"

#include "base/clock.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "bpf/program.h"
#include "capfile/blocks.h"
#include "capfile/chunk.h"
#include "tap/tap.h"
#include "wire/frame.h"
#include "wire/msg.h"

#define RIG_NUMBERS 400000u
#define RIG_PATIENCE_NS (20 * NS_PER_S)
#define RIG_PACKET_BYTES 100u
#define RIG_COUNTERS 1024u
/* The kernel needs some 230 a packet: more than 100,000, which no test sends before it waits for
 * the tap. What a busy machine keeps it from is late and never lost. */
#define RIG_RING_BYTES (32u << 20)
#define RIG_NUMBER_AT 42u /* Ethernet 14, IPv4 20, UDP 8 */

struct rig {
	pid_t pid;
	int sock, chunks_fd, release_fd, wake_fd, journal_fd;
	struct chunks chunks;
	struct buf in;
	char dir[64];
	uint32_t next_id, done_id, devices, needs, seals, events;
	struct msg_tap_stats stats;
	struct msg_tap_sealed sealed;
	struct msg_tap_device device;
	struct msg_tap_saved saved;
	uint32_t saves, matches, save_number; /* save_number: that the next save is to have */
	const char *save_folder;
	uint32_t wanted[64], nwanted; /* files that are to come, where give_files is not set */
	uint32_t top;		      /* the largest number that was asked for */
	bool is_saved[1024];	      /* by number */
	char matched[16];
	char event[4096], error[1024]; /* all sentences; the last refusal */
	uint64_t counted;	       /* by "one" */
	uint64_t counts[RIG_COUNTERS]; /* by "c0", "c1" ... */
	bool give_files, ended;
};

static void rig_run(const char *command)
{
	if (system(command) != 0)
		fail_msg("'%s' failed", command);
}

/* Not allowed here: false, and the test says so in one line. */
static bool rig_namespace(void)
{
	static int state;

	if (state == 0)
		state = unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 ? 1 : -1;
	if (state < 0)
		print_message("no right to make a network namespace: left out\n");
	if (state == 1) {
		rig_run("mount --make-rprivate / && ip link set lo up");
		state = 2;
	}
	return state > 0;
}

static void rig_veth(const char *a, const char *b)
{
	char *command = xasprintf(
		"ip link add %s type veth peer name %s && ip link set %s up && ip link set %s up "
		"&& "
		"sysctl -qw net.ipv6.conf.%s.disable_ipv6=1 net.ipv6.conf.%s.disable_ipv6=1",
		a, b, a, b, a, b);

	rig_run(command);
	free(command);
}

static void rig_send(struct rig *r, uint16_t type, uint32_t id, const struct buf *payload,
		     const int *fd, size_t nfd)
{
	struct buf frame;

	buf_init(&frame, MSG_PAYLOAD_MAX + FRAME_HEADER_BYTES);
	assert_int_equal(
		frame_put_fds(&frame, type, (uint16_t)nfd, 0, id, payload->data, payload->len), 0);
	assert_int_equal(fdio_send(r->sock, frame.data, frame.len, fd, nfd), (ssize_t)frame.len);
	buf_release(&frame);
}

static void rig_file_send(struct rig *r, uint16_t type, uint32_t number, const char *folder)
{
	char *name = xasprintf("%u", number),
	     *path = xasprintf("%s/%s", folder ? folder : r->dir, name);
	struct msg_tap_segment m = {.number = number, .name = str_of(name)};
	struct buf b;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	buf_init(&b, 4096);
	msg_put_tap_segment(&b, &m);
	rig_send(r, type, 0, &b, &fd, 1);
	close(fd);
	buf_release(&b);
	free(path);
	free(name);
}

static void rig_counts(struct rig *r, const struct frame *f)
{
	struct msg_tap_counts m;
	struct msg_tap_count count;
	struct err e;

	assert_int_equal(msg_get_tap_counts(f->payload, f->len, &m, &e), 0);
	while (m.counts.len > 0) {
		const uint8_t *p = (const uint8_t *)m.counts.p;
		const size_t len = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

		assert_true(m.counts.len >= 4 + len);
		assert_int_equal(msg_get_tap_count(p + 4, len, &count, &e), 0);
		if (count.name.p[0] == 'c')
			r->counts[strtoul(count.name.p + 1, NULL, 10) % RIG_COUNTERS] =
				count.packets;
		else
			r->counted = count.packets;
		m.counts.p += 4 + len;
		m.counts.len -= 4 + len;
	}
}

static void rig_segment(struct rig *r, uint32_t number, const char *folder)
{
	rig_file_send(r, MSG_TAP_SEGMENT, number, folder);
}

static void rig_save_in(struct rig *r, uint32_t number, const char *folder)
{
	struct msg_tap_save m = {0};
	struct buf b;

	r->save_number = number;
	r->save_folder = folder;
	buf_init(&b, 64);
	msg_put_tap_save(&b, &m);
	rig_send(r, MSG_TAP_SAVE, 0, &b, NULL, 0);
	buf_release(&b);
}

static void rig_save(struct rig *r, uint32_t number)
{
	rig_save_in(r, number, NULL);
}

static void rig_message(struct rig *r, const struct frame *f)
{
	struct msg_tap_need need;
	struct msg_tap_matched matched;
	struct msg_event event;
	struct msg_error error;
	struct err e;

	switch (f->type) {
	case MSG_TAP_DEVICE:
		assert_int_equal(msg_get_tap_device(f->payload, f->len, &r->device, &e), 0);
		r->devices++;
		snprintf(r->error, sizeof(r->error), "%.*s", (int)r->device.why.len,
			 r->device.why.p);
		break;
	case MSG_TAP_NEED:
		assert_int_equal(msg_get_tap_need(f->payload, f->len, &need, &e), 0);
		r->top = need.number > r->top ? need.number : r->top;
		if (need.saved) {
			assert_true(r->save_number == 0 || need.number == r->save_number);
			r->is_saved[need.number % 1024] = true;
			rig_segment(r, need.number, r->save_folder);
			break;
		}
		r->needs++;
		if (r->give_files)
			rig_segment(r, need.number, NULL);
		else
			r->wanted[r->nwanted++ % ARRAY_LEN(r->wanted)] = need.number;
		break;
	case MSG_TAP_SEALED:
		assert_int_equal(msg_get_tap_sealed(f->payload, f->len, &r->sealed, &e), 0);
		r->seals++;
		break;
	case MSG_TAP_SAVED:
		assert_int_equal(msg_get_tap_saved(f->payload, f->len, &r->saved, &e), 0);
		r->saves++;
		break;
	case MSG_TAP_MATCHED:
		assert_int_equal(msg_get_tap_matched(f->payload, f->len, &matched, &e), 0);
		snprintf(r->matched, sizeof(r->matched), "%.*s", (int)matched.op.len, matched.op.p);
		r->matches++;
		break;
	case MSG_TAP_STATS:
		assert_int_equal(msg_get_tap_stats(f->payload, f->len, &r->stats, &e), 0);
		r->ended = r->ended || r->stats.ended;
		break;
	case MSG_TAP_COUNTS:
		rig_counts(r, f);
		break;
	case MSG_EVENT:
		assert_int_equal(msg_get_event(f->payload, f->len, &event, &e), 0);
		r->events++;
		snprintf(r->event + strlen(r->event), sizeof(r->event) - strlen(r->event), "%.*s\n",
			 (int)event.sentence.len, event.sentence.p);
		break;
	case MSG_ERROR:
		assert_int_equal(msg_get_error(f->payload, f->len, &error, &e), 0);
		snprintf(r->error, sizeof(r->error), "%.*s", (int)error.sentence.len,
			 error.sentence.p);
		r->done_id = f->id;
		break;
	case MSG_TAP_STOP: /* it has what it should have */
		break;
	case MSG_DONE:
		r->done_id = f->id;
		break;
	default:
		fail_msg("an unexpected %s", msg_name(f->type));
	}
}

/* Waits up to 50 ms for messages; false when the tap has closed. */
static bool rig_poll(struct rig *r)
{
	struct pollfd p = {.fd = r->sock, .events = POLLIN};
	int fd[FDIO_PASS_MAX];
	size_t nfd = FDIO_PASS_MAX, used;
	struct frame f;
	struct err e;
	ssize_t n;

	if (poll(&p, 1, 50) <= 0)
		return true;
	n = fdio_recv(r->sock, buf_reserve(&r->in, 65536), 65536, fd, &nfd);
	if (n <= 0)
		return false;
	r->in.len += (size_t)n;
	while (frame_get(r->in.data, r->in.len, &f, &used, &e) == 1) {
		rig_message(r, &f);
		buf_consume(&r->in, used);
	}
	return true;
}

typedef bool rig_condition(struct rig *r, uint64_t value);

static bool rig_packets(struct rig *r, uint64_t v)
{
	return r->stats.packets >= v;
}

static bool rig_done(struct rig *r, uint64_t v)
{
	return r->done_id == v;
}

static bool rig_sealed(struct rig *r, uint64_t v)
{
	return r->seals >= v;
}

static bool rig_told(struct rig *r, uint64_t v)
{
	return strstr(r->event, (const char *)(uintptr_t)v) != NULL;
}

static void rig_wait(struct rig *r, rig_condition *done, uint64_t value, const char *what)
{
	int64_t until = clock_mono_ns() + RIG_PATIENCE_NS;

	while (!done(r, value)) {
		if (clock_mono_ns() > until)
			fail_msg("waited in vain for %s; packets %llu, events:\n%s%s", what,
				 (unsigned long long)r->stats.packets, r->event, r->error);
		if (!rig_poll(r) && !done(r, value))
			fail_msg("the tap ended before %s: %s%s", what, r->event, r->error);
	}
}

static void rig_ask(struct rig *r, uint16_t type, const struct buf *payload)
{
	uint32_t id = ++r->next_id;

	r->error[0] = 0;
	rig_send(r, type, id, payload, NULL, 0);
	rig_wait(r, rig_done, id, msg_name(type));
}

static pid_t rig_child(int sock)
{
	char name[] = "tapdeck-tap", *argv[] = {name, NULL};
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	dup2(sock, 3);
	closefrom(4);
	_exit(tap_main(1, argv));
}

static void rig_begin_as(struct rig *r, const char *const *devices, size_t count,
			 struct msg_tap_start m, uint32_t chunks, const char *folder)
{
	int pair[2], fd[4];
	struct err e;
	struct buf b;
	char *path;

	*r = (struct rig){.give_files = folder == NULL};
	snprintf(r->dir, sizeof(r->dir), "/tmp/tapdeck-tap-XXXXXX");
	assert_non_null(mkdtemp(r->dir));
	buf_init(&r->in, 8u << 20);
	assert_int_equal(fdio_socketpair(pair, &e), 0);
	r->pid = rig_child(pair[1]);
	close(pair[1]);
	r->sock = pair[0];
	assert_int_equal(chunks_create(chunks, &r->chunks_fd, &r->release_fd, &e), 0);
	assert_int_equal(chunks_map(&r->chunks, r->chunks_fd, r->release_fd, CHUNKS_CONTROL, &e),
			 0);
	r->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	path = xasprintf("%s/journal", r->dir);
	r->journal_fd = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
	free(path);
	fd[0] = r->chunks_fd;
	fd[1] = r->release_fd;
	fd[2] = r->wake_fd;
	fd[3] = r->journal_fd;
	msg_strs(&m.devices, devices, count);
	buf_init(&b, 65536);
	msg_put_tap_start(&b, &m);
	r->next_id = 1;
	rig_send(r, MSG_TAP_START, 1, &b, fd, 4);
	buf_release(&b);
	rig_wait(r, rig_done, 1, "the start");
	if (folder && *folder) /* "": its file is still to come */
		rig_segment(r, 1, folder);
}

static void rig_begin(struct rig *r, const char *const *devices, size_t count, bool record,
		      const char *format, uint32_t chunks, const char *folder)
{
	const struct msg_tap_start m = {.session = str_of("test"),
					.buffer_bytes = RIG_RING_BYTES,
					.chunks = chunks,
					.record = record,
					.wait_ms = 250,
					.file_format = str_of(format)};

	rig_begin_as(r, devices, count, m, chunks, folder);
}

static void rig_start(struct rig *r, const char *device, bool record)
{
	rig_begin(r, &device, 1, record, "pcapng", 16, NULL);
	if (r->error[0])
		fail_msg("%s", r->error);
}

static struct buf rig_compile(const char *text, bool live)
{
	struct buf blob;
	struct err e;

	buf_init(&blob, 1u << 20);
	if (bpf_compile_text(1, 262144, str_of(text), live, &blob, &e))
		fail_msg("%s: %s", text, e.text);
	return blob;
}

static void rig_filter(struct rig *r, uint32_t device, const char *text)
{
	struct buf blob = rig_compile(text, true), b;
	struct msg_tap_filter m = {.index = device,
				   .program = {(const char *)blob.data, blob.len},
				   .text = str_of(text)};

	buf_init(&b, 1u << 20);
	msg_put_tap_filter(&b, &m);
	rig_ask(r, MSG_TAP_FILTER, &b);
	if (r->error[0])
		fail_msg("%s", r->error);
	buf_release(&b);
	buf_release(&blob);
}

static void rig_counter(struct rig *r, const char *op, const char *text, bool own)
{
	struct buf blob = rig_compile(text, false), b;
	struct msg_tap_counter m = {.op = str_of(op),
				    .name = str_of("one"),
				    .program = {(const char *)blob.data, blob.len},
				    .text = str_of(text),
				    .link_type = 1};
	struct msg_tap_own o = {.op = m.op, .name = m.name, .program = m.program, .text = m.text};

	buf_init(&b, 1u << 20);
	if (own)
		msg_put_tap_own(&b, &o);
	else
		msg_put_tap_counter(&b, &m);
	rig_ask(r, own ? MSG_TAP_OWN : MSG_TAP_COUNTER, &b);
	assert_string_equal(r->error, "");
	buf_release(&b);
	buf_release(&blob);
}

/* "c0" ... in one message: the number's last bits are theirs, or are not where they are removed. */
static void rig_counters(struct rig *r, const char *op, uint32_t first, uint32_t count)
{
	struct buf list, b;
	struct msg_tap_counters m;

	buf_init(&list, MSG_PAYLOAD_MAX);
	buf_init(&b, MSG_PAYLOAD_MAX);
	for (uint32_t i = first; i < first + count; i++) {
		char *name = xasprintf("c%u", i),
		     *text = xasprintf("udp and udp[8:4] & %u = %u", RIG_COUNTERS - 1, i);
		struct buf blob = rig_compile(text, false);
		const struct msg_tap_counter one = {.op = str_of(op),
						    .name = str_of(name),
						    .program = {(const char *)blob.data, blob.len},
						    .text = str_of(text),
						    .link_type = 1};

		buf_clear(&b);
		msg_put_tap_counter(&b, &one);
		buf_add_u32(&list, (uint32_t)b.len);
		buf_add(&list, b.data, b.len);
		buf_release(&blob);
		free(name);
		free(text);
	}
	m.changes = (struct str){(const char *)list.data, list.len};
	buf_clear(&b);
	msg_put_tap_counters(&b, &m);
	rig_ask(r, MSG_TAP_COUNTERS, &b);
	buf_release(&b);
	buf_release(&list);
}

static void rig_when(struct rig *r, const char *op, const char *text)
{
	struct buf blob = rig_compile(text, false), b;
	struct msg_tap_when m = {.op = str_of(op),
				 .program = {(const char *)blob.data, blob.len},
				 .text = str_of(text)};

	buf_init(&b, 1u << 20);
	msg_put_tap_when(&b, &m);
	rig_ask(r, MSG_TAP_WHEN, &b);
	buf_release(&b);
	buf_release(&blob);
}

static void rig_plain(struct rig *r, uint16_t type)
{
	struct msg_tap_rotate m = {0};
	struct buf b;

	buf_init(&b, 4096);
	msg_put_tap_rotate(&b, &m);
	rig_ask(r, type, &b);
	buf_release(&b);
}

static void rig_stop(struct rig *r)
{
	struct msg_tap_stop m = {.reason = str_of("stop")};
	struct buf b;
	int status;

	buf_init(&b, 4096);
	msg_put_tap_stop(&b, &m);
	rig_send(r, MSG_TAP_STOP, 0, &b, NULL, 0);
	buf_release(&b);
	while (rig_poll(r))
		;
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("the tap's status is %x: %s%s", status, r->event, r->error);
	assert_true(r->ended);
	assert_int_equal(atomic_load(&r->chunks.head->ended), 1);
}

static void rig_release(struct rig *r)
{
	char *command = xasprintf("rm -rf '%s'", r->dir);

	rig_run(command);
	free(command);
	chunks_unmap(&r->chunks);
	close(r->sock);
	close(r->chunks_fd);
	close(r->release_fd);
	close(r->wake_fd);
	close(r->journal_fd);
	buf_release(&r->in);
}

/* --- traffic --- */

#define RIG_BURST 100u /* packets at once where no gap is asked for */

static void rig_traffic(const char *device, uint16_t port, uint32_t first, uint32_t count,
			unsigned gap_us)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(device),
				 .sll_halen = 6};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), refused = 0;
	uint8_t p[RIG_PACKET_BYTES] = {2, 0, 0, 0, 0, 2,    2, 0, 0,
				       0, 0, 1, 8, 0, 0x45, 0, 0, RIG_PACKET_BYTES - 14};

	p[22] = 64;
	p[23] = 17;
	memcpy(p + 26, "\x0a\0\0\1\x0a\0\0\2", 8);
	p[36] = (uint8_t)(port >> 8);
	p[37] = (uint8_t)port;
	p[39] = RIG_PACKET_BYTES - 34;
	for (uint32_t i = first; i < first + count && refused < 10000; i++) {
		uint32_t n = htonl(i);

		memcpy(p + RIG_NUMBER_AT, &n, 4);
		while (sendto(s, p, sizeof(p), 0, (struct sockaddr *)&to, sizeof(to)) < 0 &&
		       ++refused < 10000)
			usleep(1000);
		if (gap_us)
			usleep(gap_us);
		else if (i % RIG_BURST == 0) /* the tap reads while they come, where it can */
			usleep(1000);
	}
	close(s);
}

static pid_t rig_traffic_start(const char *device, uint16_t port, uint32_t first, uint32_t count,
			       unsigned gap_us)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	rig_traffic(device, port, first, count, gap_us);
	_exit(0);
}

static void rig_join(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void rig_saw(const uint8_t *data, uint32_t captured, uint8_t *seen)
{
	uint32_t n;

	assert_true(captured >= RIG_NUMBER_AT + 4);
	memcpy(&n, data + RIG_NUMBER_AT, 4);
	assert_true(ntohl(n) < RIG_NUMBERS);
	seen[ntohl(n)]++;
}

/* As libpcap, which others made, reads it. `ordered`: no time goes back, unless the tap says that it
 * could not be. */
static uint32_t rig_file(struct rig *r, uint32_t number, uint8_t *seen, bool ordered)
{
	char *path = xasprintf("%s/%u", r->dir, number), errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *p =
		pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, errbuf);
	struct pcap_pkthdr *h;
	int64_t last_ns = 0;
	uint32_t count = 0;
	const u_char *data;
	int rc;

	if (!p)
		fail_msg("%s: %s", path, errbuf);
	while ((rc = pcap_next_ex(p, &h, &data)) == 1) {
		int64_t ts_ns = h->ts.tv_sec * NS_PER_S + h->ts.tv_usec;

		if (ordered)
			assert_true(ts_ns >= last_ns || r->stats.late_packets > 0);
		last_ns = ts_ns;
		rig_saw(data, h->caplen, seen);
		count++;
	}
	if (rc != PCAP_ERROR_BREAK)
		fail_msg("%s after %u packets: %s", path, count, pcap_geterr(p));
	pcap_close(p);
	free(path);
	return count;
}

/* Of every chunk that is still there. */
static uint32_t rig_chunks(struct rig *r, uint8_t *seen)
{
	uint64_t next = atomic_load(&r->chunks.head->next);
	struct blocks *b = blocks_new();
	uint32_t count = 0;

	for (uint64_t s = 0; s < next; s++) {
		const uint8_t *data;
		uint32_t length, at = 0, packets = 0;
		const struct chunk_entry *en = chunks_get(&r->chunks, s, &data, &length);

		assert_non_null(en);
		while (at < length) {
			struct packet pk;
			size_t used;
			struct err e;
			enum blocks_result got =
				blocks_next(b, data + at, length - at, at, &pk, &used, &e);

			if (got != BLOCKS_PACKET && got != BLOCKS_OTHER)
				fail_msg("chunk %u at %u: %s", (unsigned)s, at, e.text);
			if (got == BLOCKS_PACKET) {
				rig_saw(pk.data, pk.captured, seen);
				packets++;
			}
			at += (uint32_t)used;
		}
		assert_int_equal(packets, atomic_load(&en->packets));
		count += packets;
	}
	blocks_free(b);
	return count;
}

static void rig_all_once(const uint8_t *seen, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (seen[i] != 1)
			fail_msg("packet %u was seen %u times", i, seen[i]);
	}
}

#endif
