/* IEEE 802.11: data frames are opened where they are not encrypted. Before them stands what the
 * radio knew: radiotap (https://www.radiotap.org), PPI, AVS, Prism. */
#include "le.h"
#include "rows.h"

#define WLAN_HEADER 24u
#define WLAN_HEADER_MIN 10u /* control frames: type, duration, one address */
#define SUBFRAME_HEADER 14u
#define RADIOTAP_HEADER 8u
#define RADIOTAP_WORDS_MAX 8u
#define PPI_HEADER 8u
#define PPI_COMMON 2u /* the field with 802.11's flags */
#define AVS_HEADER 8u
#define AVS_VERSION 0x80211000u
#define PRISM_HEADER 144u
#define FCS_BYTES 4u

enum wlan_type { WLAN_MANAGEMENT, WLAN_CONTROL, WLAN_DATA, WLAN_EXTENSION };
enum { WLAN_TO_DS = 1, WLAN_FROM_DS = 2, WLAN_PROTECTED = 0x40, WLAN_ORDER = 0x80 };
enum { WLAN_SUBTYPE_NO_DATA = 4, WLAN_SUBTYPE_QOS = 8 };
enum { RADIOTAP_FCS = 0x10, RADIOTAP_PAD = 0x20 };

static uint8_t wlan_type(const uint8_t *p)
{
	return p[0] >> 2 & 3;
}

static uint8_t wlan_subtype(const uint8_t *p)
{
	return p[0] >> 4;
}

/* Where the quality of service field stands. */
static uint32_t wlan_qos(const uint8_t *p)
{
	const bool four = (p[1] & (WLAN_TO_DS | WLAN_FROM_DS)) == (WLAN_TO_DS | WLAN_FROM_DS);

	return WLAN_HEADER + (four ? 6u : 0);
}

/* A data frame's header. */
static uint32_t wlan_length(const uint8_t *p)
{
	if (!(wlan_subtype(p) & WLAN_SUBTYPE_QOS))
		return wlan_qos(p);
	return wlan_qos(p) + 2 + (p[1] & WLAN_ORDER ? 4u : 0);
}

/* What cannot be read: encrypted, a later fragment. */
static bool wlan_closed(const uint8_t *p)
{
	return p[1] & WLAN_PROTECTED || p[22] & 15;
}

/* Of several frames in one (A-MSDU) the first is described: addresses and a length before it. */
static uint8_t wlan_payload(struct walk *w, const uint8_t *p)
{
	const uint8_t *first;

	if (!(wlan_subtype(p) & WLAN_SUBTYPE_QOS) || !(p[wlan_qos(p)] & 0x80))
		return PROTO_LLC;
	first = cursor_peek(&w->c, SUBFRAME_HEADER);
	if (!first || get16(first + 12) > cursor_wire(&w->c) - SUBFRAME_HEADER)
		return walk_rest(w, PROTO_DATA);
	w->d->layer[w->d->nlayers - 1].length += SUBFRAME_HEADER;
	w->c.data += SUBFRAME_HEADER;
	cursor_limit(&w->c, get16(first + 12));
	return PROTO_LLC;
}

/* `pad`: the radio aligned what follows the header to four bytes. */
static uint8_t wlan_frame(struct walk *w, bool pad)
{
	const uint8_t *p = cursor_peek(&w->c, WLAN_HEADER_MIN);
	uint32_t length;

	if (!p)
		return walk_short(w, PROTO_IEEE80211, WLAN_HEADER_MIN);
	if (p[0] & 3)
		return walk_bad(w, PROTO_IEEE80211, 2, "an 802.11 version that does not exist");
	if (wlan_type(p) != WLAN_DATA)
		return walk_rest(w, PROTO_IEEE80211);
	length = wlan_length(p);
	if (pad)
		length = (length + 3) & ~3u;
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_IEEE80211, length);
	walk_layer(w, PROTO_IEEE80211, length);
	if (wlan_subtype(p) & WLAN_SUBTYPE_NO_DATA || !cursor_left(&w->c))
		return PROTO_NONE;
	return wlan_closed(p) ? walk_rest(w, PROTO_DATA) : wlan_payload(w, p);
}

