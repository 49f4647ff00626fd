/* The devices of this machine, without any right: getifaddrs for addresses and flags, /sys for the
 * rest. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/text.h"
#include "base/xalloc.h"
#include "linkstate.h"
#include "tap/tap.h"

#define DEVICES_LISTED_MAX 4096u
#define SYS_TEXT_MAX 256u

/* A line of /sys/class/net/NAME/FILE; false where it is not there or says nothing (a device that is
 * down). */
static bool sys_text(const char *name, const char *file, char out[SYS_TEXT_MAX])
{
	char path[SYS_TEXT_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, out, SYS_TEXT_MAX - 1);
	close(fd);
	if (n <= 0)
		return false;
	out[n] = 0;
	out[strcspn(out, "\n")] = 0;
	return out[0] != 0;
}

static uint64_t sys_number(const char *name, const char *file)
{
	char text[SYS_TEXT_MAX];

	return sys_text(name, file, text) ? strtoull(text, NULL, 10) : 0;
}

static bool sys_has(const char *name, const char *file)
{
	char path[SYS_TEXT_MAX];

	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, file);
	return access(path, F_OK) == 0;
}

static const struct {
	const char *file, *what;
} kinds[] = {
	{"wireless", "wireless"},
	{"phy80211", "wireless"},
	{"bridge", "bridge"},
	{"bonding", "bond"},
	{"tun_flags", "tunnel to a program"},
	{"device", "Ethernet"},
};

/* Its owner's words (`ip link set X alias ...`), else what it is. */
static void describe(struct device *d)
{
	uint64_t type = sys_number(d->name, "type");
	const char *what = "virtual";
	char text[SYS_TEXT_MAX];

	if (sys_text(d->name, "ifalias", text)) {
		struct buf b;

		buf_init(&b, 4u * SYS_TEXT_MAX);
		text_escape(&b, str_of(text), false);
		snprintf(d->description, sizeof(d->description), "%s", buf_str(&b));
		buf_release(&b);
		return;
	}
	for (size_t i = ARRAY_LEN(kinds); i-- > 0;) {
		if (sys_has(d->name, kinds[i].file))
			what = kinds[i].what;
	}
	if (type == ARPHRD_LOOPBACK)
		what = "loopback";
	else if (type == ARPHRD_TUNNEL || type == ARPHRD_TUNNEL6 || type == ARPHRD_SIT ||
		 type == ARPHRD_IPGRE)
		what = "tunnel";
	snprintf(d->description, sizeof(d->description), "%s", what);
}

/* Counters by rtnetlink: of our own network namespace, which /sys need not show, and 64 bits wide.
 */
static void fill(struct device *d, int netlink_fd)
{
	struct linkstate state;
	char text[SYS_TEXT_MAX];

	d->up = d->link = -1;
	d->speed_bps = -1;
	if (linkstate_get(netlink_fd, d->name, &state) == 0 && state.there) {
		d->up = state.up;
		d->link = state.running;
		d->rx_bytes = state.rx_bytes;
		d->tx_bytes = state.tx_bytes;
		d->rx_packets = state.rx_packets;
		d->tx_packets = state.tx_packets;
		d->errors = state.errors;
		d->dropped = state.dropped;
	}
	if (sys_text(d->name, "speed", text) && strtol(text, NULL, 10) > 0)
		d->speed_bps = (int64_t)strtol(text, NULL, 10) * 1000000;
	describe(d);
}

static struct device *find(struct device *list, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	}
	return NULL;
}

static void add_address(struct device *d, const struct sockaddr *sa)
{
	struct addr a = {0};
	char text[ADDR_TEXT_MAX];
	size_t used = strlen(d->addresses);

	if (sa->sa_family == AF_INET) {
		a.family = ADDR_IP4;
		memcpy(a.bytes, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else {
		a.family = ADDR_IP6;
		memcpy(a.bytes, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	}
	addr_text(&a, text);
	if (used + 1 + strlen(text) < sizeof(d->addresses))
		snprintf(d->addresses + used, sizeof(d->addresses) - used, "%s%s", used ? " " : "",
			 text);
}

static void add_devices(struct device **list, size_t *count, const struct ifaddrs *all,
			int netlink_fd)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct device *d = find(*list, *count, i->ifa_name);

		if (!d && *count < DEVICES_LISTED_MAX && strlen(i->ifa_name) < sizeof(d->name)) {
			*list = xreallocarray(*list, *count + 1, sizeof(**list));
			d = &(*list)[(*count)++];
			memset(d, 0, sizeof(*d));
			snprintf(d->name, sizeof(d->name), "%s", i->ifa_name);
			fill(d, netlink_fd);
		}
		if (d && i->ifa_addr &&
		    (i->ifa_addr->sa_family == AF_INET || i->ifa_addr->sa_family == AF_INET6))
			add_address(d, i->ifa_addr);
	}
}

/* The device of the route to everywhere with the smallest metric; IPv4 before IPv6. */
static void default_route(char name[64])
{
	char line[512], device[64];
	unsigned long destination, mask, best = ULONG_MAX, metric;
	FILE *f = fopen("/proc/net/route", "re");

	name[0] = 0;
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%63s %lx %*x %*x %*d %*d %lu %lx", device, &destination, &metric,
			   &mask) == 4 &&
		    destination == 0 && mask == 0 && metric < best) {
			best = metric;
			memcpy(name, device, sizeof(device));
		}
	}
	if (f)
		fclose(f);
	f = name[0] ? NULL : fopen("/proc/net/ipv6_route", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*32[0] 00 %*s %*s %*s %lx %*s %*s %*s %63s", &metric, device) ==
			    2 &&
		    strcmp(device, "lo") != 0 && metric < best) {
			best = metric;
			memcpy(name, device, sizeof(device));
		}
	}
	if (f)
		fclose(f);
}

/* Where there is no such route: the first that is up and no loopback, else the loopback. */
static void mark_default(struct device *list, size_t count)
{
	struct device *chosen;
	char name[64];

	default_route(name);
	chosen = find(list, count, name);
	for (size_t i = 0; i < count && !chosen; i++) {
		if (list[i].up == 1 && strcmp(list[i].description, "loopback") != 0)
			chosen = &list[i];
	}
	if (!chosen)
		chosen = find(list, count, "lo");
	if (chosen)
		chosen->is_default = 1;
}

int device_list(struct device **list, size_t *count, struct err *e)
{
	struct ifaddrs *all;
	int netlink_fd = linkstate_open(e);

	*list = NULL;
	*count = 0;
	if (netlink_fd < 0)
		return -1;
	if (getifaddrs(&all)) {
		close(netlink_fd);
		return err_errno(e, ERR_REFUSED, "the devices of this machine cannot be listed");
	}
	add_devices(list, count, all, netlink_fd);
	freeifaddrs(all);
	close(netlink_fd);
	mark_default(*list, *count);
	return 0;
}
