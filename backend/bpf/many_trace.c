/* A program run as libpcap's interpreter runs it, while what it looks at is written down. */
#include "many_private.h"

struct machine {
	const struct packet *p;
	struct footprint *f;
	uint32_t a, x, memory[BPF_MEMWORDS];
};

/* false: it is not there, and the program says no. */
static bool trace_load(struct machine *m, uint64_t offset, uint32_t width, uint32_t *value)
{
	const uint32_t bytes = width == BPF_W ? 4 : width == BPF_H ? 2 : 1;
	const uint8_t *at = m->p->data + offset;

	footprint_add(m->f, offset, bytes, m->p->captured);
	if (offset + bytes > m->p->captured)
		return false;
	*value = 0;
	for (uint32_t i = 0; i < bytes; i++)
		*value = *value << 8 | at[i];
	return true;
}

static bool trace_ld(struct machine *m, const struct bpf_insn *in, uint32_t *to)
{
	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		*to = in->k;
		return true;
	case BPF_ABS:
		return trace_load(m, in->k, BPF_SIZE(in->code), to);
	case BPF_IND:
		return trace_load(m, (uint64_t)m->x + in->k, BPF_SIZE(in->code), to);
	case BPF_MEM:
		*to = m->memory[in->k & (BPF_MEMWORDS - 1)];
		return true;
	case BPF_LEN:
		m->f->length = true;
		*to = m->p->length;
		return true;
	default: /* BPF_MSH */
		if (!trace_load(m, in->k, BPF_B, to))
			return false;
		*to = (*to & 0xf) << 2;
		return true;
	}
}

static bool trace_alu(struct machine *m, const struct bpf_insn *in)
{
	const uint32_t b = BPF_SRC(in->code) == BPF_X ? m->x : in->k;

	if (BPF_OP(in->code) == BPF_NEG) {
		m->a = 0u - m->a;
		return true;
	}
	return alu_run(BPF_OP(in->code), m->a, b, &m->a);
}

static uint32_t trace_jump(const struct machine *m, const struct bpf_insn *in)
{
	const uint32_t b = BPF_SRC(in->code) == BPF_X ? m->x : in->k;

	switch (BPF_OP(in->code)) {
	case BPF_JA:
		return in->k;
	case BPF_JEQ:
		return m->a == b ? in->jt : in->jf;
	case BPF_JGT:
		return m->a > b ? in->jt : in->jf;
	case BPF_JGE:
		return m->a >= b ? in->jt : in->jf;
	default: /* BPF_JSET */
		return (m->a & b) != 0 ? in->jt : in->jf;
	}
}

/* false: the program ends with "no" here. */
static bool trace_step(struct machine *m, const struct bpf_insn *in)
{
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		return trace_ld(m, in, &m->a);
	case BPF_LDX:
		return trace_ld(m, in, &m->x);
	case BPF_ST:
		m->memory[in->k & (BPF_MEMWORDS - 1)] = m->a;
		return true;
	case BPF_STX:
		m->memory[in->k & (BPF_MEMWORDS - 1)] = m->x;
		return true;
	case BPF_ALU:
		return trace_alu(m, in);
	default: /* BPF_MISC */
		if (BPF_MISCOP(in->code) == BPF_TAX)
			m->x = m->a;
		else
			m->a = m->x;
		return true;
	}
}

/* Each machine shifts by 32 and more in its own way. */
static bool is_unclear(const struct bpf_insn *in)
{
	const uint32_t op = BPF_OP(in->code);

	return BPF_CLASS(in->code) == BPF_ALU && BPF_SRC(in->code) == BPF_K &&
	       (op == BPF_LSH || op == BPF_RSH) && in->k >= 32;
}

int program_trace(const struct bpf_insn *insn, const struct packet *p, struct footprint *f)
{
	struct machine m = {.p = p, .f = f};

	for (const struct bpf_insn *in = insn;; in++) {
		if (BPF_CLASS(in->code) == BPF_RET)
			return BPF_RVAL(in->code) == BPF_K ? in->k != 0 : m.a != 0;
		if (is_unclear(in))
			return -1;
		if (BPF_CLASS(in->code) == BPF_JMP)
			in += trace_jump(&m, in);
		else if (!trace_step(&m, in))
			return 0;
	}
}
