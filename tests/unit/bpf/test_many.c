/* Many programs at once find what each finds alone: over real and made packets, whole and cut
 * short, real and made programs, while programs come, change and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "bpf/many.h"

#define PACKETS_MAX 20000u
#define ETHERNET 1u

struct made_packet {
	uint8_t *data;
	uint32_t captured, length;
};

struct packets {
	struct made_packet at[PACKETS_MAX];
	uint32_t count;
};

/* The same numbers each time: a failure can be looked at. */
static uint64_t random_state;

static uint32_t random_u32(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 32);
}

static uint32_t random_below(uint32_t n)
{
	return random_u32() % n;
}

/* NULL: such a link type has no such packets. */
static struct bpf *compile_for(uint32_t link_type, const char *text)
{
	struct bpf *program = NULL;
	struct buf blob;
	struct err e;

	buf_init(&blob, 1u << 20);
	if (bpf_compile_text(link_type, 262144, str_of(text), false, &blob, &e)) {
		if (link_type == ETHERNET)
			fail_msg("%s: %s", text, e.text);
		buf_release(&blob);
		return NULL;
	}
	assert_int_equal(bpf_load(&program, (struct str){(const char *)blob.data, blob.len}, &e),
			 0);
	buf_release(&blob);
	return program;
}

/* --- packets --- */

static void packet_add(struct packets *all, const uint8_t *data, uint32_t captured, uint32_t length)
{
	struct made_packet *p = &all->at[all->count];

	if (all->count == PACKETS_MAX)
		return;
	*p = (struct made_packet){xmalloc(captured + 1u), captured, length};
	memcpy(p->data, data, captured);
	all->count++;
}

static void packets_free(struct packets *all)
{
	for (uint32_t i = 0; i < all->count; i++)
		free(all->at[i].data);
	free(all);
}

/* Of few hosts and ports, so that filters meet them; sometimes with options, fragments, tags. */
static void packet_make(struct packets *all)
{
	uint8_t b[200] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	uint32_t at = 12, length;

	for (uint32_t i = 14; i < sizeof(b); i++)
		b[i] = (uint8_t)random_u32();
	if (random_below(8) == 0) {
		b[at++] = 0x81, b[at++] = 0;
		b[at++] = 0, b[at++] = (uint8_t)(1 + random_below(4));
	}
	if (random_below(5) == 0) {
		b[at++] = 0x86, b[at++] = 0xdd;
		b[at] = 0x60;
		b[at + 6] = random_below(2) ? 6 : 17;
		memset(b + at + 8, 0, 32);
		b[at + 8] = b[at + 24] = 0xfd;
		b[at + 23] = (uint8_t)random_below(8), b[at + 39] = (uint8_t)random_below(8);
		at += 40;
	} else {
		static const uint8_t protocol[] = {6, 6, 6, 17, 17, 1, 132, 47};
		uint32_t words = random_below(6) ? 5 : 6 + random_below(3);

		b[at++] = 8, b[at++] = 0;
		b[at] = (uint8_t)(0x40 | words);
		b[at + 6] = random_below(10) ? 0x40 : 0, b[at + 7] = random_below(10) ? 0 : 3;
		b[at + 9] = protocol[random_below(8)];
		for (uint32_t end = 0; end < 2; end++) {
			b[at + 12 + 4 * end] = 10, b[at + 13 + 4 * end] = (uint8_t)random_below(2);
			b[at + 14 + 4 * end] = 0;
			b[at + 15 + 4 * end] = (uint8_t)random_below(40);
		}
		at += 4 * words;
	}
	b[at] = 0, b[at + 1] = (uint8_t)random_below(100);
	b[at + 2] = 0, b[at + 3] = (uint8_t)random_below(100);
	length = random_below(4) ? 60 + random_below(140) : random_below(61);
	packet_add(all, b, length, length + (random_below(3) ? 0 : random_below(1400)));
}

static struct packets *packets_made(uint32_t count)
{
	struct packets *all = xcalloc(1, sizeof(*all));

	while (all->count < count)
		packet_make(all);
	return all;
}

static struct packets *packets_of(const char *path, uint32_t *link_type)
{
	struct packets *all = xcalloc(1, sizeof(*all));
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *in = pcap_open_offline(path, why);
	struct pcap_pkthdr *h;
	const u_char *data;

