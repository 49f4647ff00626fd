/* `compress`: what is complete is compressed beside everything else. Until the compressed file is
 * complete, on the disk and has its name, the plain one is the truth. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "folder.h"
#include "outlet_private.h"

static void on_packed(void *arg, struct packing *p, uint64_t bytes, const char *why);

unsigned outlet_packing_all(const struct control *c)
{
	unsigned n = 0;

	for (const struct session *s = c->sessions; s; s = s->next)
		n += s->outlets ? s->outlets->npacking : 0;
	return n;
}

static void packing_remove(struct outlets *o, struct packing *p)
{
	for (unsigned i = 0; i < o->npacking; i++)
		if (o->packing[i] == p)
			o->packing[i] = o->packing[--o->npacking];
	packing_free(p);
}

static struct packing *packing_find(struct outlets *o, uint32_t number)
{
	for (unsigned i = 0; i < o->npacking; i++)
		if (packing_number(o->packing[i]) == number)
			return o->packing[i];
	return NULL;
}

static int pack_start(struct outlets *o, const struct segment *g, bool live, struct err *e)
{
	struct session *s = o->session;
	const struct packing_call call = {.control = s->control,
					  .account = &o->account,
					  .folder = s->folder,
					  .folder_fd = o->folder,
					  .compressor = o->compressor,
					  .level = s->spec.compress_level,
					  .number = g->number,
					  .name = g->name,
					  .live = live,
					  .fn = on_packed,
					  .arg = o};

	if (o->npacking == ARRAY_LEN(o->packing))
		return err_set(e, ERR_REFUSED, "too many compressors run");
	if (packing_start(&o->packing[o->npacking], &call, e))
		return -1;
	o->npacking++;
	return 0;
}

/* --- how it ends --- */

/* Told once, until one goes well again. */
static void pack_failed(struct outlets *o, const struct segment *g, const char *why)
{
	struct session *s = o->session;

	if (o->failures++ == 0)
		session_event(s, "warn",
			      "%s stays as it is, %s failed: %s; the capture goes on, later files "
			      "are tried all the same",
			      g->name, o->compressor->program, why);
}

/* Its last name, on the disk. What is there already under it is somebody else's. */
static int pack_name(struct outlets *o, const char *name, struct err *e)
{
	struct session *s = o->session;
	char *part = xasprintf("%s.part", name);
	int r = 0;

	if (folder_rename(s->folder, part, name)) {
		r = err_errno(e, ERR_REFUSED, "could not rename %s to %s", part, name);
		(void)folder_unlink(s->folder, part);
	} else if (folder_sync(s->folder)) {
		r = err_errno(e, ERR_REFUSED, "could not sync the folder %s", s->folder);
		(void)folder_unlink(s->folder, name);
	}
	free(part);
	return r;
}

/* Only when it has that the plain one goes. What is written down before tells a daemon that comes
 * after a crash whose the file of that name is. */
static int pack_take(struct outlets *o, struct segment *g, uint64_t bytes, struct err *e)
{
	struct session *s = o->session;
	char *name = xasprintf("%s%s", g->name, o->compressor->suffix), *plain = g->name;
	int r;

	g->taking = true;
	state_save(s);
	r = pack_name(o, name, e);
	g->taking = false;
	if (r) {
		free(name);
		state_save(s);
		return -1;
	}
	g->name = name;
	g->plain_bytes = g->bytes;
	g->bytes = bytes;
	g->packed = true;
	if (folder_unlink(s->folder, plain) && errno != ENOENT)
		session_event(s, "warn", "%s is compressed, and could not be removed: %s", plain,
			      strerror(errno));
	free(plain);
	outlet_journal(s, g);
	state_save(s);
	return 0;
}

static void pack_done(struct outlets *o, struct segment *g, uint64_t bytes)
{
	struct err e;

	if (pack_take(o, g, bytes, &e)) {
		pack_failed(o, g, e.text);
		return;
	}
	if (o->failures > 1)
		session_event(o->session, "note", "%s compresses again; %u files stay as they are",
			      o->compressor->program, o->failures);
	o->failures = 0;
	o->live_failed = false;
}

