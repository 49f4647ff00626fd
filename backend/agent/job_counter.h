/* Counters that are added, changed and removed together: compiled for each link type of the
 * session's devices, then told to the tap, all or none. Used by job.c. */
#ifndef AGENT_JOB_COUNTER_H
#define AGENT_JOB_COUNTER_H

#include "base/buf.h"
#include "session.h"

#define COUNTERS_PROGRAM_BYTES_MAX (32u * 1024 * 1024) /* of all that one command compiles */

struct counter_job;
/* The changes are copied. */
struct counter_job *counter_job_new(struct session *s, const struct counter_change *change,
				    unsigned count);
void counter_job_free(struct counter_job *j);
/* Changes; as many texts at most. */
unsigned counter_job_count(const struct counter_job *j);
/* Texts to compile. */
unsigned counter_job_texts(const struct counter_job *j, const char **text);
/* All counters of the session as they are now. */
void counter_job_all(struct counter_job *j);
/* A link type, and the device that stands for it; its number. When all changes are known. */
unsigned counter_job_group(struct counter_job *j, unsigned device, uint32_t link_type);
/* What was compiled: text number `index` for a group. -1: too long, or *e named by its counter. */
int counter_job_take(struct counter_job *j, unsigned group, unsigned index, struct str program,
		     struct err *e);
/* The sentence of a text that does not compile, with its counter's name where it is one of many. */
void counter_job_blame(const struct counter_job *j, unsigned index, struct err *e);
/* Sends it all under this id; how many messages, each of which is answered. 0: the tap is gone. */
unsigned counter_job_send(struct counter_job *j, uint32_t id);

#endif
