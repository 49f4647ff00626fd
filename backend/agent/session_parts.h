/* What a session is made of. Included by session.h. */
#ifndef AGENT_SESSION_PARTS_H
#define AGENT_SESSION_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#define SESSION_SECONDS 600u /* of totals kept in memory */
/* Changes of filters kept in memory and over a restart; the journal has all. */
#define SESSION_CHANGES_MAX 8192u
/* Of counters together, a session: beyond 436 counters each keeps fewer than SESSION_SECONDS. */
#define COUNTERS_HISTORY_BYTES (8u * 1024 * 1024)

struct second {
	int64_t time_ns;
	uint64_t packets, bytes, dropped_kernel;
	int64_t mono_ns; /* when it came; 0: now */
};
/* The last `room` of them (0: SESSION_SECONDS); [0] is the oldest by history_at. */
struct history {
	struct second *at;
	unsigned first, count, room;
};

struct counter {
	struct counter *next;
	char *name, *filter;
	uint64_t packets, bytes;
	int64_t last_ns;
	struct history history;
};

/* What is to become of a counter. */
struct counter_change {
	const char *op; /* "add" "change" "remove": a literal */
	char *name, *filter; /* filter NULL: removed */
};

struct session;
struct session_device {
	struct session *session;
	char *name;
	bool matched;  /* by a pattern: it need not be there */
	bool answered; /* the tap holds it */
	bool started;  /* its filter is in force */
	bool refused;  /* it could not be opened, which has been told */
	int64_t asked_ns; /* monotonic */
	uint32_t link_type, snaplen, buffer_bytes;
	bool nanoseconds;
	char stamp[24]; /* whose clock; empty: the usual */
};

/* Where a complete file is on its way through the outlets (outlet.h). */
enum segment_way {
	SEGMENT_WAY_NONE,    /* it is not complete, or there are none */
	SEGMENT_WAY_HELD,    /* it keeps its name .part for now */
	SEGMENT_WAY_PLAIN,   /* to be compressed */
	SEGMENT_WAY_PACKING, /* it is being compressed */
	SEGMENT_WAY_READY,   /* to be announced */
	SEGMENT_WAY_DONE
};

struct segment {
	uint32_t number, asked; /* asked: the number that the tap named */
	char *name; /* without .part */
	int fd;	    /* while it is written; -1 */
	bool sealed;
	bool part;	     /* complete, and still named .part */
	bool packed;	     /* compressed: the name says with what */
	bool unnoted;	     /* the journal is still to be told of its name */
	bool taking;	     /* the compressed one is being given its name */
	enum segment_way way;
	bool told;	     /* the reader has it */
	bool rotating;	     /* its end was asked for */
	bool saved;	     /* of the past: packets that came before it was begun */
	bool salvaged;	     /* its tap could not say that it is complete */
	bool mending;	     /* a child looks what of it is whole */
	uint64_t plain_bytes; /* of the contents of a compressed one; 0 not known */
	uint64_t wire_bytes; /* of one that was salvaged */
	bool begun;	     /* first_packet is what the chunks say */
	int64_t sealed_mono_ns;
	uint64_t first_packet, packets, bytes;
	int64_t first_ns, last_ns, opened_ns;
	char reason[64];
};

/* The first and the last second with drops; 0: none. */
struct drop_time {
	int64_t first_ns, last_ns;
};

/* What is known of the disk that a session records to (disk.h). */
struct session_disk {
	bool waits;   /* recording goes on when there is room */
	bool stopped; /* it does not, until somebody says so */
	/* monotonic: when it is looked again, when a file was refused, until when what was removed
	 * may still be on the disk */
	int64_t again_ns, refused_ns, grace_ns;
	int64_t told_ns; /* of removed files: they are told by the minute */
	unsigned untold;
	int64_t begun_ns;     /* of the limits, monotonic; 0: with the session */
	uint64_t begun_bytes; /* written before */
	uint64_t left;	      /* bytes, at the last look */
	struct drop_time dropped_disk, dropped_buffer;
};

/* A filter that held from a time on. */
struct filter_change {
	int64_t time_ns;
	char *counter; /* "" the capture filter */
	char *filter;
	uint64_t packets, bytes;
};

/* A connection that is left out because it carries a client. */
struct own_use {
	struct own_use *next;
	char *name, *filter;
	int64_t since_ns, until_ns; /* 0: still */
	bool wanted;
};

#endif
