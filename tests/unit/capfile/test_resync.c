/* Behind damage records are found where they are, and not where bytes only look like some: one
 * wrong byte costs its own record, whichever byte it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "captures.h"

#define PACKETS 200u
#define PACKETS_MAX 10000u

/* Offsets and times of all packets; the caller frees them. */
struct places {
	uint64_t count, *offset;
	int64_t *ts_ns;
};

static void places_release(struct places *s)
{
	free(s->offset);
	free(s->ts_ns);
}

static struct capfile *open_bytes(const void *p, size_t len)
{
	struct capfile *f;
	struct err e;

	if (capfile_open(&f, fd_of_bytes(p, len), "made", &e) < 0)
		fail_msg("%s", e.text);
	capfile_end(f);
	return f;
}

static void places_read(struct places *s, struct capfile *f)
{
	struct packet pk;
	struct err e;

	*s = (struct places){.offset = xcalloc(PACKETS_MAX, sizeof(*s->offset)),
			     .ts_ns = xcalloc(PACKETS_MAX, sizeof(*s->ts_ns))};
	while (next_packet(f, &pk, &e) == 1) {
		assert_true(s->count < PACKETS_MAX);
		s->offset[s->count] = pk.offset;
		s->ts_ns[s->count++] = pk.ts_ns;
	}
}

/* Packets of `sound` that are not in `found`, whose bytes from `from` on lie `missing` further in
 * front; *strange: those of `found` that are not in `sound`. */
static uint64_t places_lost(const struct places *sound, const struct places *found, uint64_t from,
			    uint64_t missing, uint64_t *strange)
{
	uint64_t k = 0, lost = 0;

	*strange = 0;
	for (uint64_t i = 0; i < sound->count; i++) {
		const uint64_t at = sound->offset[i] - (sound->offset[i] > from ? missing : 0);

		for (; k < found->count && found->offset[k] < at; k++)
			++*strange;
		if (k < found->count && found->offset[k] == at)
			k++;
		else
			lost++;
	}
	*strange += found->count - k;
	return lost;
}

/* Bytes p with `missing` bytes left out at `at`: what it costs. */
static void check(const char *what, const struct buf *sound, const uint8_t *p, size_t len,
		  size_t at, size_t missing, uint64_t lost_max)
{
	struct capfile *f = open_bytes(sound->data, sound->len);
	const struct capfile_hole *hole;
	struct places whole, found;
	uint64_t lost, strange;

	places_read(&whole, f);
	capfile_close(f);
	f = open_bytes(p, len);
	places_read(&found, f);
	lost = places_lost(&whole, &found, at, missing, &strange);
	/* Where a head has lost a byte what is left of it may still be read as one. */
	if (lost > lost_max || strange > (missing > 0))
		fail_msg("%s at %zu: %llu packets are lost, %llu are none", what, at,
			 (unsigned long long)lost, (unsigned long long)strange);
	if (lost > 0 && capfile_holes(f, &hole) == 0)
		fail_msg("%s at %zu: %llu packets are lost without a word", what, at,
			 (unsigned long long)lost);
	capfile_close(f);
	places_release(&whole);
	places_release(&found);
}

/* Packets to a group address of Ethernet: read 4 bytes too late a record has its microseconds for
 * seconds, its length for what was captured, and a length that could be one. */
static void group_pcap(struct buf *out)
{
	uint8_t data[100] = {1, 0, 0x5e, 0, 0, 22};

	buf_init(out, 1u << 20);
	assert_int_equal(write_pcap_header(out, 1, 262144, false), 0);
	for (uint32_t i = 0; i < PACKETS; i++) {
		const struct packet pk = {.data = data,
					  .captured = 60 + i % 40,
					  .length = 60 + i % 40,
					  .has_time = true,
					  .ts_ns = OWN_FIRST_NS + (int64_t)i * 10000000};

		assert_int_equal(write_pcap_packet(out, false, &pk), 0);
	}
}

