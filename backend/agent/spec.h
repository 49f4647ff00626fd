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
#define SPEC_COUNTERS_MAX 256u
#define SPEC_SNAPLEN_MAX 262144u
#define SPEC_BUFFER_MAX_BYTES (1024u * 1024 * 1024)
#define SPEC_WAIT_MAX_MS 60000u

struct spec_counter {
	char *name, *filter;
};

/* `keep` and `stop-after` take one of these. */
enum spec_limit { SPEC_NONE, SPEC_NUMBER, SPEC_BYTES, SPEC_TIME };
struct spec_amount {
	enum spec_limit kind;
	uint64_t value; /* files or packets, bytes, nanoseconds */
};

struct spec {
	char *name;
	char *filter; /* "" is everything */
	char *note;   /* "" */
	char *names;  /* pattern of file names, NULL: SESSION-TIME-NUMBER */
	char *words;  /* as they were said, for the journal and the list of what was asked */
	char *device[SPEC_DEVICES_MAX]; /* as asked: names or patterns; none: the default device */
	unsigned ndevices;
	struct spec_counter counter[SPEC_COUNTERS_MAX];
	unsigned ncounters;
	bool record, promiscuous, own_out, pcap;
	bool ephemeral;	   /* it goes with the client that asked for it */
	uint8_t direction; /* as TAP_START has it: 0 both, 1 in, 2 out */
	uint32_t snaplen, buffer_bytes, wait_ms;
	int64_t every_ns;    /* a new segment after; 0 never */
	uint64_t size_bytes; /* a new segment at; 0 never */
	uint64_t packets;    /* a new segment after so many; 0 never */
	struct spec_amount keep, stop;
};

/* word[0] is the session's name. Errors are ERR_CALL and name the word. Release it in either case.
 */
int spec_parse(struct spec *s, const struct str *word, size_t count, struct err *e);
void spec_release(struct spec *s);
/* A session's or counter's name: 1 to 64 of letters, digits, . _ - and neither . nor - in front. */
int spec_name_check(struct str name, const char *what, struct err *e);
/* Words joined by blanks, owned by the caller. */
char *spec_join(const struct str *word, size_t count);
/* "NAME=FILTER" in two, owned by the caller. */
int spec_counter_parse(const struct str *word, size_t count, struct spec_counter *counter,
		       struct err *e);
bool spec_rotates(const struct spec *s);

#endif
