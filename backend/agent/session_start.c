/* `new`: from words to a running session. */
#include <fnmatch.h>
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "disk.h"
#include "outlet.h"
#include "session.h"
#include "tap/tap.h"

static int device_add(struct session *s, const char *name, struct err *e)
{
	if (access_device(&s->who, name, e))
		return -1;
	for (unsigned i = 0; i < s->ndevices; i++)
		if (strcmp(s->device[i].name, name) == 0)
			return 0; /* a pattern and a name may both mean it */
	if (s->ndevices == SPEC_DEVICES_MAX)
		return err_set(e, ERR_CALL, "a session has at most %u devices", SPEC_DEVICES_MAX);
	s->device[s->ndevices++].name = xstrdup(name);
	return 0;
}

/* What libpcap can open and no list of devices shows. */
static bool is_special(const char *name)
{
	static const char *const known[] = {"any",    "nflog",	   "nfqueue",
					    "usbmon", "bluetooth", "dbus"};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strncmp(name, known[i], strlen(known[i])) == 0)
			return true;
	return false;
}

static int device_absent(const char *name, const struct device *list, size_t count, struct err *e)
{
	const char *names[256] = {0}, *near;
	size_t n = 0;

	for (size_t i = 0; i < count && n < ARRAY_LEN(names); i++)
		names[n++] = list[i].name;
	near = text_nearest(str_of(name), names, n);
	return err_set(e, ERR_ABSENT, "there is no device \"%s\" here%s%s%s", name,
		       near ? ": did you mean \"" : "", near ? near : "",
		       near ? "\"?" : "; `devices` shows those that there are");
}

/* One of `device`'s words: a name, or a pattern for several. */
static int device_resolve(struct session *s, const char *word, const struct device *list,
			  size_t count, struct err *e)
{
	bool found = false;

	for (size_t i = 0; i < count; i++) {
		if (fnmatch(word, list[i].name, 0) != 0)
			continue;
		/* A pattern means those that they may have. */
		if (strcmp(word, list[i].name) != 0 &&
		    access_device(&s->who, list[i].name, NULL))
			continue;
		found = true;
		if (device_add(s, list[i].name, e))
			return -1;
	}
	if (found)
		return 0;
	if (is_special(word) || if_nametoindex(word))
		return device_add(s, word, e);
	return device_absent(word, list, count, e);
}

static int device_default(struct session *s, const struct device *list, size_t count, struct err *e)
{
	const struct device *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (list[i].is_default && !best)
			best = &list[i];
	for (size_t i = 0; i < count && !best; i++)
		if (list[i].up == 1 && strcmp(list[i].name, "lo") != 0 &&
		    strcmp(list[i].name, "any") != 0)
			best = &list[i];
	if (!best)
		return err_set(e, ERR_ABSENT,
			       "no device carries the default route: say which by \"device NAME\"; "
			       "`devices` shows them");
	return device_add(s, best->name, e);
}

static int devices_resolve(struct session *s, struct err *e)
{
	struct device *list = NULL;
	size_t count = 0;
	struct buf names;
	int r = device_list(&list, &count, e);

	if (r == 0 && s->spec.ndevices == 0)
		r = device_default(s, list, count, e);
	for (unsigned i = 0; r == 0 && i < s->spec.ndevices; i++)
		r = device_resolve(s, s->spec.device[i], list, count, e);
	free(list);
	if (r)
		return -1;
	if (s->spec.pcap && s->ndevices > 1)
		return err_set(e, ERR_CALL,
			       "\"format pcap\" holds one device; several need pcapng");
	buf_init(&names, SPEC_DEVICES_MAX * SPEC_NAME_MAX);
	for (unsigned i = 0; i < s->ndevices; i++)
		if ((i && buf_add_byte(&names, ',')) || buf_add_str(&names, s->device[i].name))
			break; /* names are shorter than SPEC_NAME_MAX */
	free(s->devices);
	s->devices = xstrdup(buf_str(&names));
	buf_release(&names);
	return 0;
}

static char *user_name(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw ? xstrdup(pw->pw_name) : xasprintf("%lu", (unsigned long)uid);
}

static int name_free(struct control *c, const char *name, struct err *e)
{
	const struct session *s = session_find(c, str_of(name));

	if (c->stopping)
		return err_set(e, ERR_REFUSED, "this daemon is about to end: try again");
	if (s && session_runs(s))
		return err_set(e, ERR_CALL,
			       "a session is called \"%s\" already: take another name, or stop and "
			       "dismiss that one",
			       name);
	if (s)
		return err_set(e, ERR_CALL,
			       "a session called \"%s\" has ended and is still listed: take "
			       "another name, or `dismiss %s`",
			       name, name);
	if (c->nsessions >= c->sessions_max)
		return err_set(e, ERR_REFUSED,
			       "there are %u sessions already, which is the most: dismiss some",
			       c->sessions_max);
	return 0;
}

void session_start(struct control *c, struct spec *spec, const struct peer *p,
		   const struct reply *r)
{
	uid_t uid = p->who.uid;
	struct err e;

	if (name_free(c, spec->name, &e) || outlets_check(spec, &p->who, &e) ||
	    (spec->user && account_named(spec->user, p->who.uid, &uid, &e)))
		reply_error(c, r, &e);
	else
		session_begin(c, spec, &p->who, uid, r, NULL);
}

void session_begin(struct control *c, struct spec *spec, const struct who *who, uid_t uid,
		   const struct reply *r, const struct persist *back)
{
	struct session *s;
	struct err e;

	s = session_new(c, spec->name);
	s->spec = *spec;
	*spec = (struct spec){0};
	if (back)
		s->persist = *back;
	s->who = *who;
	s->uid = uid;
	free(s->owner);
	s->owner = user_name(s->uid);
	free(s->filter);
	s->filter = xstrdup(s->spec.filter);
	s->started = *r;
	s->started_ns = clock_now_ns();
	if (s->spec.buffer_bytes > c->buffer_max_bytes) {
		s->spec.buffer_bytes = (uint32_t)c->buffer_max_bytes;
		control_event(c, "note", s->name,
			      "its ring is %u bytes a device, which is the most here (limit buffer)",
			      s->spec.buffer_bytes);
	}
	s->deadline_ns = clock_mono_ns() + SESSION_STOP_NS;
	if (devices_resolve(s, &e) || capture_create(s, &e) || persist_journal(s, &e) ||
	    disk_begin(s, &e) || tap_child_start(s, &e) || outlets_start(s, &e)) {
		s->tap_error = e;
		session_tap_gone(s, &e);
		return;
	}
	/* A session without a reader counts and records all the same. */
	if (session_reader_start(s, &e))
		control_event(c, "warn", s->name, "no connections for now: %s", e.text);
}
