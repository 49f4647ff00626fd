/* Which application sends these bytes: rows of tests by the payload's first byte, and, for formats
 * without a mark of their own, one test by port. */
#include "app.h"
#include "ports.h"

#define TESTS_MAX 6u

/* What may begin with a byte, in the order in which it is asked. */
struct test {
	uint8_t app;
	bool (*speaks)(const struct probe *b);
};

struct tests {
	struct test test[TESTS_MAX];
};

static const struct tests tls = {{{PROTO_TLS, tls_speaks}}};
static const struct tests text = {{{PROTO_HTTP, http_speaks}, {PROTO_SIP, sip_speaks}}};
static const struct tests text_mail = {
	{{PROTO_HTTP, http_speaks}, {PROTO_SMTP, smtp_speaks}, {PROTO_SIP, sip_speaks}}};
static const struct tests text_p = {
	{{PROTO_HTTP, http_speaks}, {PROTO_HTTP2, http2_speaks}, {PROTO_SIP, sip_speaks}}};
static const struct tests text_s = {
	{{PROTO_SSH, ssh_speaks}, {PROTO_HTTP, http_speaks}, {PROTO_SIP, sip_speaks}}};
static const struct tests datagram_text = {{{PROTO_SIP, sip_speaks}, {PROTO_SSDP, ssdp_speaks}}};
static const struct tests lengths = {{{PROTO_SMB, smb_speaks},
				      {PROTO_SSH, ssh_speaks},
				      {PROTO_KERBEROS, kerberos_speaks},
				      {PROTO_POSTGRESQL, postgresql_speaks},
				      {PROTO_HTTP2, http2_speaks},
				      {PROTO_STUN, stun_speaks}}};
static const struct tests ber = {{{PROTO_LDAP, ldap_speaks}, {PROTO_SNMP, snmp_speaks}}};
static const struct tests kerberos = {{{PROTO_KERBEROS, kerberos_speaks}}};
static const struct tests stun = {{{PROTO_STUN, stun_speaks}}};
static const struct tests dtls = {{{PROTO_DTLS, dtls_speaks}}};
static const struct tests quic = {{{PROTO_QUIC, quic_speaks}}};
static const struct tests media = {
	{{PROTO_RTCP, rtcp_speaks}, {PROTO_RTP, rtp_speaks}, {PROTO_QUIC, quic_speaks}}};
static const struct tests dhcp = {{{PROTO_DHCP, dhcp_speaks},
				   {PROTO_WIREGUARD, wireguard_speaks},
				   {PROTO_STUN, stun_speaks}}};
static const struct tests wireguard = {{{PROTO_WIREGUARD, wireguard_speaks}}};
static const struct tests greeting = {{{PROTO_FTP, ftp_speaks}, {PROTO_SMTP, smtp_speaks}}};
static const struct tests stars = {{{PROTO_REDIS, redis_speaks}, {PROTO_IMAP, imap_speaks}}};
static const struct tests plus = {{{PROTO_POP3, pop3_speaks}}};
static const struct tests syslog = {{{PROTO_SYSLOG, syslog_speaks}}};
static const struct tests rdp = {{{PROTO_RDP, rdp_speaks}}};
static const struct tests mqtt = {{{PROTO_MQTT, mqtt_speaks}}};
static const struct tests bittorrent = {{{PROTO_BITTORRENT, bittorrent_speaks}}};
static const struct tests dht = {{{PROTO_BITTORRENT, dht_speaks}}};
static const struct tests ff = {{{PROTO_BGP, bgp_speaks}, {PROTO_TELNET, telnet_speaks}}};

static const struct tests *const tcp_tests[256] = {
	[0x00] = &lengths,    [0x01] = &stun,	  [0x03] = &rdp,   [0x10] = &mqtt,
	[0x13] = &bittorrent, [0x14] = &tls,	  [0x15] = &tls,   [0x16] = &tls,
	[0x17] = &tls,	      [0x18] = &tls,	  ['*'] = &stars,  ['+'] = &plus,
	['0'] = &ber,	      ['2'] = &greeting,  ['<'] = &syslog, ['A'] = &text,
	['B'] = &text,	      ['C'] = &text,	  ['D'] = &text,   ['E'] = &text_mail,
	['G'] = &text,	      ['H'] = &text_mail, ['I'] = &text,   ['L'] = &text_mail,
	['M'] = &text_mail,   ['N'] = &text,	  ['O'] = &text,   ['P'] = &text_p,
	['R'] = &text_mail,   ['S'] = &text_s,	  ['T'] = &text,   ['U'] = &text,
	[0xff] = &ff,
};

