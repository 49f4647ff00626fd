/* Programs as bytes: u32 count, then count times (u16 code, u8 jt, u8 jf, u32 k), big-endian. */
#include "bpf/program.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "bpf_private.h"

#define BLOB_HEADER_BYTES 4u
#define BLOB_INSN_BYTES 8u

struct bpf {
	unsigned count;
	struct bpf_insn insn[];
};

static uint32_t get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int program_encode(struct buf *blob, const struct bpf_insn *insn, unsigned count)
{
	int bad = buf_add_u32(blob, count);

	for (unsigned i = 0; i < count && !bad; i++) {
		bad |= buf_add_u16(blob, insn[i].code);
		bad |= buf_add_byte(blob, insn[i].jt);
		bad |= buf_add_byte(blob, insn[i].jf);
		bad |= buf_add_u32(blob, insn[i].k);
	}
	return bad ? -1 : 0;
}

bool program_asks_kernel(const struct bpf_insn *insn, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (BPF_CLASS(insn[i].code) == BPF_LD && BPF_MODE(insn[i].code) == BPF_ABS &&
		    insn[i].k >= KERNEL_AD_OFF)
			return true;
	}
	return false;
}

/* Every instruction that there is. libpcap's interpreter ends the process on another, and its
 * bpf_validate looks at some of the bits only. */
static bool code_is_known(uint16_t code)
{
	static const uint16_t known[] = {
		BPF_LD | BPF_W | BPF_ABS,
		BPF_LD | BPF_H | BPF_ABS,
		BPF_LD | BPF_B | BPF_ABS,
		BPF_LD | BPF_W | BPF_IND,
		BPF_LD | BPF_H | BPF_IND,
		BPF_LD | BPF_B | BPF_IND,
		BPF_LD | BPF_W | BPF_LEN,
		BPF_LD | BPF_IMM,
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_W | BPF_LEN,
		BPF_LDX | BPF_B | BPF_MSH,
		BPF_LDX | BPF_IMM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_ALU | BPF_ADD | BPF_K,
		BPF_ALU | BPF_ADD | BPF_X,
		BPF_ALU | BPF_SUB | BPF_K,
		BPF_ALU | BPF_SUB | BPF_X,
		BPF_ALU | BPF_MUL | BPF_K,
		BPF_ALU | BPF_MUL | BPF_X,
		BPF_ALU | BPF_DIV | BPF_K,
		BPF_ALU | BPF_DIV | BPF_X,
		BPF_ALU | BPF_MOD | BPF_K,
		BPF_ALU | BPF_MOD | BPF_X,
		BPF_ALU | BPF_AND | BPF_K,
		BPF_ALU | BPF_AND | BPF_X,
		BPF_ALU | BPF_OR | BPF_K,
		BPF_ALU | BPF_OR | BPF_X,
		BPF_ALU | BPF_XOR | BPF_K,
		BPF_ALU | BPF_XOR | BPF_X,
		BPF_ALU | BPF_LSH | BPF_K,
		BPF_ALU | BPF_LSH | BPF_X,
		BPF_ALU | BPF_RSH | BPF_K,
		BPF_ALU | BPF_RSH | BPF_X,
		BPF_ALU | BPF_NEG,
		BPF_JMP | BPF_JA,
		BPF_JMP | BPF_JEQ | BPF_K,
		BPF_JMP | BPF_JEQ | BPF_X,
		BPF_JMP | BPF_JGT | BPF_K,
		BPF_JMP | BPF_JGT | BPF_X,
		BPF_JMP | BPF_JGE | BPF_K,
		BPF_JMP | BPF_JGE | BPF_X,
		BPF_JMP | BPF_JSET | BPF_K,
		BPF_JMP | BPF_JSET | BPF_X,
		BPF_RET | BPF_K,
		BPF_RET | BPF_A,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (known[i] == code)
			return true;
	}
	return false;
}