	*link_type = in ? bpf_link_type_of_dlt(pcap_datalink(in)) : ETHERNET;
	while (in && pcap_next_ex(in, &h, &data) == 1)
		packet_add(all, data, h->caplen, h->len);
	if (in)
		pcap_close(in);
	return all;
}

/* --- the comparison --- */

struct pair {
	struct bpf *program;
	struct bpf_tally alone, together;
};

struct check {
	struct bpf_many *many;
	struct pair *pair;
	uint32_t count;
	int64_t ts_ns;
};

static void check_init(struct check *c, uint32_t count)
{
	*c = (struct check){
		.many = bpf_many_new(), .pair = xcalloc(count, sizeof(*c->pair)), .count = count};
}

static void check_set(struct check *c, uint32_t id, struct bpf *program)
{
	struct pair *k = &c->pair[id];
	struct bpf *before = k->program;

	k->program = program;
	assert_int_equal(bpf_many_set(c->many, id, program, &k->together), 0);
	bpf_free(before);
}

static void check_packets(struct check *c, const struct packets *all, uint32_t first,
			  uint32_t count)
{
	for (uint32_t i = 0; i < count && all->count > 0; i++) {
		const struct made_packet *p = &all->at[(first + i) % all->count];

		c->ts_ns += 1000;
		bpf_many_count(c->many, p->data, p->captured, p->length, c->ts_ns);
		for (uint32_t k = 0; k < c->count; k++) {
			struct pair *pair = &c->pair[k];

			if (!pair->program ||
			    !bpf_match(pair->program, p->data, p->captured, p->length))
				continue;
			pair->alone.packets++;
			pair->alone.bytes += p->length;
			pair->alone.last_ns = c->ts_ns;
		}
	}
}

static void check_same(const struct check *c, const char *what)
{
	for (uint32_t k = 0; k < c->count; k++)
		if (memcmp(&c->pair[k].alone, &c->pair[k].together, sizeof(struct bpf_tally)) != 0)
			fail_msg("%s, program %u: %llu packets %llu bytes at %lld alone, %llu %llu "
				 "%lld together",
				 what, k, (unsigned long long)c->pair[k].alone.packets,
				 (unsigned long long)c->pair[k].alone.bytes,
				 (long long)c->pair[k].alone.last_ns,
				 (unsigned long long)c->pair[k].together.packets,
				 (unsigned long long)c->pair[k].together.bytes,
				 (long long)c->pair[k].together.last_ns);
}

static void check_release(struct check *c)
{
	bpf_many_free(c->many);
	for (uint32_t k = 0; k < c->count; k++)
		bpf_free(c->pair[k].program);
	free(c->pair);
}

/* --- texts --- */

static char *text_make(void)
{
	const unsigned host = random_below(40), net = random_below(2), port = random_below(100),
		       other = port + random_below(20);

	switch (random_below(19)) {
	case 0:
		return xasprintf("tcp port %u", port);
	case 1:
		return xasprintf("udp port %u or tcp port %u", port, other);
	case 2:
		return xasprintf("host 10.%u.0.%u", net, host);
	case 3:
		return xasprintf("src host 10.%u.0.%u and tcp dst port %u", net, host, port);
	case 4:
		return xasprintf("net 10.%u.0.%u/%u", net, host & 0x3c, 30);
	case 5:
		return xasprintf("portrange %u-%u", port, other);
	case 6:
		return xasprintf("not port %u", port);
	case 7:
		return xasprintf("greater %u", 40 + host * 10);
	case 8:
		return xasprintf("tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and port %u", port);
	case 9:
		return xasprintf("vlan %u", 1 + host % 4);
	case 10:
		return xasprintf("ip6 host fd00::%x", host % 8);
	case 11:
		return xasprintf("tcp[((tcp[12:1] & 0xf0) >> 2):1] = %u", host);
	case 12:
		return xasprintf("ip[8] > %u or icmp", 5 * host);
	case 13:
		return xasprintf("not net 10.%u.0.0/16 and udp", net);
	case 14:
		return xasprintf("ip[2:2] + ip[4:2] > %u", 1000 * host);
	case 15:
		return xasprintf("ether[%u] = %u", host * 7, port);
	case 16:
		return xstrdup(host & 1 ? "ip" : "tcp");
	case 17: /* more ways through it than are followed one by one */
		return xasprintf(
			"(port %u or port %u or port %u or port %u or port %u or port %u) and "
			"(host 10.0.0.%u or host 10.0.0.%u or host 10.1.0.%u or host "
			"10.1.0.%u or net 10.1.0.%u/30 or host 10.0.0.7)",
			port, other, port + 1, other + 1, port + 2, other + 2, host, host + 1,
			host + 2, host, host & 0x3c);
	default:
		return xasprintf("(host 10.%u.0.%u or host 10.0.0.%u) and not (port %u or port %u) "
				 "and len <= %u",
				 net, host, port % 40, port, other, 60 + other);
	}
}

