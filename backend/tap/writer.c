#include "writer_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "transcode.h"

#define SYNC_EVERY_NS NS_PER_S
#define SYNC_EVERY_BYTES (16u * 1024 * 1024)
#define SYNC_SHARE 4 /* of its time a slow disk gets at most one part in five for syncing */
#define FLUSH_BYTES                                                                                \
	(4u * 1024 *                                                                               \
	 1024) /* the kernel is told to begin with these, so that a sync finds little left */
#define IDLE_WAIT_NS                                                                               \
	(200 * NS_PER_MS) /* what is published lies in the file after this, kicked or not */

static void tell(struct writer *w, enum writer_news_kind kind, const struct segment *s)
{
	struct writer_news *n;

	pthread_mutex_lock(&w->lock);
	if (w->news_count < WRITER_NEWS_MAX) {
		n = &w->news[(w->news_first + w->news_count++) % WRITER_NEWS_MAX];
		*n = (struct writer_news){.kind = kind,
					  .segment = s->number,
					  .bytes = s->offset,
					  .packets = s->packets,
					  .fault = s->fault,
					  .error = s->error,
					  .never_had = s->fd < 0};
		memcpy(n->why, s->why, sizeof(n->why));
	}
	pthread_mutex_unlock(&w->lock);
	uv_async_send(w->wake);
}

/* Only the thread changes a segment, but for its number and seal; so a pointer stays good without
 * the lock. */
struct segment *writer_segment_find(struct writer *w, uint32_t number)
{
	struct segment *found = NULL;

	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX && number > 0; i++) {
		if (w->segment[i].number == number)
			found = &w->segment[i];
	}
	pthread_mutex_unlock(&w->lock);
	return found;
}

/* --- writing --- */

static size_t pwrite_most(int fd, const uint8_t *p, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, p + done, len - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

/* The disk is full or broken: the file ends with its last whole record, and nothing is written to
 * it any more. */
void writer_segment_fail(struct writer *w, struct segment *s, enum segment_fault fault, int error)
{
	pthread_mutex_lock(&w->lock); /* control's death looks for one that takes more */
	s->failed = true;
	pthread_mutex_unlock(&w->lock);
	s->fault = fault;
	s->error = error;
	snprintf(s->why, sizeof(s->why), "%s", strerror(error));
	while (s->fd >= 0 && ftruncate(s->fd, (off_t)s->offset) && errno == EINTR)
		;
	tell(w, WRITER_FAILED, s);
}

void writer_segment_write(struct writer *w, struct segment *s, const uint8_t *p, uint32_t len)
{
	struct transcode_piece piece = {.p = p, .len = len};
	size_t n;

	if (w->transcode && transcode_pcap(w->transcode, s->offset == 0, &piece)) {
		writer_segment_fail(w, s, SEGMENT_NOT_WRITTEN, ENOMEM);
		return;
	}
	n = pwrite_most(s->fd, piece.p, piece.len, s->offset);
	if (n < piece.len) {
		int error = errno ? errno : ENOSPC;
		uint64_t packets;

		s->offset +=
			transcode_whole(w->transcode != NULL, s->offset == 0, piece.p, n, &packets);
		s->packets += packets;
		writer_segment_fail(w, s, SEGMENT_NOT_WRITTEN, error);
		return;
	}
	s->offset += n;
	s->unsynced += n;
	s->packets += transcode_packets(p, len);
	atomic_fetch_add_explicit(&w->bytes, n, memory_order_relaxed);
	if (s->offset - s->flushed >= FLUSH_BYTES) {
		(void)sync_file_range(s->fd, (off_t)s->flushed, (off_t)(s->offset - s->flushed),
				      SYNC_FILE_RANGE_WRITE);
		s->flushed = s->offset; /* a hint: not every file system takes it */
	}
}

static void segment_sync(struct writer *w, struct segment *s)
{
	if (s->failed || s->unsynced == 0)
		return;
	if (fdatasync(s->fd) && errno != EINVAL && errno != EROFS)
		writer_segment_fail(w, s, SEGMENT_NOT_SYNCED, errno);
	s->unsynced = 0;
}

static void segment_finish(struct writer *w, struct segment *s)
{
	if (s->fd >= 0 && fsync(s->fd) && !s->failed && errno != EINVAL && errno != EROFS)
		writer_segment_fail(w, s, SEGMENT_NOT_SYNCED, errno);
	if (s->fd >= 0)
		close(s->fd);
	tell(w, WRITER_SEALED, s);
	pthread_mutex_lock(&w->lock);
	s->number = 0;
	pthread_mutex_unlock(&w->lock);
}

static bool segment_sealed_at(struct writer *w, const struct segment *s, uint64_t sequence)
{
	bool sealed;

	pthread_mutex_lock(&w->lock);
	sealed = s->sealed && sequence < s->end_sequence;
	pthread_mutex_unlock(&w->lock);
	return sealed;
}

/* true: its chunks have nowhere to go yet. *into: where they go. */
static bool segment_waits(struct writer *w, struct segment *s, struct segment **into)
{
	bool expected;
	int abandoned;

	pthread_mutex_lock(&w->lock);
	expected = s->expected;
	*into = s->into ? s->into : s;
	abandoned = s->abandoned;
	s->abandoned = 0;
	pthread_mutex_unlock(&w->lock);
	if (abandoned)
		writer_segment_fail(w, s, SEGMENT_NOT_WRITTEN, abandoned);
	return expected;
}

/* --- chunks in their order --- */

/* true: the chunk at w->sequence is done with, the next may be looked at. */
static bool write_chunk(struct writer *w)
{
	uint64_t next = atomic_load_explicit(&w->chunks->head->next, memory_order_acquire);
	const struct chunk_entry *entry;
	struct segment *s, *into = NULL;
	const uint8_t *data;
	uint32_t length;
	bool closed;

	if (w->sequence >= next)
		return false;
	closed = w->sequence + 1 < next;
	entry = &w->chunks->head->entry[w->sequence % CHUNK_ENTRIES];
	s = writer_segment_find(w, entry->segment);
	if (s && segment_waits(w, s, &into))
		return false;
	if (s && !closed)
		closed = segment_sealed_at(w, s, w->sequence);
	entry = chunks_get(w->chunks, w->sequence, &data,
			   &length); /* behind `closed`: then the length is final */
	if (into && entry && !into->failed && length > w->done) {
		writer_segment_write(w, into, data + w->done, length - w->done);
		w->done = length;
	}
	if (!closed)
		return false;
	w->sequence++;
	w->done = 0;
	atomic_store_explicit(&w->chunks->head->written, w->sequence, memory_order_release);
	return true;
}

/* The one that is recorded before it, NULL: numbers between them are of what was saved. */
static const struct segment *segment_before(const struct writer *w, const struct segment *s)
{
	const struct segment *before = NULL;

	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		const struct segment *x = &w->segment[i];

		if (x->number > 0 && x->number < s->number && !x->saved &&
		    (!before || x->number > before->number))
			before = x;
	}
	return before;
}

