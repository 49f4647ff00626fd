/* A network device, by libpcap: TPACKET_V3, not blocking, nanoseconds. */
#include <errno.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "source.h"

#define BLOCK_TIMEOUT_MS 50 /* a block that is not full is handed over after this */
#define UNFILTERED_NS                                                                              \
	(200 * NS_PER_MS) /* after this the ring has shown what came before the filter */
#define SNAPLEN_MAX 262144u
#define BUFFER_MIN_BYTES (512u * 1024) /* two blocks of the ring */

struct source {
	pcap_t *pcap;
	bool nanoseconds;
	int64_t not_before_ns; /* since then the filter holds; 0: nothing older can come any more */
	int64_t started_mono_ns;
	struct source_stats total;
	uint32_t last_received, last_dropped; /* libpcap's are 32 bits wide and come round */
	source_packet_fn *fn;
	void *arg;
};

static int why_not_open(int rc, const char *name, const char *detail, struct err *e)
{
	switch (rc) {
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return err_set(
			e, ERR_ABSENT,
			"%s: there is no such device; `tapdeck devices` lists those that are",
			name);
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return err_set(
			e, ERR_REFUSED,
			"%s: no right to capture; run `make run` once (it gives tapdeck-tap the "
			"right by setcap), join the group tapdeck-capture, or ask a root daemon",
			name);
	case PCAP_ERROR_IFACE_NOT_UP:
		return err_set(e, ERR_REFUSED,
			       "%s: the device is down; `ip link set %s up` brings it up", name,
			       name);
	default:
		return err_set(e, ERR_REFUSED, "%s: cannot be captured: %s", name,
			       detail && *detail ? detail : pcap_statustostr(rc));
	}
}

static void set_options(pcap_t *p, const struct source_spec *spec)
{
	uint32_t buffer =
		spec->buffer_bytes < BUFFER_MIN_BYTES ? BUFFER_MIN_BYTES : spec->buffer_bytes;

	pcap_set_snaplen(p, (int)(spec->snaplen > 0 && spec->snaplen < SNAPLEN_MAX ? spec->snaplen
										   : SNAPLEN_MAX));
	pcap_set_promisc(p, spec->promiscuous);
	pcap_set_timeout(p, BLOCK_TIMEOUT_MS);
	pcap_set_buffer_size(p, buffer > INT32_MAX ? INT32_MAX : (int)buffer);
	pcap_set_tstamp_precision(p, spec->microseconds ? PCAP_TSTAMP_PRECISION_MICRO
							: PCAP_TSTAMP_PRECISION_NANO);
}

/* The kinds of stamps that a device has, as libpcap names them. */
static int stamp_refused(pcap_t *p, const struct source_spec *spec, struct err *e)
{
	char names[128] = "host";
	size_t len = 0;
	int *types = NULL, n = pcap_list_tstamp_types(p, &types);

	for (int i = 0; i < n && len < sizeof(names); i++) {
		const char *name = pcap_tstamp_type_val_to_name(types[i]);

		len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s", i ? ", " : "",
					name ? name : "?");
	}
	if (n > 0)
		pcap_free_tstamp_types(types);
	return err_set(e, ERR_CALL, "%s: has no stamps of the kind \"%s\"; it has: %s", spec->name,
		       spec->stamp, names);
}

static int set_stamp(pcap_t *p, const struct source_spec *spec, struct err *e)
{
	int type;

	if (!spec->stamp || !spec->stamp[0])
		return 0;
	type = pcap_tstamp_type_name_to_val(spec->stamp);
	if (type < 0 || pcap_set_tstamp_type(p, type) != 0)
		return stamp_refused(p, spec, e);
	return 0;
}

/* Nobody is told that he has the adapter's clock when it is another one. */
static int activate(pcap_t *p, const struct source_spec *spec, struct err *e)
{
	int rc;

	if (set_stamp(p, spec, e))
		return -1;
	rc = pcap_activate(p);
	if (rc == PCAP_WARNING_TSTAMP_TYPE_NOTSUP)
		return stamp_refused(p, spec, e);
	return rc < 0 ? why_not_open(rc, spec->name, pcap_geterr(p), e) : 0;
}

/* Cooked headers of the second kind keep the device's number, which the first do not. */
static void prefer_cooked_v2(pcap_t *p)
{
	if (pcap_datalink(p) == DLT_LINUX_SLL)
		pcap_set_datalink(p, DLT_LINUX_SLL2);
}

static int set_direction(pcap_t *p, uint8_t direction)
{
	if (direction == 0)
		return 0;
	return pcap_setdirection(p, direction == 1 ? PCAP_D_IN : PCAP_D_OUT);
}

/* libpcap takes a smaller ring in silence where there is no memory for the one that was asked for.
 * The ring is a mapping of the socket; where /proc cannot be read (in the sandbox), 0. */