static void each_byte_of_a_head(void **state)
{
	static const uint8_t with[] = {0x01, 0x10, 0x80, 0xbd, 0xff};
	struct places whole;
	struct buf own;

	(void)state;
	group_pcap(&own);
	struct capfile *f = open_bytes(own.data, own.len);

	places_read(&whole, f);
	capfile_close(f);
	for (uint64_t n = 0; n < whole.count; n += 37)
		for (size_t i = 0; i < 16 * sizeof(with); i++) {
			const size_t at = whole.offset[n] + i % 16;

			own.data[at] ^= with[i / 16];
			uint8_t *harmed = xmalloc(own.len);

			memcpy(harmed, own.data, own.len);
			own.data[at] ^= with[i / 16];
			check("a wrong byte", &own, harmed, own.len, at, 0, 1);
			free(harmed);
		}
	places_release(&whole);
	buf_release(&own);
}

/* A part of the file is not there at all: the record before claims what is others'. */
static void bytes_that_are_missing(void **state)
{
	static const size_t missing[] = {1, 4, 7, 16, 50, 76, 300};
	struct buf own;

	(void)state;
	for (int group = 0; group < 2; group++) {
		if (group)
			group_pcap(&own);
		else
			own_pcap(&own, PACKETS);
		for (size_t i = 0; i < ARRAY_LEN(missing); i++)
			for (size_t at = 5000; at < 5200; at += 7) {
				uint8_t *harmed = xmalloc(own.len);
				const size_t len = own.len - missing[i];

				memcpy(harmed, own.data, at);
				memcpy(harmed + at, own.data + at + missing[i], len - at);
				check("missing bytes", &own, harmed, len, at, missing[i],
				      3 + missing[i] / 50);
				free(harmed);
			}
		buf_release(&own);
	}
}

/* Years lie between what is before the damage and what is behind it. */
static void a_later_time_is_found_too(void **state)
{
	static const int64_t later_ns[] = {INT64_C(86400000000000) * 700,
					   INT64_C(-86400000000000) * 700, -OWN_FIRST_NS};
	uint8_t noise[100], data[200];

	(void)state;
	memset(noise, 0xee, sizeof(noise));
	for (size_t k = 0; k < ARRAY_LEN(later_ns); k++) {
		const struct capfile_hole *hole;
		struct places found;
		struct buf own;

		own_pcap(&own, 50);
		assert_int_equal(buf_add(&own, noise, sizeof(noise)), 0);
		for (uint32_t i = 0; i < 500; i++) {
			struct packet pk = own_packet(i, data);

			pk.ts_ns += later_ns[k];
			assert_int_equal(write_pcap_packet(&own, false, &pk), 0);
		}
		struct capfile *f = open_bytes(own.data, own.len);

		places_read(&found, f);
		assert_int_equal(found.count, 550);
		assert_int_equal(capfile_holes(f, &hole), 1);
		assert_int_equal(hole->bytes, sizeof(noise));
		assert_int_equal(hole->packet, 50);
		capfile_close(f);
		places_release(&found);
		buf_release(&own);
	}
}

/* The captures of others, and the very bytes that went wrong. */
static void places_that_were_costly(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t with;
	} harm[] = {
		{"ark-igmp.pcap", 290, 0xbd},
		{"d-own-one-flow.pcap", 127998, 0xf6},
		{"d-snaplen64.pcap", 1633, 0x0f},
		{"pp-pcapng-example.pcapng", 10729, 0x8b},
		{"pp-pcapng-example.pcapng", 10750, 0xb6},
		{"pp-microsecs_big_endian.pcap", 34, 0x0b},
		{"pp-sll.pcap", 691, 0xed},
		{"td-geneve.pcap", 3736, 0x1c},
		{"td-time_2107.pcapng", 88, 0x11},
		{"z-handshake.pcap", 123, 0x6c},
		{"z-nmap-vsn.pcap", 5642, 0x33},
	};
	char *folder = captures_folder();

	(void)state;
	for (size_t i = 0; folder && i < ARRAY_LEN(harm); i++) {
		char *path = xasprintf("%s/%s", folder, harm[i].name);
		struct buf sound;
		size_t len;
		uint8_t *p = file_bytes(path, &len);

		buf_init(&sound, 8u << 20);
		assert_int_equal(buf_add(&sound, p, len), 0);
		p[harm[i].at] ^= harm[i].with;
		check(harm[i].name, &sound, p, len, harm[i].at, 0, 1);
		buf_release(&sound);
		free(p);
		free(path);
	}
	free(folder);
}

