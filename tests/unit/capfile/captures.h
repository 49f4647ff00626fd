/* Files for the tests: the shared captures where they are, files of bytes, and what must hold of
 * any walk. */
#ifndef TEST_CAPTURES_H
#define TEST_CAPTURES_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"
#include "capfile/capfile.h"
#include "capfile/write.h"

/* The folder of shared captures, or NULL (said in one line). The caller frees it. */
static inline char *captures_folder(void)
{
	const char *said = getenv("TAPDECK_CAPTURES");
	const char *folder = said ? said : "../shared/captures";

	if (access(folder, R_OK) == 0)
		return xstrdup(folder);
	print_message("no shared captures at %s: their truth is not tested\n", folder);
	return NULL;
}

/* The caller frees them. */
static inline uint8_t *file_bytes(const char *path, size_t *len)
{
	struct stat st;
	uint8_t *p;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	*len = (size_t)st.st_size;
	p = xmalloc(*len + 1);
	assert_int_equal(fdio_pread(fd, p, *len, 0), (ssize_t)*len);
	close(fd);
	return p;
}

/* A file in memory that holds these bytes. */
static inline int fd_of_bytes(const void *p, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fdio_pwrite_all(fd, p, len, 0), 0);
	return fd;
}

#define OWN_PACKETS 40u
#define OWN_FIRST_NS INT64_C(1700000000123456000)

/* Packet i (0 and up) of the files that the tests make: one a millisecond, none longer than 200
 * bytes. */
static inline struct packet own_packet(uint32_t i, uint8_t data[200])
{
	struct packet pk = {.data = data,
			    .captured = 40 + i * 37 % 160,
			    .has_time = true,
			    .link_type = 1,
			    .number = i + 1};

	for (uint32_t k = 0; k < 200; k++)
		data[k] = (uint8_t)(k * 7 + i * 13 + 1);
	pk.length = i % 5 == 0 ? 1500 : pk.captured;
	pk.ts_ns = OWN_FIRST_NS + (int64_t)i * 1000000;
	return pk;
}

static inline void own_pcap(struct buf *out, uint32_t packets)
{
	uint8_t data[200];

	buf_init(out, 64u << 20);
	assert_int_equal(write_pcap_header(out, 1, 262144, false), 0);
	for (uint32_t i = 0; i < packets; i++) {
		const struct packet pk = own_packet(i, data);

		assert_int_equal(write_pcap_packet(out, false, &pk), 0);
	}
}

static inline void own_pcapng(struct buf *out, uint32_t packets)
{
	uint8_t data[200];

	buf_init(out, 64u << 20);
	assert_int_equal(write_section(out, "a comment"), 0);
	assert_int_equal(write_interface(out, "eth0", "tcp port 80", 1, 262144), 0);
	for (uint32_t i = 0; i < packets; i++) {
		const struct packet pk = own_packet(i, data);
		const uint32_t bytes = write_packet_bytes(pk.captured);
		uint8_t *dst = buf_reserve(out, bytes);

		assert_non_null(dst);
		write_packet(dst, 0, pk.ts_ns, pk.captured, pk.length, pk.data);
		out->len += bytes;
	}
	assert_int_equal(write_statistics(out, 0, OWN_FIRST_NS, packets, 3, 4), 0);
}

/* As capfile_next, damage of any length passed over at once. */
static inline int next_packet(struct capfile *f, struct packet *pk, struct err *e)
{
	int r;

	do
		r = capfile_next(f, pk, e);
	while (r == CAPFILE_LATER);
	return r;
}

/* Reads all of it, touching every byte of every packet. What must hold of any file: numbers without
 * a gap, offsets that grow, packets and holes inside the file, nothing left at the end. Takes fd.
 * -1: it did not open. */
static inline int64_t walk_any(int fd, struct err *e, uint64_t *hole_bytes)
{
	const struct capfile_hole *hole;
	struct capfile *f;
	struct packet pk;
	uint64_t packets = 0, before = 0, sum = 0;

	if (hole_bytes)
		*hole_bytes = 0;
	if (capfile_open(&f, fd, "walked", e) < 0) {
		assert_true(e->text[0] != 0);
		return -1;
	}
	capfile_end(f);
	while (next_packet(f, &pk, e) == 1) {
		assert_int_equal(pk.number, ++packets);
		assert_true(pk.offset > before && pk.offset + pk.captured <= capfile_size(f));
		assert_true(pk.interface < blocks_interfaces(capfile_blocks(f)));
		before = pk.offset;
		for (uint32_t i = 0; i < pk.captured; i++)
			sum += pk.data[i];
	}
	assert_int_equal(capfile_done(f), capfile_size(f));
	for (uint32_t i = 0; i < capfile_holes(f, &hole); i++) {
		assert_true(hole[i].why[0] != 0 &&
			    hole[i].offset + hole[i].bytes <= capfile_size(f));
		if (hole_bytes)
			*hole_bytes += hole[i].bytes;
	}
	assert_int_equal(capfile_packets(f), packets);
	capfile_close(f);
	return sum == UINT64_MAX ? -1 : (int64_t)packets; /* the sum keeps the reads alive */
}

#endif
