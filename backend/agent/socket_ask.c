/* sock_diag(7): the sockets that there are, with user and inode. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "socket.h"

#define ANSWER_BYTES 32768u
#define BUFFER_BYTES (1 << 20) /* of the socket: a part of a long answer */

/* Those whose two ends are known and that somebody holds. */
#define TCP_STATES                                                                                 \
	(1u << TCP_ESTABLISHED | 1u << TCP_SYN_SENT | 1u << TCP_FIN_WAIT1 | 1u << TCP_FIN_WAIT2 |  \
	 1u << TCP_CLOSE_WAIT | 1u << TCP_LAST_ACK | 1u << TCP_CLOSING)

static const struct {
	uint8_t family, protocol;
	uint32_t states;
} questions[SOCKET_QUESTIONS] = {
	{AF_INET, IPPROTO_TCP, TCP_STATES},
	{AF_INET6, IPPROTO_TCP, TCP_STATES},
	{AF_INET, IPPROTO_UDP, UINT32_MAX},
	{AF_INET6, IPPROTO_UDP, UINT32_MAX},
};

int socket_ask_open(struct err *e)
{
	const int bytes = BUFFER_BYTES;
	const int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return err_errno(e, ERR_REFUSED, "the kernel does not tell of sockets");
	/* best effort: with less, the kernel goes on when what is there was read */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return fd;
}

int socket_ask(int fd, unsigned question)
{
	const struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 ask;
	} q = {.head = {.nlmsg_len = sizeof(q),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			.nlmsg_seq = question + 1},
	       .ask = {.sdiag_family = questions[question].family,
		       .sdiag_protocol = questions[question].protocol,
		       .idiag_states = questions[question].states}};

	return send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q) ? 0 : -1;
}

/* --- the list --- */

void socket_list_init(struct socket_list *list)
{
	*list = (struct socket_list){.by_key = map_new(SOCKETS_MAX), .round = 1};
}

void socket_list_release(struct socket_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->at[i]);
	free(list->at);
	free(list->gone);
	map_free(list->by_key);
	*list = (struct socket_list){0};
}

static struct socket_entry *entry_new(struct socket_list *list, const struct socket_key *k)
{
	struct socket_entry *x = xcalloc(1, sizeof(*x));

	x->key = *k;
	if (map_put(list->by_key, &x->key, sizeof(x->key), x)) { /* more than we look after */
		free(x);
		return NULL;
	}
	if ((list->count & (list->count - 1)) == 0)
		list->at = xreallocarray(list->at, list->count ? 2 * (size_t)list->count : 1,
					 sizeof(struct socket_entry *));
	x->place = list->count;
	list->at[list->count++] = x;
	return x;
}

void socket_list_sweep(struct socket_list *list)
{
	free(list->gone);
	list->gone = NULL;
	list->ngone = 0;
	for (uint32_t i = list->count; i-- > 0;) {
		struct socket_entry *x = list->at[i];

		if (x->seen == list->round)
			continue;
		list->gone = xreallocarray(list->gone, list->ngone + 1, sizeof(*list->gone));
		list->gone[list->ngone++] = x->key;
		(void)map_remove(list->by_key, &x->key, sizeof(x->key));
		list->at[i] = list->at[--list->count];
		list->at[i]->place = i;
		free(x);
	}
}

/* --- an answer --- */

/* IPv4 in IPv6 (RFC 4291 2.5.5.2) is IPv4 on the wire. */
static void take_addr(struct addr *a, uint8_t family, const void *bytes)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	const uint8_t *b = bytes;
	const bool is_mapped = family == AF_INET6 && memcmp(b, mapped, sizeof(mapped)) == 0;

	a->family = family == AF_INET || is_mapped ? ADDR_IP4 : ADDR_IP6;
	memcpy(a->bytes, is_mapped ? b + sizeof(mapped) : b, a->family == ADDR_IP4 ? 4 : 16);
}

static void take_socket(struct socket_list *list, const struct inet_diag_msg *m, uint8_t protocol)
{
	struct socket_key k;
	struct socket_entry *x;

	memset(&k, 0, sizeof(k));
	k.protocol = protocol;
	take_addr(&k.here, m->idiag_family, m->id.idiag_src);
	k.port_here = ntohs(m->id.idiag_sport);
	k.port_there = ntohs(m->id.idiag_dport);
	if (k.port_there)
		take_addr(&k.there, m->idiag_family, m->id.idiag_dst);
	if (!k.port_here || !m->idiag_inode)
		return; /* nobody holds it any more */
	x = map_get(list->by_key, &k, sizeof(k));
	if (x && x->seen == list->round)
		return; /* several may share a port (SO_REUSEPORT): the first one */
	if (!x)
		x = entry_new(list, &k);
	if (!x)
		return;
	x->seen = list->round;
	if (x->inode == m->idiag_inode)
		return;
	x->inode = m->idiag_inode;
	x->uid = m->idiag_uid;
	x->pid = 0;
	x->walks = 0;
	x->process[0] = x->unit[0] = 0;
	x->changed = list->round;
}

int socket_hear(int fd, struct socket_list *list)
{
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_BYTES];
	const int64_t until = clock_mono_ns() + SOCKETS_SLICE_NS;

	while (clock_mono_ns() < until) {
		ssize_t n = recv(fd, answer, sizeof(answer), 0);
		uint32_t left = n > 0 ? (uint32_t)n : 0;

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -2;
		for (const struct nlmsghdr *h = (const void *)answer; NLMSG_OK(h, left);
		     h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_seq == 0 ||
			    h->nlmsg_seq > SOCKET_QUESTIONS)
				return 1;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -1;
			if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY &&
			    h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
				take_socket(list, NLMSG_DATA(h),
					    questions[h->nlmsg_seq - 1].protocol);
		}
	}
	return 0;
}
