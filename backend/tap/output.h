/* Packets into chunks: takes slots, publishes whole blocks, begins and seals segments. The main
 * thread's side. */
#ifndef TAP_OUTPUT_H
#define TAP_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "capfile/chunk.h"
#include "rotation.h"
#include "source.h"
#include "writer.h"

#define OUTPUT_INTERFACES_MAX 256u
#define OUTPUT_LATE "late" /* the comment of a packet that is older than one before it */

/* An interface of the files: its number is its place, and stays when its device goes and returns.
 */
struct output_interface {
	char *name, *filter;
	uint32_t link_type, snaplen;
	uint64_t received, dropped_kernel, dropped_device; /* for statistics blocks */
};

/* A segment, from its file to its seal. */
struct output_segment {
	uint32_t number; /* 0: none */
	char *name;
	bool failed;  /* the disk refused it */
	bool awaited; /* it has begun, and its file is still to come */
	bool saved;   /* of chunks that were there before: save.h */
	uint64_t packets, first_packet, first_bytes; /* first_...: in chunks before it */
	uint64_t wire_bytes;
	int64_t first_ns, last_ns;
	char reason[32];
};

struct output {
	struct chunks chunks;
	struct writer *writer;
	int wake_fd; /* eventfd: something was published */
	bool pcap;   /* files are classic pcap */
	bool microseconds; /* of times in chunks and files */
	uint32_t sample; /* one packet in so many comes here, as the interfaces say; 0 and 1: all */

	struct output_interface interface[OUTPUT_INTERFACES_MAX];
	uint32_t interfaces, told; /* told: whose blocks are in the section that is written */

	/* the chunk that is filled */
	bool open, starting; /* starting: the next one begins a segment */
	uint64_t sequence;   /* of the next chunk */
	uint8_t *data;
	struct chunk_entry *entry;
	uint32_t last_slot;
	uint32_t used, packets; /* published or not */
	uint32_t kicked;	/* bytes of it that the writer was woken for */
	struct {
		uint64_t sequence; /* UINT64_MAX: free */
		bool recorded, for_reader;
		/* without a packet meaningless: earliest and latest, and the first that came, by
		 * its stamp and by our clock */
		int64_t first_ns, last_ns, came_ns, came_mono_ns;
	} slot[CHUNK_SLOTS_MAX];

	struct output_segment segment;			    /* that is written now */
	struct output_segment sealing[WRITER_SEGMENTS_MAX]; /* that the writer has to finish */
	uint64_t file_offset;				    /* bytes of the segment so far */
	uint64_t files_bytes;				    /* of those that are sealed, in all */
	struct rotation rotation;
	/* The file is full, for this reason: begins another by output_rotate, or not. */
	void (*full)(void *arg, const char *reason);
	void *full_arg;
	bool losing;   /* what is not recorded is missed: the disk does not take it */
	uint64_t lost; /* since that is so */
	uint64_t hold_end; /* chunks below it stay until writer_saved is past them */

	bool dirty; /* published in this round */
	int64_t last_ns;
	uint64_t total, total_bytes;		    /* packets in chunks, their bytes on the wire */
	uint64_t dropped_buffer, dropped_disk, cut; /* cut: did not fit a chunk whole */
	uint64_t not_for_reader;		    /* chunks that a reader behind does not get */
	struct buf scratch;
};

int output_init(struct output *o, struct err *e);
void output_release(struct output *o);
/* A new interface; its block goes before the packet that comes next. -1: too many. */
int output_add_interface(struct output *o, const char *name, uint32_t link_type, uint32_t snaplen,
			 const char *filter);
void output_set_filter(struct output *o, uint32_t interface, const char *filter);
/* One packet. -1: there is no room now (the writer is behind): the caller keeps it, or counts it as
 * dropped. */
int output_packet(struct output *o, uint32_t interface, const struct source_packet *p);
/* The end of a round: readers see what was added and are woken. */
void output_publish(struct output *o);
void output_set_low(struct output *o, int64_t low_ns);
/* The next chunk begins a segment; fd is taken. The one before is sealed with `reason`. */
int output_begin_segment(struct output *o, uint32_t number, const char *name, int fd,
			 const char *reason, struct err *e);
/* Another segment begins at this packet, and its file comes later, by output_give_segment. -1: the
 * disk has not done with those before it. */
int output_rotate(struct output *o, uint32_t number, const char *reason);
/* The file of a segment that has begun; takes fd and copies the name. NULL: it is not awaited, fd
 * stays the caller's. */
struct output_segment *output_give_segment(struct output *o, uint32_t number, const char *name,
					   int fd);
/* There will be none. */
void output_abandon_segment(struct output *o, uint32_t number, int error);
/* Bytes of all files so far. */
uint64_t output_recorded(const struct output *o);
/* Statistics, and no packet more for the segment; what follows is not recorded until another
 * begins. */
void output_seal(struct output *o, const char *reason);
/* The segment that news of the writer are about; NULL: none. */
struct output_segment *output_find_segment(struct output *o, uint32_t number);
/* The one that is recorded before it, where it is not finished yet; NULL. */
struct output_segment *output_segment_before(struct output *o, uint32_t number);
void output_forget_segment(struct output_segment *s);
struct output_segment *output_sealing_place(struct output *o); /* NULL: none is free */
/* What a file begins and ends with, appended. */
int output_headers(const struct output *o, struct buf *to);
int output_statistics(const struct output *o, struct buf *to);
bool output_sealing(const struct output *o); /* the writer has some to finish */

#endif