uint8_t wlan_decode(struct walk *w)
{
	return wlan_frame(w, false);
}

static void wlan_trim(struct walk *w)
{
	if (cursor_wire(&w->c) > FCS_BYTES)
		cursor_limit(&w->c, cursor_wire(&w->c) - FCS_BYTES);
}

/* The flags among radiotap's fields: behind the words that say which there are, and the time. */
static uint8_t radiotap_flags(const uint8_t *p, uint32_t length)
{
	const uint32_t present = le32(p + 4);
	uint32_t at = RADIOTAP_HEADER;

	for (unsigned i = 0; i < RADIOTAP_WORDS_MAX && at + 4 <= length; i++, at += 4) {
		if (!(le32(p + at - 4) & 0x80000000u))
			break;
	}
	if (present & 1)
		at = ((at + 7) & ~7u) + 8;
	return present & 2 && at < length ? p[at] : 0;
}

uint8_t radiotap_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, RADIOTAP_HEADER);
	uint8_t flags;
	uint32_t length;

	if (!p)
		return walk_short(w, PROTO_RADIOTAP, RADIOTAP_HEADER);
	length = le16(p + 2);
	if (p[0] || length < RADIOTAP_HEADER)
		return walk_bad(w, PROTO_RADIOTAP, RADIOTAP_HEADER,
				"a radiotap header of another version or below 8 bytes");
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_RADIOTAP, length);
	flags = radiotap_flags(p, length);
	walk_layer(w, PROTO_RADIOTAP, length);
	if (flags & RADIOTAP_FCS)
		wlan_trim(w);
	return wlan_frame(w, flags & RADIOTAP_PAD);
}

/* Whether a PPI header says that the frame's checksum is there. */
static bool ppi_has_fcs(const uint8_t *p, uint32_t length)
{
	for (uint32_t at = PPI_HEADER; at + 4 <= length; at += 4u + le16(p + at + 2)) {
		if (le16(p + at) == PPI_COMMON && at + 4 + 10 <= length)
			return p[at + 4 + 8] & 1;
	}
	return false;
}

uint8_t ppi_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, PPI_HEADER);
	uint32_t length;
	uint8_t next;

	if (!p)
		return walk_short(w, PROTO_PPI, PPI_HEADER);
	length = le16(p + 2);
	if (length < PPI_HEADER)
		return walk_bad(w, PROTO_PPI, PPI_HEADER, "a PPI header below 8 bytes");
	if (!cursor_peek(&w->c, length))
		return walk_short(w, PROTO_PPI, length);
	next = link_protocol(le32(p + 4));
	walk_layer(w, PROTO_PPI, length);
	if (next == PROTO_IEEE80211 && ppi_has_fcs(p, length))
		wlan_trim(w);
	return next == PROTO_PPI ? PROTO_DATA : next;
}

uint8_t avs_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, AVS_HEADER);

	if (!p)
		return walk_short(w, PROTO_AVS, AVS_HEADER);
	if ((get32(p) & 0xfffff000u) != AVS_VERSION || get32(p + 4) < AVS_HEADER)
		return walk_bad(w, PROTO_AVS, AVS_HEADER, "no AVS header");
	if (!cursor_peek(&w->c, get32(p + 4)))
		return walk_short(w, PROTO_AVS, get32(p + 4));
	walk_layer(w, PROTO_AVS, get32(p + 4));
	return PROTO_IEEE80211;
}

