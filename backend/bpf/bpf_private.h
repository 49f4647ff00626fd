/* What the files of this module share. */
#ifndef BPF_PRIVATE_H
#define BPF_PRIVATE_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Loads at or behind this offset ask the kernel for what it keeps beside a packet (linux/filter.h).
 */
#define KERNEL_AD_OFF 0xfffff000u
#define KERNEL_AD_VLAN_TAG (KERNEL_AD_OFF + 44u)
#define KERNEL_AD_VLAN_TAG_PRESENT (KERNEL_AD_OFF + 48u)

/* What pcap_open_dead needs, with the text that is compiled. */
struct expression {
	int dlt, snaplen;
	const char *text; /* ended by 0 */
};

/* 0, or -1 with libpcap's own sentence; *prog is released by pcap_freecode. */
int expression_compile(const struct expression *x, bool optimize, struct bpf_program *prog,
		       char why[PCAP_ERRBUF_SIZE]);
/* The sentence for what libpcap refused, with the place in the text where one can be found. */
int expression_explain(const struct expression *x, const char *why, struct err *e);
bool program_asks_kernel(const struct bpf_insn *insn, unsigned count);
int program_encode(struct buf *blob, const struct bpf_insn *insn, unsigned count);

/* A word, number, address or operator of an expression. */
struct token {
	size_t at, len;
};
/* The token at or behind *at; false at the end. */
bool token_next(const char *text, size_t *at, struct token *t);
bool token_is(const char *text, const struct token *t, const char *word);

/* For a kernel that keeps the outermost VLAN tag beside the packet: true where `text` has a `vlan`
 * of its own, and then *tagged is the text for packets whose tag was taken off. */
bool vlan_text(const char *text, struct buf *tagged);
/* One program of two: `tagged` where the kernel holds a tag, `plain` where not. */
#define VLAN_JOIN_INSNS 4u /* that the join adds */
int vlan_join(struct buf *blob, const struct bpf_program *tagged, const struct bpf_program *plain);

#endif
