/* Writes the project's own captures into a folder: small ones, of which every byte is known. They
 * are the same each time. `make_captures FOLDER`: one of each kind; `make_captures FOLDER
 * identity`: what may be one connection, or several. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/fdio.h"
#include "base/xalloc.h"

#define PCAP_MAGIC 0xa1b2c3d4u
#define LINK_ETHERNET 1u
#define START_S 1767323045u /* 2026-01-02 03:04:05 UTC */
#define FILE_BYTES_MAX (1u << 20)
#define PACKET_BYTES_MAX 2048u

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

struct end {
	struct addr addr;
	uint16_t port;
	uint32_t seq;
};

struct capture {
	struct buf file;
	uint32_t time_us; /* since START_S */
	uint16_t vlan;	  /* 0: no tag */
	uint16_t ip_id;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void add(struct buf *b, const void *p, size_t len)
{
	if (buf_add(b, p, len))
		die("a capture is longer than its limit");
}

static void add_u16(struct buf *b, unsigned v)
{
	const uint8_t bytes[] = {(uint8_t)(v >> 8), (uint8_t)v};

	add(b, bytes, sizeof(bytes));
}

static void add_u32(struct buf *b, uint32_t v)
{
	add_u16(b, v >> 16);
	add_u16(b, v & 0xffff);
}

static uint32_t sum_add(uint32_t sum, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_u16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t addr_bytes(const struct addr *a)
{
	return a->family == ADDR_IP6 ? 16 : 4;
}

/* Over addresses, protocol, length and segment (RFC 9293 3.1, RFC 8200 8.1). */
static uint16_t transport_sum(const struct end *from, const struct end *to, uint8_t proto, const struct buf *segment)
{
	uint32_t sum = sum_add(0, from->addr.bytes, addr_bytes(&from->addr));

	sum = sum_add(sum, to->addr.bytes, addr_bytes(&to->addr));
	sum += proto + (uint32_t)segment->len;
	return sum_end(sum_add(sum, segment->data, segment->len));
}

static void capture_start(struct capture *c)
{
	*c = (struct capture){0};
	buf_init(&c->file, FILE_BYTES_MAX);
	add_u32(&c->file, PCAP_MAGIC);
	add_u16(&c->file, 2);
	add_u16(&c->file, 4);
	add_u32(&c->file, 0);
	add_u32(&c->file, 0);
	add_u32(&c->file, 65535);
	add_u32(&c->file, LINK_ETHERNET);
}

static void add_ethernet(struct capture *c, struct buf *frame, const struct end *from, const struct end *to)
{
	const uint8_t mac_to[] = {2, 0, 0, 0, 0, to->addr.bytes[addr_bytes(&to->addr) - 1]};
	const uint8_t mac_from[] = {2, 0, 0, 0, 0, from->addr.bytes[addr_bytes(&from->addr) - 1]};

	add(frame, mac_to, sizeof(mac_to));
	add(frame, mac_from, sizeof(mac_from));
	if (c->vlan) {
		add_u16(frame, 0x8100);
		add_u16(frame, c->vlan);
	}
	add_u16(frame, from->addr.family == ADDR_IP6 ? 0x86dd : 0x0800);
}

static void add_ip4(struct capture *c, struct buf *frame, const struct end *from, const struct end *to, uint8_t proto, size_t len)
{
	size_t at = frame->len;

	add_u16(frame, 0x4500);
	add_u16(frame, (unsigned)(20 + len));
	add_u16(frame, c->ip_id++);
	add_u16(frame, 0x4000);
	add_u16(frame, (64u << 8) | proto);
	add_u16(frame, 0);
	add(frame, from->addr.bytes, 4);
	add(frame, to->addr.bytes, 4);
	put_u16(frame->data + at + 10, sum_end(sum_add(0, frame->data + at, 20)));
}

static void add_ip6(struct buf *frame, const struct end *from, const struct end *to, uint8_t proto, size_t len)
{
	add_u32(frame, 0x60000000);
	add_u16(frame, (unsigned)len);
	add_u16(frame, ((unsigned)proto << 8) | 64);
	add(frame, from->addr.bytes, 16);
	add(frame, to->addr.bytes, 16);
}

/* The segment as a packet, `after_us` behind the one before. */
static void capture_packet(struct capture *c, uint32_t after_us, const struct end *from, const struct end *to, uint8_t proto,
			   const struct buf *segment)
{
	struct buf frame;

	buf_init(&frame, PACKET_BYTES_MAX);
	add_ethernet(c, &frame, from, to);
	if (from->addr.family == ADDR_IP6)
		add_ip6(&frame, from, to, proto, segment->len);
	else
		add_ip4(c, &frame, from, to, proto, segment->len);
	add(&frame, segment->data, segment->len);
	c->time_us += after_us;
	add_u32(&c->file, START_S + c->time_us / 1000000);
	add_u32(&c->file, c->time_us % 1000000);
	add_u32(&c->file, (uint32_t)frame.len);
	add_u32(&c->file, (uint32_t)frame.len);
	add(&c->file, frame.data, frame.len);
	buf_release(&frame);
}

/* `seq` is the segment's own, so that one can be sent again. */
static void tcp_at(struct capture *c, uint32_t after_us, const struct end *from, const struct end *to, unsigned flags,
		   uint32_t seq, const char *payload)
{
	struct buf segment;

	buf_init(&segment, PACKET_BYTES_MAX);
	add_u16(&segment, from->port);
	add_u16(&segment, to->port);
	add_u32(&segment, seq);
	add_u32(&segment, flags & TCP_ACK ? to->seq : 0);
	add_u16(&segment, (flags & TCP_SYN ? 0x6000u : 0x5000u) | flags);
	add_u16(&segment, 64240);
	add_u32(&segment, 0);
	if (flags & TCP_SYN)
		add_u32(&segment, 0x020405b4); /* MSS 1460 */
	add(&segment, payload, strlen(payload));
	put_u16(segment.data + 16, transport_sum(from, to, 6, &segment));
	capture_packet(c, after_us, from, to, 6, &segment);
	buf_release(&segment);
}

static void tcp(struct capture *c, uint32_t after_us, struct end *from, const struct end *to, unsigned flags, const char *payload)
{
	tcp_at(c, after_us, from, to, flags, from->seq, payload);
	from->seq += (uint32_t)strlen(payload) + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

static void udp(struct capture *c, uint32_t after_us, const struct end *from, const struct end *to, const void *payload, size_t len)
{
	struct buf segment;

	buf_init(&segment, PACKET_BYTES_MAX);
	add_u16(&segment, from->port);
	add_u16(&segment, to->port);
	add_u16(&segment, (unsigned)(8 + len));
	add_u16(&segment, 0);
	add(&segment, payload, len);
	put_u16(segment.data + 6, transport_sum(from, to, 17, &segment));
	capture_packet(c, after_us, from, to, 17, &segment);
	buf_release(&segment);
}

static struct end end_of(const char *text, uint16_t port, uint32_t seq)
{
	struct end e = {.port = port, .seq = seq};

	if (addr_parse(str_of(text), &e.addr, NULL))
		die(text);
	return e;
}

static void handshake(struct capture *c, struct end *client, struct end *server)
{
	tcp(c, 1000, client, server, TCP_SYN, "");
	tcp(c, 10000, server, client, TCP_SYN | TCP_ACK, "");
	tcp(c, 200, client, server, TCP_ACK, "");
}

static void goodbye(struct capture *c, struct end *client, struct end *server)
{
	tcp(c, 500, client, server, TCP_FIN | TCP_ACK, "");
	tcp(c, 10000, server, client, TCP_FIN | TCP_ACK, "");
	tcp(c, 100, client, server, TCP_ACK, "");
}

static const char request[] = "GET /index.html HTTP/1.1\r\nHost: www.example.net\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nhello world\n";

static void make_http(struct capture *c, const char *a, const char *b)
{
	struct end client = end_of(a, 40000, 1000), server = end_of(b, 80, 900000);

	handshake(c, &client, &server);
	tcp(c, 300, &client, &server, TCP_PSH | TCP_ACK, request);
	tcp(c, 10000, &server, &client, TCP_ACK, "");
	tcp(c, 20000, &server, &client, TCP_PSH | TCP_ACK, response);
	tcp(c, 100, &client, &server, TCP_ACK, "");
	goodbye(c, &client, &server);
}

/* The second segment is lost behind us and sent again after 250 ms. */
static void make_retransmission(struct capture *c)
{
	struct end client = end_of("10.1.0.1", 40001, 5000), server = end_of("10.1.0.2", 9000, 70000);
	uint32_t lost;

	handshake(c, &client, &server);
	tcp(c, 300, &client, &server, TCP_PSH | TCP_ACK, "first");
	lost = client.seq;
	tcp(c, 100, &client, &server, TCP_PSH | TCP_ACK, "second");
	tcp_at(c, 250000, &client, &server, TCP_PSH | TCP_ACK, lost, "second");
	tcp(c, 10000, &server, &client, TCP_ACK, "");
	goodbye(c, &client, &server);
}

static void make_dns(struct capture *c)
{
	static const char query[] = "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3www\7example\3net\0\0\1\0\1";
	static const char answer[] = "\x12\x34\x81\x80\0\1\0\1\0\0\0\0\3www\7example\3net\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\7";
	const struct end client = end_of("10.1.0.1", 50000, 0), server = end_of("10.1.0.53", 53, 0);

	udp(c, 0, &client, &server, query, sizeof(query) - 1);
	udp(c, 15000, &server, &client, answer, sizeof(answer) - 1);
}

static void make_icmp(struct capture *c)
{
	const struct end a = end_of("10.1.0.1", 0, 0), b = end_of("10.1.0.2", 0, 0);

	for (unsigned i = 1; i <= 6; i++) {
		struct buf segment;

		buf_init(&segment, PACKET_BYTES_MAX);
		add_u16(&segment, i % 2 ? 0x0800 : 0);
		add_u16(&segment, 0);
		add_u16(&segment, 0x4711);
		add_u16(&segment, (i + 1) / 2);
		add(&segment, "0123456789abcdef", 16);
		put_u16(segment.data + 2, sum_end(sum_add(0, segment.data, segment.len)));
		capture_packet(c, i % 2 ? 1000000 : 700, i % 2 ? &a : &b, i % 2 ? &b : &a, 1, &segment);
		buf_release(&segment);
	}
}

static void make_all(struct capture *c, const char *name)
{
	capture_start(c);
	if (strcmp(name, "vlan.pcap") == 0)
		c->vlan = 42;
	if (strcmp(name, "dns.pcap") == 0)
		make_dns(c);
	else if (strcmp(name, "retransmission.pcap") == 0)
		make_retransmission(c);
	else if (strcmp(name, "icmp.pcap") == 0)
		make_icmp(c);
	else if (strcmp(name, "ip6.pcap") == 0)
		make_http(c, "2001:db8::1", "2001:db8::2");
	else if (strcmp(name, "empty.pcap") != 0)
		make_http(c, "10.1.0.1", "10.1.0.2");
	if (strcmp(name, "mixed.pcap") == 0) {
		make_dns(c);
		make_icmp(c);
		make_retransmission(c);
	}
	if (strcmp(name, "cut.pcap") == 0)
		c->file.len -= 100; /* inside the last packet but one */
	if (strcmp(name, "garbage.pcap") == 0)
		memset(c->file.data, 'x', c->file.len);
}

/* --- identity: who is the same connection --- */

#define STEPS_MAX 24
#define PAYLOAD_MAX 1000
#define PORT 40000
#define ISN_B 5000u

/* Ends: a and b; A and B are their addresses with the ports changed over; c and d have addresses
 * between theirs. */
struct step {
	char from;
	unsigned flags;
	uint32_t after_ms, seq, ack;
	unsigned length;
};

/* clang-format off */
#define SYN TCP_SYN
#define ACK TCP_ACK
#define DATA (TCP_PSH | TCP_ACK)
#define FIN (TCP_FIN | TCP_ACK)
#define RST (TCP_RST | TCP_ACK)
#define OPEN(a, b, isn) {a, SYN, 1, isn, 0, 0}, {b, SYN | ACK, 10, ISN_B, (isn) + 1, 0}, {a, ACK, 1, (isn) + 1, ISN_B + 1, 0}
#define TALK(a, b, isn) \
	{a, DATA, 1, (isn) + 1, ISN_B + 1, 100}, {b, DATA, 10, ISN_B + 1, (isn) + 101, 200}, {a, ACK, 1, (isn) + 101, ISN_B + 201, 0}
#define CLOSE(a, b, isn) \
	{a, FIN, 1, (isn) + 101, ISN_B + 201, 0}, {b, FIN, 10, ISN_B + 201, (isn) + 102, 0}, {a, ACK, 1, (isn) + 102, ISN_B + 202, 0}
#define WHOLE(a, b, isn) OPEN(a, b, isn), TALK(a, b, isn), CLOSE(a, b, isn)
#define SOME(isn) OPEN('a', 'b', isn), TALK('a', 'b', isn)

static const struct identity {
	const char *name;
	unsigned port_b;
	struct step step[STEPS_MAX];
} identities[] = {
	{"reuse-fin-higher", 80, {WHOLE('a', 'b', 1000u), WHOLE('a', 'b', 9000000u)}},
	{"reuse-fin-lower", 80, {WHOLE('a', 'b', 9000000u), WHOLE('a', 'b', 1000u)}},
	{"reuse-rst", 80, {SOME(1000u), {'a', RST, 1, 1101, ISN_B + 201, 0}, WHOLE('a', 'b', 9000u)}},
	{"reuse-open", 80, {SOME(1000u), WHOLE('a', 'b', 900000u)}},
	{"same-isn-open", 80, {SOME(1000u), OPEN('a', 'b', 1000u)}},
	{"same-isn-soon", 80, {WHOLE('a', 'b', 1000u), {'a', SYN, 1900, 1000, 0, 0}}},
	{"same-isn-late", 80, {WHOLE('a', 'b', 1000u), {'a', SYN, 2100, 1000, 0, 0}}},
	{"silence", 80, {SOME(1000u), {'a', DATA, 400000, 1101, ISN_B + 201, 10}}},
	{"syn-again", 80,
	 {{'a', SYN, 0, 1000, 0, 0}, {'a', SYN, 1000, 1000, 0, 0}, {'a', SYN, 2000, 1000, 0, 0}, {'a', SYN, 4000, 1000, 0, 0}}},
	{"refused-twice", 80,
	 {{'a', SYN, 0, 1000, 0, 0}, {'b', RST, 10, 0, 1001, 0}, {'a', SYN, 500, 2000, 0, 0}, {'b', RST, 10, 0, 2001, 0}}},
	{"blind-rst", 80,
	 {{'a', SYN, 0, 1000, 0, 0}, {'b', RST, 1, 0, 1001, 0}, {'b', SYN | ACK, 10, ISN_B, 1001, 0}, {'a', ACK, 1, 1001, ISN_B + 1, 0},
	  TALK('a', 'b', 1000u), CLOSE('a', 'b', 1000u)}},
	{"fin-before-syn-ack", 80,
	 {{'a', SYN, 0, 1000, 0, 0}, {'a', TCP_FIN, 10, 1001, 0, 0}, {'b', SYN | ACK, 500, ISN_B, 1001, 0}, {'a', FIN, 1, 1001, ISN_B + 1, 0}}},
	{"gap-again", 80, {SOME(1000u), {'a', DATA, 300000, 1001, ISN_B + 201, 100}}},
	{"same-port", PORT, {WHOLE('a', 'b', 1000u)}},
	{"one-side", 80,
	 {{'a', SYN, 0, 1000, 0, 0}, {'a', ACK, 10, 1001, ISN_B + 1, 0}, {'a', DATA, 1, 1001, ISN_B + 1, 100},
	  {'a', FIN, 30, 1101, ISN_B + 201, 0}}},
	{"handshake-order", 80,
	 {{'a', SYN, 0, 1000, 0, 0}, {'a', ACK, 10, 1001, ISN_B + 1, 0}, {'b', SYN | ACK, 0, ISN_B, 1001, 0}, TALK('a', 'b', 1000u),
	  CLOSE('a', 'b', 1000u)}},
	{"syn-ack-first", 80,
	 {{'b', SYN | ACK, 0, ISN_B, 1001, 0}, {'a', SYN, 0, 1000, 0, 0}, {'a', ACK, 1, 1001, ISN_B + 1, 0}, TALK('a', 'b', 1000u),
	  CLOSE('a', 'b', 1000u)}},
	{"server-first", 80, {{'b', DATA, 0, 7000, 9000, 50}, {'a', ACK, 1, 9000, 7050, 0}, {'a', DATA, 1, 9000, 7050, 5}}},
	{"wrap", 80,
	 {OPEN('a', 'b', 0xffffff80u), {'a', DATA, 1, 0xffffff81u, ISN_B + 1, 100}, {'a', DATA, 1, 0xffffffe5u, ISN_B + 1, 100},
	  {'a', DATA, 1, 0x49u, ISN_B + 1, 100}, {'b', ACK, 10, ISN_B + 1, 0xadu, 0}}},
	{"overlap", 80,
	 {OPEN('a', 'b', 1000u), {'a', DATA, 1, 1001, ISN_B + 1, 100}, {'a', DATA, 1, 1051, ISN_B + 1, 100},
	  {'b', ACK, 10, ISN_B + 1, 1151, 0}}},
	{"crossed-ports", 80, {WHOLE('a', 'b', 1000u), WHOLE('A', 'B', 1000u)}},
	{"crossed-addresses", 80, {WHOLE('a', 'b', 1000u), WHOLE('c', 'd', 1000u)}},
};
/* clang-format on */

/* The end of that letter, or the one that it talks to. */
static struct end identity_end(const struct identity *k, char letter, bool other)
{
	static const char letters[] = "abABcd", *const addrs[] = {"10.0.1.1", "10.0.2.2",
								  "10.0.1.1", "10.0.2.2",
								  "10.0.1.2", "10.0.2.1"};
	const size_t at = (size_t)(strchr(letters, letter) - letters) ^ other;
	const bool high = (at & 1) != (at == 2 || at == 3); /* whose port is the second */

	return end_of(addrs[at], (uint16_t)(high ? k->port_b : PORT), 0);
}

static void make_identity(struct capture *c, const struct identity *k)
{
	char payload[PAYLOAD_MAX + 1];

	capture_start(c);
	memset(payload, 'x', sizeof(payload));
	for (const struct step *step = k->step; step < k->step + STEPS_MAX && step->from; step++) {
		const struct end from = identity_end(k, step->from, false);
		struct end to = identity_end(k, step->from, true);

		to.seq = step->ack;
		payload[step->length] = '\0';
		tcp_at(c, step->after_ms * 1000, &from, &to, step->flags, step->seq, payload);
		payload[step->length] = 'x';
	}
}

static void capture_write(struct capture *c, const char *folder, const char *name)
{
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "wbe");

	if (!f)
		die(path);
	if (fwrite(c->file.data, 1, c->file.len, f) != c->file.len || fclose(f))
		die(path);
	buf_release(&c->file);
	free(path);
}

static void write_identities(const char *folder)
{
	for (size_t i = 0; i < ARRAY_LEN(identities); i++) {
		char *name = xasprintf("%s.pcap", identities[i].name);
		struct capture c;

		make_identity(&c, &identities[i]);
		capture_write(&c, folder, name);
		free(name);
	}
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"http.pcap", "dns.pcap", "retransmission.pcap", "icmp.pcap", "vlan.pcap", "ip6.pcap",
					    "mixed.pcap", "cut.pcap", "empty.pcap", "garbage.pcap"};

	if (argc == 3 && strcmp(argv[2], "identity") == 0) {
		write_identities(argv[1]);
		return 0;
	}
	if (argc != 2) {
		fprintf(stderr, "usage: make_captures FOLDER [identity]\n");
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct capture c;

		make_all(&c, names[i]);
		capture_write(&c, argv[1], names[i]);
	}
	return 0;
}