/* --- pcapng: what a lost block said --- */

/* Two interfaces, and packets of both; *second: the description of the second one. */
static void two_interfaces(struct buf *out, size_t *second, size_t *second_bytes)
{
	uint8_t data[200];

	buf_init(out, 1u << 20);
	assert_int_equal(write_section(out, NULL), 0);
	assert_int_equal(write_interface(out, "eth0", NULL, 1, 262144), 0);
	*second = out->len;
	assert_int_equal(write_interface(out, "eth1", NULL, 113, 262144), 0);
	*second_bytes = out->len - *second;
	for (uint32_t i = 0; i < PACKETS; i++) {
		const struct packet pk = own_packet(i, data);
		const uint32_t bytes = write_packet_bytes(pk.captured);
		uint8_t *dst = buf_reserve(out, bytes);

		assert_non_null(dst);
		write_packet(dst, i % 2, pk.ts_ns, pk.captured, pk.length, pk.data);
		out->len += bytes;
	}
}

/* All packets are there, of two interfaces; whoever knows the holes sees the same. */
static const struct capture_interface *both_are_read(const struct buf *own, struct capfile **f,
						     uint32_t holes)
{
	struct places once, again;
	const struct capfile_hole *hole;

	*f = open_bytes(own->data, own->len);
	places_read(&once, *f);
	assert_int_equal(once.count, PACKETS);
	assert_int_equal(once.ts_ns[PACKETS - 1], OWN_FIRST_NS + (PACKETS - 1) * 1000000);
	assert_int_equal(blocks_interfaces(capfile_blocks(*f)), 2);
	assert_int_equal(capfile_holes(*f, &hole), holes);

	struct capfile *other = open_bytes(own->data, own->len);

	capfile_learn(other, *f);
	places_read(&again, other);
	assert_int_equal(again.count, PACKETS);
	assert_int_equal(blocks_interfaces(capfile_blocks(other)), 2);
	capfile_close(other);
	places_release(&once);
	places_release(&again);
	return blocks_interface(capfile_blocks(*f), 1);
}

static void an_interface_outlives_its_lengths(void **state)
{
	size_t at, bytes;
	struct buf own;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		const struct capture_interface *second;
		struct capfile *f;

		two_interfaces(&own, &at, &bytes);
		own.data[i < 4 ? at + 4 + i : at + bytes - 8 + i] ^= 0x10;
		second = both_are_read(&own, &f, 1);
		assert_int_equal(second->link_type, 113);
		assert_string_equal(second->name, "eth1");
		capfile_close(f);
		buf_release(&own);
	}
}

/* A hole right behind it is one of its own. */
static void damage_behind_a_mended_block(void **state)
{
	const struct capture_interface *second;
	static const uint8_t noise[16] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
	size_t at, bytes;
	struct capfile *f;
	struct buf own, all;

	(void)state;
	two_interfaces(&own, &at, &bytes);
	own.data[at + 4] ^= 0x10;
	buf_init(&all, 1u << 20);
	assert_int_equal(buf_add(&all, own.data, at + bytes), 0);
	assert_int_equal(buf_add(&all, own.data + at + bytes, own.len - at - bytes), 0);
	assert_int_equal(buf_add(&all, noise, sizeof(noise)), 0);
	second = both_are_read(&all, &f, 2);
	assert_int_equal(second->link_type, 113);
	capfile_close(f);
	buf_release(&all);
	buf_release(&own);
}

