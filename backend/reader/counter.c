/* A ring with one writer and one reader. Whoever finds nothing to do sleeps; to wake somebody costs
 * as much as fifty packets, so the thread is woken for many of them, or when they are waited for.
 */
#include "counter.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define RUN 32u			/* packets handed over, or reported as counted, at once */
#define WAKE (COUNTER_ROOM / 2) /* packets that wait before a sleeping thread is woken */
#define LOOKS 1000u		/* at the other side before one sleeps: some microseconds */
#define LOOK_FAR 12u   /* packets ahead of the one that is counted: its place in the table, */
#define LOOK_MIDDLE 8u /* its connection, */
#define LOOK_NEAR 4u   /* and the figures of that come into the cache */
#define LOOK_CONNECTIONS                                                                           \
	250000u	   /* where there are fewer, the caches do better alone: a sixth of the time */
#define LOOKED 16u /* hashes that are kept, a power of two */
#define NOBODY UINT64_MAX
#define CACHE_LINE 64u
#define OPTIONS_MAX 40u /* of a TCP header, RFC 9293 3.1 */
#define STACK_BYTES (256u * 1024)

/* All that counting needs of a packet, in two cache lines: from one processor to another each line
 * costs as much as decoding. */
struct counted {
	int64_t ts_ns;
	uint64_t number, offset, place;
	uint32_t length, captured, interface, shown;
	uint32_t flags, ip_bytes, payload_bytes, payload_captured, fragment_id, seq, ack;
	uint16_t sport, dport, vlan, ip_id, fragment_offset, window, urgent;
	uint8_t ip_protocol, tunnel, app, tcp_flags, options_length;
	uint8_t ip6 : 1, vlan_some : 1, has_time : 1, more_fragments : 1;
	uint8_t options_usual : 1; /* they do not stand beside the ring */
	uint8_t ends[2][16];
};
_Static_assert(sizeof(struct counted) <= 2 * CACHE_LINE, "a packet takes two cache lines");

/* Timestamps as most segments have them (RFC 7323 appendix A); nobody looks at the values. */
static const uint8_t usual_options[12] = {1, 1, 8, 10};

union place {
	struct counted counted;
	uint8_t bytes[2 * CACHE_LINE];
};

struct counter {
	struct capture *capture;
	struct index *index;
	uint64_t rows_max;
	bool now;	  /* the thread takes no part */
	struct decoded d; /* the caller's: of the packet that is added */
	void *memory;	  /* of the ring, made when it is used first */
	union place *ring;
	uint8_t (*options)[OPTIONS_MAX]; /* beside the ring, where they are looked at */
	uint64_t filled; /* packets put into the ring; those below `added` are handed over */
	/* What one side writes and the other looks at stands in cache lines of its own. */
	char apart1[CACHE_LINE];
	_Atomic uint64_t added; /* by the caller alone */
	char apart2[CACHE_LINE];
	_Atomic uint64_t counted; /* by the thread alone */
	char apart3[CACHE_LINE];
	_Atomic bool asleep; /* the thread */
	_Atomic uint64_t
		wanted;	      /* the caller sleeps until as many are counted; NOBODY: it does not */
	pthread_mutex_t lock; /* of the sleep alone */
	pthread_cond_t work, done;
	pthread_t thread;
	unsigned processors;
	bool threaded;
	bool started, quit; /* under the lock */
};