static struct bpf *program_of_text(void)
{
	char *text = text_make();
	struct bpf *program = compile_for(ETHERNET, text);

	free(text);
	return program;
}

/* --- made programs: any instruction that is allowed, jumps that part and meet --- */

static void insn_add(struct buf *blob, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	(void)buf_add_u16(blob, code);
	(void)buf_add_byte(blob, jt);
	(void)buf_add_byte(blob, jf);
	(void)buf_add_u32(blob, k);
}

static uint32_t random_offset(void)
{
	return random_below(20) ? random_below(70) : 0xfffffff0u + random_below(16);
}

static void insn_make(struct buf *blob, uint32_t left)
{
	static const uint16_t load[] = {
		BPF_LD | BPF_W | BPF_ABS,  BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
		BPF_LD | BPF_W | BPF_IND,  BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
		BPF_LDX | BPF_B | BPF_MSH, BPF_LD | BPF_W | BPF_LEN, BPF_LDX | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,	   BPF_LDX | BPF_IMM};
	static const uint16_t sum[] = {BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_MOD,
				       BPF_AND, BPF_OR,	 BPF_XOR, BPF_LSH, BPF_RSH};
	static const uint16_t jump[] = {BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET};
	const uint16_t source = random_below(4) ? BPF_K : BPF_X;
	uint32_t most = left - 2 < 255 ? left - 2 : 255;

	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		insn_add(blob, load[random_below(ARRAY_LEN(load))], 0, 0, random_offset());
		break;
	case 3:
		insn_add(blob, BPF_ALU | sum[random_below(ARRAY_LEN(sum))] | source, 0, 0,
			 1 + random_below(31));
		break;
	case 4:
		insn_add(blob,
			 random_below(3)   ? BPF_MISC | BPF_TAX
			 : random_below(2) ? BPF_MISC | BPF_TXA
					   : BPF_ALU | BPF_NEG,
			 0, 0, 0);
		break;
	case 5: {
		static const uint16_t memory[] = {BPF_LD | BPF_MEM, BPF_LDX | BPF_MEM, BPF_ST,
						  BPF_STX};

		insn_add(blob, memory[random_below(4)], 0, 0, random_below(2));
		break;
	}
	default:
		insn_add(blob, BPF_JMP | jump[random_below(4)] | source,
			 (uint8_t)random_below(most < 4 ? most + 1 : 4),
			 (uint8_t)random_below(most < 12 ? most + 1 : 12), random_below(120));
	}
}

static struct bpf *program_made(void)
{
	const uint32_t count = 6 + random_below(60);
	struct bpf *program = NULL;
	struct buf blob;
	struct err e;

	buf_init(&blob, 1u << 16);
	(void)buf_add_u32(&blob, count);
	insn_add(&blob, BPF_ST, 0, 0, 0);
	insn_add(&blob, BPF_STX, 0, 0, 1);
	for (uint32_t i = 2; i < count - 2; i++) {
		if (random_below(25) == 0)
			insn_add(&blob, random_below(2) ? BPF_RET | BPF_A : BPF_RET | BPF_K, 0, 0,
				 random_below(2));
		else
			insn_make(&blob, count - i);
	}
	insn_add(&blob, BPF_RET | BPF_K, 0, 0, 1);
	insn_add(&blob, BPF_RET | BPF_K, 0, 0, 0);
	if (bpf_load(&program, (struct str){(const char *)blob.data, blob.len}, &e))
		fail_msg("%s", e.text);
	buf_release(&blob);
	return program;
}

