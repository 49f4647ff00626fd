/* IP's protocol numbers: https://www.iana.org/assignments/protocol-numbers, in lower case. */
#include "rows.h"

static const char *const names[256] = {
	[0] = "hopopt",	       [1] = "icmp",
	[2] = "igmp",	       [3] = "ggp",
	[4] = "ipip",	       [5] = "st",
	[6] = "tcp",	       [7] = "cbt",
	[8] = "egp",	       [9] = "igp",
	[12] = "pup",	       [17] = "udp",
	[22] = "xns-idp",      [27] = "rdp",
	[29] = "iso-tp4",      [33] = "dccp",
	[36] = "xtp",	       [41] = "ipv6",
	[43] = "ipv6-route",   [44] = "ipv6-frag",
	[45] = "idrp",	       [46] = "rsvp",
	[47] = "gre",	       [48] = "dsr",
	[50] = "esp",	       [51] = "ah",
	[55] = "mobile",       [58] = "icmp6",
	[59] = "ipv6-nonxt",   [60] = "ipv6-opts",
	[73] = "cphb",	       [80] = "iso-ip",
	[81] = "vmtp",	       [88] = "eigrp",
	[89] = "ospf",	       [92] = "mtp",
	[94] = "ipip",	       [97] = "etherip",
	[98] = "encap",	       [103] = "pim",
	[108] = "ipcomp",      [112] = "vrrp",
	[113] = "pgm",	       [115] = "l2tp",
	[118] = "stp",	       [121] = "smp",
	[124] = "isis",	       [132] = "sctp",
	[133] = "fc",	       [134] = "rsvp-e2e-ignore",
	[135] = "mobility",    [136] = "udplite",
	[137] = "mpls-in-ip",  [138] = "manet",
	[139] = "hip",	       [140] = "shim6",
	[141] = "wesp",	       [142] = "rohc",
	[143] = "ethernet",    [253] = "experiment1",
	[254] = "experiment2", [255] = "reserved",
};

/* The registry's rarer half. */
static const char *const rare[256] = {
	[10] = "bbn-rcc-mon",
	[11] = "nvp-ii",
	[13] = "argus",
	[14] = "emcon",
	[15] = "xnet",
	[16] = "chaos",
	[18] = "mux",
	[19] = "dcn-meas",
	[20] = "hmp",
	[21] = "prm",
	[23] = "trunk-1",
	[24] = "trunk-2",
	[25] = "leaf-1",
	[26] = "leaf-2",
	[28] = "irtp",
	[30] = "netblt",
	[31] = "mfe-nsp",
	[32] = "merit-inp",
	[34] = "3pc",
	[35] = "idpr",
	[37] = "ddp",
	[38] = "idpr-cmtp",
	[39] = "tp++",
	[40] = "il",
	[42] = "sdrp",
	[49] = "bna",
	[52] = "i-nlsp",
	[53] = "swipe",
	[54] = "narp",
	[56] = "tlsp",
	[57] = "skip",
	[61] = "any-host",
	[62] = "cftp",
	[63] = "any-local",
	[64] = "sat-expak",
	[65] = "kryptolan",
	[66] = "rvd",
	[67] = "ippc",
	[68] = "any-fs",
	[69] = "sat-mon",
	[70] = "visa",
	[71] = "ipcv",
	[72] = "cpnx",
	[74] = "wsn",
	[75] = "pvp",
	[76] = "br-sat-mon",
	[77] = "sun-nd",
	[78] = "wb-mon",
	[79] = "wb-expak",
	[82] = "secure-vmtp",
	[83] = "vines",
	[84] = "ttp",
	[85] = "nsfnet-igp",
	[86] = "dgp",
	[87] = "tcf",
	[90] = "sprite-rpc",
	[91] = "larp",
	[93] = "ax.25",
	[95] = "micp",
	[96] = "scc-sp",
	[99] = "any-encryption",
	[100] = "gmtp",
	[101] = "ifmp",
	[102] = "pnni",
	[104] = "aris",
	[105] = "scps",
	[106] = "qnx",
	[107] = "a/n",
	[109] = "snp",
	[110] = "compaq-peer",
	[111] = "ipx-in-ip",
	[114] = "any-0-hop",
	[116] = "ddx",
	[117] = "iatp",
	[119] = "srp",
	[120] = "uti",
	[122] = "sm",
	[123] = "ptp",
	[125] = "fire",
	[126] = "crtp",
	[127] = "crudp",
	[128] = "sscopmce",
	[129] = "iplt",
	[130] = "sps",
	[131] = "pipe",
	[144] = "aggfrag",
	[145] = "nsh",
};

static const uint8_t protocols[256] = {
	[1] = PROTO_ICMP,	 [2] = PROTO_IGMP,   [4] = PROTO_IPIP,	    [6] = PROTO_TCP,
	[17] = PROTO_UDP,	 [33] = PROTO_DCCP,  [41] = PROTO_SIXIN4,   [47] = PROTO_GRE,
	[50] = PROTO_ESP,	 [51] = PROTO_AH,    [97] = PROTO_ETHERIP,  [137] = PROTO_MPLS,
	[143] = PROTO_ETH_IN_IP, [58] = PROTO_ICMP6, [88] = PROTO_EIGRP,    [89] = PROTO_OSPF,
	[103] = PROTO_PIM,	 [112] = PROTO_VRRP, [115] = PROTO_L2TP_IP, [132] = PROTO_SCTP,
	[136] = PROTO_UDPLITE,
};

const char *ip_protocol_name(uint8_t ip_protocol)
{
	const char *name = names[ip_protocol] ? names[ip_protocol] : rare[ip_protocol];

	return name ? name : "unassigned";
}

uint8_t walk_transport(struct walk *w, uint8_t ip_protocol)
{
	struct decoded *d = w->d;

	d->ip_protocol = ip_protocol;
	d->payload_offset = cursor_offset(&w->c);
	d->payload_bytes = cursor_wire(&w->c);
	d->payload_captured = (uint32_t)cursor_left(&w->c);
	if (d->flags & DECODE_FRAGMENT && d->fragment_offset)
		return d->payload_captured ? walk_rest(w, PROTO_DATA) : PROTO_NONE;
	if (!d->payload_bytes && ip_protocol == 59)
		return PROTO_NONE;
	return protocols[ip_protocol] ? protocols[ip_protocol] : PROTO_DATA;
}
