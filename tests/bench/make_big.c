/* make_big OUT BYTES PACKETS [FOLDER]: a pcap file of that size, always the same. Captures of the
 * folder are repeated with new addresses, ports and times; without a folder, conversations of its
 * own. Checksums stay as right as they were. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_HEADER 24u
#define RECORD_HEADER 16u
#define PACKET_MAX 65536u
#define TEMPLATE_MAX (8u << 20)
#define TEMPLATES_MAX 16u
#define US 1000000u
#define START_S 1700000000u

/* Records of one capture, as they stand in a little-endian microsecond pcap file without its
 * header. */
struct template
{
	uint8_t *data;
	size_t len, packets;
	uint64_t first_us, span_us;
};

static const char *const captures[] = {
	"z-206_example_b.pcap",	      "z-wikipedia.pcap",
	"pp-http-packets2.pcap",      "z-ssh-dups.pcap",
	"z-retransmit-fast009.pcap",  "d-own-lossy.pcap",
	"z-dns-edns-ecs.pcap",	      "z-mdns.pcap",
	"ark-wireshark-retrans.pcap", "z-nmap-vsn.pcap",
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint16_t net16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put_net16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void die(const char *what, const char *name)
{
	fprintf(stderr, "make_big: %s %s: %s\n", what, name, strerror(errno));
	exit(1);
}

/* --- changing a packet: RFC 1624 keeps its checksums as right as they were --- */

static void sum_change(uint8_t *sum, uint16_t before, uint16_t after)
{
	uint32_t s = (uint16_t)~net16(sum) + (uint32_t)(uint16_t)~before + after;

	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	put_net16(sum, (uint16_t)~s);
}

static void change16(uint8_t *p, uint16_t after, uint8_t *sum1, uint8_t *sum2)
{
	uint16_t before = net16(p);

	if (sum1)
		sum_change(sum1, before, after);
	if (sum2)
		sum_change(sum2, before, after);
	put_net16(p, after);
}

static void change_port(uint8_t *p, uint32_t round, uint8_t *sum)
{
	uint32_t port = net16(p);

	if (port >= 1024)
		change16(p, (uint16_t)(1024 + (port - 1024 + round * 7) % (65536 - 1024)), sum,
			 NULL);
}

/* Where TCP's or UDP's checksum stands, NULL where there is none here. */
static uint8_t *transport_sum(uint8_t *transport, size_t len, uint8_t protocol)
{
	size_t at = protocol == 6 ? 16 : 6;

	if ((protocol != 6 && protocol != 17) || len < at + 2)
		return NULL;
	if (protocol == 17 && net16(transport + at) == 0)
		return NULL;
	return transport + at;
}

static void change_ip4(uint8_t *ip, size_t len, uint32_t round)
{
	size_t header = (size_t)(ip[0] & 15) * 4;

	if (len < 20 || header < 20 || len < header)
		return;
	bool first = (net16(ip + 6) & 0x1fff) == 0;
	uint8_t *sum = first ? transport_sum(ip + header, len - header, ip[9]) : NULL;

	for (unsigned at = 12; at <= 16; at += 4) {
		change16(ip + at, (uint16_t)(net16(ip + at) + round % 191), ip + 10, sum);
		change16(ip + at + 2, (uint16_t)(net16(ip + at + 2) + round), ip + 10, sum);
	}
	if (!first || len < header + 4 || (ip[9] != 6 && ip[9] != 17))
		return;
	change_port(ip + header, round, sum);
	change_port(ip + header + 2, round, sum);
}

static void change_ip6(uint8_t *ip, size_t len, uint32_t round)
{
	if (len < 44)
		return;
	uint8_t *sum = transport_sum(ip + 40, len - 40, ip[6]);

	change16(ip + 20, (uint16_t)(net16(ip + 20) + round), sum, NULL);
	change16(ip + 36, (uint16_t)(net16(ip + 36) + round), sum, NULL);
}

static void change_packet(uint8_t *p, size_t len, uint32_t round)
{
	if (len < 14)
		return;
	if (net16(p + 12) == 0x0800)
		change_ip4(p + 14, len - 14, round);
	else if (net16(p + 12) == 0x86dd)
		change_ip6(p + 14, len - 14, round);
}

/* --- templates --- */

static void template_measure(struct template *t)
{
	uint64_t last = 0;

	for (size_t at = 0; at < t->len; at += RECORD_HEADER + get32(t->data + at + 8)) {
		uint64_t us = (uint64_t)get32(t->data + at) * US + get32(t->data + at + 4);

		if (t->packets++ == 0)
			t->first_us = last = us;
		if (us > last)
			last = us;
	}
	t->span_us = last - t->first_us < 10 * US ? last - t->first_us : 10 * US;
}

/* false: not there, or no little-endian Ethernet pcap. Records past the first damage are left out.
 */
static bool template_read(struct template *t, const char *folder, const char *name)
{
	char path[4096];
	FILE *f;
	size_t len, whole = FILE_HEADER;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "rb");
	if (!f)
		return false;
	uint8_t *data = malloc(TEMPLATE_MAX);

	if (!data)
		die("no memory for", path);
	len = fread(data, 1, TEMPLATE_MAX, f);
	fclose(f);
	if (len < FILE_HEADER || get32(data) != 0xa1b2c3d4 || get32(data + 20) != 1) {
		free(data);
		return false;
	}
	while (whole + RECORD_HEADER <= len && get32(data + whole + 8) <= PACKET_MAX &&
	       whole + RECORD_HEADER + get32(data + whole + 8) <= len)
		whole += RECORD_HEADER + get32(data + whole + 8);
	memmove(data, data + FILE_HEADER, whole - FILE_HEADER);
	*t = (struct template){.data = data, .len = whole - FILE_HEADER};
	template_measure(t);
	return t->packets > 0;
}

