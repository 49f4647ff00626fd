#include "session_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/xalloc.h"
#include "folder.h"
#include "reader_child.h"
#include "unpack.h"

#define WHY_BYTES ((size_t)ERR_TEXT_MAX)

/* The end of a file is told behind the beginning of the next one: else the reader would take it for
 * the end of all. */
struct unpacking {
	uint32_t number;       /* of the segment */
	struct unpack *unpack; /* NULL: none runs */
	bool sent;	       /* the reader has it */
	uint32_t files;	       /* that were sent */
	bool owed;	       /* the last one's end was not told */
	char why[WHY_BYTES];
};

static struct unpacking *unpacking_of(struct session *s)
{
	if (!s->unpacking)
		s->unpacking = xcalloc(1, sizeof(*s->unpacking));
	return s->unpacking;
}

bool session_unpacks(const struct session *s)
{
	return s->unpacking && s->unpacking->unpack;
}

void session_unpack_drop(struct session *s)
{
	if (!s->unpacking)
		return;
	if (s->unpacking->unpack)
		unpack_free(s->unpacking->unpack);
	free(s->unpacking);
	s->unpacking = NULL;
}

bool session_unpack_behind(const struct session *s, unsigned i)
{
	for (i++; i < s->nsegments; i++)
		if (s->segment[i].packed && !s->segment[i].told)
			return true;
	return false;
}

bool session_unpack_gone(struct session *s, const struct segment *g)
{
	struct unpacking *u = s->unpacking;

	if (!session_unpacks(s) || u->number != g->number)
		return false;
	unpack_free(u->unpack);
	u->unpack = NULL;
	u->owed = u->owed || u->sent;
	return u->sent;
}

/* --- ends --- */

static void ended_tell(struct session *s, uint32_t file, const char *why)
{
	const struct msg_read_ended m = {.number = file, .why = str_of(why)};

	if (s->reader && s->reader->channel)
		(void)channel_put_read_ended(s->reader->channel, 0, 0, &m); /* -1: it is gone */
}

static void owed_tell(struct session *s, uint32_t file)
{
	struct unpacking *u = s->unpacking;

	u->owed = false;
	ended_tell(s, file, u->why);
	u->why[0] = 0;
}

void session_unpack_sent(struct session *s)
{
	struct unpacking *u = unpacking_of(s);

	if (u->owed)
		owed_tell(s, u->files ? u->files - 1 : 0);
	u->files++;
}

void session_unpack_all(struct session *s)
{
	struct unpacking *u = s->unpacking;

	if (u && u->owed)
		owed_tell(s, u->files ? u->files - 1 : 0);
}

/* --- one after another --- */

static void on_unpacked(void *arg)
{
	session_reader_segments(arg);
}

static void unpack_send(struct session *s, struct segment *g)
{
	struct unpacking *u = s->unpacking;
	const struct msg_read_file m = {.name = str_of(g->name),
					.first_packet = segment_first_packet(s, g),
					.segment = g->number,
					.growing = true,
					.grows_to =
						g->plain_bytes ? g->plain_bytes : UNPACK_BYTES_MAX,
					.file_bytes = g->bytes};

	(void)reader_child_file(s->reader, unpack_fd(u->unpack), &m); /* -1: it is gone */
	session_unpack_sent(s);
	u->sent = true;
}

static int unpack_begin(struct session *s, const struct segment *g, struct err *e)
{
	struct unpacking *u = unpacking_of(s);
	const int fd = folder_open(s->folder, g->name, O_RDONLY);
	const struct codec *codec = fd >= 0 ? unpack_codec(fd) : NULL;

	if (fd < 0)
		return err_errno(e, ERR_PART, "could not open %s", g->name);
	if (!codec) {
		close(fd);
		return err_set(e, ERR_PART, "%s is not compressed with anything that is known",
			       g->name);
	}
	if (unpack_start(&u->unpack, s->control, codec, fd, g->name, e)) {
		u->unpack = NULL;
		return -1;
	}
	u->number = g->number;
	u->sent = false;
	unpack_tell(u->unpack, on_unpacked, s);
	return 0;
}

/* What it lacks is told with the file before it, which is there. */
static void unpack_failed(struct session *s, struct segment *g, const char *why)
{
	struct unpacking *u = unpacking_of(s);

	log_warn("session %s: the reader cannot have %s: %s", s->name, g->name, why);
	if (!u->why[0])
		(void)snprintf(u->why, sizeof(u->why), "%s", why);
	u->owed = true;
	g->told = true;
}

/* true: it was the reader's in whole. */
static bool unpack_look(struct session *s, struct segment *g)
{
	struct unpacking *u = s->unpacking;
	const bool ended = unpack_ended(u->unpack);

	if (!u->sent && !ended && !unpack_has_head(u->unpack))
		return false;
	if (!u->sent && (unpack_has_head(u->unpack) || !unpack_why(u->unpack)[0]))
		unpack_send(s, g);
	if (!ended)
		return false;
	if (unpack_why(u->unpack)[0] || !u->sent)
		unpack_failed(s, g, unpack_why(u->unpack));
	u->owed = true;
	g->told = true;
	unpack_free(u->unpack);
	u->unpack = NULL;
	return true;
}

bool session_unpack_tell(struct session *s, struct segment *g)
{
	struct err e;

	if (session_unpacks(s))
		return s->unpacking->number == g->number && unpack_look(s, g);
	if (unpack_begin(s, g, &e) == 0)
		return false;
	unpack_failed(s, g, e.text);
	return true;
}
