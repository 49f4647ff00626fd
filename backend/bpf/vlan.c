/* VLAN in the kernel. Linux takes the outermost tag off a packet and keeps it beside it, so that
 * `vlan 5 and host A` on a device means: the tag that is kept is 5, and the host lies where it does
 * without a tag. libpcap makes such programs for handles that are open only; ours are compiled
 * where no device can be opened. So a text with `vlan` is compiled twice, and the packet says which
 * holds:
 *   - a tag is kept: the first `vlan` becomes a question for it, and nothing behind it moves;
 *   - none is: as written, the first `vlan` looks for a tag in the packet and what follows lies 4
 * bytes on. This is what `tcpdump -i` means, but for words behind an `or` that libpcap's program
 * reaches without having met the `vlan`: there ours does as `tcpdump -r` would. */
#include <ctype.h>
#include <string.h>

#include "bpf/program.h"
#include "bpf_private.h"

static bool is_number(const char *text, const struct token *t)
{
	if (!isdigit((unsigned char)text[t->at]))
		return false;
	for (size_t i = 1; i < t->len; i++) {
		char c = text[t->at + i];

		if (!isxdigit((unsigned char)c) && !(i == 1 && (c == 'x' || c == 'X')))
			return false;
	}
	return true;
}

/* The number behind `vlan`, plain or in brackets (pcap-filter(7): pnum); *at moves behind it. */
static bool tag_number(const char *text, size_t *at, struct token *number)
{
	size_t here = *at;
	unsigned open = 0;
	struct token t;

	for (;;) {
		if (!token_next(text, &here, &t))
			return false;
		if (!token_is(text, &t, "("))
			break;
		open++;
	}
	if (!is_number(text, &t))
		return false;
	*number = t;
	while (open > 0) {
		if (!token_next(text, &here, &t) || !token_is(text, &t, ")"))
			return false;
		open--;
	}
	*at = here;
	return true;
}

bool vlan_text(const char *text, struct buf *tagged)
{
	size_t at = 0;
	struct token t, number;

	do {
		if (!token_next(text, &at, &t))
			return false;
	} while (!token_is(text, &t, "vlan"));
	if (buf_add(tagged, text, t.at))
		return false;
	if (tag_number(text, &at, &number)) {
		/* one byte by its name, both by its meaning: so libpcap's own programs ask, and it
		 * knows no other way */
		if (buf_printf(tagged, "(ether[0x%x] & 0xfff = %.*s)", KERNEL_AD_VLAN_TAG,
			       (int)number.len, text + number.at))
			return false;
	} else if (buf_printf(tagged, "(ether[0x%x] = 1)", KERNEL_AD_VLAN_TAG_PRESENT)) {
		return false;
	}
	return buf_add_str(tagged, text + at) == 0;
}

int vlan_join(struct buf *blob, const struct bpf_program *tagged, const struct bpf_program *plain)
{
	const struct bpf_insn head[VLAN_JOIN_INSNS] = {
		{.code = BPF_LD | BPF_B | BPF_ABS, .k = KERNEL_AD_VLAN_TAG_PRESENT},
		{.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = 1},
		{.code = BPF_JMP | BPF_JA, .k = 1},
		{.code = BPF_JMP | BPF_JA, .k = tagged->bf_len},
	};
	struct bpf_insn all[BPF_PROGRAM_MAX];
	unsigned count = VLAN_JOIN_INSNS + tagged->bf_len + plain->bf_len;

	if (count > sizeof(all) / sizeof(all[0]))
		return -1;
	memcpy(all, head, sizeof(head));
	memcpy(all + VLAN_JOIN_INSNS, tagged->bf_insns, tagged->bf_len * sizeof(all[0]));
	memcpy(all + VLAN_JOIN_INSNS + tagged->bf_len, plain->bf_insns,
	       plain->bf_len * sizeof(all[0]));
	return program_encode(blob, all, count);
}
