#include "foresee.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "devices.h"
#include "disk.h"
#include "netns.h"

#define LOOK_MS 100u
#define LOOKS_MAX 10u	 /* then it is said without rates */
#define BLOCK_BYTES 32.0 /* what a packet takes in a file besides itself */
#define NOTE_BYTES_MAX 4096u

/* A session that is not, and never in the list. */
struct foreseen {
	struct foreseen *next;
	struct session *session;
	struct reply reply;
	uv_timer_t timer;
	unsigned looks;
};

static void session_drop(struct session *s)
{
	for (unsigned i = 0; i < s->ndevices; i++)
		free(s->device[i].name);
	netns_free(s->netns);
	spec_release(&s->spec);
	free(s->devices);
	free(s);
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void foreseen_free(struct control *c, struct foreseen *f)
{
	for (struct foreseen **at = &c->foreseen; *at; at = &(*at)->next)
		if (*at == f) {
			*at = f->next;
			break;
		}
	session_drop(f->session);
	uv_close((uv_handle_t *)&f->timer, on_closed);
}

void foresee_free(struct control *c)
{
	while (c->foreseen)
		foreseen_free(c, c->foreseen);
}

/* --- what comes, and what it takes --- */

/* Bytes a second that the device's traffic of now would be in a file; below 0: unknown. */
static double rate_of(const struct session *s, const char *device)
{
	struct device_rate rate;
	double mean, pps;

	if (devices_rate(s->control->devices, device, &rate))
		return -1;
	/* What loops back is sent and received, and captured once. */
	if (s->spec.direction == 1 || strcmp(device, "lo") == 0)
		rate.tx_packets = rate.tx_bytes = 0;
	if (s->spec.direction == 2)
		rate.rx_packets = rate.rx_bytes = 0;
	pps = rate.rx_packets + rate.tx_packets;
	mean = pps > 0 ? (rate.rx_bytes + rate.tx_bytes) / pps : 0;
	if (mean > s->spec.snaplen)
		mean = s->spec.snaplen;
	return pps * (mean + BLOCK_BYTES) / (s->spec.sample > 1 ? s->spec.sample : 1);
}

static double rate_all(const struct session *s)
{
	double sum = 0;

	for (unsigned i = 0; i < s->ndevices; i++) {
		const double rate = rate_of(s, s->device[i].name);

		if (rate < 0)
			return -1;
		sum += rate;
	}
	return sum;
}

/* The folder, or the nearest above it that is there. */
static int captures_open(const struct control *c)
{
	char *path = xstrdup(c->captures), *slash;
	int fd;

	while ((fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 &&
	       (slash = strrchr(path, '/')) != NULL && slash > path)
		*slash = 0;
	free(path);
	return fd;
}

/* --- in words --- */

static const char *lasts(uint64_t bytes, double rate, char out[TEXT_NUMBER_MAX])
{
	const double ns = rate >= 1 ? (double)bytes / rate * (double)NS_PER_S : 9e18;

	return ns < 9e18 ? text_duration((int64_t)ns, out) : "a very long time";
}

static void say_bytes(struct buf *note, const char *what, uint64_t bytes, double rate)
{
	char text[TEXT_NUMBER_MAX], time[TEXT_NUMBER_MAX];

	(void)buf_printf(note, "; %s: %s", what, text_bytes(bytes, text));
	if (rate >= 1)
		(void)buf_printf(note, " = %s", lasts(bytes, rate, time));
}

static void say_limits(struct buf *note, const struct session *s, double rate)
{
	const uint64_t bytes = disk_limit_bytes(s);
	const int64_t ns = disk_limit_ns(s);
	char text[TEXT_NUMBER_MAX];

	if (s->spec.stop.bytes)
		say_bytes(note, "stop-after", s->spec.stop.bytes, rate);
	if (s->spec.keep.bytes)
		say_bytes(note, "keeps", s->spec.keep.bytes, rate);
	if (bytes)
		say_bytes(note, "limit of this host", bytes, rate);
	if (ns)
		(void)buf_printf(note, "; %s at most", text_duration(ns, text));
}

static void say_disk(struct buf *note, const struct session *s, double rate)
{
	char free_text[TEXT_NUMBER_MAX], keep[TEXT_NUMBER_MAX], time[TEXT_NUMBER_MAX];
	const int fd = captures_open(s->control);
	struct disk_room room;

	if (disk_room(s->control, fd, &room) == 0) {
		(void)buf_printf(note, "; %s free", text_bytes(room.free, free_text));
		if (disk_left(&room) == 0)
			(void)buf_printf(note, ": too little, as %s stay free",
					 text_bytes(room.keep, keep));
		else if (rate >= 1)
			(void)buf_printf(note, ": %s until %s are left",
					 lasts(disk_left(&room), rate, time),
					 text_bytes(room.keep, keep));
	}
	if (fd >= 0)
		close(fd);
}

static void foreseen_say(struct foreseen *f)
{
	const struct session *s = f->session;
	const double rate = rate_all(s);
	char text[TEXT_NUMBER_MAX];
	struct buf note;

	buf_init(&note, NOTE_BYTES_MAX);
	if (rate < 0)
		(void)buf_printf(&note, "%s: how much comes is not known", s->devices);
	else if (rate < 1)
		(void)buf_printf(&note, "%s: nothing comes now", s->devices);
	else
		(void)buf_printf(&note, "%s now %s/s%s", s->devices,
				 text_bytes((uint64_t)rate, text),
				 s->spec.filter[0] ? " before the filter" : "");
	if (s->spec.record) {
		say_disk(&note, s, rate);
		say_limits(&note, s, rate);
	}
	reply_done(s->control, &f->reply, buf_str(&note));
	buf_release(&note);
	foreseen_free(s->control, f);
}

/* --- asking --- */

static void on_look(uv_timer_t *timer)
{
	struct foreseen *f = timer->data;

	if (rate_all(f->session) >= 0 || ++f->looks > LOOKS_MAX)
		foreseen_say(f);
}

void foresee_start(struct control *c, struct spec *spec, const struct who *who,
		   const struct reply *r)
{
	struct foreseen *f;
	struct session *s = xcalloc(1, sizeof(*s));
	struct table t;
	struct err e;

	s->control = c;
	s->who = *who;
	s->by_root = who->owner;
	s->spec = *spec;
	*spec = (struct spec){0};
	s->devices = xstrdup("");
	if (session_try(c, s, &e) || devices_table(c->devices, &t, &e)) {
		reply_error(c, r, &e);
		session_drop(s);
		return;
	}
	f = xcalloc(1, sizeof(*f));
	f->session = s;
	f->reply = *r;
	f->next = c->foreseen;
	c->foreseen = f;
	(void)uv_timer_init(c->loop, &f->timer); /* these give always 0 */
	f->timer.data = f;
	(void)uv_timer_start(&f->timer, on_look, 0, LOOK_MS);
}
