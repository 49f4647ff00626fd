#include "opening.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "reader_child.h"
#include "remember.h"
#include "unpack.h"

struct opened {
	char *path;
	int fd;		       /* a capture as it is; -1: it is unpacked, or handed over */
	struct unpack *unpack; /* NULL: it is read as it is */
	uint64_t bytes;	       /* of the file */
	bool told_end;
};

struct opening {
	struct reader_child *reader;
	struct opened *file;
	size_t count, sent;
};

/* --- what is named --- */

int targets_read(struct targets *t, const char *list, struct err *e)
{
	char *at;

	*t = (struct targets){.memory = xstrdup(list)};
	for (at = t->memory; *at;) {
		char *colon = strchr(at, ':');
		uint64_t bytes;

		if (t->count == OPENING_FILES_MAX)
			return err_set(e, ERR_CALL,
				       "%u files at most make one capture: merge some of them "
				       "first (mergecap)",
				       OPENING_FILES_MAX);
		if (!colon ||
		    text_parse_count((struct str){at, (size_t)(colon - at)}, &bytes, NULL) ||
		    bytes == 0 || bytes > strlen(colon + 1))
			return err_set(e, ERR_CALL, "\"%.100s\" is no list of files", list);
		/* The path moves back over its colon, so that there is room for its end. */
		memmove(colon, colon + 1, bytes);
		t->path[t->count++] = colon;
		at = colon + bytes + 1;
		colon[bytes] = 0;
	}
	return t->count ? 0 : err_set(e, ERR_CALL, "a list of files names none");
}

void targets_release(struct targets *t)
{
	free(t->memory);
}

/* --- handing over --- */

static void send_file(struct opening *o, struct opened *f)
{
	const bool growing = f->unpack && !unpack_ended(f->unpack);
	const struct msg_read_file m = {
		.name = str_of(f->path),
		.growing = growing,
		.merge = o->count > 1 ? (uint32_t)o->count : 0,
		.grows_to = growing ? UNPACK_BYTES_MAX : 0,
		.file_bytes = f->unpack && unpack_compressed(f->unpack) ? f->bytes : 0,
	};

	if (!f->unpack && o->count == 1)
		remember_offer(o->reader, f->fd, &o->reader->opened);
	(void)reader_child_file(o->reader, f->unpack ? unpack_fd(f->unpack) : f->fd,
				&m); /* -1: `gone` will come */
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
}

static void send_ended(struct opening *o, size_t i, const char *why)
{
	const struct msg_read_ended m = {.number = (uint32_t)i, .why = str_of(why)};

	o->file[i].told_end = true;
	if (o->reader->channel)
		(void)channel_put_read_ended(o->reader->channel, 0, 0,
					     &m); /* -1: `gone` will come */
}

/* What there is to be said of file i now. false: those behind it wait. */
static bool opening_look(struct opening *o, size_t i)
{
	struct opened *f = &o->file[i];
	const bool ended = f->unpack && unpack_ended(f->unpack);

	if (i == o->sent) {
		if (f->unpack && !ended && !unpack_has_head(f->unpack))
			return false;
		/* Nothing came out of it: its compressor says why. */
		if (!ended || unpack_has_head(f->unpack) || !unpack_why(f->unpack)[0])
			send_file(o, f);
		o->sent++;
	}
	if (ended && !f->told_end)
		send_ended(o, i, unpack_why(f->unpack));
	return true;
}

static void opening_step(void *arg)
{
	struct opening *o = arg;

	for (size_t i = 0; i < o->count; i++)
		if (!opening_look(o, i))
			return;
}

/* --- from birth to death --- */

void opening_free(struct opening *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < o->count; i++) {
		struct opened *f = &o->file[i];

		if (f->unpack)
			unpack_free(f->unpack);
		if (f->fd >= 0)
			(void)close(f->fd);
		free(f->path);
	}
	free(o->file);
	free(o);
}

static int opened_start(struct opened *f, struct control *c, const char *path, struct stat *st,
			struct err *e)
{
	const struct codec *codec;
	int fd = reader_child_open(path, st, e);

	*f = (struct opened){.path = xstrdup(path), .fd = fd};
	if (fd < 0)
		return -1;
	f->bytes = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
	codec = S_ISREG(st->st_mode) ? unpack_codec(fd) : NULL;
	if (!codec && S_ISREG(st->st_mode))
		return 0;
	f->fd = -1;
	return unpack_start(&f->unpack, c, codec, fd, path, e);
}

static struct opening *opening_new(struct control *c, const struct targets *t, struct stat *st,
				   struct err *e)
{
	struct opening *o = xcalloc(1, sizeof(*o));

	o->file = xcalloc(t->count, sizeof(*o->file));
	for (; o->count < t->count; o->count++) {
		const char *path = t->path[o->count];

		if (opened_start(&o->file[o->count], c, path, st, e)) {
			o->count++;
			opening_free(o);
			return NULL;
		}
	}
	return o;
}

struct reader_child *opening_start(struct control *c, const struct targets *t, struct err *e)
{
	struct reader_child *r = NULL;
	struct opening *o;
	struct stat st = {0};

	if (t->count == 1 && stat(t->path[0], &st) == 0)
		r = reader_child_of(c, t->path[0], &st);
	if (r)
		return r;
	o = opening_new(c, t, &st, e);
	if (!o)
		return NULL;
	r = reader_child_start(c, NULL, t->path[0], e);
	if (!r) {
		opening_free(o);
		return NULL;
	}
	if (t->count == 1)
		r->opened = st;
	o->reader = r;
	r->opening = o;
	for (size_t i = 0; i < o->count; i++)
		if (o->file[i].unpack)
			unpack_tell(o->file[i].unpack, opening_step, o);
	opening_step(o);
	return r;
}
