/* Server Message Block 1 ([MS-CIFS] 2.2.3) and 2, 3 ([MS-SMB2] 2.2.1), over TCP. */
#include <string.h>

#include "app.h"
#include "le.h"

#define NBSS_HEADER 4u
#define SMB1_HEADER 32u
#define SMB2_HEADER 64u
#define SMB_MESSAGES_LINE 4u /* messages in the packet's line */
#define SMB_MESSAGES_MAX 32u /* in the tree */

static const struct code_name commands1[] = {
	{0x00, "create directory"},
	{0x01, "delete directory"},
	{0x02, "open"},
	{0x04, "close"},
	{0x05, "flush"},
	{0x06, "delete"},
	{0x07, "rename"},
	{0x08, "query information"},
	{0x0a, "read"},
	{0x0b, "write"},
	{0x10, "check directory"},
	{0x24, "locking"},
	{0x25, "transaction"},
	{0x2b, "echo"},
	{0x2d, "open andx"},
	{0x2e, "read andx"},
	{0x2f, "write andx"},
	{0x32, "transaction2"},
	{0x34, "find close2"},
	{0x70, "tree connect"},
	{0x71, "tree disconnect"},
	{0x72, "negotiate"},
	{0x73, "session setup"},
	{0x74, "logoff"},
	{0x75, "tree connect andx"},
	{0x80, "query disk"},
	{0xa0, "nt transact"},
	{0xa2, "nt create"},
	{0xa4, "nt cancel"},
	{0, NULL},
};

static const struct code_name commands2[] = {
	{0, "negotiate"},
	{1, "session setup"},
	{2, "logoff"},
	{3, "tree connect"},
	{4, "tree disconnect"},
	{5, "create"},
	{6, "close"},
	{7, "flush"},
	{8, "read"},
	{9, "write"},
	{10, "lock"},
	{11, "ioctl"},
	{12, "cancel"},
	{13, "echo"},
	{14, "query directory"},
	{15, "change notify"},
	{16, "query info"},
	{17, "set info"},
	{18, "oplock break"},
	{0, NULL},
};

static const struct code_name statuses[] = {
	{0x00000103, "PENDING"},
	{0x0000010b, "NOTIFY_CLEANUP"},
	{0x0000010c, "NOTIFY_ENUM_DIR"},
	{0x80000005, "BUFFER_OVERFLOW"},
	{0x80000006, "NO_MORE_FILES"},
	{0xc0000001, "UNSUCCESSFUL"},
	{0xc0000002, "NOT_IMPLEMENTED"},
	{0xc0000008, "INVALID_HANDLE"},
	{0xc000000d, "INVALID_PARAMETER"},
	{0xc000000f, "NO_SUCH_FILE"},
	{0xc0000010, "INVALID_DEVICE_REQUEST"},
	{0xc0000011, "END_OF_FILE"},
	{0xc0000016, "MORE_PROCESSING_REQUIRED"},
	{0xc0000022, "ACCESS_DENIED"},
	{0xc0000023, "BUFFER_TOO_SMALL"},
	{0xc0000033, "OBJECT_NAME_INVALID"},
	{0xc0000034, "OBJECT_NAME_NOT_FOUND"},
	{0xc0000035, "OBJECT_NAME_COLLISION"},
	{0xc000003a, "OBJECT_PATH_NOT_FOUND"},
	{0xc0000043, "SHARING_VIOLATION"},
	{0xc0000054, "FILE_LOCK_CONFLICT"},
	{0xc0000055, "LOCK_NOT_GRANTED"},
	{0xc0000061, "PRIVILEGE_NOT_HELD"},
	{0xc000006d, "LOGON_FAILURE"},
	{0xc000006e, "ACCOUNT_RESTRICTION"},
	{0xc0000071, "PASSWORD_EXPIRED"},
	{0xc0000072, "ACCOUNT_DISABLED"},
	{0xc000007f, "DISK_FULL"},
	{0xc00000ac, "PIPE_NOT_AVAILABLE"},
	{0xc00000ba, "FILE_IS_A_DIRECTORY"},
	{0xc00000bb, "NOT_SUPPORTED"},
	{0xc00000c9, "NETWORK_NAME_DELETED"},
	{0xc00000cc, "BAD_NETWORK_NAME"},
	{0xc0000120, "CANCELLED"},
	{0xc0000128, "FILE_CLOSED"},
	{0xc0000203, "USER_SESSION_DELETED"},
	{0xc0000225, "NOT_FOUND"},
	{0xc0000234, "ACCOUNT_LOCKED_OUT"},
	{0xc0000257, "PATH_NOT_COVERED"},
	{0, NULL},
};

/* One message: its version is the first byte of its mark. */
struct smb {
	uint8_t version; /* 1, 2; 3 encrypted; 4 compressed */
	bool response;
	uint32_t command, status;
	uint32_t at, header; /* where it begins, bytes of the header that are here */
	uint32_t next;	     /* bytes to the next in the same frame; 0 none */
};

static uint8_t smb_version(const uint8_t *p)
{
	if (memcmp(p + 1, "SMB", 3) != 0)
		return 0;
	return p[0] == 0xff ? 1 : p[0] == 0xfe ? 2 : p[0] == 0xfd ? 3 : p[0] == 0xfc ? 4 : 0;
}

