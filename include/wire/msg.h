/* Messages: structs, encoder, decoder, printer, all from msg.def. Documented in tapdeck-protocol(7). */
#ifndef WIRE_MSG_H
#define WIRE_MSG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "wire/msg.def"

#define WIRE_PROTOCOL 1u
#define MSG_PAYLOAD_MAX (4u * 1024 * 1024) /* bytes of one message behind its frame header */
#define MSG_STRS_MAX 8704u		   /* entries of one STRS: `new` with 4,096 counters has two each */

struct strs {
	uint32_t count;
	struct str at[MSG_STRS_MAX];
};

enum query_flag {
	QUERY_OUTER = 1,  /* count a tunnel's packets by the outermost headers */
	QUERY_ALL_COLUMNS = 2,
};
enum window_state {
	WINDOW_COMPLETE = 0, /* everything that is there was looked at */
	WINDOW_READING = 1,  /* more may come: a file is still read, a session runs */
	WINDOW_PARTIAL = 2,  /* damaged, cut, or a limit reached: note says what */
};

/* Of a segment in a journal. */
enum segment_sealed {
	SEGMENT_OPENED = 0,
	SEGMENT_COMPLETE = 1,  /* and synced */
	SEGMENT_REMOVED = 2,   /* the file is gone: it was let go, to keep within limits */
	SEGMENT_UNCERTAIN = 3, /* its end may not be on the disk: syncing failed */
};
enum segment_fault {
	SEGMENT_SOUND = 0,
	SEGMENT_NOT_WRITTEN = 1, /* it ends with its last whole packet */
	SEGMENT_NOT_SYNCED = 2,
};

#define MSG_TYPE_U8 uint8_t
#define MSG_TYPE_U16 uint16_t
#define MSG_TYPE_U32 uint32_t
#define MSG_TYPE_U64 uint64_t
#define MSG_TYPE_I64 int64_t
#define MSG_TYPE_STR struct str
#define MSG_TYPE_BLOB struct str
#define MSG_TYPE_STRS struct strs

#define MSG_FIELD(kind, field) MSG_TYPE_##kind field;
#define MSG_STRUCT(number, NAME, name, summary) struct msg_##name { F_##NAME(MSG_FIELD) };
MSG_LIST(MSG_STRUCT)

#define MSG_ENUM(number, NAME, name, summary) MSG_##NAME = (number),
enum msg_type { MSG_LIST(MSG_ENUM) };

/* encode: appends the payload; -1 past the buffer's maximum or MSG_PAYLOAD_MAX.
 * decode: text and bytes are borrowed from the payload. Error: a length or count that lies. */
#define MSG_PROTOTYPES(number, NAME, name, summary) \
	int msg_put_##name(struct buf *out, const struct msg_##name *m); \
	int msg_get_##name(const uint8_t *payload, size_t len, struct msg_##name *m, struct err *e);
MSG_LIST(MSG_PROTOTYPES)

const char *msg_name(unsigned type);	/* "QUERY"; "?" for an unknown one */
const char *msg_summary(unsigned type); /* "" for an unknown one */
/* One line for the log: name and fields, escaped, long ones cut. */
void msg_print(struct buf *out, unsigned type, const uint8_t *payload, size_t len);
/* Fields as text for the manual: "u32 protocol, str program, ..." */
void msg_describe(struct buf *out, unsigned type);
/* Fills a STRS from words; more than MSG_STRS_MAX are cut (-1). Borrowed. */
int msg_strs(struct strs *out, const char *const *words, size_t count);

#endif
