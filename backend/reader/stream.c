/* The capture's packets as pcapng, within credit: a file from its start, a session from what is
 * still held on. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "capfile/write.h"
#include "state.h"

#define STREAM_DATA_BYTES (256u * 1024) /* of one DATA; a long packet may make it longer */
#define STREAM_BUFFER_MAX (STREAM_DATA_BYTES + PACKET_BYTES_MAX + WRITE_PACKET_OVERHEAD)
#define STREAMS_MAX 64u
#define STREAM_KNOWN_BYTES (64u << 20) /* of a file that is read before it is sent on */
#define STREAM_NO_INTERFACE UINT32_MAX

struct stream {
	struct stream *next;
	uint32_t channel, id;
	uint64_t row, offset,
		skip; /* next row; bytes sent or skipped; bytes that the asker has already */
	uint64_t credit, unread; /* unread: packets that could not be read again */
	struct walker walker;
	struct buf out;
	bool begun;
	uint32_t *interface; /* shown number -> its number in the stream */
	uint32_t ninterfaces, written;
};

static void stream_free(struct stream *s)
{
	walker_release(&s->walker);
	buf_release(&s->out);
	free(s->interface);
	free(s);
}

void stream_start(struct reader *r, uint32_t channel, uint32_t id, const struct msg_stream *m)
{
	unsigned count = 0;
	struct err e = {0};

	for (struct stream *s = r->streams; s; s = s->next)
		count++;
	if (m->words.count != 1 || !str_is(m->words.at[0], "pcapng"))
		(void)err_set(&e, ERR_CALL, "a capture can be streamed as pcapng only");
	else if (r->failed.code != ERR_NONE)
		e = r->failed;
	else if (count == STREAMS_MAX)
		(void)err_set(&e, ERR_PART, "%u streams of this capture run already", STREAMS_MAX);
	if (e.code != ERR_NONE) {
		(void)channel_send_error(r->control, channel, id, &e);
		return;
	}
	struct stream *s = xcalloc(1, sizeof(*s));

	s->channel = channel;
	s->id = id;
	s->skip = m->offset;
	s->credit = m->credit;
	s->row = r->index.first;
	walker_init(&s->walker, &r->source);
	buf_init(&s->out, STREAM_BUFFER_MAX);
	s->next = r->streams;
	r->streams = s;
	pipeline_kick(r);
}

void stream_credit(struct reader *r, uint32_t channel, uint32_t id, uint64_t bytes)
{
	for (struct stream *s = r->streams; s; s = s->next)
		if (s->channel == channel && s->id == id)
			s->credit = bytes > UINT64_MAX - s->credit ? UINT64_MAX : s->credit + bytes;
	if (r->streams)
		pipeline_kick(r);
}

void stream_drop(struct reader *r, uint32_t channel, uint32_t id)
{
	for (struct stream **p = &r->streams; *p;) {
		struct stream *s = *p;

		if ((channel != UINT32_MAX && s->channel != channel) || (id != 0 && s->id != id)) {
			p = &s->next;
			continue;
		}
		*p = s->next;
		stream_free(s);
	}
}

void stream_fail(struct reader *r, const struct err *e)
{
	for (struct stream *s = r->streams; s; s = s->next)
		(void)channel_send_error(r->control, s->channel, s->id, e);
	stream_release(r);
}

void stream_release(struct reader *r)
{
	stream_drop(r, UINT32_MAX, 0);
}

/* --- making bytes --- */

/* Not what a file says where its packets are longer: others refuse such a stream. */
static uint32_t snaplen_true(const struct capture_interface *i)
{
	return i->snaplen && i->captured_max > i->snaplen ? i->captured_max : i->snaplen;
}

/* The stream's number of an interface; its block is written before its first packet. */
static int stream_interface(struct stream *s, const struct source *source, uint32_t shown,
			    uint32_t *number)
{
	const struct capture_interface *i = source_shown(source, shown);

	if (!i)
		return -1;
	if (shown >= s->ninterfaces) {
		s->interface = xreallocarray(s->interface, shown + 1, sizeof(*s->interface));
		while (s->ninterfaces <= shown)
			s->interface[s->ninterfaces++] = STREAM_NO_INTERFACE;
	}
	if (s->interface[shown] == STREAM_NO_INTERFACE) {
		const struct write_interface said = {.name = i->name,
						     .filter = i->filter,
						     .comment = i->comment,
						     .link_type = i->link_type,
						     .snaplen = snaplen_true(i)};

		if (write_interface_said(&s->out, &said) < 0)
			return -1;
		s->interface[shown] = s->written++;
	}
	*number = s->interface[shown];
	return 0;
}

/* Every interface stands in the stream, those without a packet too. */
static int stream_interfaces(struct stream *s, const struct source *source)
{
	uint32_t number;

	for (uint32_t i = 0; i < source->nshown; i++)
		if (stream_interface(s, source, i, &number) < 0)
			return -1;
	return 0;
}

