#include "outlet_private.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/words.h"
#include "base/xalloc.h"

#define LOOK_MS 200u

/* --- what was asked for --- */

static bool wanted(const struct spec *spec)
{
	return spec->compress || spec->pipe || spec->announce || spec->watch_file;
}

int outlet_arguments(const char *command, const char *word, struct words *w, struct err *e)
{
	char *program;

	if (words_parse(w, command, e))
		return err_wrap(e, "%s", word);
	program = w->count ? errand_program(w->word[0]) : NULL;
	if (!program) {
		err_set(e, ERR_REFUSED,
			"\"%s\": there is no program \"%s\" in %s here: say its whole path", word,
			w->count ? w->word[0] : "", ERRAND_PATH);
		words_release(w);
		return -1;
	}
	free(w->word[0]);
	w->word[0] = program;
	return 0;
}

static int command_check(const char *command, const char *word, struct err *e)
{
	struct words w;

	if (!command)
		return 0;
	if (outlet_arguments(command, word, &w, e))
		return -1;
	words_release(&w);
	return 0;
}

int outlets_check(const struct spec *spec, const struct who *who, struct err *e)
{
	const char *const own = spec->pipe	   ? "pipe"
				: spec->announce   ? "announce"
				: spec->watch_file ? "watch-file"
						   : NULL;

	if (own && !who->owner)
		return err_set(e, ERR_REFUSED,
			       "\"%s\" is for the owner of this daemon only: members of its group "
			       "name neither commands nor paths",
			       own);
	if (spec->compress &&
	    compressor_check(compressor_named(spec->compress), spec->compress_level, e))
		return -1;
	if (command_check(spec->pipe, "pipe", e) || command_check(spec->announce, "announce", e))
		return -1;
	return 0;
}

/* --- commands --- */

int outlet_run(struct outlets *o, struct outlet_command *k, const char *word, const char *command,
	       const char *last, char *const *extra, int in, errand_fn fn, struct err *e)
{
	struct session *s = o->session;
	char *session = xasprintf("TAPDECK_SESSION=%s", s->name);
	char *folder = xasprintf("TAPDECK_FOLDER=%s", s->folder);
	char *env[16] = {session, folder};
	struct errand_call call = {.control = s->control,
				   .account = &o->account,
				   .folder = o->folder,
				   .extra = env,
				   .in = in,
				   .out = -1,
				   .fn = fn,
				   .arg = o};
	char *argv[SPEC_COMMAND_MAX + 2] = {0};
	unsigned n = 2;
	struct words w;
	int r = outlet_arguments(command, word, &w, e);

	for (char *const *x = extra; x && *x && n + 1 < ARRAY_LEN(env); x++)
		env[n++] = *x;
	if (r == 0) {
		for (int i = 0; i < w.count && i < (int)SPEC_COMMAND_MAX; i++)
			argv[i] = w.word[i];
		argv[w.count < (int)SPEC_COMMAND_MAX ? w.count : (int)SPEC_COMMAND_MAX] =
			(char *)(uintptr_t)last;
		call.argv = argv;
		*k = (struct outlet_command){0};
		r = errand_start(&k->errand, &call, e);
		words_release(&w);
	}
	free(session);
	free(folder);
	return r;
}

void outlet_command_look(struct outlets *o, struct outlet_command *k, const char *what)
{
	const int64_t now_ns = clock_mono_ns();

	if (!k->errand)
		return;
	errand_listen(k->errand);
	if (o->session->control->stopping && k->limit_ns > now_ns + OUTLETS_LEAVING_NS)
		k->limit_ns = now_ns + OUTLETS_LEAVING_NS;
	if (!k->limit_ns || now_ns < k->limit_ns)
		return;
	if (!k->termed)
		session_event(o->session, "warn",
			      "the command of \"%s\" did not end in time, and is ended", what);
	errand_signal(k->errand, k->termed ? SIGKILL : SIGTERM);
	k->termed = k->late = true;
	k->limit_ns = now_ns + OUTLETS_TERM_NS;
}

/* --- the way of a file --- */

struct segment *outlet_segment(struct outlets *o, uint32_t number)
{
	struct session *s = o->session;

	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].number == number)
			return &s->segment[i];
	return NULL;
}

