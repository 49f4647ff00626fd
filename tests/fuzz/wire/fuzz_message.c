/* Messages: the first byte names the type, the rest is its payload. What is decoded is encoded and
 * decoded again. */
#include <stdlib.h>
#include <string.h>

#include "wire/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define AGAIN(number, NAME, name, summary)                                                         \
	static void again_##name(const uint8_t *p, size_t len)                                     \
	{                                                                                          \
		static struct msg_##name m, n;                                                     \
		struct buf one, two;                                                               \
		struct err e;                                                                      \
		if (msg_get_##name(p, len, &m, &e))                                                \
			return;                                                                    \
		buf_init(&one, 1 << 23);                                                           \
		buf_init(&two, 1 << 23);                                                           \
		if (msg_put_##name(&one, &m) || msg_get_##name(one.data, one.len, &n, &e) ||       \
		    msg_put_##name(&two, &n) || one.len != two.len ||                              \
		    memcmp(one.data, two.data, one.len) != 0)                                      \
			abort();                                                                   \
		buf_release(&one);                                                                 \
		buf_release(&two);                                                                 \
	}
MSG_LIST(AGAIN)

#define CASE(number, NAME, name, summary)                                                          \
	case MSG_##NAME:                                                                           \
		again_##name(data + 1, size - 1);                                                  \
		break;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf line;

	if (size == 0)
		return 0;
	switch (data[0]) {
		MSG_LIST(CASE)
	default:
		break;
	}
	buf_init(&line, 4096);
	msg_print(&line, data[0], data + 1, size - 1);
	for (size_t i = 0; i < line.len; i++)
		if (line.data[i] < 0x20 || line.data[i] == 0x7f)
			abort();
	buf_release(&line);
	return 0;
}
