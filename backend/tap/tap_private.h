/* The tap's own state: one struct, passed to everybody. */
#ifndef TAP_PRIVATE_H
#define TAP_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bpf/program.h"
#include "epoch.h"
#include "journal/journal.h"
#include "merge.h"
#include "counter.h"
#include "output.h"
#include "past.h"
#include "source.h"
#include "space.h"
#include "tap/tap.h"
#include "wire/channel.h"

#define TAP_CONTROL_FD 3
#define TAP_DEVICES_MAX MERGE_SOURCES_MAX
#define TAP_CHANGES_MAX 8192u /* of counters in one message */
#define TAP_NAME_MAX 128u
#define TAP_TICK_MS 25u /* while something waits for time to pass: a merge, a handover, the end */

/* A device of the session. */
struct input {
	struct tap *tap;
	uint32_t index;
	char *name;
	struct space *space; /* NULL: the tap's own */
	const char *device;  /* the name in its space: the end of `name` */
	const struct source_type *type;
	struct source *source; /* NULL: not open (never was, or gone) */
	uv_poll_t *poll;       /* freed when the loop has closed it */
	bool polling;
	struct source_facts facts;
	uint32_t interface; /* number in the files */
	uint32_t group;	    /* of counters */
	bool has_interface;
	bool changed;	   /* it has returned as another: programs for what it was are of no use */
	bool removed;	   /* nobody wants it any more */
	bool told_refused; /* why it cannot be taken up again has been said */
	struct bpf *filter;
	char *filter_text;
	bool running, drained;
	bool stalled, overflow; /* not read until there is room; read all the same, and dropped */
	int64_t stall_until_mono_ns;
	struct source_packet kept; /* the one that found no room; its bytes are kept_bytes */
	struct buf kept_bytes;
	uint32_t request; /* the TAP_FILTER that is not answered yet */

	/* a filter that takes over: the handle before has what is older than handover_ns, the next
	 * what is not */
	struct source *next;
	struct bpf *next_filter;
	char *next_text;
	int64_t handover_ns, handover_until_mono_ns, not_before_ns;
	bool past_handover;

	/* life of the device */
	int64_t gone_ns; /* since when it is not there; 0: it is */
	bool told_down, told_lags;
	uint32_t link_index;
	uint64_t dropped_device, dropped_device_last;
	bool joined;		       /* it was not there at the start */
	uint64_t received_before, dropped_kernel_before; /* of handles that are closed */
	struct source_stats elsewhere;	/* of both, what belongs to interfaces that it had before */
	uint64_t elsewhere_device;
};

struct tap {
	uv_loop_t loop;
	struct channel *control; /* NULL: it is gone */
	uv_timer_t second, tick, rotate;
	uv_signal_t term, interrupt;
	uv_async_t writer_news;
	bool has_async, ticking;
	int status;

	char *session;
	uint32_t snaplen, buffer_bytes;
	int64_t wait_ns;
	char *stamp; /* whose clock; "" the usual */
	bool promiscuous, started;
	uint8_t direction;
	int netlink_fd;
	struct epoch epoch;

	struct space *space[TAP_SPACES_MAX]; /* NULL: it was let go */
	uint32_t spaces;
	struct input input[TAP_DEVICES_MAX];
	uint32_t inputs;
	struct merge *merge; /* NULL: one device goes straight to the chunks */
	struct output output;
	bool has_output;
	struct journal *journal;
	struct counters counters;
	struct owns own, when;
	struct past past;

	bool record;
	/* the last number given; of the file that recording waits for, 0; recorded so far; most */
	uint32_t last_segment, asked_segment, segments, stop_segments;
	uint64_t stop_packets, stop_bytes; /* stop_...: 0: no end */
	bool full;	       /* what was asked for is there: nothing more is taken */
	int64_t lost_since_ns; /* the disk takes nothing; 0: it does */
	char *lost_why;
	uint64_t crowded, crowded_told; /* files that should have begun, and could not */
	uint64_t packets, bytes, own_packets, own_bytes;
	uint64_t late_told, not_for_reader_told, dropped_buffer_told, cut_told, stalls, stalls_told;

	bool stopping, ended;
	int64_t stop_ns, stop_mono_ns;
	char *stop_reason;
};

/* tap.c */
void tap_round(struct tap *t, struct input *in); /* reads what is there, publishes */
void tap_tick_needed(struct tap *t);
void tap_stop(struct tap *t, const char *reason);
void tap_event(struct tap *t, const char *severity, const char *where, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#include "input.h"

/* control_count.c: messages */
int control_counter(struct tap *t, const struct frame *f, struct err *e);
int control_counters(struct tap *t, const struct frame *f, struct err *e);
int control_own(struct tap *t, const struct frame *f, struct err *e);

/* control.c */
extern const struct channel_ops control_ops;
void control_tell_device(struct tap *t, const struct input *in, const char *why);
/* A program was made for what the device was before: those for what it is are on their way. */
bool control_stale(const struct tap *t, uint32_t index, uint32_t link_type);

/* report.c */
void report_second(struct tap *t);
void report_device(struct tap *t, const struct input *in);
void report_end(struct tap *t);
/* report_count.c */
void report_journal_totals(struct tap *t, const struct msg_tap_stats *m);
void report_send_counts(struct tap *t, int64_t time_ns);
void report_counter_last(struct tap *t, struct counter *c); /* before it is removed */

#include "segment.h"

#endif