static int stream_packet(struct reader *r, struct stream *s)
{
	struct index_entry entry;
	struct packet pk;
	struct err e;
	uint32_t number;

	if (!index_get(&r->index, s->row, &entry) ||
	    walker_read(&s->walker, &r->index, s->row, &pk, &e) < 0) {
		s->unread++;
		return 0;
	}
	if (stream_interface(s, &r->source, r->source.interface[entry.interface].shown, &number) <
	    0)
		return -1;
	uint32_t bytes = write_packet_bytes(pk.captured);
	uint8_t *dst = buf_reserve(&s->out, bytes);

	if (!dst)
		return -1;
	write_packet(dst, number, pk.has_time ? pk.ts_ns : 0, pk.captured, pk.length, pk.data);
	s->out.len += bytes;
	return 0;
}

/* Of a file that is read in no time everything is known before its interfaces are told. */
static bool stream_may_begin(struct reader *r)
{
	if (pipeline_done(r))
		return true;
	return r->source.nshown &&
	       (source_is_live(&r->source) || source_waits(&r->source) ||
		source_file_bytes(&r->source) > STREAM_KNOWN_BYTES);
}

/* Fills the buffer with what is there. */
static int stream_fill(struct reader *r, struct stream *s)
{
	uint64_t end = index_count(&r->index);

	if (!s->begun && stream_may_begin(r)) {
		if (write_section(&s->out, NULL) < 0 || stream_interfaces(s, &r->source) < 0)
			return -1;
		s->begun = true;
	}
	if (!s->begun)
		return 0;
	if (s->row < r->index.first) {
		s->unread += r->index.first - s->row;
		s->row = r->index.first;
	}
	for (; s->row < end && s->out.len < STREAM_DATA_BYTES; s->row++)
		if (stream_packet(r, s) < 0)
			return -1;
	return 0;
}

/* --- sending --- */

static void stream_skip(struct stream *s)
{
	uint64_t have = s->skip > s->offset ? s->skip - s->offset : 0;
	size_t n = have < s->out.len ? (size_t)have : s->out.len;

	buf_consume(&s->out, n);
	s->offset += n;
}

static void stream_send(struct reader *r, struct stream *s)
{
	size_t n = s->out.len < STREAM_DATA_BYTES ? s->out.len : STREAM_DATA_BYTES;

	if (n > s->credit)
		n = (size_t)s->credit;
	if (n == 0)
		return;
	const struct msg_data m = {.offset = s->offset, .bytes = {(const char *)s->out.data, n}};

	(void)channel_put_data(r->control, s->channel, s->id, &m);
	buf_consume(&s->out, n);
	s->offset += n;
	s->credit -= n;
}

static void stream_end(struct reader *r, struct stream *s)
{
	struct buf note;
	struct table_state state;

	source_state(&r->source, &state);
	buf_init(&note, SOURCE_NOTE_MAX * 2);
	if (state.state == WINDOW_PARTIAL)
		(void)buf_add_str(&note, state.note);
	if (s->unread)
		(void)buf_printf(&note, "%s%llu packets were no longer there to be sent",
				 note.len ? "; " : "", (unsigned long long)s->unread);
	const struct msg_end m = {.offset = s->offset, .note = str_of(buf_str(&note))};

	(void)channel_put_end(r->control, s->channel, s->id, &m);
	buf_release(&note);
}

/* true: the stream is at its end, or broke. */
static bool stream_run(struct reader *r, struct stream *s, bool *more)
{
	struct err e;

	if (s->out.len < STREAM_DATA_BYTES && stream_fill(r, s) < 0) {
		(void)err_set(&e, ERR_PART, "packet %llu is too long to be sent",
			      (unsigned long long)index_number(&r->index, s->row));
		(void)channel_send_error(r->control, s->channel, s->id, &e);
		return true;
	}
	stream_skip(s);
	if (!channel_congested(r->control))
		stream_send(r, s);
	if (s->out.len == 0 && s->begun && s->row >= index_count(&r->index) && pipeline_done(r)) {
		stream_end(r, s);
		return true;
	}
	bool can_send = s->out.len && s->credit && !channel_congested(r->control);

	*more = *more || can_send || (s->out.len == 0 && s->row < index_count(&r->index));
	return false;
}

bool stream_step(struct reader *r)
{
	int64_t deadline = clock_mono_ns() + READER_SLICE_NS;
	bool more;

	do {
		more = false;
		for (struct stream **p = &r->streams; *p;) {
			struct stream *s = *p;

			if (!stream_run(r, s, &more)) {
				p = &s->next;
				continue;
			}
			*p = s->next;
			stream_free(s);
		}
	} while (more && clock_mono_ns() < deadline);
	return more;
}
