/* Filters: what they let through is what tcpdump lets through; what is wrong is pointed at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "bpf/program.h"

static const char *captures(void)
{
	const char *dir = getenv("TAPDECK_CAPTURES");

	if (!dir)
		dir = "../shared/captures";
	return access(dir, R_OK) == 0 ? dir : NULL;
}

static struct bpf *compile(uint32_t link_type, const char *text, bool live, struct err *e)
{
	struct bpf *program = NULL;
	struct buf blob;

	buf_init(&blob, 1u << 20);
	if (bpf_compile_text(link_type, 262144, str_of(text), live, &blob, e) == 0)
		assert_int_equal(
			bpf_load(&program, (struct str){(const char *)blob.data, blob.len}, e), 0);
	buf_release(&blob);
	return program;
}

/* Packets that tcpdump writes of this file; -1 where it refuses. */
static long tcpdump_count(const char *file, const char *text)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const u_char *data;
	int fd[2], status;
	long count = -1;
	pcap_t *in;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		dup2(fd[1], 1);
		close(2);
		execlp("tcpdump", "tcpdump", "-r", file, "-w", "-", text, (char *)NULL);
		_exit(127);
	}
	close(fd[1]);
	in = pcap_fopen_offline(fdopen(fd[0], "r"), errbuf);
	if (in) {
		for (count = 0; pcap_next_ex(in, &h, &data) == 1;)
			count++;
		pcap_close(in);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? count : -1;
}

static long own_count(const char *file, const char *text)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *in = pcap_open_offline(file, errbuf);
	struct pcap_pkthdr *h;
	struct bpf *program;
	const u_char *data;
	struct err e = {0};
	long count = 0;

	assert_non_null(in);
	program = compile(bpf_link_type_of_dlt(pcap_datalink(in)), text, false, &e);
	while (program && pcap_next_ex(in, &h, &data) == 1)
		count += bpf_match(program, data, h->caplen, h->len);
	pcap_close(in);
	if (!program)
		return -1;
	bpf_free(program);
	return count;
}

static void same_as_tcpdump(void **state)
{
	static const char *const files[] = {
		"z-wikipedia.pcap",	 "pp-VlanPackets.pcap",	  "pp-sll.pcap",
		"z-linux_dlt_sll2.pcap", "pp-raw_ip.pcap",	  "z-http-qinq-0.pcap",
		"ark-mpls-basic.pcap",	 "pp-ip6_fragments.pcap", "ark-sctp-www.pcap",
		"z-icmp6.pcap",		 "ark-bigendian.pcap",	  "td-LINKTYPE_IPV6.pcap",
		"ark-pppoe.pcap",	 "z-dns-edns-ecs.pcap",
	};
	static const char *const texts[] = {
		"",
		"ip",
		"ip6",
		"tcp",
		"udp port 53",
		"tcp port 80 or tcp port 443",
		"vlan",
		"vlan and ip",
		"not vlan",
		"vlan 100 or (vlan and tcp)",
		"host 1.1.1.1 or net 10.0.0.0/8 or net 192.168.0.0/16",
		"arp or icmp",
		"greater 200",
		"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
		"ip[6:2] & 0x1fff != 0",
		"mpls",
		"sctp",
		"icmp6",
		"portrange 1-1024 and not port 22",
		"ether multicast",
		"ip6 proto 58",
		"inbound",
		"pppoes and ip",
		"len > 60",
	};
	const char *dir = captures();
	unsigned compared = 0;

	(void)state;
	if (!dir) {
		print_message("no captures (TAPDECK_CAPTURES): the comparison with tcpdump is left "
			      "out\n");
		return;
	}
	for (size_t f = 0; f < ARRAY_LEN(files); f++) {
		char *path = xasprintf("%s/%s", dir, files[f]);

		for (size_t t = 0; access(path, R_OK) == 0 && t < ARRAY_LEN(texts); t++) {
			long truth = tcpdump_count(path, texts[t]), own = own_count(path, texts[t]);

			if (truth != own)
				fail_msg("%s '%s': tcpdump %ld, own %ld", files[f], texts[t], truth,
					 own);
			compared++;
		}
		free(path);
	}
	print_message("%u filters compared with tcpdump\n", compared);
	assert_true(compared > 200);
}