/* --- tests --- */

static void changing(struct bpf *make(void), uint32_t count, uint32_t rounds)
{
	struct packets *all = packets_made(4000);
	struct check c;

	check_init(&c, count);
	for (uint32_t i = 0; i < count; i++)
		check_set(&c, i, make());
	for (uint32_t round = 0; round < rounds; round++) {
		/* the same few packets again, then others: both ways of finding are taken */
		check_packets(&c, all, round * 100, 1500);
		check_packets(&c, all, round * 100, 100);
		bpf_many_settle(c.many);
		bpf_many_ready(c.many);
		check_same(&c, "before a change");
		check_set(&c, random_below(count), NULL);
		check_set(&c, random_below(count), make());
		check_packets(&c, all, round * 31, 500);
		bpf_many_settle(c.many);
		bpf_many_ready(c.many);
		check_same(&c, "behind a change");
	}
	check_release(&c);
	packets_free(all);
}

/* A tree that takes longer is made in steps: what changes, comes and goes meanwhile is counted. */
static void made_in_steps(void **state)
{
	enum { LISTS = 1500 };
	struct packets *all = packets_made(1000);
	struct check c;

	(void)state;
	check_init(&c, LISTS + 40);
	for (uint32_t i = 0; i < LISTS; i++) {
		char *text =
			xasprintf("(host 10.0.%u.1 or host 10.0.%u.2 or host 10.1.0.%u or host "
				  "10.0.0.%u) and (port %u or port %u or port %u or port %u)",
				  i / 250, i / 250, i % 40, i % 40, i, i + 1, i % 100, i + 9);

		check_set(&c, i, compile_for(ETHERNET, text));
		free(text);
	}
	check_packets(&c, all, 0, 50);
	assert_int_equal(bpf_many_facts(c.many).waiting, 0); /* very many: at once */
	for (uint32_t round = 0; round < 3; round++) {
		uint32_t turns = 0;

		check_set(&c, LISTS + round, program_of_text());
		for (bpf_many_ready(c.many); bpf_many_facts(c.many).waiting > 0; turns++) {
			if (turns < 8) { /* what is in the tree that is made, and is not yet */
				check_set(&c, random_below(LISTS), NULL);
				check_set(&c, random_below(LISTS), program_of_text());
				check_set(&c, LISTS + 3 + turns, program_of_text());
			}
			check_packets(&c, all, turns * 40, 40);
			bpf_many_settle(c.many);
			check_same(&c, "while the tree is made");
			bpf_many_ready(c.many);
		}
		assert_true(turns > 1);
		check_packets(&c, all, 0, 500);
		bpf_many_settle(c.many);
		check_same(&c, "when it is made");
	}
	check_release(&c);
	packets_free(all);
}

static void texts_while_they_change(void **state)
{
	(void)state;
	random_state = 7;
	changing(program_of_text, 60, 12);
	changing(program_of_text, 300, 6);
}

static void any_program(void **state)
{
	(void)state;
	random_state = 11;
	for (uint32_t i = 0; i < 12; i++)
		changing(program_made, 40, 3);
	changing(program_made, 400, 3);
}

static void remembered(void **state)
{
	struct packets *all = packets_made(300);
	struct check c;

	(void)state;
	random_state = 13;
	check_init(&c, 200);
	for (uint32_t i = 0; i < 200; i++) /* many match each packet */
		check_set(&c, i, i % 4 ? compile_for(ETHERNET, "ip or ip6") : program_of_text());
	for (uint32_t round = 0; round < 10; round++) {
		check_packets(&c, all, 0, 2000);
		bpf_many_settle(c.many);
		bpf_many_ready(c.many);
		check_same(&c, "of few packets");
	}
	assert_true(bpf_many_facts(c.many).remembered > 10000);
	check_set(&c, 3, compile_for(ETHERNET, "udp"));
	check_packets(&c, all, 0, 2000);
	bpf_many_settle(c.many);
	bpf_many_ready(c.many);
	check_same(&c, "when one is another");
	check_release(&c);
	packets_free(all);
}

