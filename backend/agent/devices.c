#include "devices.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/xalloc.h"
#include "tap/tap.h"

#define FIRST_LOOK_MS 300u /* after the first one: rates soon */
#define LOOK_MS 1000u
#define ASKED_NS (10 * NS_PER_S) /* so long after the last question it is looked */
#define DEVICES_MAX 4096u

static const struct column columns[] = {
	{"name", KIND_TEXT, 0, "", "the device's name, as `new` takes it"},
	{"description", KIND_TEXT, 0, "", "what libpcap or the kernel says of it"},
	{"addresses", KIND_TEXT, 0, "", "its addresses"},
	{"link", KIND_BOOL, 0, "", "whether there is a carrier"},
	{"up", KIND_BOOL, 0, "", "whether it is up"},
	{"speed_bps", KIND_BPS, 0, "bits a second", "what the link can do"},
	{"rx_bps", KIND_BPS, 0, "bits a second", "received, from two looks a second apart"},
	{"tx_bps", KIND_BPS, 0, "bits a second", "sent, from two looks a second apart"},
	{"errors", KIND_COUNT, 0, "", "errors in both directions since the device is there"},
	{"dropped", KIND_COUNT, 0, "", "packets that it dropped since it is there"},
	{"rx_pps", KIND_PPS, 0, "packets a second", "received, from two looks a second apart"},
	{"tx_pps", KIND_PPS, 0, "packets a second", "sent, from two looks a second apart"},
	{"errors_pps", KIND_PPS, 0, "a second", "errors, from two looks a second apart"},
	{"dropped_pps", KIND_PPS, 0, "a second", "drops, from two looks a second apart"},
};

static const struct table_type devices_type = {"devices", "the devices of the machine", "", columns,
					       ARRAY_LEN(columns)};

struct look {
	struct device *list;
	size_t count;
	int64_t mono_ns;
};

struct devices {
	struct control *control;
	uv_timer_t timer;
	struct rowset *rows;
	struct look now, before;
	int64_t asked_ns;
	bool looking;
};

struct devices *devices_new(struct control *c)
{
	struct devices *d = xcalloc(1, sizeof(*d));