/* A session message with SMB in it (RFC 1002 4.3.1; without NetBIOS the length has 24 bits). */
bool smb_speaks(const struct probe *b)
{
	uint8_t version;

	if (b->length < NBSS_HEADER + 4 || b->p[0] || !b->tcp)
		return false;
	version = smb_version(b->p + NBSS_HEADER);
	return version && (get32(b->p) & 0xffffff) >= (version == 1 ? SMB1_HEADER : 16);
}

/* What is here of the message at the cursor, which ends with its frame. */
static bool smb_read(const struct cursor *c, struct smb *m)
{
	const uint8_t *p = cursor_peek(c, 4);

	*m = (struct smb){.version = p ? smb_version(p) : 0, .at = cursor_offset(c)};
	if (!m->version)
		return false;
	if (m->version == 1 && cursor_left(c) >= SMB1_HEADER) {
		m->header = SMB1_HEADER;
		m->command = p[4];
		m->status = le32(p + 5);
		m->response = p[9] & 0x80;
	} else if (m->version == 2 && cursor_left(c) >= SMB2_HEADER) {
		m->header = SMB2_HEADER;
		m->status = le32(p + 8);
		m->command = le16(p + 12);
		m->response = p[16] & 1;
		m->next = le32(p + 20);
	}
	return true;
}

/* The next frame's messages as a cursor; false at the end or where it is something else. */
static bool frame_next(struct cursor *c, struct cursor *frame)
{
	const uint8_t *p = cursor_pull(c, NBSS_HEADER);
	uint32_t length;
	size_t here;

	if (!p || p[0])
		return false;
	length = get32(p) & 0xffffff;
	here = length < cursor_left(c) ? length : cursor_left(c);
	*frame = cursor_over(c->head, cursor_offset(c), here);
	c->data += here;
	return true;
}

/* The next message of a frame. */
static bool message_next(struct cursor *frame, struct smb *m)
{
	if (!smb_read(frame, m))
		return false;
	if (m->next < m->header || m->next > cursor_left(frame) || !m->header)
		frame->data = frame->tail;
	else
		frame->data += m->next;
	return true;
}

static void smb_line(struct buf *out, const struct smb *m)
{
	const struct code_name *names = m->version == 1 ? commands1 : commands2;

	if (m->version > 2) {
		buf_add_str(out, m->version == 3 ? "SMB3 encrypted" : "SMB3 compressed");
		return;
	}
	buf_printf(out, "SMB%u", m->version);
	if (!m->header)
		return;
	buf_printf(out, " %s %s", code_text(names, m->command, "command"),
		   m->response ? "response" : "request");
	/* A request of SMB 2.1 and later has the channel's sequence in the status. */
	if (m->status && m->response && *code_text(statuses, m->status, ""))
		buf_printf(out, " %s", code_text(statuses, m->status, ""));
	else if (m->status && m->response)
		buf_printf(out, " status 0x%08x", m->status);
}

void smb_info(struct buf *out, const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), frame;
	struct smb m;
	unsigned n = 0;

	while (n < SMB_MESSAGES_LINE && frame_next(&c, &frame)) {
		while (n < SMB_MESSAGES_LINE && message_next(&frame, &m)) {
			if (n++)
				buf_add_str(out, ", ");
			smb_line(out, &m);
		}
	}
}

static void smb_message_fields(const struct view *v, const struct smb *m)
{
	const uint8_t *p = v->head + m->at;
	const struct code_name *names = m->version == 1 ? commands1 : commands2;

	if (!m->header)
		return;
	view_field(v, "command", m->at + (m->version == 1 ? 4 : 12), m->version, "%u %s",
		   m->command, code_text(names, m->command, "unknown"));
	view_field(v, "status", m->at + (m->version == 1 ? 5 : 8), 4, "0x%08x %s", m->status,
		   m->status ? code_text(statuses, m->status, "") : "SUCCESS");
	if (m->version == 1) {
		view_field(v, "flags", m->at + 9, 1, "0x%02x", p[9]);
		view_field(v, "tree", m->at + 24, 2, "%u", le16(p + 24));
		view_field(v, "user", m->at + 28, 2, "%u", le16(p + 28));
		view_field(v, "multiplex", m->at + 30, 2, "%u", le16(p + 30));
		return;
	}
	view_field(v, "flags", m->at + 16, 4, "0x%08x", le32(p + 16));
	view_field(v, "credits", m->at + 14, 2, "%u", le16(p + 14));
	view_field(v, "message", m->at + 24, 8, "%llu", (unsigned long long)le64(p + 24));
	if (!(p[16] & 2)) /* synchronous */
		view_field(v, "tree", m->at + 36, 4, "0x%08x", le32(p + 36));
	view_field(v, "session", m->at + 40, 8, "0x%016llx", (unsigned long long)le64(p + 40));
}

void smb_fields(const struct view *v, const struct layer *l)
{
	struct cursor c = view_cursor(v, l), frame;
	struct view below = view_below(v);
	struct smb m;
	unsigned n = 0;

	while (n < SMB_MESSAGES_MAX && frame_next(&c, &frame)) {
		while (n++ < SMB_MESSAGES_MAX && message_next(&frame, &m)) {
			view_field(v, "message", m.at, m.header, "SMB%u %s",
				   m.version > 2 ? 3 : m.version,
				   m.version == 3   ? "encrypted"
				   : m.version == 4 ? "compressed"
				   : m.response	    ? "response"
						    : "request");
			smb_message_fields(&below, &m);
		}
	}
}