static void look_again(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

static void taken_count(struct counter *k, const struct decoded *d, const struct taken *t)
{
	const struct index_entry e = {.place = t->place,
				      .interface = t->interface,
				      .length = t->pk.length,
				      .ts_ns = t->pk.has_time ? t->pk.ts_ns : INDEX_NO_TIME};
	const bool row = index_count(k->index) < k->rows_max;

	if (row)
		index_add(k->index, t->pk.number, &e);
	capture_count(k->capture, d, &t->pk, t->shown, t->segment, row);
}

/* --- the thread --- */

static void thread_sleep(struct counter *k)
{
	for (unsigned i = 0; i < LOOKS; i++) {
		if (atomic_load_explicit(&k->added, memory_order_acquire) !=
		    atomic_load(&k->counted))
			return;
		look_again();
	}
	pthread_mutex_lock(&k->lock);
	atomic_store(&k->asleep, true);
	while (!k->quit && atomic_load(&k->added) == atomic_load(&k->counted))
		pthread_cond_wait(&k->work, &k->lock);
	atomic_store(&k->asleep, false);
	pthread_mutex_unlock(&k->lock);
}

static void counted_unpack(const struct counted *p, const uint8_t *options, struct decoded *d,
			   struct taken *t)
{
	t->pk = (struct packet){.captured = p->captured,
				.length = p->length,
				.ts_ns = p->ts_ns,
				.has_time = p->has_time,
				.number = p->number,
				.offset = p->offset};
	t->place = p->place;
	t->interface = p->interface;
	t->shown = p->shown;
	t->segment = 0; /* of what is live alone */
	d->flags = p->flags;
	d->family = !(p->flags & DECODE_IP) ? 0 : p->ip6 ? 6 : 4;
	d->ip_protocol = p->ip_protocol;
	d->src = p->ends[0];
	d->dst = p->ends[1];
	d->sport = p->sport;
	d->dport = p->dport;
	d->ip_bytes = p->ip_bytes;
	d->payload_bytes = p->payload_bytes;
	d->payload_captured = p->payload_captured;
	d->ip_id = p->ip_id;
	d->vlan = p->vlan;
	d->vlan_count = p->vlan_some;
	d->tunnel = p->tunnel;
	d->fragment_id = p->fragment_id;
	d->fragment_offset = p->fragment_offset;
	d->more_fragments = p->more_fragments;
	d->app = p->app;
	d->tcp.seq = p->seq;
	d->tcp.ack = p->ack;
	d->tcp.window = p->window;
	d->tcp.flags = p->tcp_flags;
	d->tcp.urgent = p->urgent;
	d->tcp.options = p->options_usual ? usual_options : options;
	d->tcp.options_length = p->options_length;
}

/* The packet that is LOOK_FAR packets ahead, and those between: the table's memory is slower than
 * everything that is done with a packet. */
static void thread_look(struct counter *k, uint64_t at, uint64_t end, uint64_t *hash)
{
	const struct flows *f = k->capture->flows;
	const struct counted *p = &k->ring[(at + LOOK_FAR) % COUNTER_ROOM].counted;
	struct decoded d;

	if (at + LOOK_FAR < end) {
		d.flags = p->flags;
		d.family = p->ip6 ? 6 : 4;
		d.ip_protocol = p->ip_protocol;
		d.src = p->ends[0];
		d.dst = p->ends[1];
		d.sport = p->sport;
		d.dport = p->dport;
		hash[(at + LOOK_FAR) % LOOKED] = flows_look_far(f, &d);
	}
	if (at + LOOK_MIDDLE < end)
		flows_look(f, hash[(at + LOOK_MIDDLE) % LOOKED]);
	if (at + LOOK_NEAR < end)
		flows_look_near(f, hash[(at + LOOK_NEAR) % LOOKED]);
}

static void thread_count(struct counter *k, uint64_t at, struct decoded *d)
{
	const struct counted *p = &k->ring[at % COUNTER_ROOM].counted;
	struct taken t;

	counted_unpack(p, k->options[at % COUNTER_ROOM], d, &t);
	taken_count(k, d, &t);
}

static void thread_report(struct counter *k, uint64_t counted)
{
	atomic_store(&k->counted, counted);
	if (counted < atomic_load(&k->wanted))
		return;
	pthread_mutex_lock(&k->lock);
	pthread_cond_signal(&k->done);
	pthread_mutex_unlock(&k->lock);
}

static bool thread_quits(struct counter *k)
{
	bool quit;

	pthread_mutex_lock(&k->lock);
	quit = k->quit;
	pthread_mutex_unlock(&k->lock);
	return quit;
}

static void *thread_main(void *counter)
{
	struct counter *k = counter;
	struct decoded d = {0};
	uint64_t at = 0, hash[LOOKED] = {0};

	pthread_mutex_lock(&k->lock);
	k->started = true;
	pthread_cond_signal(&k->done);
	pthread_mutex_unlock(&k->lock);
	for (;;) {
		const uint64_t end = atomic_load_explicit(&k->added, memory_order_acquire);

		if (end == at && thread_quits(k))
			return NULL;
		if (end == at) {
			thread_sleep(k);
			continue;
		}
		const bool far = flows_in_memory(k->capture->flows) > LOOK_CONNECTIONS;

		for (uint64_t run = end - at > RUN ? at + RUN : end; at < run; at++) {
			if (far)
				thread_look(k, at, end, hash);
			thread_count(k, at, &d);
		}
		thread_report(k, at);
	}
}

static unsigned processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* Signals are the first thread's. It has begun when this returns: what a thread needs from the
 * system at its beginning the sandbox would refuse. */
static void thread_start(struct counter *k)
{
	sigset_t all, before;
	pthread_attr_t attr;

	if (pthread_attr_init(&attr))
		return;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	k->threaded = pthread_create(&k->thread, &attr, thread_main, k) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	pthread_mutex_lock(&k->lock);
	while (k->threaded && !k->started)
		pthread_cond_wait(&k->done, &k->lock);
	pthread_mutex_unlock(&k->lock);
}

/* --- the caller --- */

struct counter *counter_new(void)
{
	struct counter *k = xcalloc(1, sizeof(*k));

	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_cond_init(&k->work, NULL);
	(void)pthread_cond_init(&k->done, NULL);
	k->now = true;
	k->wanted = NOBODY;
	k->processors = processors();
	if (k->processors > 1)
		thread_start(k);
	return k;
}

void counter_free(struct counter *k)
{
	if (k->threaded) {
		pthread_mutex_lock(&k->lock);
		k->quit = true;
		pthread_cond_signal(&k->work);
		pthread_mutex_unlock(&k->lock);
		(void)pthread_join(k->thread, NULL);
	}
	(void)pthread_mutex_destroy(&k->lock);
	(void)pthread_cond_destroy(&k->work);
	(void)pthread_cond_destroy(&k->done);
	free(k->memory);
	free(k->options);
	free(k);
}

unsigned counter_processors(const struct counter *k)
{
	return k->threaded ? k->processors : 1;
}

void counter_begin(struct counter *k, struct capture *c, struct index *x, uint64_t rows_max,
		   bool now)
{
	k->capture = c;
	k->index = x;
	k->rows_max = rows_max;
	k->now = now || !k->threaded;
	if (k->now || k->ring)
		return;
	k->memory = xcalloc(COUNTER_ROOM + 1, sizeof(*k->ring));
	k->ring =
		(union place *)(((uintptr_t)k->memory + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE);
	k->options = xcalloc(COUNTER_ROOM, sizeof(*k->options));
}

static void counter_hand_over(struct counter *k, uint64_t waiting)
{
	atomic_store(&k->added, k->filled);
	if (waiting < WAKE || !atomic_load(&k->asleep))
		return;
	pthread_mutex_lock(&k->lock);
	pthread_cond_signal(&k->work);
	pthread_mutex_unlock(&k->lock);
}

/* Until at most `left` packets wait. */
static void counter_drain(struct counter *k, uint64_t left)
{
	counter_hand_over(k, WAKE);
	for (unsigned i = 0; i < LOOKS; i++) {
		if (k->filled - atomic_load_explicit(&k->counted, memory_order_acquire) <= left)
			return;
		look_again();
	}
	pthread_mutex_lock(&k->lock);
	atomic_store(&k->wanted, k->filled - left);
	while (k->filled - atomic_load(&k->counted) > left)
		pthread_cond_wait(&k->done, &k->lock);
	atomic_store(&k->wanted, NOBODY);
	pthread_mutex_unlock(&k->lock);
}

/* A SYN's options are looked at, and what is more than the usual timestamps: selective
 * acknowledgements. */
static bool options_are_usual(const struct decode_tcp *tcp)
{
	return !(tcp->flags & TCP_SYN) && tcp->options_length == sizeof(usual_options) &&
	       memcmp(tcp->options, usual_options, 4) == 0;
}

static void counted_pack(struct counted *p, uint8_t *options, const struct decoded *d,
			 const struct taken *t)
{
	const size_t bytes = d->family == 4 ? 4 : 16;
	const bool options_some = d->flags & DECODE_TCP && d->tcp.options_length;

	p->ts_ns = t->pk.ts_ns;
	p->number = t->pk.number;
	p->offset = t->pk.offset;
	p->place = t->place;
	p->interface = t->interface;
	p->length = t->pk.length;
	p->captured = t->pk.captured;
	p->has_time = t->pk.has_time;
	p->shown = t->shown;
	p->flags = d->flags;
	p->ip6 = d->family == 6;
	p->ip_protocol = d->ip_protocol;
	p->sport = d->sport;
	p->dport = d->dport;
	p->ip_bytes = d->ip_bytes;
	p->payload_bytes = d->payload_bytes;
	p->payload_captured = d->payload_captured;
	p->ip_id = d->ip_id;
	p->vlan = d->vlan;
	p->vlan_some = d->vlan_count > 0;
	p->tunnel = d->tunnel;
	p->fragment_id = d->fragment_id;
	p->fragment_offset = d->fragment_offset;
	p->more_fragments = d->more_fragments;
	p->app = d->app;
	p->seq = d->tcp.seq;
	p->ack = d->tcp.ack;
	p->window = d->tcp.window;
	p->tcp_flags = d->tcp.flags;
	p->urgent = d->tcp.urgent;
	p->options_length = options_some ? d->tcp.options_length : 0;
	p->options_usual = options_some && options_are_usual(&d->tcp);
	if (options_some && !p->options_usual)
		memcpy(options, d->tcp.options, d->tcp.options_length);
	if (!(d->flags & DECODE_IP))
		return;
	memcpy(p->ends[0], d->src, bytes);
	memcpy(p->ends[1], d->dst, bytes);
}

void counter_add(struct counter *k, const struct taken *t)
{
	const struct packet *pk = &t->pk;
	const uint64_t at = k->filled % COUNTER_ROOM;

	decode_packet(&k->d, &k->capture->decode, pk->link_type, pk->data, pk->captured,
		      pk->length);
	if (k->now) {
		taken_count(k, &k->d, t);
		return;
	}
	if (k->filled - atomic_load_explicit(&k->counted, memory_order_acquire) >= COUNTER_ROOM)
		counter_drain(k, COUNTER_ROOM / 2);
	counted_pack(&k->ring[at].counted, k->options[at], &k->d, t);
	k->filled++;
	if (k->filled % RUN == 0)
		counter_hand_over(
			k, k->filled - atomic_load_explicit(&k->counted, memory_order_relaxed));
}

void counter_wait(struct counter *k)
{
	if (!k->now)
		counter_drain(k, 0);
}