	d->control = c;
	d->rows = rowset_new(&devices_type);
	(void)uv_timer_init(c->loop, &d->timer); /* always 0 */
	uv_unref((uv_handle_t *)&d->timer);
	d->timer.data = d;
	return d;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void devices_free(struct devices *d)
{
	if (!d)
		return;
	free(d->now.list);
	free(d->before.list);
	rowset_free(d->rows);
	uv_close((uv_handle_t *)&d->timer, on_closed);
}

static const struct device *before_of(const struct devices *d, const char *name)
{
	for (size_t i = 0; i < d->before.count; i++)
		if (strcmp(d->before.list[i].name, name) == 0)
			return &d->before.list[i];
	return NULL;
}

/* Unknown where there was no look before, or the device is a new one of that name. */
static struct value rate(uint64_t now, uint64_t before, int64_t ns, double times)
{
	if (ns <= 0 || now < before)
		return value_null();
	return value_real((double)(now - before) * times * (double)NS_PER_S / (double)ns);
}

static void row_add(struct devices *d, const struct device *x)
{
	const struct device *was = before_of(d, x->name);
	const int64_t ns = was ? d->now.mono_ns - d->before.mono_ns : 0;
	const struct value v[ARRAY_LEN(columns)] = {
		value_text(x->name),
		x->description[0] ? value_text(x->description) : value_null(),
		x->addresses[0] ? value_text(x->addresses) : value_null(),
		x->link < 0 ? value_null() : value_int(x->link),
		x->up < 0 ? value_null() : value_int(x->up),
		x->speed_bps < 0 ? value_null() : value_real((double)x->speed_bps),
		was ? rate(x->rx_bytes, was->rx_bytes, ns, 8) : value_null(),
		was ? rate(x->tx_bytes, was->tx_bytes, ns, 8) : value_null(),
		value_count(x->errors),
		value_count(x->dropped),
		was ? rate(x->rx_packets, was->rx_packets, ns, 1) : value_null(),
		was ? rate(x->tx_packets, was->tx_packets, ns, 1) : value_null(),
		was ? rate(x->errors, was->errors, ns, 1) : value_null(),
		was ? rate(x->dropped, was->dropped, ns, 1) : value_null(),
	};

	rowset_add(d->rows, v);
}

static int devices_look(struct devices *d, struct err *e)
{
	struct look look = {.mono_ns = clock_mono_ns()};

	if (device_list(&look.list, &look.count, e))
		return -1;
	if (look.count > DEVICES_MAX)
		look.count = DEVICES_MAX;
	free(d->before.list);
	d->before = d->now;
	d->now = look;
	rowset_clear(d->rows);
	for (size_t i = 0; i < look.count; i++)
		row_add(d, &look.list[i]);
	table_server_wake(d->control->tables);
	return 0;
}

static void on_timer(uv_timer_t *timer)
{
	struct devices *d = timer->data;

	if (clock_mono_ns() - d->asked_ns > ASKED_NS) {
		(void)uv_timer_stop(timer);
		d->looking = false;
		return;
	}
	(void)devices_look(d, NULL); /* a look that failed leaves the former */
	uv_timer_set_repeat(timer, LOOK_MS);
}

int devices_table(struct devices *d, struct table *t, struct err *e)
{
	d->asked_ns = clock_mono_ns();
	if (!d->looking) {
		free(d->now.list); /* too old to compare with */
		d->now = (struct look){0};
		if (devices_look(d, e))
			return -1;
		d->looking = uv_timer_start(&d->timer, on_timer, FIRST_LOOK_MS, LOOK_MS) == 0;
	}
	*t = rowset_table(d->rows, false);
	return 0;
}

bool devices_ready(const struct devices *d)
{
	return d->before.list != NULL || !d->looking;
}

int devices_rate(const struct devices *d, const char *name, struct device_rate *r)
{
	const struct device *was = before_of(d, name), *is = NULL;
	const double s = (double)(d->now.mono_ns - d->before.mono_ns) / (double)NS_PER_S;

	for (size_t i = 0; i < d->now.count && !is; i++)
		is = strcmp(d->now.list[i].name, name) == 0 ? &d->now.list[i] : NULL;
	if (!was || !is || s <= 0 || is->rx_bytes < was->rx_bytes || is->tx_bytes < was->tx_bytes)
		return -1;
	*r = (struct device_rate){
		.rx_bytes = (double)(is->rx_bytes - was->rx_bytes) / s,
		.tx_bytes = (double)(is->tx_bytes - was->tx_bytes) / s,
		.rx_packets = (double)(is->rx_packets - was->rx_packets) / s,
		.tx_packets = (double)(is->tx_packets - was->tx_packets) / s,
	};
	return 0;
}

bool devices_is(const struct table *t)
{
	return t->type == &devices_type;
}

/* As libpcap maps the kernel's hardware types (ARPHRD_) to its link types; what is not here is
 * cooked (LINUX_SLL). */
static const struct {
	unsigned short hardware;
	uint32_t link_type;
} known_hardware[] = {
	{ARPHRD_ETHER, 1},
	{ARPHRD_LOOPBACK, 1},
	{ARPHRD_NONE, 101},
	{ARPHRD_TUNNEL, 101},
	{ARPHRD_SIT, 101},
	{ARPHRD_IPGRE, 101},
	{ARPHRD_TUNNEL6, 101},
	{ARPHRD_IEEE80211, 105},
	{ARPHRD_IEEE80211_PRISM, 119},
	{ARPHRD_IEEE80211_RADIOTAP, 127},
};
#define LINK_TYPE_ETHERNET 1u
#define LINK_TYPE_COOKED 113u

/* -1: there is no such device. */
static int hardware_type(const char *name)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = {0};
	int type = -1;

	if (fd < 0)
		return -1;
	memcpy(r.ifr_name, name, strnlen(name, sizeof(r.ifr_name) - 1));
	if (ioctl(fd, SIOCGIFHWADDR, &r) == 0)
		type = r.ifr_hwaddr.sa_family;
	close(fd);
	return type;
}

uint32_t devices_link_type(const char *name)
{
	const int type = hardware_type(name);

	if (strcmp(name, "any") == 0)
		return LINK_TYPE_COOKED;
	if (type < 0)
		return LINK_TYPE_ETHERNET;
	for (size_t i = 0; i < ARRAY_LEN(known_hardware); i++)
		if (known_hardware[i].hardware == type)
			return known_hardware[i].link_type;
	return LINK_TYPE_COOKED;
}
