/* What is saved of chunks that were there before: the past into a file. */
#include <errno.h>

#include "writer_private.h"

/* Runs of packets: other blocks are the file's own, in `head`. */
static void save_packets(struct writer *w, struct segment *s, const uint8_t *p, size_t len)
{
	size_t run = 0, at = 0, n;
	bool packet;

	for (; (n = transcode_block(p + at, len - at, &packet)) > 0; at += n) {
		if (packet)
			continue;
		if (at > run && !s->failed)
			writer_segment_write(w, s, p + run, (uint32_t)(at - run));
		run = at + n;
	}
	if (at > run && !s->failed)
		writer_segment_write(w, s, p + run, (uint32_t)(at - run));
}

static void save_block(struct writer *w, struct segment *s, struct buf *b)
{
	if (b->len > 0 && !s->failed)
		writer_segment_write(w, s, b->data, (uint32_t)b->len);
	buf_release(b);
}

static void save_finish(struct writer *w, struct segment *s)
{
	save_block(w, s, &w->save.tail);
	buf_release(&w->save.head);
	atomic_store(&w->saved, UINT64_MAX);
	pthread_mutex_lock(&w->lock);
	s->sealed = true;
	w->saving = false;
	pthread_mutex_unlock(&w->lock);
}

/* One chunk of it, so that what comes in now does not wait for long. false: nothing is saved. */
bool writer_save_step(struct writer *w)
{
	struct writer_save *x = &w->save;
	const struct chunk_entry *entry;
	const uint8_t *data;
	struct segment *s;
	uint32_t length;
	bool saving;

	pthread_mutex_lock(&w->lock);
	saving = w->saving;
	pthread_mutex_unlock(&w->lock);
	s = saving ? writer_segment_find(w, x->number) : NULL;
	if (!s)
		return false;
	save_block(w, s, &x->head);
	entry = x->from < x->end ? chunks_get(w->chunks, x->from, &data, &length) : NULL;
	if (!entry && x->from < x->end && !s->failed) /* whoever asked did not hold it */
		writer_segment_fail(w, s, SEGMENT_NOT_WRITTEN, EIO);
	if (entry && x->from + 1 == x->end && length > x->length)
		length = x->length;
	if (entry && length > x->at)
		save_packets(w, s, data + x->at, length - x->at);
	x->at = 0;
	x->from++;
	atomic_store(&w->saved, x->from);
	if (s->failed || x->from >= x->end)
		save_finish(w, s);
	return true;
}

/* --- the main thread's side --- */

int writer_save(struct writer *w, int fd, struct writer_save *save, struct err *e)
{
	struct segment *s = NULL;

	pthread_mutex_lock(&w->lock);
	if (!w->saving)
		s = writer_segment_place(w);
	if (s) {
		*s = (struct segment){.number = save->number, .fd = fd, .saved = true};
		w->saving = true;
		w->save = *save;
		save->head = save->tail = (struct buf){0};
		atomic_store(&w->saved, save->from);
		writer_wake_thread(w);
	}
	pthread_mutex_unlock(&w->lock);
	return s ? 0 : writer_no_place(save->number, fd, e);
}

uint64_t writer_saved(const struct writer *w)
{
	return atomic_load(&w->saved);
}