/* The lock is held. The next one has no file yet: should there be none to come, as control is dead,
 * it goes on in this one. */
static bool segment_held(const struct writer *w, const struct segment *s)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		const struct segment *x = &w->segment[i];

		if (x->number > 0 && (x->into == s || (x->expected && segment_before(w, x) == s)))
			return true;
	}
	return false;
}

static void seal_finished(struct writer *w)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		struct segment *s = &w->segment[i];
		bool finished;

		pthread_mutex_lock(&w->lock);
		finished = s->number > 0 && s->sealed && !s->expected &&
			   w->sequence >= s->end_sequence && !segment_held(w, s);
		pthread_mutex_unlock(&w->lock);
		if (finished)
			segment_finish(w, s);
	}
}

static bool segment_used(struct writer *w, const struct segment *s)
{
	bool used;

	pthread_mutex_lock(&w->lock);
	used = s->number > 0;
	pthread_mutex_unlock(&w->lock);
	return used;
}

static void sync_when_due(struct writer *w, int64_t up_to_ns, bool now)
{
	int64_t mono = clock_mono_ns();
	uint64_t unsynced = 0;

	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++)
		unsynced += segment_used(w, &w->segment[i]) ? w->segment[i].unsynced : 0;
	if (!now && unsynced < SYNC_EVERY_BYTES && mono - w->synced_mono_ns < SYNC_EVERY_NS)
		return;
	if (!now && mono - w->synced_mono_ns < SYNC_SHARE * w->sync_took_ns)
		return;
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		if (segment_used(w, &w->segment[i]))
			segment_sync(w, &w->segment[i]);
	}
	w->synced_mono_ns = clock_mono_ns();
	w->sync_took_ns = w->synced_mono_ns - mono;
	atomic_store(&w->safe_ns, up_to_ns);
}

/* true: the thread is to end. */
static bool wait_for_kick(struct writer *w)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += IDLE_WAIT_NS;
	until.tv_sec += until.tv_nsec / NS_PER_S;
	until.tv_nsec %= NS_PER_S;
	pthread_mutex_lock(&w->lock);
	while (!w->kick && !w->stop) {
		if (pthread_cond_timedwait(&w->kicked, &w->lock, &until) == ETIMEDOUT)
			break;
	}
	w->kick = false;
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	bool stop;

	do {
		int64_t up_to_ns;

		stop = wait_for_kick(w);
		up_to_ns = atomic_load(
			&w->published_ns); /* before the chunks: what follows covers it */
		do {
			while (write_chunk(w))
				;
			seal_finished(w);
			sync_when_due(w, up_to_ns, false);
		} while (writer_save_step(w));
		sync_when_due(w, up_to_ns, stop);
	} while (!stop);
	return NULL;
}

/* --- the main thread's side --- */

