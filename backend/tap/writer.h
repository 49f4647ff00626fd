/* The second thread: takes published chunks to the files of their segments, and syncs. It alone
 * touches a segment's descriptor, so a slow disk never stops the capture: it only keeps chunks
 * busy. */
#ifndef TAP_WRITER_H
#define TAP_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "capfile/chunk.h"
#include "wire/msg.h"

#define WRITER_SEGMENTS_MAX 32u /* files that are not complete yet, at most */
#define WRITER_NEWS_MAX 128u

enum writer_news_kind {
	WRITER_SEALED = 1, /* the file is complete and synced, its descriptor closed */
	WRITER_FAILED,	   /* the disk refused: the file was cut at its last whole record; SEALED
			      follows */
};

struct writer_news {
	enum writer_news_kind kind;
	uint32_t segment;
	uint64_t bytes, packets; /* in the file */
	enum segment_fault fault;
	int error;	/* errno of it */
	char why[128];	/* empty where all is well */
	bool never_had; /* there was no file for it */
};

struct writer;

/* How files are written. */
struct writer_format {
	bool pcap; /* classic pcap, else the chunks' own bytes */
	bool microseconds;
};
/* `wake` is sent when there are news. */
struct writer *writer_new(struct chunks *chunks, const struct writer_format *format,
			  uv_async_t *wake, struct err *e);
/* A segment whose file will come: its chunks wait, and those behind them. -1: too many files are
 * open. */
int writer_expect(struct writer *w, uint32_t number);
/* None will come: what it holds is lost, as where the disk fails. */
void writer_abandon(struct writer *w, uint32_t number, int error);
/* No file will come any more: what waits for one goes on in the last that there is. */
void writer_join(struct writer *w, int error);
/* Takes the descriptor, of a segment that was expected or of a new one. -1: too many files are
 * open. */
int writer_segment(struct writer *w, uint32_t number, int fd, struct err *e);
/* No chunk from `end_sequence` on is of this segment, and those below it grow no more. */
void writer_seal(struct writer *w, uint32_t number, uint64_t end_sequence);
/* Packets of chunks that are there already, into a file of their own: from byte `at` of the first
 * to byte `length` of the last, which is the one before `end`. Who asks sees to it that none of
 * them is used again before writer_saved is past it. */
struct writer_save {
	uint32_t number;
	uint64_t from, end;
	uint32_t at, length;
	struct buf head, tail; /* blocks before and behind them; taken */
};
/* Takes the descriptor. One at a time; the file is sealed by itself. */
int writer_save(struct writer *w, int fd, struct writer_save *save, struct err *e);
/* The save needs no chunk below it any more; UINT64_MAX: it needs none. */
uint64_t writer_saved(const struct writer *w);
/* Bytes were published: the writer wakes. */
void writer_kick(struct writer *w, int64_t last_packet_ns);
bool writer_news(struct writer *w, struct writer_news *news); /* false: no more */
uint64_t writer_bytes(const struct writer *w);		      /* written in all */
int64_t writer_safe_ns(const struct writer *w); /* packets up to here are on the disk */
/* Writes and syncs what is there, ends the thread, frees. */
void writer_stop(struct writer *w);

#endif
