/* The system calls that a process leaves itself (seccomp). What is not on its list fails with EPERM and does not end it: a C
 * library that nobody met may ask for something harmless, which is no reason to lose a recording or an answer. */
#ifndef BASE_CALLS_H
#define BASE_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct calls;

/* A list that holds what every process needs: memory that never becomes code, reading, writing and closing descriptors
 * that are open, the clock, its own threads, the end. Call numbers are libseccomp's (SCMP_SYS). */
struct calls *calls_new(void);
void calls_allow(struct calls *c, const int *call, size_t count);
/* Only when argument `index` (0 to 5) has one of these values. */
void calls_allow_values(struct calls *c, int call, unsigned index, const uint64_t *value, size_t count);
/* Only when of these bits of the argument none is set. */
void calls_allow_without(struct calls *c, int call, unsigned index, uint64_t bits);
/* From now on, for ever, in all threads. Frees c. Error: the kernel or a container refuses; nothing has changed then. */
int calls_enter(struct calls *c, struct err *e);

#endif