static uint32_t ring_bytes(int fd)
{
	unsigned long long from, to, inode;
	uint64_t bytes = 0;
	char line[512];
	struct stat st;
	FILE *maps;

	if (fstat(fd, &st) || !(maps = fopen("/proc/self/maps", "re")))
		return 0;
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%llx-%llx %*s %*s %*s %llu", &from, &to, &inode) == 3 &&
		    inode == st.st_ino && strstr(line, "socket:"))
			bytes += to - from;
	}
	fclose(maps);
	return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static int device_open(struct source **out, const struct source_spec *spec,
		       struct source_facts *facts, struct err *e)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct source *s;
	pcap_t *p = pcap_create(spec->name, errbuf);

	*out = NULL;
	if (!p)
		return why_not_open(PCAP_ERROR, spec->name, errbuf, e);
	set_options(p, spec);
	if (activate(p, spec, e)) {
		pcap_close(p);
		return -1;
	}
	prefer_cooked_v2(p);
	if (pcap_setnonblock(p, 1, errbuf) || set_direction(p, spec->direction)) {
		why_not_open(PCAP_ERROR, spec->name, *errbuf ? errbuf : pcap_geterr(p), e);
		pcap_close(p);
		return -1;
	}
	s = xcalloc(1, sizeof(*s));
	s->pcap = p;
	s->nanoseconds = pcap_get_tstamp_precision(p) == PCAP_TSTAMP_PRECISION_NANO;
	*facts = (struct source_facts){.link_type = bpf_link_type_of_dlt(pcap_datalink(p)),
				       .snaplen = (uint32_t)pcap_snapshot(p),
				       .buffer_bytes = ring_bytes(pcap_fileno(p)),
				       .nanoseconds = s->nanoseconds};
	snprintf(facts->stamp, sizeof(facts->stamp), "%s", spec->stamp ? spec->stamp : "");
	*out = s;
	return 0;
}

/* The length that a program returns would cut packets once more: the ring's own snaplen is the one
 * that counts. */
static struct bpf_insn *program_copy(const struct bpf *filter)
{
	unsigned count = bpf_instructions(filter);
	struct bpf_insn *insn = xreallocarray(NULL, count, sizeof(*insn));

	memcpy(insn, bpf_raw(filter), count * sizeof(*insn));
	for (unsigned i = 0; i < count; i++) {
		if (insn[i].code == (BPF_RET | BPF_K) && insn[i].k != 0)
			insn[i].k = SNAPLEN_MAX;
	}
	return insn;
}

/* libpcap runs a new filter once more itself on the first blocks, and there knows neither direction
 * nor device: it would drop what asks for them. So the program goes to the kernel directly, and
 * what is older than that is passed over: it may have come in before. Cooked headers are not what
 * the kernel sees; libpcap translates those programs. */
static int device_start(struct source *s, const struct bpf *filter, struct err *e)
{
	struct bpf_program program = {.bf_len = bpf_instructions(filter),
				      .bf_insns = program_copy(filter)};
	struct sock_fprog kernel = {.len = (unsigned short)program.bf_len,
				    .filter = (struct sock_filter *)(void *)program.bf_insns};
	int dlt = pcap_datalink(s->pcap), rc;

	if (dlt == DLT_LINUX_SLL || dlt == DLT_LINUX_SLL2) {
		rc = pcap_setfilter(s->pcap, &program);
		if (rc)
			err_set(e, ERR_REFUSED, "the filter cannot be set: %s",
				pcap_geterr(s->pcap));
	} else {
		rc = setsockopt(pcap_fileno(s->pcap), SOL_SOCKET, SO_ATTACH_FILTER, &kernel,
				sizeof(kernel));
		if (rc)
			err_errno(e, ERR_REFUSED,
				  "the kernel does not take the filter (a long one needs more "
				  "net.core.optmem_max)");
	}
	s->not_before_ns = clock_now_ns();
	s->started_mono_ns = clock_mono_ns();
	free(program.bf_insns);
	return rc ? -1 : 0;
}

static int device_fd(const struct source *s)
{
	return pcap_get_selectable_fd(s->pcap);
}

static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *data)
{
	struct source *s = (struct source *)(void *)user;
	struct source_packet p = {.captured = h->caplen, .length = h->len, .data = data};

	p.ts_ns = (int64_t)h->ts.tv_sec * 1000000000 +
		  (int64_t)h->ts.tv_usec * (s->nanoseconds ? 1 : 1000);
	if (p.ts_ns >= s->not_before_ns)
		s->fn(s->arg, &p);
}

static int device_read(struct source *s, int most, source_packet_fn *fn, void *arg, struct err *e)
{
	int n;

	s->fn = fn;
	s->arg = arg;
	n = pcap_dispatch(s->pcap, most, on_packet, (u_char *)s);
	if (n == PCAP_ERROR_BREAK)
		return 1; /* paused: there may be more */
	if (n < 0)
		return err_set(e, ERR_REFUSED, "%s", pcap_geterr(s->pcap));
	/* not for longer than needed: the clock may be set back, and packets are then stamped with
	 * less */
	if (n == 0 && s->not_before_ns && clock_mono_ns() - s->started_mono_ns > UNFILTERED_NS)
		s->not_before_ns = 0;
	return n;
}

static void device_pause(struct source *s)
{
	pcap_breakloop(s->pcap);
}

static void device_stats(struct source *s, struct source_stats *stats)
{
	struct pcap_stat now;

	if (pcap_stats(s->pcap, &now) == 0) {
		s->total.received += (uint32_t)(now.ps_recv - s->last_received);
		s->total.dropped_kernel += (uint32_t)(now.ps_drop - s->last_dropped);
		s->last_received = now.ps_recv;
		s->last_dropped = now.ps_drop;
	}
	*stats = s->total;
}

static void device_close(struct source *s)
{
	if (!s)
		return;
	pcap_close(s->pcap);
	free(s);
}

const struct source_type source_device = {
	.scheme = "dev",
	.summary = "a network device of this machine",
	.needs = "CAP_NET_RAW",
	.open = device_open,
	.start = device_start,
	.fd = device_fd,
	.read = device_read,
	.pause = device_pause,
	.stats = device_stats,
	.close = device_close,
};
