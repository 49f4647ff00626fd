/* Files that a killed tap left: looked through in a child of no right, for what stands in them is
 * foreign, may be damaged, and may be long. */
#ifndef AGENT_MEND_H
#define AGENT_MEND_H

#include "capfile/write.h"
#include "children.h"

#define MEND_AT_ONCE 4u /* children: they read what the disk gives */
#define MEND_MEMORY_BYTES (512ul << 20)
/* What a slow disk, and a slow processor, need besides the time that anything takes. */
#define MEND_TIMEOUT_S 30u
#define MEND_BYTES_PER_S (10ull << 20)
#define MEND_CPU_S 10u
#define MEND_CPU_BYTES_PER_S (50ull << 20)

struct session;
struct mender;

struct mender *mender_new(uv_loop_t *loop, struct children *children);
void mender_free(struct mender *m);
/* Looks through the file of segment `number`; `fd` stays the caller's, open until salvage_mended is
 * called, which is never done from inside. */
void mend_start(struct mender *m, struct session *s, uint32_t number, int fd);
/* Ends all that is done for it. */
void mend_forget(struct mender *m, const struct session *s);
/* Once a second: ends what takes too long. */
void mender_tick(struct mender *m, int64_t now_ns);

/* The child: the file is descriptor 4, read-only; the answer goes to 3: DATA, whose offset is where
 * what is whole ends, and whose bytes are MEND_NUMBERS u64: packets, their bytes on the wire, first
 * and last time. */
#define MEND_NUMBERS 4u
int mend_main(void);

#endif
