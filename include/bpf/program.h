/* BPF programs: made in a short-lived child, checked and run elsewhere. */
#ifndef BPF_PROGRAM_H
#define BPF_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define BPF_PROGRAM_MAX 4096u  /* instructions */
#define BPF_TEXT_MAX (64u * 1024) /* bytes of an expression */

/* Only in the child: it may ask DNS and crash. Appends to `blob`. `link_type` is a LINKTYPE_ value. `live`: for a device
 * (kernel), where what only the kernel knows (inbound, ifindex) is allowed; otherwise refused with a sentence. On a
 * syntax error e->at is the byte of the word at which no continuation makes the text right. */
int bpf_compile_text(uint32_t link_type, uint32_t snaplen, struct str text, bool live, struct buf *blob, struct err *e);

struct bpf; /* a checked program */
/* From the blob; every instruction is checked (jumps, memory, length): foreign programs cannot harm. */
int bpf_load(struct bpf **program, struct str blob, struct err *e);
void bpf_free(struct bpf *program);
/* true: the packet matches. Reads at most `captured` bytes at data. An empty expression matches everything. */
bool bpf_match(const struct bpf *program, const uint8_t *data, uint32_t captured, uint32_t length);
unsigned bpf_instructions(const struct bpf *program);
const void *bpf_raw(const struct bpf *program); /* struct bpf_insn[bpf_instructions()], for the kernel; borrowed */

/* Link types: LINKTYPE_ values of files and our messages, DLT_ values of libpcap's calls on this system. */
int bpf_dlt_of_link_type(uint32_t link_type);
uint32_t bpf_link_type_of_dlt(int dlt);

#endif
