/* From bytes to headers: offsets and fields, no copy. One pass, one struct, reused for every packet.
 * Protocols are rows of a table, one file each. */
#ifndef DECODE_DECODE_H
#define DECODE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define DECODE_LAYERS_MAX 24u

/* Every protocol that has a name; the order is that of decode/proto.def (generated enum). */
#include "decode/proto.h"

struct layer {
	uint8_t protocol; /* enum proto */
	uint32_t offset;  /* of its first byte in the packet */
	uint32_t length;  /* of its header (of what is here, when cut) */
};

enum decode_flag {
	DECODE_IP = 1,		/* family, src, dst, ip_protocol are set */
	DECODE_PORTS = 2,	/* sport, dport are set (TCP, UDP, SCTP; echo: the identifier in both) */
	DECODE_TCP = 4,		/* tcp is set */
	DECODE_FRAGMENT = 8,	/* a fragment: fragment_id, fragment_offset, more_fragments */
	DECODE_CUT = 16,	/* a header is cut off by the snaplen or the packet's end: what could be read stands */
	DECODE_BAD = 32,	/* a header contradicts itself: `why` */
	DECODE_ICMP_ERROR = 64, /* an ICMP error; its quote is decoded apart (quote_offset) */
	DECODE_UNKNOWN = 128,	/* what follows the last layer has no decoder yet: counted and called so */
	DECODE_LONG = 256,	/* the IP length is more than the frame holds */
	DECODE_CHECKSUM_BAD = 512,     /* IP or TCP/UDP checksum wrong, and offload does not explain it */
	DECODE_CHECKSUM_PARTIAL = 1024, /* only the pseudo-header's sum: offload */
	DECODE_CARRIED = 2048, /* inside a tunnel's first fragment, whose later ones belong here too: fragment_id is
				* their digest */
};

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128 };

struct decode_tcp {
	uint32_t seq, ack;
	uint16_t window; /* as it stands, not scaled */
	uint16_t urgent;
	uint8_t flags; /* enum tcp_flag */
	const uint8_t *options; /* option bytes that are here */
	uint8_t options_length;
};

struct decoded {
	unsigned flags; /* enum decode_flag */
	uint8_t nlayers;
	struct layer layer[DECODE_LAYERS_MAX];
	/* of the innermost IP header that decodes (or the outermost, when asked) */
	uint8_t family;		   /* 4, 6 */
	uint8_t ip_protocol;	   /* the transport's IP protocol number (behind extension headers) */
	uint8_t ttl;
	uint16_t ip_id;
	const uint8_t *src, *dst;  /* 4 or 16 bytes inside the packet */
	uint16_t sport, dport;	   /* host order */
	uint32_t ip_bytes;	   /* by the IP header (or the wire, where it says 0: BIG TCP) */
	uint32_t payload_offset;   /* of what TCP, UDP or SCTP carry, or of what follows IP */
	uint32_t payload_bytes;	   /* by the lengths in the headers, not by what was captured */
	uint32_t payload_captured; /* of it here */
	uint16_t vlan;		   /* innermost VLAN id; 0 none (flag in vlan_count) */
	uint8_t vlan_count;
	const uint8_t *vlan_first; /* the first tag's two bytes, for the text of several */
	uint8_t tunnel;		   /* enum proto of the innermost tunnel that was entered, 0 none */
	uint8_t icmp_type, icmp_code;
	uint32_t quote_offset;	   /* of the quoted IP header, when DECODE_ICMP_ERROR */
	uint32_t fragment_id;
	uint16_t fragment_offset; /* bytes */
	bool more_fragments;
	uint8_t app; /* enum proto by content (port second), 0 not known from this packet */
	struct decode_tcp tcp;
	const char *why; /* static text, when DECODE_BAD */
};

struct decode_options {
	bool outer;	/* stop at the outermost IP header */
	bool checksums; /* verify them (costs a pass over the payload) */
	bool app;	/* recognise applications by content */
};

/* Everything that can be said of the packet; never fails. Pointers are into `data`. */
void decode_packet(struct decoded *d, const struct decode_options *o, uint32_t link_type, const uint8_t *data,
		   uint32_t captured, uint32_t length);
/* As decode_packet, beginning with an IP header (an ICMP error's quote). */
void decode_ip(struct decoded *d, const struct decode_options *o, const uint8_t *data, uint32_t captured, uint32_t length);

/* Of what makes fragments one datagram: addresses, id, and the protocol for IPv4 (RFC 791 3.2,
 * RFC 8200 4.5). */
uint32_t decode_fragment_digest(uint8_t family, uint8_t protocol, const uint8_t *src,
				const uint8_t *dst, uint32_t id);

/* --- words --- */
const char *proto_name(uint8_t protocol);  /* "tcp", CONTRACT's lower-case name */
const char *proto_title(uint8_t protocol); /* "Transmission Control Protocol" */
/* The `proto` column: "tcp" "udp" "sctp" "icmp" "icmp6" or the lower-case name of an IP protocol number. */
const char *ip_protocol_name(uint8_t ip_protocol);
/* The application's name by port, "" if none: second to content. */
uint8_t app_by_port(uint8_t ip_protocol, uint16_t port);

/* --- for people --- */
/* The `info` column of the packet: one line, printable. `relative_seq` etc. are the flow's business: raw here unless
 * base_seq, base_ack are given (0: raw). `scale`: window scale shift, -1 unknown. */
struct info_context {
	uint32_t base_seq, base_ack;
	bool relative;
	int scale;
};
void decode_info(struct buf *out, const struct decoded *d, const uint8_t *data, uint32_t captured, const struct info_context *c);

/* The tree of the packet's fields, in order. `offset`, `length` into the packet. Texts are borrowed for the call and
 * may be hostile (the printer escapes). */
typedef void (*field_fn)(void *arg, unsigned depth, const char *name, struct str value, uint32_t offset, uint32_t length);
void decode_fields(const struct decoded *d, const uint8_t *data, uint32_t captured, uint32_t length, field_fn fn, void *arg);

#endif