static void real_file(const char *path)
{
	static const char *const texts[] = {"",
					    "ip",
					    "ip6",
					    "tcp",
					    "udp port 53",
					    "tcp port 80 or tcp port 443",
					    "not port 53",
					    "greater 200",
					    "host 1.1.1.1 or net 10.0.0.0/8",
					    "arp",
					    "icmp or icmp6",
					    "ip[6:2] & 0x1fff != 0",
					    "sctp",
					    "len > 60",
					    "tcp[tcpflags] & tcp-syn != 0",
					    "ip proto 47",
					    "tcp port 445",
					    "net 192.168.0.0/16",
					    "tcp port 22",
					    "portrange 1-1024"};
	uint32_t link_type;
	struct packets *all = packets_of(path, &link_type);
	struct check c;

	check_init(&c, ARRAY_LEN(texts));
	for (uint32_t i = 0; i < ARRAY_LEN(texts); i++)
		check_set(&c, i, compile_for(link_type, texts[i]));
	check_packets(&c, all, 0, all->count);
	check_packets(&c, all, 0, 6000);
	bpf_many_settle(c.many);
	bpf_many_ready(c.many);
	check_same(&c, path);
	check_release(&c);
	packets_free(all);
}

static void real_packets(void **state)
{
	const char *dir = getenv("TAPDECK_CAPTURES");
	static const char *const files[] = {
		"z-wikipedia.pcap",	 "pp-VlanPackets.pcap",	  "pp-sll.pcap",
		"z-linux_dlt_sll2.pcap", "pp-raw_ip.pcap",	  "z-http-qinq-0.pcap",
		"ark-mpls-basic.pcap",	 "pp-ip6_fragments.pcap", "ark-sctp-www.pcap",
		"z-icmp6.pcap",		 "td-LINKTYPE_IPV6.pcap", "d-snaplen64.pcap",
		"z-dns-edns-ecs.pcap",	 "z-206_example_b.pcap"};

	(void)state;
	dir = dir ? dir : "../shared/captures";
	if (access(dir, R_OK)) {
		print_message("no captures (TAPDECK_CAPTURES): real packets are left out\n");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = xasprintf("%s/%s", dir, files[i]);

		if (access(path, R_OK) == 0)
			real_file(path);
		free(path);
	}
}

/* A thousand hosts and ports: a packet makes a few programs run, not a thousand. */
static void few_are_run(void **state)
{
	struct packets *all = packets_made(2000);
	struct bpf_many_facts f;
	struct check c;

	(void)state;
	check_init(&c, 1000);
	for (uint32_t i = 0; i < 1000; i++) {
		char *text = i % 2 ? xasprintf("tcp port %u", i)
				   : xasprintf("host 10.%u.0.%u", i / 2 % 2, i / 4);

		check_set(&c, i, compile_for(ETHERNET, text));
		free(text);
	}
	bpf_many_settle(c.many);
	bpf_many_ready(c.many);
	f = bpf_many_facts(c.many);
	check_packets(&c, all, 0, 2000);
	bpf_many_settle(c.many);
	bpf_many_ready(c.many);
	check_same(&c, "of a thousand");
	assert_true(bpf_many_facts(c.many).runs - f.runs < 10ull * 2000);
	check_release(&c);
	packets_free(all);
}

static void none_and_no_such(void **state)
{
	struct bpf_many *m = bpf_many_new();
	struct bpf_tally t = {0};

	(void)state;
	bpf_many_count(m, (const uint8_t *)"", 0, 0, 1);
	bpf_many_settle(m);
	bpf_many_ready(m);
	assert_int_equal(bpf_many_set(m, BPF_MANY_MAX, NULL, &t), -1);
	assert_int_equal(bpf_many_set(m, 5, NULL, &t), 0);
	bpf_many_free(m);
	bpf_many_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_while_they_change),
		cmocka_unit_test(any_program),
		cmocka_unit_test(remembered),
		cmocka_unit_test(real_packets),
		cmocka_unit_test(made_in_steps),
		cmocka_unit_test(few_are_run),
		cmocka_unit_test(none_and_no_such),
	};

	return cmocka_run_group_tests_name("many", tests, NULL, NULL);
}