/* One that followed what was written: the file may be compressed once it is complete. */
static void live_failed(struct outlets *o, const struct segment *g, const char *why)
{
	struct session *s = o->session;

	if (!o->live_failed)
		session_event(s, "warn",
			      "%s was compressed while it was written, and %s failed: %s; it is "
			      "compressed when it is complete",
			      g->name, o->compressor->program, why);
	o->live_failed = true;
}

static void on_packed(void *arg, struct packing *p, uint64_t bytes, const char *why)
{
	struct outlets *o = arg;
	struct segment *g = outlet_segment(o, packing_number(p));
	const bool live = packing_followed(p);

	if (g && why && live)
		live_failed(o, g, why);
	else if (g && why)
		pack_failed(o, g, why);
	else if (g)
		pack_done(o, g, bytes);
	packing_remove(o, p);
	if (g && g->way == SEGMENT_WAY_PACKING)
		g->way = why && live ? SEGMENT_WAY_PLAIN : SEGMENT_WAY_READY;
	control_changed(o->session->control);
	outlet_step(o);
}

/* --- how it begins --- */

void outlet_pack_open(struct outlets *o, const struct segment *g)
{
	struct err e;

	if (o->compressor && pack_start(o, g, true, &e))
		live_failed(o, g, e.text);
}

void outlet_pack_sealed(struct outlets *o, struct segment *g)
{
	struct packing *p = packing_find(o, g->number);

	if (!p)
		return;
	/* Held back, or without its name: it is compressed when it is shown. */
	if (g->way != SEGMENT_WAY_PLAIN || g->salvaged) {
		packing_remove(o, p);
		return;
	}
	g->way = SEGMENT_WAY_PACKING;
	packing_sealed(p, g->bytes);
}

void outlet_pack_drop(struct outlets *o, uint32_t number)
{
	struct packing *p = packing_find(o, number);

	if (p)
		packing_remove(o, p);
}

void outlet_pack_ended(struct outlets *o)
{
	for (unsigned i = o->npacking; i-- > 0;)
		if (packing_live(o->packing[i]))
			packing_remove(o, o->packing[i]);
}

void outlet_pack_look(struct outlets *o)
{
	for (unsigned i = 0; i < o->npacking; i++)
		packing_look(o->packing[i]);
}

static unsigned packing_complete(const struct outlets *o)
{
	unsigned n = 0;

	for (unsigned i = 0; i < o->npacking; i++)
		n += !packing_live(o->packing[i]);
	return n;
}

/* The compressors are slower than the traffic. */
static void behind_look(struct outlets *o, unsigned waiting)
{
	struct session *s = o->session;

	if (waiting >= OUTLETS_WAITING_TOLD && !o->behind_told)
		session_event(s, "warn",
			      "%s is slower than the traffic: %u complete files wait as they are",
			      o->compressor->program, waiting);
	o->behind_told = waiting && (o->behind_told || waiting >= OUTLETS_WAITING_TOLD);
}

void outlet_pack_step(struct outlets *o)
{
	struct session *s = o->session;
	unsigned waiting = 0;
	struct err e;

	if (!o->compressor)
		return;
	for (unsigned i = 0; i < s->nsegments; i++) {
		struct segment *g = &s->segment[i];

		if (g->way != SEGMENT_WAY_PLAIN)
			continue;
		if (packing_complete(o) >= OUTLETS_PACKING_MAX ||
		    outlet_packing_all(s->control) >= OUTLETS_PACKING_ALL_MAX) {
			waiting++;
			continue;
		}
		g->way = SEGMENT_WAY_PACKING;
		if (pack_start(o, g, false, &e)) {
			pack_failed(o, g, e.text);
			g->way = SEGMENT_WAY_READY;
		}
	}
	behind_look(o, waiting);
}
