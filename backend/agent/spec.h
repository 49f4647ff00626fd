/* The WORDS of `new` (CONTRACT: Verbs), as values. */
#ifndef AGENT_SPEC_H
#define AGENT_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define SPEC_NAME_MAX 64u
#define SPEC_DEVICES_MAX 64u
#define SPEC_COUNTERS_MAX 4096u
#define SPEC_COUNTER_CHANGES_MAX SPEC_COUNTERS_MAX /* in one command */
#define SPEC_WORDS_BYTES_MAX (512u * 1024) /* of all together: they are kept in one record */
#define SPEC_ALERTS_MAX 16u
#define SPEC_SNAPLEN_MAX 262144u
#define SPEC_BUFFER_MAX_BYTES (1024u * 1024 * 1024)
#define SPEC_WAIT_MAX_MS 60000u
#define SPEC_COMMAND_MAX 64u /* words of a command */
#define SPEC_PAST_USUAL_BYTES (256u * 1024 * 1024) /* of `past` where only a time is said */

struct spec_counter {
	char *name, *filter;
};

/* `keep` and `stop-after`: one of each kind may hold at once; 0: none. */
struct spec_limits {
	uint64_t number; /* files or packets */
	uint64_t bytes;
	int64_t time_ns;
};
/* What a full disk does to a recording. */
enum spec_full { SPEC_FULL_STOP, SPEC_FULL_OLDEST, SPEC_FULL_WAIT };

struct spec {
	char *name;
	char *filter; /* "" is everything */
	char *note;   /* "" */
	char *names;  /* pattern of file names, NULL: SESSION-TIME-NUMBER */
	char *words;  /* as they were said, quoted so that words_parse gives them back */
	char *device[SPEC_DEVICES_MAX]; /* as asked: names or patterns; none: the default device */
	unsigned ndevices;
	struct spec_counter counter[SPEC_COUNTERS_MAX];
	unsigned ncounters;
	bool record, promiscuous, own_out, pcap;
	bool ephemeral;	   /* it goes with the client that asked for it */
	bool persist;	   /* it begins again when the daemon does */
	bool aligned, utc; /* of `every`, of times in names */
	uint8_t direction; /* as TAP_START has it: 0 both, 1 in, 2 out */
	uint32_t snaplen, buffer_bytes, wait_ms;
	int64_t every_ns;    /* a new segment after; 0 never */
	uint64_t size_bytes; /* a new segment at; 0 never */
	uint64_t packets;    /* a new segment after so many; 0 never */
	struct spec_limits keep, stop;
	char *alert[SPEC_ALERTS_MAX]; /* as said */
	unsigned nalerts;
	uint32_t sample;	     /* one packet in so many is kept; 0 and 1: all */
	char *stamp;		     /* libpcap's name of whose clock; NULL: the usual */
	bool microseconds;	     /* precision us */
	uint64_t past_bytes;	     /* held in memory; 0 none */
	int64_t past_ns;	     /* what of it is saved; 0: all */
	char *save_when, *stop_when; /* filters; NULL none */
	char *compress;		     /* "gzip" "zstd" "lz4" "xz"; NULL none */
	int compress_level;	     /* -1: the program's own */
	bool compress_live;
	char *pipe, *announce; /* commands: words_parse makes their arguments; NULL none */
	char *watch_file;      /* absolute; NULL none */
	enum spec_full on_full;
	char *user; /* NULL: who asks */
};

/* word[0] is the session's name. Errors are ERR_CALL and name the word. Release it in either case.
 */
int spec_parse(struct spec *s, const struct str *word, size_t count, struct err *e);
void spec_release(struct spec *s);
/* A session's or counter's name: 1 to 64 of letters, digits, . _ - and neither . nor - in front. */
int spec_name_check(struct str name, const char *what, struct err *e);
/* Words joined by blanks, owned by the caller: as a filter has them, and so that words_parse gives
 * them back. */
char *spec_quote(const struct str *word, size_t count);
char *spec_join(const struct str *word, size_t count);
/* "NAME=FILTER" in two, owned by the caller. */
int spec_counter_parse(const struct str *word, size_t count, struct spec_counter *counter,
		       struct err *e);
bool spec_rotates(const struct spec *s);

#endif
