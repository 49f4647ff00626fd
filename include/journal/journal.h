/* Journals: files of records that only grow. A record: u32 length of the payload | u16 type (MSG_J_...) | u16 0 |
 * u32 CRC32C over type, 0 and payload | payload (as wire/msg.h). Big-endian, 12 bytes before the payload. The file begins
 * with the 8 bytes "TDJRNL1\n". Readable after a crash up to the last whole record. */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "wire/msg.h"

#define JOURNAL_MAGIC "TDJRNL1\n"
#define JOURNAL_MAGIC_BYTES 8u
#define JOURNAL_HEADER_BYTES 12u
#define JOURNAL_RECORD_MAX (1u << 20) /* bytes of a payload */

/* --- append --- */
struct journal;
/* Takes the descriptor (closed by journal_close, and on error too), which stands at the end or appends; writes the magic where
 * the file is empty. NULL: *e. Buffers, writes from 64 KiB on; nothing is synced by itself. After a crash: repair first. */
struct journal *journal_new(int fd, struct err *e);
/* -1: the buffer is full and cannot be written (*e): what was added before stays, this record does not. */
int journal_add(struct journal *j, uint16_t type, const struct buf *payload, struct err *e);
int journal_flush(struct journal *j, struct err *e); /* writes */
int journal_sync(struct journal *j, struct err *e);  /* writes and fdatasync */
void journal_close(struct journal *j);		     /* flushes; frees; NULL is fine */
#define JOURNAL_ADD(number, NAME, name, summary) \
	int journal_add_##name(struct journal *j, const struct msg_##name *m, struct err *e);
MSG_LIST(JOURNAL_ADD)

/* --- read --- */
struct journal_record {
	uint16_t type;
	const uint8_t *payload; /* borrowed */
	size_t len;
	uint64_t next; /* offset of the record behind it */
};
/* A record at p, which lies at `offset` of the journal (0: the magic is passed over). 1: a record; 0: more bytes
 * are needed (or this is the end); -1: damaged here: r->next is where these bytes go on, 0 if they do not. */
int journal_get(const uint8_t *p, size_t len, uint64_t offset, struct journal_record *r, struct err *e);
/* The offset of the next whole record behind p, 0: none in these bytes. For the end of a journal that is complete, where a
 * length that lies makes journal_get wait for bytes that never come. */
uint64_t journal_resync(const uint8_t *p, size_t len, uint64_t offset);
/* Cuts the file (it stays the caller's) behind its last whole record and syncs it; *end: its bytes then (0 where not even the
 * magic was whole). Error: no journal, or it cannot be cut. */
int journal_repair(int fd, uint64_t *end, struct err *e);

#endif