static void wrong_place(void **state)
{
	static const struct {
		const char *text;
		int at;
		const char *says;
	} cases[] = {
		{"tcpp port 80", 0, "did you mean \"tcp\""},
		{"tcp prot 80", 4, "did you mean"},
		{"host 1.2.3.4 and and port 5", 17, "does not fit"},
		{"tcp port 80 )", 12, "does not fit"},
		{"(tcp port 80", 12, "ends too early"},
		{"tcp[13", 6, "ends too early"},
		{"host", 4, "ends too early"},
		{"tcp[13] & 2 != 0 xor ip", 17, "does not fit"},
		{"port 80 or udp prot 53", 15, "did you mean"},
		{"(ip and (tcp[0:2] = 80 or port)) and !", 30, "does not fit"},
		{"tcp port 99999", 9, "99999"},
		{"net 10.0.0.0/40", 4, "mask length"},
		{"host 1.2.3.400", 5, ""},
		{"port nosuchservice", 5, "nosuchservice"},
		{"ether host zz", 11, "zz"},
		{"ip # 3", 3, "does not fit"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {.at = -1};

		assert_null(compile(1, cases[i].text, true, &e));
		assert_int_equal(e.code, ERR_CALL);
		if (e.at != cases[i].at || !strstr(e.text, cases[i].says))
			fail_msg("'%s': at %d, expected %d: %s", cases[i].text, e.at, cases[i].at,
				 e.text);
	}
}

static void only_the_kernel_knows(void **state)
{
	struct err e = {.at = -1};
	struct bpf *p;

	(void)state;
	assert_null(compile(1, "tcp and inbound", false, &e));
	assert_int_equal(e.at, 8);
	assert_null(compile(1, "ifindex 3", false, &e));
	assert_int_equal(e.at, 0);
	p = compile(1, "tcp and inbound", true, &e);
	assert_non_null(p);
	bpf_free(p);
	/* cooked headers hold the direction themselves */
	p = compile(113, "inbound", false, &e);
	assert_non_null(p);
	bpf_free(p);
	p = compile(276, "ifindex 3", false, &e);
	assert_non_null(p);
	bpf_free(p);
}

static void vlan_asks_both(void **state)
{
	static const char *const texts[] = {"vlan",
					    "vlan 5",
					    "vlan (0x5) and tcp",
					    "host 1.2.3.4 and vlan 5 and vlan 6",
					    "not vlan and tcp port 80",
					    "(vlan 3 or vlan 4) and ip"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct bpf *live = compile(1, texts[i], true, &e),
			   *file = compile(1, texts[i], false, &e);
		const struct bpf_insn *insn;

		if (!live)
			fail_msg("'%s': %s", texts[i], e.text);
		insn = bpf_raw(live);
		assert_int_equal(insn[0].k, 0xfffff030u); /* SKF_AD_VLAN_TAG_PRESENT */
		/* 'host A and vlan 5' lets nothing of a file through: libpcap says so, live it
		 * means something */
		assert_true(!file || bpf_instructions(live) > bpf_instructions(file));
		bpf_free(live);
		bpf_free(file);
	}
}

static void add_insn(struct buf *b, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	buf_add_u16(b, code);
	buf_add_byte(b, jt);
	buf_add_byte(b, jf);
	buf_add_u32(b, k);
}

static void hostile_programs(void **state)
{
	static const struct {
		uint32_t count;
		struct bpf_insn insn[2];
		bool sound;
	} cases[] = {
		{1, {{BPF_RET | BPF_K, 0, 0, 1}}, true},
		{0, {{0}}, false},
		{4097, {{0}}, false},
		{2, {{BPF_JMP | BPF_JA, 0, 0, 0xffffffff}, {BPF_RET | BPF_K, 0, 0, 1}}, false},
		{2, {{BPF_JMP | BPF_JA, 0, 0, 1}, {BPF_RET | BPF_K, 0, 0, 1}}, false},
		{2, {{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1}, {BPF_RET | BPF_K, 0, 0, 1}}, false},
		{2,
		 {{BPF_LD | BPF_MEM, 0, 0, 3}, {BPF_RET | BPF_A, 0, 0, 0}},
		 false}, /* never written */
		{2, {{BPF_ST, 0, 0, 16}, {BPF_RET | BPF_K, 0, 0, 1}}, false},
		{2, {{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}, {BPF_RET | BPF_K, 0, 0, 1}}, false},
		{2, {{0xffff, 0, 0, 0}, {BPF_RET | BPF_K, 0, 0, 1}}, false},
		{2,
		 {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}, {BPF_LD | BPF_W | BPF_ABS, 0, 0, 0}},
		 false}, /* no end */
		{2,
		 {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0x7fffffff}, {BPF_RET | BPF_A, 0, 0, 0}},
		 true},
	};
	static const uint8_t packet[8] = {1, 2, 3, 4, 5, 6, 7, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint32_t in_blob = cases[i].count > 2 ? 2 : cases[i].count;
		struct bpf *program;
		struct err e = {0};
		struct buf b;
		int rc;

		buf_init(&b, 4096);
		buf_add_u32(&b, cases[i].count);
		for (uint32_t n = 0; n < in_blob; n++)
			add_insn(&b, cases[i].insn[n].code, cases[i].insn[n].jt,
				 cases[i].insn[n].jf, cases[i].insn[n].k);
		rc = bpf_load(&program, (struct str){(const char *)b.data, b.len}, &e);
		if ((rc == 0) != cases[i].sound)
			fail_msg("case %zu: %d %s", i, rc, e.text);
		if (rc == 0)
			bpf_match(program, packet, sizeof(packet), 1500);
		bpf_free(rc == 0 ? program : NULL);
		for (size_t cut = 0; cut < b.len; cut++)
			assert_int_equal(
				bpf_load(&program, (struct str){(const char *)b.data, cut}, &e),
				-1);
		buf_release(&b);
	}
}

static void bounds_of_text(void **state)
{
	struct err e = {0};
	struct buf blob;
	char *big = malloc(BPF_TEXT_MAX + 2);

	(void)state;
	buf_init(&blob, 1u << 20);
	memset(big, ' ', BPF_TEXT_MAX + 1);
	assert_int_equal(
		bpf_compile_text(1, 0, (struct str){big, BPF_TEXT_MAX + 1}, false, &blob, &e), -1);
	assert_int_equal(bpf_compile_text(1, 0, (struct str){"tcp\0udp", 7}, false, &blob, &e), -1);
	assert_int_equal(e.at, 3);
	assert_int_equal(bpf_compile_text(1, 0, (struct str){NULL, 0}, false, &blob, &e), 0);
	assert_int_equal(bpf_compile_text(987654, 0, str_of("tcp"), false, &blob, &e), -1);
	free(big);
	buf_release(&blob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_tcpdump),	 cmocka_unit_test(wrong_place),
		cmocka_unit_test(only_the_kernel_knows), cmocka_unit_test(vlan_asks_both),
		cmocka_unit_test(hostile_programs),	 cmocka_unit_test(bounds_of_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
