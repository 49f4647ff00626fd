#include "linkstate.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_BYTES 32768u
#define LATE_ANSWERS_MAX 8
#define ANSWER_WAIT_US                                                                             \
	200000 /* the kernel answers at once; a lost answer must not stop the tap                  \
		*/

int linkstate_open(struct err *e)
{
	struct timeval wait = {.tv_usec = ANSWER_WAIT_US};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return err_errno(e, ERR_REFUSED,
				 "the state of devices cannot be asked (rtnetlink)");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait))) {
		close(fd);
		return err_errno(e, ERR_REFUSED,
				 "the state of devices cannot be asked (rtnetlink)");
	}
	return fd;
}

static int ask(int fd, const char *name, uint32_t number)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct rtattr attr;
		char name[IFNAMSIZ];
	} q;
	size_t len = strlen(name) + 1;

	if (len > IFNAMSIZ) {
		errno = ENODEV;
		return -1;
	}
	memset(&q, 0, sizeof(q));
	q.head.nlmsg_type = RTM_GETLINK;
	q.head.nlmsg_flags = NLM_F_REQUEST;
	q.head.nlmsg_seq = number;
	q.info.ifi_family = AF_UNSPEC;
	q.attr.rta_type = IFLA_IFNAME;
	q.attr.rta_len = (unsigned short)RTA_LENGTH(len);
	memcpy(q.name, name, len);
	q.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(q.info)) + RTA_ALIGN(q.attr.rta_len));
	return sendto(fd, &q, q.head.nlmsg_len, 0, NULL, 0) == (ssize_t)q.head.nlmsg_len ? 0 : -1;
}

static void take_stats(const struct rtattr *a, struct linkstate *state)
{
	struct rtnl_link_stats64 st;
	size_t len = RTA_PAYLOAD(a);

	memset(&st, 0, sizeof(st));
	memcpy(&st, RTA_DATA(a), len < sizeof(st) ? len : sizeof(st));
	state->missed = st.rx_missed_errors + st.rx_fifo_errors + st.rx_over_errors;
	state->rx_bytes = st.rx_bytes;
	state->tx_bytes = st.tx_bytes;
	state->rx_packets = st.rx_packets;
	state->tx_packets = st.tx_packets;
	state->errors = st.rx_errors + st.tx_errors;
	state->dropped = st.rx_dropped + st.tx_dropped;
}

static void take_link(const struct nlmsghdr *h, struct linkstate *state)
{
	const struct ifinfomsg *info = NLMSG_DATA(h);
	int left = (int)IFLA_PAYLOAD(h);

	state->there = true;
	state->index = (uint32_t)info->ifi_index;
	state->up = (info->ifi_flags & IFF_UP) != 0;
	state->running = (info->ifi_flags & IFF_RUNNING) != 0;
	for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type == IFLA_STATS64)
			take_stats(a, state);
	}
}

/* The answer to question `number`; one that came too late for an earlier question is passed over. */
static const struct nlmsghdr *hear(int fd, uint8_t *answer, uint32_t number)
{
	const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)answer;

	for (int i = 0; i < LATE_ANSWERS_MAX; i++) {
		ssize_t n = recv(fd, answer, ANSWER_BYTES, 0);

		if (n < 0 || !NLMSG_OK(h, (uint32_t)n))
			return NULL;
		if (h->nlmsg_seq == number)
			return h;
	}
	return NULL;
}

int linkstate_get(int fd, const char *name, struct linkstate *state)
{
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_BYTES];
	uint32_t number = (uint32_t)clock_mono_ns();
	const struct nlmsghdr *h;

	memset(state, 0, sizeof(*state));
	if (ask(fd, name, number))
		return errno == ENODEV ? 0 : -1;
	h = hear(fd, answer, number);
	if (!h)
		return -1;
	if (h->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *er = NLMSG_DATA(h);

		return er->error == -ENODEV ? 0 : -1;
	}
	if (h->nlmsg_type != RTM_NEWLINK)
		return -1;
	take_link(h, state);
	return 0;
}
