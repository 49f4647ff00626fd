/* make_many FILE CONNECTIONS: a pcap file with so many TCP connections, two packets each (SYN and
 * SYN-ACK), always the same. Answers come after LAG further SYNs, so that no cache holds what they
 * look for. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAG 50000u
#define PACKET 54u
#define RECORD (16u + PACKET)
#define US 1000000u
#define START_S 1700000000u
#define STEP_US 50u
#define CLIENTS (1u << 22)
#define SERVER 0xc0a80001u /* 192.168.0.1 */
#define SYN 2
#define SYN_ACK 18

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static void host32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	return s;
}

static uint32_t folded(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* The SYN of connection i, or its answer. */
static void packet(uint8_t *p, uint64_t us, uint32_t i, unsigned flags)
{
	static const uint8_t ethernet[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	const uint32_t client = 0x0a000000u + (uint32_t)((uint64_t)i * 2654435761u % CLIENTS);
	const int answer = flags == SYN_ACK;
	uint8_t *ip = p + 16 + sizeof(ethernet), *tcp = ip + 20;

	memset(p, 0, RECORD);
	host32(p, (uint32_t)(START_S + us / US));
	host32(p + 4, (uint32_t)(us % US));
	host32(p + 8, PACKET);
	host32(p + 12, PACKET);
	memcpy(p + 16, ethernet, sizeof(ethernet));
	put16(ip, 0x4500);
	put16(ip + 2, 40);
	put16(ip + 8, 64 << 8 | 6);
	put32(ip + 12, answer ? SERVER : client);
	put32(ip + 16, answer ? client : SERVER);
	put16(ip + 10, folded(sum(ip, 20, 0)));
	put16(tcp, answer ? 80 : 1024 + i % 60000);
	put16(tcp + 2, answer ? 1024 + i % 60000 : 80);
	put32(tcp + 4, i);
	put32(tcp + 8, answer ? i + 1 : 0);
	put16(tcp + 12, 0x5000 | flags);
	put16(tcp + 14, 1000);
	put16(tcp + 16, folded(sum(tcp, 20, sum(ip + 12, 8, 6 + 20))));
}

static int write_all(FILE *out, uint32_t connections)
{
	uint8_t header[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4}, p[RECORD];

	host32(header + 16, 262144);
	host32(header + 20, 1);
	if (fwrite(header, sizeof(header), 1, out) != 1)
		return -1;
	for (uint64_t i = 0; i < (uint64_t)connections + LAG; i++) {
		if (i < connections) {
			packet(p, i * STEP_US, (uint32_t)i, SYN);
			if (fwrite(p, sizeof(p), 1, out) != 1)
				return -1;
		}
		if (i >= LAG) {
			packet(p, i * STEP_US + STEP_US / 2, (uint32_t)(i - LAG), SYN_ACK);
			if (fwrite(p, sizeof(p), 1, out) != 1)
				return -1;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	const unsigned long connections = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	FILE *out;

	if (connections == 0 || connections > 100000000) {
		fprintf(stderr, "usage: make_many FILE CONNECTIONS\n");
		return 2;
	}
	out = fopen(argv[1], "wb");
	if (!out || write_all(out, (uint32_t)connections) < 0 || fclose(out) != 0) {
		fprintf(stderr, "make_many: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	return 0;
}
