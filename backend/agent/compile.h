/* BPF text to programs: in a short-lived child without rights and with a time limit, for the text
 * is foreign and names in it make libpcap ask DNS. */
#ifndef AGENT_COMPILE_H
#define AGENT_COMPILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "children.h"

#define COMPILE_AT_ONCE 8u /* children */
#define COMPILE_WAITING_MAX 4096u
#define COMPILE_TEXTS 128u /* of many, so many go to one child */
#define COMPILE_TIMEOUT_NS (3 * NS_PER_S)

struct compiler;
struct compile;
/* e is NULL when it went well; program is borrowed for the call (bpf/program.h). Never from inside
 * compile_start. */
typedef void (*compile_fn)(void *arg, struct str program, const struct err *e);

struct compiler *compiler_new(uv_loop_t *loop, struct children *children);
void compiler_free(struct compiler *c);
/* `live`: for a device. The text is copied. */
void compile_start(struct compiler *c, uint32_t link_type, uint32_t snaplen, struct str text,
		   bool live, compile_fn fn, void *arg);
/* Many texts for one device's link type: fn is called for each once, in any order. */
typedef void (*compile_many_fn)(void *arg, unsigned index, struct str program, const struct err *e);
void compile_start_many(struct compiler *c, uint32_t link_type, uint32_t snaplen,
			const char *const *text, unsigned count, compile_many_fn fn, void *arg);
/* No callback with this arg comes any more. */
void compile_forget(struct compiler *c, void *arg);
/* Once a second: ends what takes too long. */
void compiler_tick(struct compiler *c, int64_t now_ns);

/* The child: requests on descriptor 3, an answer each. The id of a request says how many follow. */
int compile_main(void);

#endif
