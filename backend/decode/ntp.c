/* Network Time Protocol, RFC 5905. */
#include "base/clock.h"
#include "base/text.h"
#include "rows.h"

#define NTP_PACKET 48u
#define NTP_EPOCH_S INT64_C(2208988800) /* from 1900 to 1970 */
#define NTP_ERA_S (INT64_C(1) << 32)	/* era 1 begins in 2036 */

static const struct code_name modes[] = {
	{1, "symmetric active"}, {2, "symmetric passive"}, {3, "client"},  {4, "server"},
	{5, "broadcast"},	 {6, "control"},	   {7, "private"}, {0, NULL},
};

static const struct code_name leaps[] = {
	{0, "no warning"},
	{1, "last minute has 61 s"},
	{2, "last minute has 59 s"},
	{3, "not synchronised"},
	{0, NULL},
};

/* Seconds and their fraction since 1900; with the top bit clear it is of the era from 2036 (RFC
 * 5905 6). */
static int64_t stamp_ns(const uint8_t *p)
{
	int64_t seconds = get32(p),
		fraction = (int64_t)((uint64_t)get32(p + 4) * 1000000000u >> 32);

	if (!(p[0] & 0x80))
		seconds += NTP_ERA_S;
	return (seconds - NTP_EPOCH_S) * NS_PER_S + fraction;
}

void ntp_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < 2)
		return;
	buf_printf(out, "v%u %s", p[0] >> 3 & 7, code_text(modes, p[0] & 7, "mode 0"));
	if ((p[0] & 7) <= 5)
		buf_printf(out, " stratum %u", p[1]);
}

static void short_field(const struct view *v, const char *name, uint32_t offset)
{
	view_field(v, name, offset, 4, "%.6f s", (double)get32(v->head + offset) / 65536);
}

void ntp_fields(const struct view *v, const struct layer *l)
{
	static const char *const stamps[] = {"reference_time", "origin_time", "receive_time",
					     "transmit_time"};
	const uint8_t *p = v->head + l->offset;
	char text[TEXT_NUMBER_MAX], reference[ADDR_LINE_MAX];

	if (l->length < 2)
		return;
	view_field(v, "leap", l->offset, 1, "%u %s", p[0] >> 6, code_text(leaps, p[0] >> 6, ""));
	view_field(v, "version", l->offset, 1, "%u", p[0] >> 3 & 7);
	view_field(v, "mode", l->offset, 1, "%u %s", p[0] & 7,
		   code_text(modes, p[0] & 7, "reserved"));
	if (l->length < NTP_PACKET || (p[0] & 7) > 5)
		return;
	view_field(v, "stratum", l->offset + 1, 1, "%u", p[1]);
	view_field(v, "poll", l->offset + 2, 1, "%d (2^n s)", (int8_t)p[2]);
	view_field(v, "precision", l->offset + 3, 1, "%d (2^n s)", (int8_t)p[3]);
	short_field(v, "root_delay", l->offset + 4);
	short_field(v, "root_dispersion", l->offset + 8);
	if (p[1] > 1)
		view_field(v, "reference", l->offset + 12, 4, "%s", text_ip(4, p + 12, reference));
	else
		view_field(v, "reference", l->offset + 12, 4, "%.4s", (const char *)p + 12);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t at = 16 + i * 8;

		view_field(v, stamps[i], l->offset + at, 8, "%s",
			   get64(p + at) ? text_rfc3339(stamp_ns(p + at), text) : "none");
	}
}
