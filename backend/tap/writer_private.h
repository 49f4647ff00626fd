/* What the files of the writer share. */
#ifndef TAP_WRITER_PRIVATE_H
#define TAP_WRITER_PRIVATE_H

#include <pthread.h>

#include "transcode.h"
#include "writer.h"

struct segment {
	uint32_t number; /* 0: free */
	int fd;
	bool sealed, failed;
	bool saved;	      /* of chunks that were there before: no other goes on in it */
	bool expected;	      /* its file is still to come; fd is -1 */
	struct segment *into; /* none will: it goes on in the one before it */
	int abandoned;	      /* none will come: errno */
	enum segment_fault fault;
	int error;
	uint64_t end_sequence; /* meaningful when sealed */
	uint64_t offset;       /* bytes in the file */
	uint64_t packets;
	uint64_t unsynced, flushed; /* flushed: offset up to which the kernel was told to write */
	char why[128];
};

struct writer {
	struct chunks *chunks;
	uv_async_t *wake;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what stands between the two lines */
	pthread_cond_t kicked;
	/* --- */
	bool kick, stop;
	struct segment segment[WRITER_SEGMENTS_MAX];
	struct writer_news news[WRITER_NEWS_MAX];
	unsigned news_first, news_count;
	bool saving; /* save is the thread's until it says no */
	/* --- */
	struct writer_save save;
	_Atomic uint64_t saved;
	_Atomic int64_t published_ns, safe_ns;
	_Atomic uint64_t bytes;
	/* the thread's own */
	uint64_t sequence; /* the chunk that is written */
	uint32_t done;	   /* bytes of it that are in the file */
	int64_t synced_mono_ns, sync_took_ns;
	struct transcode *transcode; /* NULL: pcapng */
};

/* --- writer.c: the thread's --- */
/* Only the thread changes a segment, but for its number and seal; so a pointer stays good without
 * the lock. */
struct segment *writer_segment_find(struct writer *w, uint32_t number);
void writer_segment_write(struct writer *w, struct segment *s, const uint8_t *p, uint32_t len);
/* The disk is full or broken: the file ends with its last whole record, and nothing is written to
 * it any more. */
void writer_segment_fail(struct writer *w, struct segment *s, enum segment_fault fault, int error);
/* --- the main thread's; the lock is held --- */
struct segment *writer_segment_place(struct writer *w); /* a free one, NULL */
void writer_wake_thread(struct writer *w);
/* Closes fd; -1. Without the lock. */
int writer_no_place(uint32_t number, int fd, struct err *e);
/* --- writer_save.c --- */
/* One chunk of it, so that what comes in now does not wait for long. false: nothing is saved. */
bool writer_save_step(struct writer *w);

#endif
