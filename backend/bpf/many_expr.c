/* Values that programs compare, each kept once: programs that look at the same field have the same
 * expression. What grows too large to be worked out for each packet is EXPR_NONE, and so is what is
 * made of it. */
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "many_private.h"

void exprs_init(struct exprs *x)
{
	*x = (struct exprs){.known = map_new(EXPRS_MAX)};
}

void exprs_release(struct exprs *x)
{
	map_free(x->known);
	free(x->at);
	free(x->size);
	*x = (struct exprs){0};
}

/* Numbers in the map are one more than the expression's: a value of NULL is none. */
static uint32_t expr_keep(struct exprs *x, const struct expr *new, uint32_t size)
{
	const uintptr_t known = (uintptr_t)map_get(x->known, new, sizeof(*new));

	if (known)
		return (uint32_t)(known - 1);
	if (x->count == EXPRS_MAX || size > EXPR_SIZE_MAX)
		return EXPR_NONE;
	if ((x->count & (x->count - 1)) == 0) { /* at each power of two */
		const uint32_t room = x->count ? 2 * x->count : 1;

		x->at = xreallocarray(x->at, room, sizeof(*x->at));
		x->size = xreallocarray(x->size, room, sizeof(*x->size));
	}
	x->at[x->count] = *new;
	x->size[x->count] = (uint8_t)size;
	(void)map_put(x->known, new, sizeof(*new), (void *)(uintptr_t)(x->count + 1));
	return x->count++;
}

uint32_t expr_const(struct exprs *x, uint32_t k)
{
	return expr_keep(
		x, &(struct expr){.op = EXPR_CONST, .k = k, .a = EXPR_NONE, .b = EXPR_NONE}, 1);
}

uint32_t expr_length(struct exprs *x)
{
	return expr_keep(x, &(struct expr){.op = EXPR_LENGTH, .a = EXPR_NONE, .b = EXPR_NONE}, 1);
}

uint32_t expr_load(struct exprs *x, uint32_t width, uint32_t k)
{
	return expr_keep(
		x,
		&(struct expr){
			.op = EXPR_LOAD, .k = k, .code = width, .a = EXPR_NONE, .b = EXPR_NONE},
		1);
}

uint32_t expr_load_at(struct exprs *x, uint32_t width, uint32_t k, uint32_t index)
{
	if (index == EXPR_NONE)
		return EXPR_NONE;
	return expr_keep(
		x,
		&(struct expr){.op = EXPR_LOAD, .k = k, .code = width, .a = index, .b = EXPR_NONE},
		x->size[index] + 1u);
}

uint32_t expr_msh(struct exprs *x, uint32_t k)
{
	return expr_keep(x, &(struct expr){.op = EXPR_MSH, .k = k, .a = EXPR_NONE, .b = EXPR_NONE},
			 1);
}

uint32_t expr_neg(struct exprs *x, uint32_t a)
{
	if (a == EXPR_NONE)
		return EXPR_NONE;
	return expr_keep(x, &(struct expr){.op = EXPR_NEG, .a = a, .b = EXPR_NONE},
			 x->size[a] + 1u);
}

bool expr_is_const(const struct exprs *x, uint32_t id, uint32_t *k)
{
	if (id == EXPR_NONE || x->at[id].op != EXPR_CONST)
		return false;
	*k = x->at[id].k;
	return true;
}

bool alu_run(uint32_t op, uint32_t a, uint32_t b, uint32_t *result)
{
	switch (op) {
	case BPF_ADD:
		*result = a + b;
		return true;
	case BPF_SUB:
		*result = a - b;
		return true;
	case BPF_MUL:
		*result = a * b;
		return true;
	case BPF_DIV:
		*result = b ? a / b : 0;
		return b != 0;
	case BPF_MOD:
		*result = b ? a % b : 0;
		return b != 0;
	case BPF_AND:
		*result = a & b;
		return true;
	case BPF_OR:
		*result = a | b;
		return true;
	case BPF_XOR:
		*result = a ^ b;
		return true;
	case BPF_LSH:
		*result = b < 32 ? a << b : 0;
		return true;
	default: /* BPF_RSH */
		*result = b < 32 ? a >> b : 0;
		return true;
	}
}

uint32_t expr_alu(struct exprs *x, uint32_t op, uint32_t a, uint32_t b)
{
	uint32_t ka, kb, k;

	if (a == EXPR_NONE || b == EXPR_NONE)
		return EXPR_NONE;
	if (expr_is_const(x, a, &ka) && expr_is_const(x, b, &kb) && alu_run(op, ka, kb, &k))
		return expr_const(x, k);
	return expr_keep(x, &(struct expr){.op = EXPR_ALU, .code = op, .a = a, .b = b},
			 (uint32_t)x->size[a] + x->size[b]);
}

/* --- of a packet --- */

void footprint_add(struct footprint *f, uint64_t offset, uint32_t bytes, uint32_t captured)
{
	if (offset + bytes > captured) {
		f->cut = true; /* as many bytes will not be there again, whatever they say */
		return;
	}
	for (uint32_t i = 0; i < bytes; i++) {
		const uint64_t at = offset + i;

		if (at >= FOOTPRINT_BYTES)
			f->far = true;
		else
			f->bit[at / 64] |= 1ull << (at % 64);
	}
}

static inline bool load(const struct packet *p, uint64_t offset, uint32_t width, uint32_t *value)
{
	const uint8_t *at = p->data + offset;

	if (width == BPF_W) {
		if (offset + 4 > p->captured)
			return false;
		*value = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
			 at[3];
	} else if (width == BPF_H) {
		if (offset + 2 > p->captured)
			return false;
		*value = (uint32_t)at[0] << 8 | at[1];
	} else {
		if (offset >= p->captured)
			return false;
		*value = *at;
	}
	return true;
}

static uint32_t width_bytes(uint32_t width)
{
	return width == BPF_W ? 4 : width == BPF_H ? 2 : 1;
}

/* The size of expressions bounds how deep this goes. */
bool expr_value(const struct exprs *x, uint32_t id, const struct packet *p, struct footprint *f,
		uint32_t *value)
{
	const struct expr *e = &x->at[id];
	uint32_t a = 0, b;

	switch (e->op) {
	case EXPR_CONST:
		*value = e->k;
		return true;
	case EXPR_LENGTH:
		if (f)
			f->length = true;
		*value = p->length;
		return true;
	case EXPR_LOAD:
		if (e->a != EXPR_NONE && !expr_value(x, e->a, p, f, &a))
			return false;
		if (f)
			footprint_add(f, (uint64_t)a + e->k, width_bytes(e->code), p->captured);
		return load(p, (uint64_t)a + e->k, e->code, value);
	case EXPR_MSH:
		if (f)
			footprint_add(f, e->k, 1, p->captured);
		if (!load(p, e->k, BPF_B, &a))
			return false;
		*value = (a & 0xf) << 2;
		return true;
	case EXPR_NEG:
		if (!expr_value(x, e->a, p, f, &a))
			return false;
		*value = 0u - a;
		return true;
	default:
		return expr_value(x, e->a, p, f, &a) && expr_value(x, e->b, p, f, &b) &&
		       alu_run(e->code, a, b, value);
	}
}
