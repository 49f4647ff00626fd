/* The child that looks through one file. It cannot change it: control does, by what is said here.
 */
#include <sys/stat.h>

#include "child_answer.h"
#include "child_sandbox.h"
#include "mend.h"
#include "rights.h"
#include "wire/msg.h"

#define FILE_FD 4

static int answer_put(struct buf *payload, const struct repair *r)
{
	const uint64_t number[MEND_NUMBERS] = {r->packets, r->wire_bytes, (uint64_t)r->first_ns,
					       (uint64_t)r->last_ns};
	struct msg_data m = {.offset = r->bytes};
	struct buf bytes;
	int rc = 0;

	buf_init(&bytes, sizeof(number));
	for (unsigned i = 0; i < MEND_NUMBERS; i++)
		rc |= buf_add_u64(&bytes, number[i]);
	m.bytes = (struct str){(const char *)bytes.data, bytes.len};
	if (rc == 0)
		rc = msg_put_data(payload, &m);
	buf_release(&bytes);
	return rc;
}

static int mend_limits(struct err *e)
{
	struct stat st;

	if (fstat(FILE_FD, &st))
		return err_errno(e, ERR_REFUSED, "the recording cannot be read");
	return rights_limit(MEND_CPU_S + (unsigned)((uint64_t)st.st_size / MEND_CPU_BYTES_PER_S),
			    MEND_MEMORY_BYTES, e);
}

int mend_main(void)
{
	struct repair r = {0};
	struct err e = {.at = -1};
	struct buf payload;
	int rc;

	buf_init(&payload, MSG_PAYLOAD_MAX);
	rc = rights_drop(&e);
	if (rc == 0)
		rc = mend_limits(&e);
	if (rc == 0)
		rc = child_sandbox_mend(&e);
	if (rc == 0)
		rc = capfile_examine(FILE_FD, &r, &e);
	if (rc == 0)
		err_clear(&e);
	if (rc == 0 && answer_put(&payload, &r))
		err_set(&e, ERR_REFUSED, "there is no memory for the answer");
	rc = child_answer(MSG_DATA, &payload, &e);
	buf_release(&payload);
	return rc ? 1 : 0;
}
