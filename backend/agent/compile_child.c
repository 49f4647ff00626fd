/* The child that compiles filters. */
#include <stdlib.h>
#include <unistd.h>

#include "bpf/program.h"
#include "child_answer.h"
#include "child_sandbox.h"
#include "compile.h"
#include "rights.h"
#include "wire/frame.h"
#include "wire/msg.h"

#define COMPILE_CPU_S 3u
#define COMPILE_MEMORY_BYTES (512ul << 20)

/* Reads until a frame is whole; `used` bytes of `in` are its. */
static int request_read(struct buf *in, struct frame *f, size_t *used, struct err *e)
{
	for (;;) {
		uint8_t *room;
		ssize_t n;
		const int r = frame_get(in->data, in->len, f, used, e);

		if (r)
			return r < 0 ? -1 : 0;
		room = buf_reserve(in, 4096);
		n = room ? read(CHILD_FD, room, 4096) : -1;
		if (n <= 0)
			return err_set(e, ERR_CALL, "no request came");
		in->len += (size_t)n;
	}
}

static int request_answer(const struct frame *f, struct buf *program, struct err *e)
{
	struct msg_compile m;

	if (f->type != MSG_COMPILE)
		return err_set(e, ERR_CALL, "no request to compile came");
	if (msg_get_compile(f->payload, f->len, &m, e))
		return -1;
	return bpf_compile_text(m.link_type, m.snaplen, m.text, f->channel != 0, program, e);
}

static int answer_write(const struct buf *program, const struct err *e)
{
	const struct msg_program m = {.program = {(const char *)program->data, program->len}};
	struct buf payload;
	int r;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	r = msg_put_program(&payload, &m);
	if (r == 0)
		r = child_answer(MSG_PROGRAM, &payload, e);
	buf_release(&payload);
	return r;
}

/* One request; *left: how many follow. A text that does not compile is an answer as well. */
static int request_serve(struct buf *in, uint32_t *left, struct err *e)
{
	struct buf program;
	struct frame f;
	size_t used = 0;
	int r;

	if (request_read(in, &f, &used, e)) {
		(void)answer_write(in, e);
		return -1;
	}
	buf_init(&program, MSG_PAYLOAD_MAX);
	err_clear(e);
	(void)request_answer(&f, &program, e);
	*left = f.id;
	r = answer_write(&program, e);
	buf_consume(in, used);
	buf_release(&program);
	return r;
}

int compile_main(void)
{
	struct buf in;
	uint32_t left = 0;
	struct err e = {.at = -1};
	int r;

	buf_init(&in, FRAME_HEADER_BYTES + MSG_PAYLOAD_MAX + 4096);
	r = rights_drop(&e);
	if (r == 0)
		r = rights_limit(COMPILE_CPU_S, COMPILE_MEMORY_BYTES, &e);
	if (r == 0)
		r = child_sandbox_compile(&e);
	if (r)
		(void)answer_write(&in, &e);
	while (r == 0) {
		r = request_serve(&in, &left, &e);
		if (left == 0)
			break;
	}
	buf_release(&in);
	return r ? 1 : 0;
}
