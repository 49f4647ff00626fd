#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_now_ns(void);  /* CLOCK_REALTIME since the epoch */
int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */

#define NS_PER_S INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)
#define NS_NONE INT64_MIN /* no time is known: 0 is one (1970) */

#endif
