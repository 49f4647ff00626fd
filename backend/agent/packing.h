/* Compresses a file of a recording, by the compressor's own program as the session's owner, beside
 * everything else: NAME becomes NAME.gz.part, complete and on the disk. What then becomes of both
 * is its caller's. */
#ifndef AGENT_PACKING_H
#define AGENT_PACKING_H

#include "account.h"
#include "control.h"

#define PACKING_STUCK_NS (60 * NS_PER_S) /* without a byte in or out: it is given up */

struct compressor {
	const char *word, *program, *package, *suffix;
	const char *option; /* besides -c and the level; NULL none */
	int low, high;	    /* levels */
	int above;	    /* from this level on: */
	const char *ultra;
};

/* By the word of `compress`; NULL: there is none such. */
const struct compressor *compressor_named(const char *word);
/* Whose suffix the name has; NULL: it is none's. */
const struct compressor *compressor_of(const char *name);
/* The program is there and knows the level (-1: its own). */
int compressor_check(const struct compressor *k, int level, struct err *e);

struct packing;
/* why NULL: done, `bytes` of it. Never called from inside; packing_free is the callee's. */
typedef void (*packing_fn)(void *arg, struct packing *p, uint64_t bytes, const char *why);

struct packing_call {
	struct control *control;
	const struct account *account;
	const char *folder; /* whole path */
	int folder_fd;
	const struct compressor *compressor;
	int level;
	uint32_t number;  /* of the segment */
	const char *name; /* of its file when it is complete */
	bool live;	  /* it is still being written, under its name .part */
	packing_fn fn;
	void *arg;
};

int packing_start(struct packing **p, const struct packing_call *call, struct err *e);
uint32_t packing_number(const struct packing *p);
bool packing_live(const struct packing *p);	/* its file is not complete */
bool packing_followed(const struct packing *p); /* it was not, when it began */
/* The file that it follows is complete, and has so many bytes. */
void packing_sealed(struct packing *p, uint64_t bytes);
/* Now and then: what makes no way is ended, and told of by fn later. */
void packing_look(struct packing *p);
/* Ends it where it runs; what it wrote is removed, unless it was done. */
void packing_free(struct packing *p);

/* `--sync`, the process: descriptor 0 is brought to the disk. */
int packing_sync_main(void);

#endif