/* Nothing is left of it: its packets are read as those of the one before, and that is said. */
static void packets_outlive_their_interface(void **state)
{
	const struct capture_interface *second;
	size_t at, bytes;
	struct capfile *f;
	struct buf own;

	(void)state;
	for (int zeros = 0; zeros < 2; zeros++) {
		two_interfaces(&own, &at, &bytes);
		memset(own.data + at, zeros ? 0 : 0xf3, bytes);
		second = both_are_read(&own, &f, 1);
		assert_int_equal(second->link_type, 1);
		assert_non_null(strstr(second->comment, "damaged"));
		capfile_close(f);
		buf_release(&own);
	}
}

/* Packets that name ever more of them are not believed for long. */
static void lost_interfaces_are_bounded(void **state)
{
	const struct capfile_hole *hole;
	static const uint8_t noise[16] = {9};
	struct places found;
	struct capfile *f;
	struct buf own;

	(void)state;
	buf_init(&own, 8u << 20);
	assert_int_equal(write_section(&own, NULL), 0);
	assert_int_equal(buf_add(&own, noise, sizeof(noise)), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		uint8_t *dst = buf_reserve(&own, write_packet_bytes(4));

		assert_non_null(dst);
		write_packet(dst, i * 8, OWN_FIRST_NS, 4, 4, noise);
		own.len += write_packet_bytes(4);
	}
	f = open_bytes(own.data, own.len);
	places_read(&found, f);
	assert_in_range(found.count, 10, 100);
	assert_in_range(blocks_interfaces(capfile_blocks(f)), 100, 300);
	assert_true(capfile_holes(f, &hole) > 0);
	capfile_close(f);
	places_release(&found);
	buf_release(&own);
}

/* The first header is known by more than its lengths; without any block behind it there is nothing
 * to be believed. */
static void a_section_outlives_its_lengths(void **state)
{
	const struct capfile_hole *hole;
	size_t at, bytes;
	struct capfile *f;
	struct buf own;
	struct err e;

	(void)state;
	for (int last = 0; last < 2; last++) {
		two_interfaces(&own, &at, &bytes);
		const uint32_t section_bytes = own.data[4];

		own.data[last ? section_bytes - 4 : 4] ^= 0x44;
		(void)both_are_read(&own, &f, 1);
		assert_int_equal(capfile_holes(f, &hole), 1);
		assert_int_equal(hole->offset, 0);
		assert_int_equal(hole->bytes, section_bytes);
		capfile_close(f);
		assert_int_equal(
			capfile_open(&f, fd_of_bytes(own.data, section_bytes), "alone", &e), -1);
		buf_release(&own);
	}
}

/* Of a file that grows: what one block claims does not hold up those behind it. */
static void a_long_claim_is_not_waited_for(void **state)
{
	struct capfile *f;
	struct packet pk;
	size_t at, bytes;
	struct buf own;
	struct err e;

	(void)state;
	two_interfaces(&own, &at, &bytes);
	own.data[at + bytes + 7] = 9; /* of the first packet's block: 144 MB */
	assert_int_equal(capfile_open(&f, fd_of_bytes(own.data, own.len), "growing", &e), 0);
	while (next_packet(f, &pk, &e) == 1)
		;
	assert_int_equal(capfile_packets(f), PACKETS - 1);
	capfile_close(f);
	buf_release(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_byte_of_a_head),
		cmocka_unit_test(bytes_that_are_missing),
		cmocka_unit_test(a_later_time_is_found_too),
		cmocka_unit_test(places_that_were_costly),
		cmocka_unit_test(an_interface_outlives_its_lengths),
		cmocka_unit_test(damage_behind_a_mended_block),
		cmocka_unit_test(packets_outlive_their_interface),
		cmocka_unit_test(lost_interfaces_are_bounded),
		cmocka_unit_test(a_section_outlives_its_lengths),
		cmocka_unit_test(a_long_claim_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
