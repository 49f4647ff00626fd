#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/xalloc.h"

struct fetch {
	struct fetch *next;
	struct peer *peer;
	uint32_t channel, id;
	int fd;
	uint64_t offset, credit;
	char *note;
};

static void fetch_free(struct control *c, struct fetch *s)
{
	for (struct fetch **at = &c->fetches; *at; at = &(*at)->next)
		if (*at == s) {
			*at = s->next;
			break;
		}
	close(s->fd);
	free(s->note);
	free(s);
}

static struct fetch *fetch_find(struct peer *p, uint32_t channel, uint32_t id)
{
	for (struct fetch *s = p->control->fetches; s; s = s->next)
		if (s->peer == p && s->channel == channel && s->id == id)
			return s;
	return NULL;
}

static void fetch_end(struct fetch *s, const char *note)
{
	const struct msg_end m = {.offset = s->offset, .note = str_of(note)};
	struct control *c = s->peer->control;

	(void)channel_put_end(s->peer->channel, s->channel, s->id,
			      &m); /* -1: the client is about to be gone */
	fetch_free(c, s);
}

static void fetch_fail(struct fetch *s)
{
	struct control *c = s->peer->control;
	struct err e;

	err_errno(&e, ERR_PART, "could not read on at byte %llu", (unsigned long long)s->offset);
	(void)channel_send_error(s->peer->channel, s->channel, s->id, &e); /* as above */
	fetch_free(c, s);
}

/* One piece. false: not now, or the stream is over. */
static bool fetch_piece(struct fetch *s, uint8_t *piece)
{
	const size_t most = s->credit < FETCH_PIECE_BYTES ? (size_t)s->credit : FETCH_PIECE_BYTES;
	struct msg_data m = {.offset = s->offset};
	ssize_t n;

	if (most == 0 || channel_congested(s->peer->channel))
		return false;
	n = fdio_pread(s->fd, piece, most, s->offset);
	if (n < 0) {
		fetch_fail(s);
		return false;
	}
	if (n == 0) {
		fetch_end(s, s->note);
		return false;
	}
	m.bytes = (struct str){(const char *)piece, (size_t)n};
	if (channel_put_data(s->peer->channel, s->channel, s->id, &m))
		return false; /* the client is about to be gone, and its streams with it */
	s->offset += (uint64_t)n;
	s->credit -= (uint64_t)n;
	return true;
}

static void on_later(uv_timer_t *timer)
{
	fetch_pump(timer->data, NULL);
}

void fetch_pump(struct control *c, const struct peer *p)
{
	uint8_t *piece = c->fetches ? xmalloc(FETCH_PIECE_BYTES) : NULL;

	for (struct fetch *s = c->fetches, *next; s; s = next) {
		unsigned i = 0;

		next = s->next;
		if (p && s->peer != p)
			continue;
		while (i < FETCH_TURN_PIECES && fetch_piece(s, piece))
			i++;
		if (i == FETCH_TURN_PIECES)
			(void)uv_timer_start(&c->later, on_later, 0,
					     0); /* fails for a closing timer only */
	}
	free(piece);
}

int fetch_start(struct peer *p, uint32_t channel, uint32_t id, int fd, uint64_t offset,
		uint64_t credit, const char *note, struct err *e)
{
	struct fetch *s;
	unsigned count = 0;

	for (s = p->control->fetches; s; s = s->next)
		count++;
	if (count >= FETCHES_MAX || fetch_find(p, channel, id) || offset > INT64_MAX) {
		close(fd);
		return err_set(e, ERR_CALL,
			       count >= FETCHES_MAX
				       ? "too many streams are open here"
				       : "this stream's number or offset is not possible");
	}
	s = xcalloc(1, sizeof(*s));
	*s = (struct fetch){.next = p->control->fetches,
			    .peer = p,
			    .channel = channel,
			    .id = id,
			    .fd = fd,
			    .offset = offset,
			    .credit = credit,
			    .note = xstrdup(note)};
	p->control->fetches = s;
	fetch_pump(p->control, p);
	return 0;
}

bool fetch_credit(struct peer *p, uint32_t channel, uint32_t id, uint64_t bytes)
{
	struct fetch *s = fetch_find(p, channel, id);

	if (!s)
		return false;
	s->credit = bytes > UINT64_MAX - s->credit ? UINT64_MAX : s->credit + bytes;
	fetch_pump(p->control, p);
	return true;
}

bool fetch_cancel(struct peer *p, uint32_t channel, uint32_t id)
{
	struct fetch *s = fetch_find(p, channel, id);

	if (s)
		fetch_free(p->control, s);
	return s != NULL;
}

void fetch_drop(struct peer *p, uint32_t channel)
{
	for (struct fetch *s = p->control->fetches, *next; s; s = next) {
		next = s->next;
		if (s->peer == p && (channel == UINT32_MAX || s->channel == channel))
			fetch_free(p->control, s);
	}
}
