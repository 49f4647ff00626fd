#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc.h"
#include "base/fdio.h"
#include "base/xalloc.h"
#include "journal/journal.h"

#define BUFFER_BYTES_MAX (2 * JOURNAL_RECORD_MAX)
#define WRITE_FROM_BYTES 65536u /* so many are written without being asked */

struct journal {
	int fd;
	struct buf
		out; /* records, whole but for the first, whose begin may be in the file already */
	struct buf payload; /* of the record that is being made */
};

/* An empty file gets the magic; another must have it. A descriptor that only writes cannot be
 * looked through. */
static int journal_begin(struct journal *j, struct err *e)
{
	char magic[JOURNAL_MAGIC_BYTES];
	struct stat st;

	if (fstat(j->fd, &st) < 0)
		return err_errno(e, ERR_REFUSED, "the journal cannot be looked at");
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_REFUSED, "the journal is no plain file");
	if (lseek(j->fd, 0, SEEK_END) < 0)
		return err_errno(e, ERR_REFUSED, "the journal has no end to write at");
	if (st.st_size == 0) {
		(void)buf_add(&j->out, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
		return journal_flush(j, e);
	}
	if ((fcntl(j->fd, F_GETFL) & O_ACCMODE) == O_WRONLY)
		return 0;
	if (fdio_pread(j->fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic) ||
	    memcmp(magic, JOURNAL_MAGIC, sizeof(magic)) != 0)
		return err_set(e, ERR_REFUSED,
			       "the file does not begin as a journal does: nothing is added to it");
	return 0;
}

struct journal *journal_new(int fd, struct err *e)
{
	struct journal *j = xcalloc(1, sizeof(*j));

	j->fd = fd;
	buf_init(&j->out, BUFFER_BYTES_MAX);
	buf_init(&j->payload, JOURNAL_RECORD_MAX);
	if (journal_begin(j, e) == 0)
		return j;
	buf_clear(&j->out);
	journal_close(j);
	return NULL;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	(void)journal_flush(j, NULL); /* who must know calls journal_sync before */
	(void)close(j->fd);
	buf_release(&j->out);
	buf_release(&j->payload);
	free(j);
}

/* What was written leaves the buffer, so that a full disk that has room again is taken up in the
 * middle of a record. */
int journal_flush(struct journal *j, struct err *e)
{
	size_t done = 0;
	int r = 0;

	while (done < j->out.len) {
		const ssize_t n = write(j->fd, j->out.data + done, j->out.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = err_errno(e, ERR_PART, "the journal cannot be written");
			break;
		}
		done += (size_t)n;
	}
	buf_consume(&j->out, done);
	return r;
}

int journal_sync(struct journal *j, struct err *e)
{
	if (journal_flush(j, e) < 0)
		return -1;
	if (fdatasync(j->fd) < 0)
		return err_errno(e, ERR_PART, "the journal cannot be brought to the disk");
	return 0;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

int journal_add(struct journal *j, uint16_t type, const struct buf *payload, struct err *e)
{
	uint8_t head[JOURNAL_HEADER_BYTES] = {0};
	uint32_t crc;
	uint8_t *p;

	if (payload->len > JOURNAL_RECORD_MAX)
		return err_set(e, ERR_PART, "a record of %zu bytes is too long for the journal",
			       payload->len);
	put32(head, (uint32_t)payload->len);
	put16(head + 4, type);
	crc = crc32c(0, head + 4, 4);
	crc = payload->len ? crc32c(crc, payload->data, payload->len) : crc;
	put32(head + 8, crc);
	p = buf_reserve(&j->out, sizeof(head) + payload->len);
	if (!p) {
		if (journal_flush(j, e) < 0)
			return -1;
		p = buf_reserve(&j->out, sizeof(head) + payload->len);
	}
	memcpy(p, head, sizeof(head));
	if (payload->len)
		memcpy(p + sizeof(head), payload->data, payload->len);
	j->out.len += sizeof(head) + payload->len;
	/* A failure here loses nothing: the next call tries again, and the buffer's end is told. */
	if (j->out.len >= WRITE_FROM_BYTES)
		(void)journal_flush(j, NULL);
	return 0;
}

static int too_long(const char *name, struct err *e)
{
	return err_set(e, ERR_PART, "a record %s is too long for the journal", name);
}

#define JOURNAL_ADD_BODY(number, NAME, name, summary)                                              \
	int journal_add_##name(struct journal *j, const struct msg_##name *m, struct err *e)       \
	{                                                                                          \
		buf_clear(&j->payload);                                                            \
		if (msg_put_##name(&j->payload, m) < 0)                                            \
			return too_long(#NAME, e);                                                 \
		return journal_add(j, MSG_##NAME, &j->payload, e);                                 \
	}
MSG_LIST(JOURNAL_ADD_BODY)
