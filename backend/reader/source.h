/* Where the packets of a capture are: files one after another or merged by time, the chunks of a
 * live session, or both (a session that is recorded). Forward once, and any packet again while it
 * is there. */
#ifndef READER_SOURCE_H
#define READER_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "capfile/chunk.h"
#include "index.h"
#include "part.h"
#include "table/server.h"
#include "wire/msg.h"

#define SOURCE_PARTS_MAX 65536u /* files of one capture */
#define SOURCE_PARTS_LIVE 1024u /* of a running one that are held, the newest */
#define SOURCE_PLACE_LIVE                                                                          \
	(UINT64_C(1) << (INDEX_PLACE_BITS - 1)) /* the place is chunk * CHUNK_BYTES + byte */
#define SOURCE_MERGE_MAX 1024u			/* of them merged by time: each has a buffer */
#define SOURCE_NOTE_MAX 1024u
#define SOURCE_LATER CAPFILE_LATER

/* An interface by the source's number. Segments of one recording repeat theirs: they are shown
 * once. */
struct source_interface {
	uint32_t number; /* within its file, or its chunks */
	uint32_t shown;
	uint32_t before; /* the one before it that is shown as the same; UINT32_MAX none */
};

struct source_shown {
	const struct blocks
		*blocks; /* that said it first; NULL: they are gone, and it is in `own` */
	struct capture_interface *own;
	uint32_t number; /* within blocks */
	uint32_t last;	 /* the last interface that is shown as this */
};

/* Where a chunk began: what finds its packets again. */
struct chunk_mark {
	uint64_t row; /* of the index */
	uint64_t file_offset;
	uint32_t segment;
};

struct live {
	struct chunks map;
	int wake; /* eventfd */
	bool mapped, record;
	struct blocks *blocks;
	struct interface_map interfaces;
	uint64_t sequence; /* the chunk that is read */
	uint32_t at;	   /* bytes of it behind us */
	uint64_t number;   /* packets of the session before this place */
	uint64_t base;	   /* sequence of mark 0 */
	struct pages marks;
	bool has_header, in_gap;
	char *name;
};

struct source_gap {
	int64_t from_ns, to_ns;
	uint64_t lost;
};

struct source {
	struct part *part;
	uint32_t nparts, reading; /* part[reading] is read */
	struct merge merge;
	struct live live;
	uint32_t dropped;	/* parts that were before them */
	uint64_t dropped_bytes; /* of their files, where those are still there */
	bool from_files;	/* live: catching up from the segments */
	uint64_t tried;		/* `seen` when that was last tried */
	struct source_interface *interface;
	struct source_shown *shown;
	uint32_t ninterfaces, nshown;
	uint64_t given;	 /* packets given out: the row that the next one will have */
	uint64_t seen;	 /* number of the last packet that was given out */
	int64_t seen_ns; /* its time */
	uint64_t lost, gaps;
	struct source_gap gap; /* the last one */
	bool gap_new;	       /* it was not told yet: who tells it takes the mark away */
	bool finished;	       /* no more will come */
	bool cancelled;
	char damage[SOURCE_NOTE_MAX]; /* what reading failed on, "" for nothing */
	char note[SOURCE_NOTE_MAX];
};

/* A packet on its way in: where it lies and what is said about it besides. */
struct taken {
	struct packet pk; /* number: of the capture; offset: in its file */
	uint64_t place;
	uint32_t interface, shown, segment;
};

void source_init(struct source *s);
void source_release(struct source *s);
/* Takes the descriptors, on error too. */
int source_add_file(struct source *s, int fd, const struct msg_read_file *m, struct err *e);
int source_add_chunks(struct source *s, const int fd[3], const struct msg_read_chunks *m,
		      struct err *e);
bool source_is_live(const struct source *s);
/* 1: a packet, borrowed until the next call; 0: no more for now; SOURCE_LATER: there is more, but
 * others may have their turn first. */
int source_next(struct source *s, struct taken *t);
/* Everything that will ever come has been given out. */
bool source_done(const struct source *s);
/* There is something to begin with: a file, all that are merged, or a session. */
bool source_begun(const struct source *s);
/* File `number` will not grow any more; why: what is missing of it, "" nothing. -1: it never came,
 * *e. */
int source_file_ended(struct source *s, uint32_t number, struct str why, struct err *e);
/* A segment's file was removed: its descriptor goes. */
void source_file_gone(struct source *s, struct str name);
/* Nothing more will be added: what is there is read to its end. */
void source_finish(struct source *s);
/* A file that grows is being waited for: it is to be looked at again. */
bool source_waits(const struct source *s);
/* A file that was read to its end may go on: somebody may still write it. */
bool source_follows(const struct source *s);
/* It has, and is read on; false: it has not. */
bool source_grew(struct source *s);
/* Lets chunks go that are behind us; returns the index row of the first packet in those that are
 * kept. */
uint64_t source_let_go(struct source *s);
/* No packet before this number is asked for any more: segments that hold others alone go, and those
 * that were removed. */
void source_forget(struct source *s, uint64_t number);
/* No row of the index before this one is there any more: nor is what was noted of its chunks. */
void source_live_forget(struct source *s, uint64_t row);
/* Packets of the session before the oldest that a segment still has. */
uint64_t source_before(const struct source *s);
/* State, progress and the note of the capture. */
void source_state(struct source *s, struct table_state *t);
/* What is damaged, cut or missing, "" for nothing. */
const char *source_damage(struct source *s);
uint64_t source_file_bytes(struct source *s); /* 0 where there is no file */
const struct capture_interface *source_shown(const struct source *s, uint32_t shown);

/* One packet again. `entry` as in the index; the bytes are borrowed until the next call. */
int source_read(struct source *s, const struct index_entry *entry, uint64_t number,
		struct packet *pk, struct err *e);

#endif
