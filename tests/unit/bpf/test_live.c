/* A session's filter in the kernel means what `tcpdump -i` means by it: the program that is made
 * without a device, beside the one that libpcap makes for an open handle, on the same packets,
 * tagged and not, in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "bpf/program.h"

#define ROUNDS 8 /* of traffic; every kind of packet once a round */

static bool namespace_ready(void)
{
	if (unshare(CLONE_NEWNET)) {
		print_message("no right to make a network namespace: left out\n");
		return false;
	}
	assert_int_equal(system("ip link set lo up && ip link add d0 type veth peer name d1 && ip "
				"link set d0 up && "
				"ip link set d1 up && sysctl -qw net.ipv6.conf.d0.disable_ipv6=1 "
				"net.ipv6.conf.d1.disable_ipv6=1"),
			 0);
	return true;
}

static pcap_t *handle_open(const char *device)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *p = pcap_create(device, errbuf);

	assert_non_null(p);
	pcap_set_snaplen(p, 2048);
	pcap_set_timeout(p, 20);
	pcap_set_buffer_size(p, 8 << 20);
	assert_true(pcap_activate(p) >= 0);
	assert_int_equal(pcap_setnonblock(p, 1, errbuf), 0);
	if (pcap_datalink(p) == DLT_LINUX_SLL) /* as tcpdump and the tap do */
		assert_int_equal(pcap_set_datalink(p, DLT_LINUX_SLL2), 0);
	return p;
}

/* On Ethernet to the kernel directly: pcap_setfilter would run it again on the first blocks,
 * without metadata. */
static void filter_set(pcap_t *p, struct bpf_program *program)
{
	struct sock_fprog kernel = {.len = (unsigned short)program->bf_len,
				    .filter = (struct sock_filter *)(void *)program->bf_insns};

	if (pcap_datalink(p) == DLT_EN10MB)
		assert_int_equal(setsockopt(pcap_fileno(p), SOL_SOCKET, SO_ATTACH_FILTER, &kernel,
					    sizeof(kernel)),
				 0);
	else
		assert_int_equal(pcap_setfilter(p, program), 0);
}

static void filter_theirs(pcap_t *p, const char *text)
{
	struct bpf_program program;

	if (pcap_compile(p, &program, text, 1, PCAP_NETMASK_UNKNOWN))
		fail_msg("libpcap: %s: %s", text, pcap_geterr(p));
	filter_set(p, &program);
	pcap_freecode(&program);
}

static void filter_ours(pcap_t *p, const char *text)
{
	struct bpf_program program;
	struct bpf *ours;
	struct buf blob;
	struct err e;

	buf_init(&blob, 1u << 20);
	if (bpf_compile_text(bpf_link_type_of_dlt(pcap_datalink(p)), 2048, str_of(text), true,
			     &blob, &e) ||
	    bpf_load(&ours, (struct str){(const char *)blob.data, blob.len}, &e))
		fail_msg("ours: %s: %s", text, e.text);
	program.bf_len = bpf_instructions(ours);
	program.bf_insns = xreallocarray(NULL, program.bf_len, sizeof(*program.bf_insns));
	memcpy(program.bf_insns, bpf_raw(ours), program.bf_len * sizeof(*program.bf_insns));
	filter_set(p, &program);
	free(program.bf_insns);
	bpf_free(ours);
	buf_release(&blob);
}

/* An Ethernet frame with these tags (0: none) around IPv4 and UDP or TCP. */
static void frame_send(int s, const char *device, uint16_t outer, uint16_t inner, uint8_t protocol,
		       uint8_t port)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(device),
				 .sll_halen = 6};
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	uint8_t f[128] = {0}, *p = f + 12;

	memcpy(f, macs, sizeof(macs));
	for (int i = 0; i < 2; i++) {
		uint16_t tag = i ? inner : outer;

		if (tag == 0)
			continue;
		memcpy(p, "\x81\0", 2);
		p[2] = (uint8_t)(tag >> 8);
		p[3] = (uint8_t)tag;
		p += 4;
	}
	memcpy(p, "\x08\0\x45\0\0\x40\0\0\0\0\x40", 11);
	p[11] = protocol;
	memcpy(p + 14, "\x0a\0\0\1\x0a\0\0\2", 8);
	p[25] = port;
	p[23] = 99;
	assert_true(sendto(s, f, (size_t)(p - f) + 66, 0, (struct sockaddr *)&to, sizeof(to)) > 0);
}