static const struct tests *const udp_tests[256] = {
	[0x00] = &stun,		[0x01] = &dhcp,		[0x02] = &dhcp,
	[0x03] = &wireguard,	[0x04] = &wireguard,	[0x14] = &dtls,
	[0x15] = &dtls,		[0x16] = &dtls,		[0x17] = &dtls,
	[0x18] = &dtls,		[0x19] = &dtls,		[0x1a] = &dtls,
	['0'] = &ber,		['<'] = &syslog,	['A'] = &datagram_text,
	['B'] = &datagram_text, ['C'] = &datagram_text, ['H'] = &datagram_text,
	['I'] = &datagram_text, ['M'] = &datagram_text, ['N'] = &datagram_text,
	['O'] = &datagram_text, ['P'] = &datagram_text, ['R'] = &datagram_text,
	['S'] = &datagram_text, ['U'] = &datagram_text, ['d'] = &dht,
	[0x6a] = &kerberos,	[0x6b] = &kerberos,	[0x6c] = &kerberos,
	[0x6d] = &kerberos,	[0x6e] = &kerberos,	[0x6f] = &kerberos,
	[0x74] = &kerberos,	[0x75] = &kerberos,	[0x76] = &kerberos,
	[0x7e] = &kerberos,
};

static uint8_t tests_ask(const struct tests *t, const struct probe *b)
{
	for (unsigned i = 0; t && i < TESTS_MAX && t->test[i].speaks; i++) {
		if (t->test[i].speaks(b))
			return t->test[i].app;
	}
	return PROTO_NONE;
}

/* A port's row, as a switch: two of these are asked for each packet that content left open. */
static const struct port_row *port_find(uint16_t port)
{
	static const struct port_row rows[] = {
#define PORT_ROW(number, tcp, udp, tcp_looks, udp_looks)                                           \
	{PROTO_##tcp, PROTO_##udp, tcp_looks, udp_looks},
		PORT_LIST(PORT_ROW)
#undef PORT_ROW
	};
	enum {
#define PORT_PLACE(number, tcp, udp, tcp_looks, udp_looks) PLACE_##number,
		PORT_LIST(PORT_PLACE)
#undef PORT_PLACE
	};

	switch (port) {
#define PORT_CASE(number, tcp, udp, tcp_looks, udp_looks)                                          \
	case number:                                                                               \
		return &rows[PLACE_##number];
		PORT_LIST(PORT_CASE)
#undef PORT_CASE
	default:
		return NULL;
	}
}

static uint8_t port_ask(const struct probe *b, uint16_t port)
{
	const struct port_row *row = port_find(port);
	bool (*looks)(const struct probe *) = NULL;

	if (row)
		looks = b->tcp ? row->tcp_looks : row->udp_looks;
	if (!looks || !looks(b))
		return PROTO_NONE;
	return b->tcp ? row->tcp : row->udp;
}

static uint8_t tcp_app(const struct probe *b)
{
	uint8_t app = tests_ask(tcp_tests[b->p[0]], b);

	if (!app && b->p[0] & 0x80 && ssl2_speaks(b))
		return PROTO_TLS;
	return app;
}

/* The ports of multicast DNS and of NetBIOS' names have messages that are DNS' own in form. */
static uint8_t udp_app(const struct probe *b)
{
	const struct tests *t = udp_tests[b->p[0]];

	if (b->p[0] & 0x80)
		t = b->p[0] & 0x40 ? &quic : &media;
	return tests_ask(t, b);
}

uint8_t app_by_content(const struct decoded *d, const uint8_t *payload, size_t length)
{
	struct probe b = {.p = payload,
			  .length = length,
			  .wire = d->payload_bytes < length ? (uint32_t)length : d->payload_bytes,
			  .sport = d->sport,
			  .dport = d->dport,
			  .tcp = d->ip_protocol == 6};
	uint8_t app;

	if (!b.tcp && d->ip_protocol != 17 && d->ip_protocol != 136)
		return d->ip_protocol == 132 && http_speaks(&b) ? PROTO_HTTP : PROTO_NONE;
	app = b.tcp ? tcp_app(&b) : udp_app(&b);
	if (!app)
		app = port_ask(&b, b.dport);
	if (!app)
		app = port_ask(&b, b.sport);
	if (!app && !b.tcp && dns_speaks(&b))
		app = PROTO_DNS;
	if (!app && b.tcp && mysql_speaks(&b))
		app = PROTO_MYSQL;
	return app;
}

uint8_t app_by_port(uint8_t ip_protocol, uint16_t port)
{
	const struct port_row *row = port_find(port);

	if (!row || (ip_protocol != 6 && ip_protocol != 17))
		return PROTO_NONE;
	return ip_protocol == 6 ? row->tcp : row->udp;
}
