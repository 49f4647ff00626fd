/* Packets of several devices in the order of time. A device promises by its watermark that nothing
 * older will come; a packet leaves when every live device has promised past it, or when it has
 * waited long enough, or when memory is short: never dropped, never held longer. Who keeps others
 * waiting for too long is not waited for until it has caught up. A packet that is older than what
 * has left is late: passed on, marked and counted. */
#ifndef TAP_MERGE_H
#define TAP_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source.h"

#define MERGE_SOURCES_MAX 64u
#define MERGE_BYTES_MAX (64u * 1024 * 1024) /* packets held, of all sources together */
#define MERGE_DISORDER_NS 1000000 /* inside one device: its queues are on several processors */
/* The kernel may keep a packet so long before it shows it: twice the block's time limit, as the
 * timer that ends a block goes by on its own and finds it only the second time. */
#define MERGE_RETIRE_NS 100000000

struct merge;

/* `emit` gets each packet with its source's number; -1: it cannot take it now, and gets it again
 * later unless `must` (then it is gone). wait_ns: how long one may be held. */
typedef int merge_emit_fn(void *arg, uint32_t source, const struct source_packet *p, bool must);
struct merge *merge_new(int64_t wait_ns, merge_emit_fn *emit, void *arg);
void merge_free(struct merge *m); /* what is held is gone: merge_flush first */
/* mono_ns: when it was read, which its waiting is counted from. */
void merge_add(struct merge *m, uint32_t source, const struct source_packet *p, int64_t mono_ns);
/* A round on the source that began then is over. Nobody is passed over because we did not look. */
void merge_looked(struct merge *m, uint32_t source, int64_t mono_ns);
/* The round found nothing more at that time. */
void merge_idle(struct merge *m, uint32_t source, int64_t now_ns);
/* A source that is away holds up nobody. None is live at first. */
void merge_set_live(struct merge *m, uint32_t source, bool live);
void merge_run(struct merge *m);   /* lets out what may leave */
void merge_flush(struct merge *m); /* all of it, in order */
/* The clock was set: all of it, and what comes is not compared with what has left. */
void merge_new_epoch(struct merge *m);
bool merge_full(const struct merge *m); /* near its bound: better not to read more */
int64_t
merge_low_ns(const struct merge *m); /* nothing older will leave any more, but for late ones */
uint64_t merge_late(const struct merge *m);
/* It is so far behind that nobody waits for it. */
bool merge_lags(const struct merge *m, uint32_t source);

#endif
