/* Which devices a session has: names, patterns, the default one. One that appears later joins when
 * a pattern means it; one that comes back as another gets its programs anew. */
#include <fnmatch.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "netns.h"
#include "session.h"
#include "tap/tap.h"

#define AGAIN_NS (10 * NS_PER_S) /* a device that could not be opened is tried again after */

static bool is_pattern(const char *word)
{
	return strpbrk(word, "*?[") != NULL;
}

bool join_waits(const struct session *s)
{
	for (unsigned i = 0; i < s->spec.ndevices; i++)
		if (is_pattern(s->spec.device[i]))
			return true;
	return false;
}

/* For lists: what is there, else what is waited for. */
static void name_devices(struct session *s)
{
	struct buf names;

	buf_init(&names, 2 * SPEC_DEVICES_MAX * SPEC_NAME_MAX);
	for (unsigned i = 0; i < s->ndevices; i++)
		if ((names.len && buf_add_byte(&names, ',')) ||
		    buf_add_str(&names, s->device[i].name))
			break; /* names are shorter than SPEC_NAME_MAX */
	for (unsigned i = 0; s->ndevices == 0 && i < s->spec.ndevices; i++)
		if ((names.len && buf_add_byte(&names, ',')) ||
		    buf_add_str(&names, s->spec.device[i]))
			break;
	free(s->devices);
	s->devices = xstrdup(buf_str(&names));
	buf_release(&names);
}

/* --- at the start --- */