/* The scratch words that an instruction writes (as a mask) and whether it reads one that nothing
 * has written. */
static bool scratch_step(const struct bpf_insn *in, uint16_t *valid)
{
	switch (in->code) {
	case BPF_ST:
	case BPF_STX:
		*valid |= (uint16_t)(1u << (in->k & 15));
		return true;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
		return (*valid >> (in->k & 15) & 1) != 0;
	default:
		return true;
	}
}

/* bpf_validate lets a program read scratch memory that it never wrote, which would be our stack.
 * The same walk as the kernel's check_load_and_stores: jumps only go forward, so one pass sees
 * every way to each instruction. */
static bool scratch_is_sound(const struct bpf *p)
{
	uint16_t *reach = xcalloc(p->count, sizeof(*reach)), valid = 0;
	bool sound = true;

	for (unsigned i = 0; i < p->count; i++)
		reach[i] = UINT16_MAX;
	for (unsigned i = 0; i < p->count && sound; i++) {
		const struct bpf_insn *in = &p->insn[i];

		valid &= reach[i];
		sound = scratch_step(in, &valid);
		if (BPF_CLASS(in->code) == BPF_RET) {
			valid = UINT16_MAX;
		} else if (in->code == (BPF_JMP | BPF_JA)) {
			reach[i + 1 + in->k] &= valid;
			valid = UINT16_MAX;
		} else if (BPF_CLASS(in->code) == BPF_JMP) {
			reach[i + 1 + in->jt] &= valid;
			reach[i + 1 + in->jf] &= valid;
			valid = UINT16_MAX;
		}
	}
	free(reach);
	return sound;
}

static bool is_sound(const struct bpf *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct bpf_insn *in = &p->insn[i];

		if (!code_is_known(in->code))
			return false;
		if (in->code == (BPF_JMP | BPF_JA) && in->k >= p->count - i - 1)
			return false;
	}
	return true;
}

int bpf_load(struct bpf **program, struct str blob, struct err *e)
{
	const uint8_t *b = (const uint8_t *)blob.p;
	struct bpf *p;
	uint32_t count;

	*program = NULL;
	if (blob.len < BLOB_HEADER_BYTES)
		return err_set(e, ERR_CALL, "a filter program of %zu bytes is too short to be one",
			       blob.len);
	count = get_u32(b);
	if (count == 0 || count > BPF_PROGRAM_MAX)
		return err_set(e, ERR_CALL,
			       "a filter program has 1 to %u instructions, this one says %u",
			       BPF_PROGRAM_MAX, count);
	if (blob.len != BLOB_HEADER_BYTES + (size_t)count * BLOB_INSN_BYTES)
		return err_set(e, ERR_CALL,
			       "a filter program of %u instructions cannot have %zu bytes", count,
			       blob.len);
	p = xmalloc(sizeof(*p) + count * sizeof(p->insn[0]));
	p->count = count;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *q = b + BLOB_HEADER_BYTES + (size_t)i * BLOB_INSN_BYTES;

		p->insn[i] = (struct bpf_insn){.code = (u_short)(q[0] << 8 | q[1]),
					       .jt = q[2],
					       .jf = q[3],
					       .k = get_u32(q + 4)};
	}
	if (!is_sound(p) || !bpf_validate(p->insn, (int)count) || !scratch_is_sound(p)) {
		free(p);
		return err_set(
			e, ERR_CALL,
			"a filter program with an instruction that is not allowed was refused");
	}
	*program = p;
	return 0;
}

void bpf_free(struct bpf *program)
{
	free(program);
}

bool bpf_match(const struct bpf *program, const uint8_t *data, uint32_t captured, uint32_t length)
{
	return bpf_filter(program->insn, data, length, captured) != 0;
}

unsigned bpf_instructions(const struct bpf *program)
{
	return program->count;
}

const void *bpf_raw(const struct bpf *program)
{
	return program->insn;
}
