/* Reads the chunks of a session beside everybody else: holds nothing, so that nobody waits for it,
 * and passes over what was taken from under it. What comes out is one section of pcapng, whole at
 * any moment. Inside the process `--pump`. */
#ifndef AGENT_FOLLOW_H
#define AGENT_FOLLOW_H

#include "capfile/chunk.h"

#define FOLLOW_BYTES CHUNK_BYTES /* room for a piece */

struct follow {
	struct chunks map;
	uint64_t sequence;   /* the chunk that is read */
	uint32_t at;	     /* bytes of it behind us */
	uint64_t number;     /* packets of the session behind us */
	uint64_t skipped;    /* of them not given out */
	uint32_t in_section; /* interfaces of the section that is read, so far */
	uint32_t known;	     /* of those that were given out */
	bool begun;	     /* a section header was given out */
	bool unsure; /* what was passed over may have told of interfaces: until the next section */
	uint8_t copy[CHUNK_BYTES];
};

/* The next bytes, at most FOLLOW_BYTES, into `to`. 0: none for now; -1: the session has ended, and
 * nothing is left. */
int64_t follow_next(struct follow *f, uint8_t *to);

#endif