/* One segment of a conversation of our own, from 10.0.0.1:40000 to 10.0.0.2:80 or back. */
static void own_segment(struct template *t, bool back, uint8_t flags, uint32_t seq, uint32_t ack,
			size_t payload)
{
	uint8_t *r = t->data + t->len, *p = r + RECORD_HEADER, *ip = p + 14, *tcp = ip + 20;
	size_t len = 54 + payload;
	uint32_t sum = 0;

	memset(r, 0, RECORD_HEADER + len);
	put32(r, START_S);
	put32(r + 4, (uint32_t)t->packets++ * 100);
	put32(r + 8, (uint32_t)len);
	put32(r + 12, (uint32_t)len);
	memcpy(p, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
	memcpy(ip, "\x45\0\0\0\0\1\x40\0\x40\6\0\0\x0a\0\0\1\x0a\0\0\2", 20);
	put_net16(ip + 2, (uint16_t)(40 + payload));
	ip[15] = back ? 2 : 1;
	ip[19] = back ? 1 : 2;
	for (unsigned i = 0; i < 20; i += 2)
		sum += net16(ip + i);
	put_net16(ip + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
	put_net16(tcp, back ? 80 : 40000);
	put_net16(tcp + 2, back ? 40000 : 80);
	for (unsigned i = 0; i < 4; i++) {
		tcp[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
		tcp[8 + i] = (uint8_t)(ack >> (24 - 8 * i));
	}
	tcp[12] = 0x50;
	tcp[13] = flags;
	put_net16(tcp + 14, 65535);
	memset(tcp + 20, 'x', payload);
	sum = 6 + 20 + (uint32_t)payload;
	for (unsigned i = 12; i < 20; i += 2)
		sum += net16(ip + i);
	for (size_t i = 0; i < 20 + payload; i++)
		sum += i & 1 ? tcp[i] : (uint32_t)tcp[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put_net16(tcp + 16, (uint16_t)~sum);
	t->len += RECORD_HEADER + len;
}

static void template_own(struct template *t, size_t payload)
{
	uint32_t seq = 1;

	*t = (struct template){.data = malloc(TEMPLATE_MAX)};
	if (!t->data)
		die("no memory for", "a conversation");
	own_segment(t, false, 2, 0, 0, 0);
	own_segment(t, true, 0x12, 0, 1, 0);
	own_segment(t, false, 0x10, 1, 1, 0);
	own_segment(t, false, 0x18, 1, 1, 120);
	for (unsigned i = 0; i < 40; i++, seq += (uint32_t)payload)
		own_segment(t, true, 0x18, seq, 121, payload);
	own_segment(t, false, 0x11, 121, seq, 0);
	own_segment(t, true, 0x11, seq, 122, 0);
	own_segment(t, false, 0x10, 122, seq + 1, 0);
	t->first_us = (uint64_t)START_S * US;
	t->span_us = t->packets * 100;
}

/* --- the file --- */

struct output {
	FILE *f;
	const char *name;
	uint64_t bytes, packets, now_us;
};

static void output_write(struct output *o, const void *p, size_t len)
{
	if (fwrite(p, 1, len, o->f) != len)
		die("writing", o->name);
	o->bytes += len;
}

static void output_template(struct output *o, const struct template *t, uint32_t round,
			    uint64_t packets_max)
{
	uint8_t r[RECORD_HEADER + PACKET_MAX];

	for (size_t at = 0; at < t->len && o->packets < packets_max; o->packets++) {
		size_t len = RECORD_HEADER + get32(t->data + at + 8);
		uint64_t us =
			(uint64_t)get32(t->data + at) * US + get32(t->data + at + 4) - t->first_us;

		memcpy(r, t->data + at, len);
		us = o->now_us + (us < t->span_us ? us : t->span_us);
		put32(r, (uint32_t)(us / US));
		put32(r + 4, (uint32_t)(us % US));
		change_packet(r + RECORD_HEADER, len - RECORD_HEADER, round);
		output_write(o, r, len);
		at += len;
	}
	o->now_us += t->span_us + 1000;
}

/* The template, next in turn, that brings the mean size nearer to what is wanted. */
static const struct template *choose(const struct template *t, size_t count, uint32_t round,
				     bool want_longer, double mean)
{
	for (size_t i = 0; i < count; i++) {
		const struct template *c = &t[(round + i) % count];

		if (((double)c->len / (double)c->packets > mean) == want_longer)
			return c;
	}
	return &t[round % count];
}

int main(int argc, char **argv)
{
	struct template t[TEMPLATES_MAX];
	uint8_t header[FILE_HEADER] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0,
				       0,    0,	   0,	 0,    0, 0, 1, 0, 1, 0, 0, 0};
	struct output o = {.now_us = (uint64_t)START_S * US};
	size_t count = 0;
	uint64_t bytes, packets;

	if (argc < 4) {
		fprintf(stderr, "usage: make_big OUT BYTES PACKETS [FOLDER of captures]\n");
		return 2;
	}
	bytes = strtoull(argv[2], NULL, 10);
	packets = strtoull(argv[3], NULL, 10);
	for (size_t i = 0; argc > 4 && i < sizeof(captures) / sizeof(captures[0]); i++)
		count += template_read(&t[count], argv[4], captures[i]);
	if (count == 0) {
		template_own(&t[count++], 1400);
		template_own(&t[count++], 60);
	}
	double mean = packets ? (double)bytes / (double)packets : 0;

	o.name = argv[1];
	o.f = fopen(o.name, "wb");
	if (!o.f)
		die("making", o.name);
	output_write(&o, header, sizeof(header));
	for (uint32_t round = 0; o.packets < packets; round++)
		output_template(
			&o,
			choose(t, count, round, (double)o.bytes < mean * (double)o.packets, mean),
			round, packets);
	if (fclose(o.f) != 0)
		die("writing", o.name);
	for (size_t i = 0; i < count; i++)
		free(t[i].data);
	return 0;
}