static void traffic(void)
{
	static const uint16_t tags[][2] = {{0, 0}, {5, 0}, {6, 0}, {5, 6}, {6, 5}, {300, 0}};
	int s = socket(AF_PACKET, SOCK_RAW, 0);

	assert_true(s >= 0);
	for (int round = 0; round < ROUNDS; round++) {
		for (size_t t = 0; t < ARRAY_LEN(tags); t++) {
			for (int way = 0; way < 2; way++) {
				const char *device = way ? "d0" : "d1";

				frame_send(s, device, tags[t][0], tags[t][1], 17, 80);
				frame_send(s, device, tags[t][0], tags[t][1], 6, 80);
				frame_send(s, device, tags[t][0], tags[t][1], 6, 90);
			}
		}
	}
	close(s);
}

static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	(void)h;
	(void)data;
	++*(unsigned *)(void *)user;
}

/* Every packet has been handed over when nothing came for three retire times. */
static unsigned count(pcap_t *p)
{
	int64_t quiet = clock_mono_ns();
	unsigned n = 0, before = 0;

	while (clock_mono_ns() - quiet < 60 * NS_PER_MS) {
		pcap_dispatch(p, -1, on_packet, (u_char *)&n);
		if (n != before)
			quiet = clock_mono_ns();
		before = n;
		usleep(2000);
	}
	return n;
}

static void compare(const char *device, const char *const *texts, size_t count_texts)
{
	pcap_t *theirs[32], *ours[32];
	unsigned some = 0;

	assert_true(count_texts <= ARRAY_LEN(theirs));
	for (size_t i = 0; i < count_texts; i++) {
		theirs[i] = handle_open(device);
		ours[i] = handle_open(device);
		filter_theirs(theirs[i], texts[i]);
		filter_ours(ours[i], texts[i]);
	}
	traffic();
	for (size_t i = 0; i < count_texts; i++) {
		unsigned a = count(theirs[i]), b = count(ours[i]);
		struct pcap_stat st = {0};

		pcap_stats(ours[i], &st);
		assert_int_equal(st.ps_drop, 0);
		if (a != b)
			fail_msg("%s '%s': libpcap %u, ours %u", device, texts[i], a, b);
		some += a > 0;
		pcap_close(theirs[i]);
		pcap_close(ours[i]);
	}
	assert_true(some * 4 > count_texts * 3);
}

static void means_what_tcpdump_means(void **state)
{
	static const char *const ethernet[] = {
		"",
		"vlan",
		"not vlan",
		"vlan 5",
		"vlan 6 and udp",
		"vlan (5) and tcp port 80",
		"vlan 5 and vlan 6",
		"vlan and vlan 5 and tcp",
		"host 10.0.0.1 and vlan 5",
		"tcp port 80 or (vlan and tcp port 80)",
		"not vlan 5 and tcp",
		"vlan 0x5 or vlan 6",
		"ip and tcp",
		"udp",
		"inbound",
		"outbound and vlan 5",
		"inbound and tcp port 90",
		"len < 100 and tcp",
		"(vlan 5 or vlan 6) and tcp port 90",
		"ether proto 0x8100",
		"vlan 5 and ether host 02:00:00:00:00:01",
		"not (vlan 5 and tcp)",
		"vlan 300",
		"vlan 300 and udp",
	};
	static const char *const cooked[] = {"",
					     "tcp",
					     "udp port 80",
					     "inbound",
					     "outbound and tcp",
					     "ifindex 3",
					     "ifindex 2 and udp"};

	(void)state;
	if (!namespace_ready())
		skip();
	compare("d0", ethernet, ARRAY_LEN(ethernet));
	compare("any", cooked, ARRAY_LEN(cooked));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(means_what_tcpdump_means)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