static bool files_wait(const struct session *s)
{
	for (unsigned i = 0; i < s->nsegments; i++)
		if (s->segment[i].unnoted || (s->segment[i].way != SEGMENT_WAY_NONE &&
					      s->segment[i].way != SEGMENT_WAY_DONE))
			return true;
	return false;
}

bool outlets_busy(const struct session *s)
{
	const struct outlets *o = s->outlets;

	return o && (o->npacking || o->announce.errand || o->pipe.errand || files_wait(s));
}

static void on_timer(uv_timer_t *timer)
{
	struct outlets *o = timer->data;

	outlet_pack_look(o);
	outlet_command_look(o, &o->announce, "announce");
	outlet_command_look(o, &o->pipe, "pipe");
	outlet_step(o);
}

void outlet_step(struct outlets *o)
{
	outlet_hold_step(o);
	outlet_pack_step(o);
	outlet_announce_step(o);
	outlet_journal_step(o);
	if (!outlets_busy(o->session))
		(void)uv_timer_stop(&o->timer);
	else if (!uv_is_active((uv_handle_t *)&o->timer))
		(void)uv_timer_start(&o->timer, on_timer, LOOK_MS,
				     LOOK_MS); /* fails for a closing timer only */
}

void outlets_opened(struct session *s, const struct segment *g)
{
	if (s->outlets && s->spec.compress_live)
		outlet_pack_open(s->outlets, g);
}

/* Whoever waits for the sign has one file at a time, in their order. */
bool outlets_hold(struct session *s, struct segment *g)
{
	struct outlets *o = s->outlets;

	if (!o || !s->spec.watch_file || o->ended || !o->shown)
		return false;
	return g->part = true;
}

void outlets_sealed(struct session *s, struct segment *g)
{
	struct outlets *o = s->outlets;

	if (!o)
		return;
	if (g->part && s->spec.watch_file && o->shown && !o->ended)
		g->way = SEGMENT_WAY_HELD;
	else if (g->part)
		g->way = SEGMENT_WAY_DONE; /* it could not be renamed: it is no file to show */
	else
		g->way = o->compressor ? SEGMENT_WAY_PLAIN : SEGMENT_WAY_READY;
	o->shown = o->shown || g->way != SEGMENT_WAY_DONE;
	outlet_pack_sealed(o, g);
	outlet_step(o);
}

void outlets_removed(struct session *s, const struct segment *g)
{
	struct outlets *o = s->outlets;

	if (!o)
		return;
	outlet_pack_drop(o, g->number);
	if (s->spec.announce && g->way != SEGMENT_WAY_DONE && g->way != SEGMENT_WAY_NONE)
		o->dropped++;
}

void outlets_ended(struct session *s)
{
	struct outlets *o = s->outlets;

	if (!o)
		return;
	o->ended = true;
	outlet_pack_ended(o);
	outlet_pipe_ended(o);
	outlet_step(o);
}

const char *outlets_state(const struct segment *g)
{
	if (!g->sealed)
		return "writing";
	if (g->way == SEGMENT_WAY_HELD)
		return "held";
	return g->way == SEGMENT_WAY_PACKING ? "compressing" : "sealed";
}

/* --- from birth to death --- */

int outlets_start(struct session *s, struct err *e)
{
	struct outlets *o;

	if (!wanted(&s->spec))
		return 0;
	o = xcalloc(1, sizeof(*o));
	o->session = s;
	account_of(&o->account, s->uid);
	(void)uv_timer_init(s->control->loop, &o->timer); /* always 0 */
	o->timer.data = o;
	s->outlets = o;
	if (s->spec.compress)
		o->compressor = compressor_named(s->spec.compress);
	o->folder = open(s->folder, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (o->folder < 0)
		return err_errno(e, ERR_REFUSED, "could not open the folder %s", s->folder);
	if (s->spec.pipe && outlet_pipe_start(o, e))
		return err_wrap(e, "\"pipe\"");
	outlet_step(o);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void outlets_free(struct session *s)
{
	struct outlets *o = s->outlets;

	if (!o)
		return;
	s->outlets = NULL;
	while (o->npacking)
		packing_free(o->packing[--o->npacking]);
	errand_free(o->announce.errand);
	errand_free(o->pipe.errand);
	pump_free(o->pump);
	watch_free(o->watch);
	account_release(&o->account);
	if (o->folder >= 0)
		close(o->folder);
	uv_close((uv_handle_t *)&o->timer, on_closed);
}
