/* Own traffic: the SSH connections that carry attached clients, by both ends exactly, as they come
 * and go. */
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/words.h"
#include "base/xalloc.h"
#include "session.h"

/* An address as libpcap reads it; the zone of a link-local one says nothing about packets. IPv4 in
 * IPv6 (RFC 4291 2.5.5.2) is IPv4 on the wire. */
static int own_address(const char *text, char out[ADDR_TEXT_MAX], struct err *e)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const struct str bare = {text, strcspn(text, "%")};
	struct addr a;

	if (addr_parse(bare, &a, e))
		return -1;
	if (a.family == ADDR_IP6 && memcmp(a.bytes, mapped, sizeof(mapped)) == 0) {
		struct addr v4 = {.family = ADDR_IP4};

		memcpy(v4.bytes, a.bytes + sizeof(mapped), 4);
		a = v4;
	}
	if (a.family != ADDR_IP4 && a.family != ADDR_IP6)
		return err_set(e, ERR_CALL, "\"%s\" is no IP address", text);
	addr_text(&a, out);
	return 0;
}

int own_set(struct own *own, const char *addr_a, unsigned port_a, const char *addr_b,
	    unsigned port_b, struct err *e)
{
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	if (own_address(addr_a, a, e) || own_address(addr_b, b, e))
		return -1;
	if (port_a == 0 || port_b == 0 || port_a > 65535 || port_b > 65535)
		return err_set(e, ERR_CALL, "a port is between 1 and 65535");
	own_release(own);
	own->name = xasprintf("%s port %u - %s port %u", a, port_a, b, port_b);
	own->filter = xasprintf(
		"tcp and ((src host %s and src port %u and dst host %s and dst port %u) or "
		"(src host %s and src port %u and dst host %s and dst port %u))",
		a, port_a, b, port_b, b, port_b, a, port_a);
	return 0;
}

void own_release(struct own *own)
{
	free(own->name);
	free(own->filter);
	*own = (struct own){0};
}

int own_from_environment(struct msg_own *m, char **memory)
{
	const char *said = getenv(
		"SSH_CONNECTION"); /* sshd(8): client address and port, server address and port */
	struct own own = {0};
	struct words w;
	uint64_t port[2];
	int r = -1;

	if (!said || words_parse(&w, said, NULL))
		return -1;
	if (w.count == 4 && text_parse_count(str_of(w.word[1]), &port[0], NULL) == 0 &&
	    text_parse_count(str_of(w.word[3]), &port[1], NULL) == 0 && port[0] <= 65535 &&
	    port[1] <= 65535 &&
	    own_set(&own, w.word[0], (unsigned)port[0], w.word[2], (unsigned)port[1], NULL) == 0) {
		const size_t len = strlen(w.word[0]);

		*memory = xasprintf("%s %s", w.word[0], w.word[2]);
		*m = (struct msg_own){.addr_a = {*memory, len},
				      .port_a = (uint16_t)port[0],
				      .addr_b = str_of(*memory + len + 1),
				      .port_b = (uint16_t)port[1]};
		r = 0;
	}
	own_release(&own);
	words_release(&w);
	return r;
}

/* --- what sessions leave out --- */

static struct own_use *own_use_find(struct session *s, const char *name)
{
	for (struct own_use *u = s->own; u; u = u->next)
		if (!u->until_ns && strcmp(u->name, name) == 0)
			return u;
	return NULL;
}

static void own_want(struct session *s, const struct own *own)
{
	struct own_use *u = own_use_find(s, own->name);

	if (u) {
		u->wanted = true;
		return;
	}
	u = xcalloc(1, sizeof(*u));
	*u = (struct own_use){.next = s->own,
			      .name = xstrdup(own->name),
			      .filter = xstrdup(own->filter),
			      .since_ns = clock_now_ns(),
			      .wanted = true};
	s->own = u;
	job_start(s, MSG_TAP_OWN, "add", u->name, u->filter, NULL, NULL);
}

/* Who may look at a session may say what of it is their own traffic, and nobody else. */
static bool own_counts(const struct session *s, const struct peer *p)
{
	return p->own.name && access_check(&p->who, "open", s->uid, NULL) == 0;
}

void session_own_apply(struct session *s)
{
	if (!s->spec.own_out || !s->tap)
		return;
	for (struct own_use *u = s->own; u; u = u->next)
		u->wanted = false;
	for (struct peer *p = s->control->peers; p; p = p->next)
		if (own_counts(s, p))
			own_want(s, &p->own);
	for (struct own_use *u = s->own; u; u = u->next) {
		if (u->wanted || u->until_ns)
			continue;
		u->until_ns = clock_now_ns();
		job_start(s, MSG_TAP_OWN, "remove", u->name, u->filter, NULL, NULL);
	}
}

void session_own_changed(struct control *c)
{
	for (struct session *s = c->sessions; s; s = s->next)
		if (s->state == SESSION_RUNNING)
			session_own_apply(s);
}
