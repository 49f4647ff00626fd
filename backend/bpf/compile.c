/* From text to a program. Runs in a short-lived child: libpcap asks DNS for names, and its parser
 * is large. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "bpf/program.h"
#include "bpf_private.h"

#define TAGGED_TEXT_MAX (BPF_TEXT_MAX + 256u)
#define SNAPLEN_DEFAULT 262144u

int expression_compile(const struct expression *x, bool optimize, struct bpf_program *prog,
		       char why[PCAP_ERRBUF_SIZE])
{
	pcap_t *dead = pcap_open_dead(x->dlt, x->snaplen);
	int rc;

	memset(prog, 0, sizeof(*prog));
	if (!dead) {
		snprintf(why, PCAP_ERRBUF_SIZE, "there is no memory for it");
		return -1;
	}
	rc = pcap_compile(dead, prog, x->text, optimize, PCAP_NETMASK_UNKNOWN);
	if (rc != 0)
		snprintf(why, PCAP_ERRBUF_SIZE, "%s", pcap_geterr(dead));
	pcap_close(dead);
	return rc == 0 ? 0 : -1;
}

static int too_long(struct err *e)
{
	return err_set(
		e, ERR_CALL,
		"the filter needs more than %u instructions: make it shorter (nets and port ranges "
		"instead of lists)",
		BPF_PROGRAM_MAX);
}

/* What a file cannot answer: the word that asked for it. */
static int kernel_only(const char *text, struct err *e)
{
	static const char *const words[] = {"inbound", "outbound", "ifindex"};
	struct token t;
	size_t at = 0;

	while (token_next(text, &at, &t)) {
		for (size_t i = 0; i < ARRAY_LEN(words); i++) {
			if (token_is(text, &t, words[i]))
				return err_at(e, (int)t.at,
					      "\"%s\" is known to the kernel only while a device "
					      "is captured: it can "
					      "stand in a session's filter, not here",
					      words[i]);
		}
	}
	return err_set(
		e, ERR_CALL,
		"the filter asks for what only the kernel knows while a device is captured: it can "
		"stand in a session's filter, not here");
}

static int add_program(const struct bpf_program *prog, bool live, const char *text,
		       struct buf *blob, struct err *e)
{
	if (prog->bf_len > BPF_PROGRAM_MAX)
		return too_long(e);
	if (!live && program_asks_kernel(prog->bf_insns, prog->bf_len))
		return kernel_only(text, e);
	if (program_encode(blob, prog->bf_insns, prog->bf_len))
		return err_set(e, ERR_CALL, "the compiled filter is too long to be sent");
	return 0;
}

static int compile_one(const struct expression *x, bool live, struct buf *blob, struct err *e)
{
	char why[PCAP_ERRBUF_SIZE];
	struct bpf_program prog;
	int rc;

	if (expression_compile(x, true, &prog, why))
		return expression_explain(x, why, e);
	rc = add_program(&prog, live, x->text, blob, e);
	pcap_freecode(&prog);
	return rc;
}

/* As expression_compile, but a text that lets nothing through is the program that does so: `host A
 * and vlan 5` lets nothing through where the tag lies in the packet, and much where the kernel
 * keeps it. */
static int compile_half(const struct expression *x, struct bpf_program *prog, bool *empty,
			struct err *e)
{
	struct bpf_insn *none;
	char why[PCAP_ERRBUF_SIZE];

	*empty = false;
	if (expression_compile(x, true, prog, why) == 0)
		return 0;
	if (!strstr(why, "rejects all packets"))
		return expression_explain(x, why, e);
	*empty = true;
	none = xcalloc(1, sizeof(*none)); /* pcap_freecode frees it */
	none->code = BPF_RET | BPF_K;
	*prog = (struct bpf_program){.bf_len = 1, .bf_insns = none};
	return 0;
}

/* The program for live Ethernet packets of a text that says `vlan`; `tagged`: vlan_text of it. */
static int compile_vlan(const struct expression *x, const char *tagged, struct buf *blob,
			struct err *e)
{
	struct expression beside = *x;
	struct bpf_program in_packet, kept = {0};
	bool no_packet, no_kept;
	int rc = -1;

	if (compile_half(x, &in_packet, &no_packet, e))
		return -1;
	beside.text = tagged;
	if (compile_half(&beside, &kept, &no_kept, e)) {
		e->at = -1; /* a place in the other text */
		goto out;
	}
	if (no_packet && no_kept)
		err_set(e, ERR_CALL, "the filter cannot be used: it lets no packet through");
	else if (in_packet.bf_len + kept.bf_len + VLAN_JOIN_INSNS > BPF_PROGRAM_MAX)
		too_long(e);
	else if (vlan_join(blob, &kept, &in_packet))
		err_set(e, ERR_CALL, "the compiled filter is too long to be sent");
	else
		rc = 0;
	pcap_freecode(&kept);
out:
	pcap_freecode(&in_packet);
	return rc;
}

int bpf_compile_text(uint32_t link_type, uint32_t snaplen, struct str text, bool live,
		     struct buf *blob, struct err *e)
{
	struct expression x = {.dlt = bpf_dlt_of_link_type(link_type)};
	struct buf tagged;
	const char *nul;
	char *copy;
	int rc;

	if (text.len > BPF_TEXT_MAX)
		return err_set(e, ERR_CALL, "a filter has at most %u bytes, this one has %zu",
			       BPF_TEXT_MAX, text.len);
	nul = text.len > 0 ? memchr(text.p, 0, text.len) : NULL;
	if (nul)
		return err_at(e, (int)(nul - text.p), "a filter is text, this one has a byte 0");
	x.snaplen = (int)(snaplen > 0 && snaplen <= SNAPLEN_DEFAULT ? snaplen : SNAPLEN_DEFAULT);
	copy = xstrndup(text.len > 0 ? text.p : "", text.len);
	x.text = copy;
	buf_init(&tagged, TAGGED_TEXT_MAX);
	if (live && x.dlt == DLT_EN10MB && vlan_text(copy, &tagged))
		rc = compile_vlan(&x, buf_str(&tagged), blob, e);
	else
		rc = compile_one(&x, live, blob, e);
	buf_release(&tagged);
	free(copy);
	return rc;
}