static int device_add(struct session *s, const char *name, bool matched, struct err *e)
{
	struct session_device *d;

	if (access_device(&s->who, name, e))
		return -1;
	for (unsigned i = 0; i < s->ndevices; i++)
		if (strcmp(s->device[i].name, name) == 0)
			return 0; /* a pattern and a name may both mean it */
	if (s->ndevices == SPEC_DEVICES_MAX)
		return err_set(e, ERR_CALL, "a session has at most %u devices", SPEC_DEVICES_MAX);
	d = &s->device[s->ndevices++];
	*d = (struct session_device){.session = s, .name = xstrdup(name), .matched = matched};
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

/* The name of a device, with its namespace. */
static char *full_name(const struct netns_list *list, unsigned space, const char *device)
{
	return xasprintf("%s/%s", netns_name(list, space), device);
}

/* The tap says whether a device of that name is there. */
static int netns_resolve(struct session *s, const char *word, struct err *e)
{
	const bool allowed = s->by_root && geteuid() == 0 && s->control->role == CONTROL_DAEMON;
	struct if_nameindex *list;
	int r = 0;

	if (netns_need(&s->netns, word, allowed, e))
		return -1;
	if (!is_pattern(word))
		return device_add(s, word, false, e);
	for (unsigned space = 0; space < netns_count(s->netns); space++) {
		list = netns_devices(s->netns, space);
		for (const struct if_nameindex *i = list; r == 0 && i && i->if_index; i++) {
			char *name = full_name(s->netns, space, i->if_name);

			if (fnmatch(word, name, 0) == 0)
				r = device_add(s, name, true, e);
			free(name);
		}
		if (list)
			if_freenameindex(list);
	}
	return r;
}

/* One of `device`'s words: a name, or a pattern for several. */
static int device_resolve(struct session *s, const char *word, const struct device *list,
			  size_t count, struct err *e)
{
	const bool pattern = is_pattern(word);

	if (netns_is(word))
		return netns_resolve(s, word, e);
	for (size_t i = 0; i < count && pattern; i++)
		if (fnmatch(word, list[i].name, 0) == 0 && device_add(s, list[i].name, true, e))
			return -1;
	if (pattern)
		return 0;
	if (is_special(word) || if_nametoindex(word))
		return device_add(s, word, false, e);
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
	return device_add(s, best->name, false, e);
}

/* One link type a file, which must be known when it begins. */
static int pcap_resolve(const struct session *s, struct err *e)
{
	if (!s->spec.pcap || s->ndevices == 1)
		return 0;
	if (s->ndevices == 0)
		return err_set(e, ERR_CALL,
			       "\"format pcap\" needs a device that is there, and none is: take "
			       "pcapng, which needs none");
	return err_set(e, ERR_CALL, "\"format pcap\" holds one device; several need pcapng");
}

int join_resolve(struct session *s, struct err *e)
{
	struct device *list = NULL;
	size_t count = 0;
	int r = device_list(&list, &count, e);

	if (r == 0 && s->spec.ndevices == 0)
		r = device_default(s, list, count, e);
	for (unsigned i = 0; r == 0 && i < s->spec.ndevices; i++)
		r = device_resolve(s, s->spec.device[i], list, count, e);
	free(list);
	if (r)
		return -1;
	if (pcap_resolve(s, e))
		return -1;
	name_devices(s);
	return 0;
}

/* --- while it runs --- */

static void on_joined(void *arg, const struct err *e)
{
	struct session_device *d = arg;
	struct session *s = d->session;
	const struct msg_tap_add m = {.index = (uint32_t)(d - s->device), .remove = 1};

	if (!e && !d->answered)
		return; /* it went meanwhile */
	if (!e) {
		d->started = true;
		d->refused = false;
		control_changed(s->control);
		return;
	}
	d->answered = false;
	if (!s->tap)
		return;
	if (!d->refused)
		session_event(s, "warn", "%s cannot be captured: %s", d->name, e->text);
	d->refused = true;
	(void)channel_put_tap_add(s->tap, 0, 0, &m); /* -1: `gone` will come */
}

static void on_counters(void *arg, const struct err *e)
{
	struct session_device *d = arg;

	if (e && d->session->tap)
		session_event(d->session, "warn", "its counters do not count on %s: %s", d->name,
			      e->text);
}

/* Its filter goes last: with it, it starts. */
static void device_prepare(struct session_device *d)
{
	struct session *s = d->session;

	d->started = false;
	if (s->counters)
		job_counters_for(d, on_counters, d);
	for (const struct own_use *u = s->own; u; u = u->next)
		if (!u->until_ns)
			job_start_for(d, MSG_TAP_OWN, "add", u->name, NULL, NULL);
	if (s->spec.save_when)
		job_start_for(d, MSG_TAP_WHEN, "save", "", NULL, NULL);
	if (s->spec.stop_when)
		job_start_for(d, MSG_TAP_WHEN, "stop", "", NULL, NULL);
	job_start_for(d, MSG_TAP_FILTER, "change", "", on_joined, d);
}

static void device_refused(struct session *s, struct session_device *d, struct str why)
{
	if (s->state == SESSION_STARTING && !d->matched) {
		err_set(&s->tap_error, ERR_REFUSED, "%.*s", (int)why.len, why.p);
		session_tap_gone(s, &s->tap_error);
		return;
	}
	if (!d->refused)
		session_event(s, "warn", "%.*s (it is tried again)", (int)why.len, why.p);
	d->refused = true;
}

void join_answer(struct session *s, const struct msg_tap_device *m)
{
	struct session_device *d = &s->device[m->index];

	d->answered = m->link_type >= 0;
	if (!d->answered) {
		device_refused(s, d, m->why);
		return;
	}
	d->link_type = (uint32_t)m->link_type;
	d->snaplen = m->snaplen;
	d->buffer_bytes = m->buffer_bytes;
	d->nanoseconds = m->nanoseconds;
	(void)snprintf(d->stamp, sizeof(d->stamp), "%.*s", (int)m->stamp.len,
		       m->stamp.len ? m->stamp.p : "");
	if (s->state == SESSION_RUNNING)
		device_prepare(d);
}

static void device_ask(struct session_device *d)
{
	struct session *s = d->session;
	const struct msg_tap_add m = {.index = (uint32_t)(d - s->device),
				      .name = str_of(d->name),
				      .since_ns = s->looked_ns};

	d->asked_ns = clock_mono_ns();
	(void)channel_put_tap_add(s->tap, 0, 0, &m); /* -1: `gone` will come */
}

static bool is_listed(const char *name, const struct if_nameindex *list)
{
	for (; list->if_index; list++)
		if (strcmp(list->if_name, name) == 0)
			return true;
	return false;
}

/* The next place, else that of one which a pattern meant and which is gone. */
static struct session_device *place_find(struct session *s, const struct if_nameindex *list)
{
	if (s->ndevices < SPEC_DEVICES_MAX)
		return &s->device[s->ndevices++];
	for (unsigned i = 0; i < s->ndevices; i++) {
		struct session_device *d = &s->device[i];

		if (!d->matched || netns_is(d->name) || d->asked_ns + AGAIN_NS > clock_mono_ns() ||
		    is_listed(d->name, list))
			continue;
		free(d->name);
		return d;
	}
	return NULL;
}

static void device_appeared(struct session *s, const char *name, const struct if_nameindex *list)
{
	struct session_device *d = place_find(s, list);

	if (!d && !s->told_most)
		session_event(s, "warn", "%s is not captured: a session has at most %u devices",
			      name, SPEC_DEVICES_MAX);
	s->told_most = s->told_most || !d;
	if (!d)
		return;
	*d = (struct session_device){.session = s, .name = xstrdup(name), .matched = true};
	device_ask(d);
	name_devices(s);
	control_changed(s->control);
}

static void look_for(struct session *s, const char *name, const struct if_nameindex *list)
{
	for (unsigned i = 0; i < s->ndevices; i++) {
		struct session_device *d = &s->device[i];

		if (strcmp(d->name, name) != 0)
			continue;
		if (d->refused && d->asked_ns + AGAIN_NS < clock_mono_ns())
			device_ask(d);
		return;
	}
	for (unsigned i = 0; i < s->spec.ndevices; i++) {
		if (!is_pattern(s->spec.device[i]) || fnmatch(s->spec.device[i], name, 0) != 0)
			continue;
		device_appeared(s, name, list);
		return;
	}
}

static void look_into(struct session *s, unsigned space, const struct if_nameindex *here)
{
	struct if_nameindex *list = netns_devices(s->netns, space);

	for (const struct if_nameindex *i = list; i && i->if_index; i++) {
		char *name = full_name(s->netns, space, i->if_name);

		look_for(s, name, here);
		free(name);
	}
	if (list)
		if_freenameindex(list);
}

/* The tap says it; only it knows what it still held. */
static void netns_leave(struct session *s, unsigned space)
{
	const struct str name = str_of(netns_name(s->netns, space));
	const struct msg_tap_add m = {.name = name, .remove = 1};

	for (unsigned i = 0; i < s->ndevices; i++) {
		struct session_device *d = &s->device[i];

		if (netns_is(d->name) && str_is(netns_part(d->name), netns_name(s->netns, space)))
			d->answered = d->started = d->refused = false;
	}
	(void)channel_put_tap_add(s->tap, 0, 0, &m); /* -1: `gone` will come */
}

void join_tick(struct session *s)
{
	struct if_nameindex *list;

	for (unsigned i = 0; s->tap && i < netns_count(s->netns); i++)
		if (netns_gone(s->netns, i))
			netns_leave(s, i);
	if (!join_waits(s) || !s->tap)
		return;
	list = if_nameindex();
	for (const struct if_nameindex *i = list; i && i->if_index; i++)
		look_for(s, i->if_name, list);
	for (unsigned i = 0; list && i < netns_count(s->netns); i++)
		look_into(s, i, list);
	if (list)
		if_freenameindex(list);
	s->looked_ns = clock_now_ns();
}