struct writer *writer_new(struct chunks *chunks, const struct writer_format *format,
			  uv_async_t *wake, struct err *e)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t attr;
	int rc;

	w->chunks = chunks;
	w->wake = wake;
	w->transcode = format->pcap ? transcode_new(format->microseconds) : NULL;
	atomic_store(&w->saved, UINT64_MAX);
	w->synced_mono_ns = clock_mono_ns();
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->kicked, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&w->thread, NULL, writer_main, w);
	if (rc == 0)
		return w;
	err_set(e, ERR_REFUSED, "the writing thread cannot be started: %s", strerror(rc));
	transcode_free(w->transcode);
	free(w);
	return NULL;
}

void writer_wake_thread(struct writer *w)
{
	w->kick = true;
	pthread_cond_signal(&w->kicked);
}

/* A free place; the lock is held. NULL: there is none. */
struct segment *writer_segment_place(struct writer *w)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++)
		if (w->segment[i].number == 0)
			return &w->segment[i];
	return NULL;
}

int writer_expect(struct writer *w, uint32_t number)
{
	struct segment *s;

	pthread_mutex_lock(&w->lock);
	s = writer_segment_place(w);
	if (s)
		*s = (struct segment){.number = number, .fd = -1, .expected = true};
	pthread_mutex_unlock(&w->lock);
	return s ? 0 : -1;
}

void writer_abandon(struct writer *w, uint32_t number, int error)
{
	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		struct segment *s = &w->segment[i];

		if (s->number != number || !s->expected)
			continue;
		s->expected = false;
		s->abandoned = error;
	}
	writer_wake_thread(w);
	pthread_mutex_unlock(&w->lock);
}

/* The lock is held. The last one that has a file, and takes more. */
static struct segment *segment_last(struct writer *w)
{
	struct segment *last = NULL;

	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		struct segment *s = &w->segment[i];

		if (s->number > 0 && s->fd >= 0 && !s->failed && !s->saved &&
		    (!last || s->number > last->number))
			last = s;
	}
	return last;
}

void writer_join(struct writer *w, int error)
{
	struct segment *last;

	pthread_mutex_lock(&w->lock);
	last = segment_last(w);
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		struct segment *s = &w->segment[i];

		if (s->number == 0 || !s->expected)
			continue;
		s->into = last;
		s->abandoned = last ? 0 : error;
		/* behind it: what holds a file from its end is one of these two */
		s->expected = false;
	}
	writer_wake_thread(w);
	pthread_mutex_unlock(&w->lock);
}

/* The lock is held. */
static struct segment *segment_expected(struct writer *w, uint32_t number)
{
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++)
		if (w->segment[i].number == number && w->segment[i].expected)
			return &w->segment[i];
	return NULL;
}

int writer_no_place(uint32_t number, int fd, struct err *e)
{
	close(fd);
	return err_set(e, ERR_PART,
		       "segment %u cannot begin: %u files before it are still being written",
		       number, WRITER_SEGMENTS_MAX);
}

int writer_segment(struct writer *w, uint32_t number, int fd, struct err *e)
{
	struct segment *s;

	pthread_mutex_lock(&w->lock);
	s = segment_expected(w, number);
	if (s) {
		s->fd = fd;
		s->expected = false;
		writer_wake_thread(w);
	} else if ((s = writer_segment_place(w)) != NULL) {
		*s = (struct segment){.number = number, .fd = fd};
	}
	pthread_mutex_unlock(&w->lock);
	return s ? 0 : writer_no_place(number, fd, e);
}

void writer_seal(struct writer *w, uint32_t number, uint64_t end_sequence)
{
	pthread_mutex_lock(&w->lock);
	for (unsigned i = 0; i < WRITER_SEGMENTS_MAX; i++) {
		if (w->segment[i].number == number && number > 0) {
			w->segment[i].sealed = true;
			w->segment[i].end_sequence = end_sequence;
		}
	}
	writer_wake_thread(w);
	pthread_mutex_unlock(&w->lock);
}

void writer_kick(struct writer *w, int64_t last_packet_ns)
{
	atomic_store(&w->published_ns, last_packet_ns);
	pthread_mutex_lock(&w->lock);
	writer_wake_thread(w);
	pthread_mutex_unlock(&w->lock);
}

bool writer_news(struct writer *w, struct writer_news *news)
{
	bool any;

	pthread_mutex_lock(&w->lock);
	any = w->news_count > 0;
	if (any) {
		*news = w->news[w->news_first];
		w->news_first = (w->news_first + 1) % WRITER_NEWS_MAX;
		w->news_count--;
	}
	pthread_mutex_unlock(&w->lock);
	return any;
}

uint64_t writer_bytes(const struct writer *w)
{
	return atomic_load_explicit(&w->bytes, memory_order_relaxed);
}

int64_t writer_safe_ns(const struct writer *w)
{
	return atomic_load(&w->safe_ns);
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	writer_wake_thread(w);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->kicked);
	transcode_free(w->transcode);
	free(w);
}
