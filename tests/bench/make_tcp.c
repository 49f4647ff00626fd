/* make_tcp OUT CONNECTIONS PACKETS PAYLOAD: a pcap file, always the same, of so many TCP
 * connections, each with so many packets: the handshake, then segments of PAYLOAD bytes, every
 * third packet an acknowledgement. A thousand of them run at a time. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT_A_TIME 1000u
#define START_S 1700000000u
#define US 1000000u
#define HEADERS 54u /* Ethernet, IPv4, TCP */
#define PAYLOAD_MAX 65000u

enum { ACK = 16, SYN = 2 };

static void die(const char *what)
{
	fprintf(stderr, "make_tcp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void put_be32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * (3 - i));
}

static void put_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void ip_checksum(uint8_t *ip)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put_be16(ip + 10, ~sum & 0xffff);
}

/* Packet `turn` of a connection into p; its length. */
static uint32_t make(uint8_t *p, uint32_t connection, uint32_t turn, uint32_t payload)
{
	const int back = turn == 1 || (turn > 2 && turn % 3 == 2);
	const uint32_t bytes = turn > 2 && !back ? payload : 0;
	const uint32_t sent = turn > 2 ? (turn - turn / 3 - 2) * payload : 0;
	const uint32_t client = 0x0a000000u + connection / 50000, server = 0xc0a80001u;
	const uint16_t port = (uint16_t)(10000 + connection % 50000);
	const uint8_t flags = turn == 0 ? SYN : turn == 1 ? SYN | ACK : ACK;

	memcpy(p, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0\x45\0", 16);
	put_be16(p + 16, 40 + bytes);
	memset(p + 18, 0, 8);
	p[22] = 64;
	p[23] = 6;
	put_be32(p + 26, back ? server : client);
	put_be32(p + 30, back ? client : server);
	ip_checksum(p + 14);
	put_be16(p + 34, back ? 80 : port);
	put_be16(p + 36, back ? port : 80);
	put_be32(p + 38, (back ? 500000u : 1000u + sent) + (turn > 1));
	put_be32(p + 42, turn == 0 ? 0 : (back ? 1001u + sent : 500001u));
	p[46] = 0x50;
	p[47] = flags;
	put_be16(p + 48, 65535);
	memset(p + 50, 0, 4);
	return HEADERS + bytes;
}

static void put_record(FILE *out, uint64_t number, const uint8_t *p, uint32_t len)
{
	const uint32_t head[4] = {(uint32_t)(START_S + number * 5 / US),
				  (uint32_t)(number * 5 % US), len, len};

	if (fwrite(head, sizeof(head), 1, out) != 1 || fwrite(p, len, 1, out) != 1)
		die("write");
}

int main(int argc, char **argv)
{
	static const uint32_t header[6] = {0xa1b2c3d4u, 4u << 16 | 2, 0, 0, 262144, 1};
	static uint8_t packet[HEADERS + PAYLOAD_MAX];
	uint64_t number = 0;

	if (argc != 5) {
		fputs("usage: make_tcp OUT CONNECTIONS PACKETS PAYLOAD\n", stderr);
		return 2;
	}
	const uint32_t connections = (uint32_t)strtoul(argv[2], NULL, 10);
	const uint32_t packets = (uint32_t)strtoul(argv[3], NULL, 10);
	const uint32_t payload = (uint32_t)strtoul(argv[4], NULL, 10);
	FILE *out = fopen(argv[1], "we");

	if (!out || payload > PAYLOAD_MAX)
		die(argv[1]);
	if (fwrite(header, sizeof(header), 1, out) != 1)
		die("write");
	for (uint32_t first = 0; first < connections; first += AT_A_TIME)
		for (uint32_t turn = 0; turn < packets; turn++)
			for (uint32_t c = first; c < first + AT_A_TIME && c < connections; c++)
				put_record(out, number++, packet, make(packet, c, turn, payload));
	if (fclose(out))
		die(argv[1]);
	return 0;
}
