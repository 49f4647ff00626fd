/* counters [RULES]: what a packet costs with so many counters, one program after the other and all at
 * once, for traffic that repeats (200 flows) and that does not (random ports and hosts, half of them
 * ones that are counted). A line each: "COUNTERS TRAFFIC NS_ALONE NS_TOGETHER RUNS_A_PACKET BUILD_MS". */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "bpf/many.h"

#define COUNTERS_MAX 4096u
#define PACKETS (1u << 16)
#define BYTES 64u
#define ETHERNET 1u

static uint8_t (*packet)[BYTES];
static uint64_t state = 1;

static uint32_t random_u32(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 32);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void packet_make(uint8_t *b, uint32_t source, uint32_t from, uint32_t to, int tcp)
{
	static const uint8_t head[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 50, 0, 0, 0x40, 0, 64};

	for (uint32_t i = 0; i < BYTES; i += 4) {
		const uint32_t r = random_u32();

		memcpy(b + i, &r, 4);
	}
	memcpy(b, head, sizeof(head));
	b[23] = tcp ? 6 : 17;
	b[26] = 10, b[27] = 0, b[28] = (uint8_t)(source >> 8), b[29] = (uint8_t)source;
	b[30] = 10, b[31] = 1, b[32] = 0, b[33] = 1;
	b[34] = (uint8_t)(from >> 8), b[35] = (uint8_t)from;
	b[36] = (uint8_t)(to >> 8), b[37] = (uint8_t)to;
}

static void packets_make(int repeating)
{
	uint8_t flow[200][BYTES];

	for (uint32_t i = 0; i < 200; i++)
		packet_make(flow[i], random_u32() % 2000, 1024 + random_u32() % 60000, random_u32() % 2000, i % 4 != 0);
	for (uint32_t i = 0; i < PACKETS; i++) {
		if (repeating)
			memcpy(packet[i], flow[random_u32() % 200], BYTES);
		else
			packet_make(packet[i], random_u32() % 4000, random_u32() % 65536, random_u32() % 4000, i % 4 != 0);
	}
}

/* As people count: services, hosts, nets, both, and what many packets are. */
static char *text_of(uint32_t i, int wide)
{
	if (wide == 2) /* lists */
		return i % 2 ? xasprintf("port %u or port %u or port %u or port %u or port %u or port %u or port %u or port %u or port %u or port %u", i, i + 1000, i + 2000, i + 3000,
					 i + 4000, i + 5000, i + 6000, i + 7000, i + 8000, i + 9000)
			     : xasprintf("(host 10.0.%u.1 or host 10.0.%u.2 or host 10.0.%u.3 or host 10.0.%u.4 or host 10.0.%u.5 or host 10.0.%u.6 or host 10.0.%u.7 or "
					 "host 10.0.%u.8) and (port %u or port %u or port %u or port %u or port %u or port %u)",
					 i & 7, i & 7, i & 7, i & 7, i & 7, i & 7, i & 7, i & 7, i, i + 1, i + 2, i + 3, i + 4, i + 5);
	if (wide)
		return i % 2 ? xasprintf("tcp[tcpflags] & (tcp-syn|tcp-ack) != %u and ip[8] < %u", i % 3, i % 250) : xasprintf("greater %u or tcp", 60 + i);
	switch (i % 5) {
	case 0:
		return xasprintf("tcp port %u", i);
	case 1:
		return xasprintf("host 10.0.%u.%u", i >> 8 & 7, i & 255);
	case 2:
		return xasprintf("udp port %u", i);
	case 3:
		return xasprintf("net 10.0.%u.%u/28", i >> 8 & 7, i & 240);
	default:
		return xasprintf("host 10.0.%u.%u and tcp port %u", i >> 8 & 7, i & 255, i);
	}
}

static struct bpf *program_of(uint32_t i, int wide)
{
	struct bpf *p = NULL;
	struct buf blob;
	struct err e;
	char *text = text_of(i, wide);

	buf_init(&blob, 1u << 20);
	if (bpf_compile_text(ETHERNET, 262144, str_of(text), 0, &blob, &e) || bpf_load(&p, (struct str){(const char *)blob.data, blob.len}, &e)) {
		fprintf(stderr, "counters: %s: %s\n", text, e.text);
		exit(1);
	}
	buf_release(&blob);
	free(text);
	return p;
}

static double alone_ns(struct bpf *const *program, uint32_t count)
{
	const uint32_t packets = count > 500 ? 4096 : PACKETS;
	static volatile uint64_t found;
	const double start = now_s();

	for (uint32_t i = 0; i < packets; i++)
		for (uint32_t k = 0; k < count; k++)
			found += bpf_match(program[k], packet[i], BYTES, BYTES);
	return (now_s() - start) * 1e9 / packets;
}

static void bench(uint32_t count, const char *traffic, int wide)
{
	struct bpf *program[COUNTERS_MAX];
	struct bpf_tally *tally = xcalloc(count + 1, sizeof(*tally));
	struct bpf_many *m = bpf_many_new();
	struct bpf_many_facts before, after;
	double start, build_ms, ns;

	for (uint32_t i = 0; i < count; i++)
		program[i] = program_of(i, wide);
	start = now_s();
	for (uint32_t i = 0; i < count; i++)
		(void)bpf_many_set(m, i, program[i], &tally[i]);
	bpf_many_settle(m);
	do
		bpf_many_ready(m);
	while (bpf_many_facts(m).waiting > 0);
	build_ms = (now_s() - start) * 1e3;
	for (uint32_t i = 0; i < PACKETS; i++)
		bpf_many_count(m, packet[i], BYTES, BYTES, i);
	before = bpf_many_facts(m);
	start = now_s();
	for (uint32_t round = 0; round < 4; round++) {
		for (uint32_t i = 0; i < PACKETS; i++)
			bpf_many_count(m, packet[i], BYTES, BYTES, i);
		bpf_many_settle(m);
		bpf_many_ready(m);
	}
	ns = (now_s() - start) * 1e9 / (4.0 * PACKETS);
	after = bpf_many_facts(m);
	printf("%u %s %.1f %.1f %.2f %.1f %.2f %u\n", count, traffic, alone_ns(program, count), ns,
	       (double)(after.runs - before.runs) / (4.0 * PACKETS), build_ms,
	       (double)(after.remembered - before.remembered) / (4.0 * PACKETS), after.nodes);
	bpf_many_free(m);
	for (uint32_t i = 0; i < count; i++)
		bpf_free(program[i]);
	free(tally);
}

int main(void)
{
	static const uint32_t counts[] = {0, 16, 128, 1000, 4000};

	packet = xcalloc(PACKETS, sizeof(*packet));
	for (int repeating = 1; repeating >= 0; repeating--) {
		packets_make(repeating);
		for (uint32_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
			bench(counts[i], repeating ? "repeating" : "random", 0);
		bench(1000, repeating ? "repeating-wide" : "random-wide", 1);
		bench(1000, repeating ? "repeating-lists" : "random-lists", 2);
	}
	return 0;
}
