/* What blocks.c, classic.c, ng.c and resync.c share: the state of a walk and one record of either
 * kind. */
#ifndef CAPFILE_BLOCKS_PRIVATE_H
#define CAPFILE_BLOCKS_PRIVATE_H

#include <endian.h>
#include <string.h>

#include "base/raw.h"
#include "capfile/blocks.h"

/* A block or record may be so long, with its head and options; longer is damage. */
#define RECORD_BYTES_MAX (PACKET_BYTES_MAX + 65536u)
/* Captured bytes that libpcap takes from a file whatever its snapshot length says. */
#define CLASSIC_CAPTURED_USUAL 262144u
#define CLASSIC_FILE_HEADER 24u
#define DAY_S 86400
#define YEAR_1990_S 631152000u /* no capture of real packets is older */
/* How far behind damage, and in what a doubtful record claims, better records are looked for. */
#define RESYNC_NEAR_BYTES 16384u

enum blocks_kind { KIND_NONE, KIND_CLASSIC, KIND_NG };

struct interface_state {
	struct capture_interface said;
	uint32_t section_first; /* number of its section's first interface */
	bool big;		/* byte order of its section */
};

/* What the blocks of one pcapng section need from it. */
struct section {
	bool big;
	uint32_t first, count; /* its interfaces */
	bool damaged;	       /* descriptions may be lost */
};

struct classic_head {
	uint32_t s, part, captured, length;
};

struct blocks {
	enum blocks_kind kind;
	struct section section;
	/* pcap only */
	uint32_t head_bytes; /* 16, or 24 with the modified magic */
	uint32_t unit;	     /* parts of a second: 1000000 or 1000000000 */
	uint32_t part_ns;
	uint32_t captured_limit; /* a longer record is damage */
	bool lengths_mixed;	 /* files before 2.4 may have the two lengths the other way round */
	bool modified, has_last;
	uint32_t captured_seen;	   /* longest so far, beyond the snapshot length or not */
	uint32_t last_s;	   /* time of the last record */
	struct classic_head ahead; /* of the record behind the last one, where it was sound */
	bool ahead_sound;
	uint64_t packets;
	size_t text_bytes; /* of all names and comments */
	struct interface_state *interface;
	uint32_t count, cap;
	uint32_t lost; /* of them, whose descriptions damage took */
};

static inline uint16_t load16(const uint8_t *p, bool big)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return big ? be16toh(v) : le16toh(v);
}

static inline uint32_t load32(const uint8_t *p, bool big)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return big ? be32toh(v) : le32toh(v);
}

static inline uint64_t load64(const uint8_t *p, bool big)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return big ? be64toh(v) : le64toh(v);
}

/* As they lie in memory, for capfile/saved.h. */
int blocks_save(const struct blocks *b, struct buf *out);
struct blocks *blocks_restore(struct raw *r); /* NULL: it is none */
/* As blocks_next. `last`: no byte will follow these, so a doubtful record is taken without a look
 * at the next. */
enum blocks_result blocks_step(struct blocks *b, const uint8_t *p, size_t len, uint64_t offset,
			       bool last, struct packet *pk, size_t *used, struct err *e);
/* The packet record at p, without changing the walk: it must be of this interface. */
enum blocks_result blocks_packet_at(const struct blocks *b, uint32_t interface, const uint8_t *p,
				    size_t len, struct packet *pk, size_t *used, struct err *e);
/* As blocks_resync; *undecided: bytes that need not be looked at again with more behind them. */
int64_t blocks_scan(const struct blocks *b, const uint8_t *p, size_t len, bool at_end,
		    size_t *undecided);
/* Do records that are near in time begin in the first `own` bytes at p? Then no other record is
 * there. */
bool classic_near_within(const struct blocks *b, const uint8_t *p, size_t own, size_t len,
			 bool at_end);
/* What a hole of just these bytes says where it is one block but for its lengths: an interface, a
 * section. false: nothing. */
bool blocks_mend(struct blocks *b, const uint8_t *p, size_t len);
/* The section header that begins the file, whatever lengths it claims. false: there is none. */
bool blocks_begin_damaged(struct blocks *b, const uint8_t *p, size_t len);
/* A new interface at the end of the list; NULL past BLOCKS_INTERFACES_MAX. */
struct capture_interface *blocks_add_interface(struct blocks *b);

/* --- classic.c: pcap --- */
enum classic_state { CLASSIC_SOUND, CLASSIC_DOUBTFUL, CLASSIC_BAD };

bool classic_magic(const uint8_t *p); /* 4 bytes */
int classic_header(struct blocks *b, const uint8_t *p,
		   struct err *e); /* CLASSIC_FILE_HEADER bytes */
struct classic_head classic_head(const struct blocks *b, const uint8_t *p); /* 16 bytes */
enum blocks_result classic_step(struct blocks *b, const uint8_t *p, size_t len, bool last,
				struct packet *pk, size_t *used, struct err *e);
enum blocks_result classic_packet(const struct blocks *b, const uint8_t *p, size_t len,
				  struct packet *pk, size_t *used, struct err *e);

/* --- times.c --- */
/* Ticks of an interface to nanoseconds; false where they do not fit. */
bool ticks_to_ns(const struct capture_interface *i, uint64_t ticks, int64_t *ts_ns);

#endif