/* Drivers that went over to AVS kept the link type. */
uint8_t prism_decode(struct walk *w)
{
	const uint8_t *p = cursor_peek(&w->c, PRISM_HEADER);

	if (cursor_peek(&w->c, AVS_HEADER) && (get32(w->c.data) & 0xfffff000u) == AVS_VERSION)
		return PROTO_AVS;
	if (!p)
		return walk_short(w, PROTO_PRISM, PRISM_HEADER);
	walk_layer(w, PROTO_PRISM, PRISM_HEADER);
	return PROTO_IEEE80211;
}

static const char *frame_text(const uint8_t *p)
{
	static const char *const management[16] = {"association request",
						   "association response",
						   "reassociation request",
						   "reassociation response",
						   "probe request",
						   "probe response",
						   "timing advertisement",
						   "management",
						   "beacon",
						   "announcement",
						   "disassociation",
						   "authentication",
						   "deauthentication",
						   "action",
						   "action without ack",
						   "management"};
	static const char *const control[16] = {"control",
						"control",
						"trigger",
						"TACK",
						"beamforming report poll",
						"NDP announcement",
						"control extension",
						"control wrapper",
						"block ack request",
						"block ack",
						"PS poll",
						"RTS",
						"CTS",
						"ack",
						"CF end",
						"CF end and ack"};

	switch (wlan_type(p)) {
	case WLAN_MANAGEMENT:
		return management[wlan_subtype(p)];
	case WLAN_CONTROL:
		return control[wlan_subtype(p)];
	case WLAN_DATA:
		return wlan_subtype(p) & WLAN_SUBTYPE_NO_DATA ? "no data" : "data";
	default:
		return "extension";
	}
}

void wlan_info(struct buf *out, const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;
	char to[ADDR_LINE_MAX], from[ADDR_LINE_MAX];

	if (l->length < WLAN_HEADER_MIN)
		return;
	text_mac(p + 4, to);
	if (l->length >= 16)
		buf_printf(out, "%s %s > %s", frame_text(p), text_mac(p + 10, from), to);
	else
		buf_printf(out, "%s to %s", frame_text(p), to);
	if (p[1] & WLAN_PROTECTED)
		buf_add_str(out, ", encrypted");
}

void wlan_fields(const struct view *v, const struct layer *l)
{
	static const struct bit_name names[] = {
		{1, "to_ds"},	     {2, "from_ds"},  {4, "more_fragments"},
		{8, "retry"},	     {0x10, "power"}, {0x20, "more_data"},
		{0x40, "protected"}, {0x80, "order"}, {0, NULL},
	};
	const uint8_t *p = v->head + l->offset;
	char text[160];

	if (l->length < WLAN_HEADER_MIN)
		return;
	view_field(v, "type", l->offset, 1, "%u/%u %s", wlan_type(p), wlan_subtype(p),
		   frame_text(p));
	view_field(v, "flags", l->offset + 1, 1, "%s", text_bits(p[1], names, text, sizeof(text)));
	view_field(v, "duration", l->offset + 2, 2, "%u", le16(p + 2));
	view_field(v, "address1", l->offset + 4, 6, "%s", text_mac(p + 4, text));
	if (l->length < WLAN_HEADER)
		return;
	view_field(v, "address2", l->offset + 10, 6, "%s", text_mac(p + 10, text));
	view_field(v, "address3", l->offset + 16, 6, "%s", text_mac(p + 16, text));
	view_field(v, "sequence", l->offset + 22, 2, "%u fragment %u", le16(p + 22) >> 4,
		   p[22] & 15);
}

void radiotap_fields(const struct view *v, const struct layer *l)
{
	const uint8_t *p = v->head + l->offset;

	if (l->length < RADIOTAP_HEADER)
		return;
	view_field(v, "length", l->offset + 2, 2, "%u", le16(p + 2));
	view_field(v, "present", l->offset + 4, 4, "0x%08x", le32(p + 4));
	view_field(v, "flags", l->offset, l->length, "0x%02x", radiotap_flags(p, l->length));
}
