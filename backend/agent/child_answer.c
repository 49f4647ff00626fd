#include "child_answer.h"

#include "base/fdio.h"
#include "wire/frame.h"
#include "wire/msg.h"

int child_answer(uint16_t type, const struct buf *payload, const struct err *e)
{
	const struct msg_error bad = {.code = e->code, .at = e->at, .sentence = str_of(e->text)};
	struct buf error, out;
	int r = 0;

	buf_init(&error, MSG_PAYLOAD_MAX);
	buf_init(&out, FRAME_HEADER_BYTES + MSG_PAYLOAD_MAX);
	if (e->code) {
		r = msg_put_error(&error, &bad);
		type = MSG_ERROR;
		payload = &error;
	}
	if (r == 0)
		r = frame_put(&out, type, 0, 0, payload->data, payload->len);
	if (r == 0)
		r = fdio_write_all(CHILD_FD, out.data, out.len);
	buf_release(&error);
	buf_release(&out);
	return r;
}
