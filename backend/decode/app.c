/* Applications by their first bytes. A port only settles what the bytes leave open, and only for
 * formats without a mark of their own (DNS, NTP, ...). */
#include <string.h>

#include "walk.h"

static bool starts(const uint8_t *p, size_t length, const char *word)
{
	size_t n = strlen(word);

	return length >= n && memcmp(p, word, n) == 0;
}

static bool port_is(const struct decoded *d, uint16_t port)
{
	return d->sport == port || d->dport == port;
}

/* Words that begin a message, by their first letter, so that most packets cost one look. */
struct mark {
	const char *text;
	uint8_t length, app;
};

static const struct mark marks_a[] = {{"ACK sip", 7, PROTO_SIP}, {NULL, 0, 0}};
static const struct mark marks_b[] = {{"BYE sip", 7, PROTO_SIP}, {NULL, 0, 0}};
static const struct mark marks_c[] = {
	{"CONNECT ", 8, PROTO_HTTP}, {"CANCEL sip", 10, PROTO_SIP}, {NULL, 0, 0}};
static const struct mark marks_d[] = {{"DELETE /", 8, PROTO_HTTP}, {NULL, 0, 0}};
static const struct mark marks_e[] = {{"EHLO ", 5, PROTO_SMTP}, {NULL, 0, 0}};
static const struct mark marks_g[] = {
	{"GET /", 5, PROTO_HTTP}, {"GET http", 8, PROTO_HTTP}, {NULL, 0, 0}};
static const struct mark marks_h[] = {{"HTTP/1.", 7, PROTO_HTTP},
				      {"HEAD /", 6, PROTO_HTTP},
				      {"HEAD http", 9, PROTO_HTTP},
				      {"HELO ", 5, PROTO_SMTP},
				      {NULL, 0, 0}};
static const struct mark marks_i[] = {
	{"INVITE sip", 10, PROTO_SIP}, {"INFO sip", 8, PROTO_SIP}, {NULL, 0, 0}};
static const struct mark marks_m[] = {{"M-SEARCH * HTTP", 15, PROTO_HTTP},
				      {"MAIL FROM:", 10, PROTO_SMTP},
				      {"MESSAGE sip", 11, PROTO_SIP},
				      {NULL, 0, 0}};
static const struct mark marks_n[] = {
	{"NOTIFY * HTTP", 13, PROTO_HTTP}, {"NOTIFY sip", 10, PROTO_SIP}, {NULL, 0, 0}};
static const struct mark marks_o[] = {{"OPTIONS sip", 11, PROTO_SIP},
				      {"OPTIONS /", 9, PROTO_HTTP},
				      {"OPTIONS *", 9, PROTO_HTTP},
				      {NULL, 0, 0}};
static const struct mark marks_p[] = {{"POST /", 6, PROTO_HTTP},
				      {"PUT /", 5, PROTO_HTTP},
				      {"PATCH /", 7, PROTO_HTTP},
				      {"POST http", 9, PROTO_HTTP},
				      {"PROPFIND /", 10, PROTO_HTTP},
				      {"PRI * HTTP/2.0", 14, PROTO_HTTP2},
				      {"PRACK sip", 9, PROTO_SIP},
				      {"PUBLISH sip", 11, PROTO_SIP},
				      {NULL, 0, 0}};
static const struct mark marks_r[] = {{"REGISTER sip", 12, PROTO_SIP},
				      {"RCPT TO:", 8, PROTO_SMTP},
				      {"REFER sip", 9, PROTO_SIP},
				      {NULL, 0, 0}};
static const struct mark marks_s[] = {{"SSH-", 4, PROTO_SSH},
				      {"SIP/2.0 ", 8, PROTO_SIP},
				      {"SUBSCRIBE sip", 13, PROTO_SIP},
				      {"SUBSCRIBE /", 11, PROTO_HTTP},
				      {NULL, 0, 0}};
static const struct mark marks_t[] = {{"TRACE /", 7, PROTO_HTTP}, {NULL, 0, 0}};
static const struct mark marks_u[] = {{"UPDATE sip", 10, PROTO_SIP}, {NULL, 0, 0}};

static const struct mark *const marks[26] = {
	['A' - 'A'] = marks_a, ['B' - 'A'] = marks_b, ['C' - 'A'] = marks_c, ['D' - 'A'] = marks_d,
	['E' - 'A'] = marks_e, ['G' - 'A'] = marks_g, ['H' - 'A'] = marks_h, ['I' - 'A'] = marks_i,
	['M' - 'A'] = marks_m, ['N' - 'A'] = marks_n, ['O' - 'A'] = marks_o, ['P' - 'A'] = marks_p,
	['R' - 'A'] = marks_r, ['S' - 'A'] = marks_s, ['T' - 'A'] = marks_t, ['U' - 'A'] = marks_u,
};

static uint8_t mark_app(const uint8_t *p, size_t length)
{
	const struct mark *m = p[0] >= 'A' && p[0] <= 'Z' ? marks[p[0] - 'A'] : NULL;

	for (; m && m->text; m++) {
		if (length >= m->length && !memcmp(p, m->text, m->length))
			return m->app;
	}
	return PROTO_NONE;
}

/* A record's head: type, version 3.0 to 3.4, a length that the protocol allows (RFC 8446 5.1). */
bool tls_looks(const uint8_t *p, size_t length)
{
	return length >= 5 && p[0] >= 20 && p[0] <= 24 && p[1] == 3 && p[2] <= 4 &&
	       get16(p + 3) > 0 && get16(p + 3) <= 16384 + 2048;
}

/* A header whose counts and first name can be (RFC 1035 4.1). */
static bool dns_looks(const uint8_t *p, size_t length)
{
	unsigned opcode;

	if (length < 12)
		return false;
	opcode = p[2] >> 3 & 15;
	if (opcode > 6 || p[3] & 0x40 || get16(p + 4) > 32 || get16(p + 6) > 1024 ||
	    get16(p + 8) > 512)
		return false;
	if (!get16(p + 4) && !get16(p + 6) && !get16(p + 8) && !get16(p + 10))
		return p[2] & 0x80 && length == 12;
	return length > 12 && (p[12] <= 63 || p[12] >= 0xc0);
}

static bool smb_looks(const uint8_t *p, size_t length)
{
	return length >= 8 && p[0] == 0 &&
	       (!memcmp(p + 4, "\xffSMB", 4) || !memcmp(p + 4, "\xfeSMB", 4) ||
		!memcmp(p + 4, "\xfdSMB", 4));
}

static bool bgp_looks(const uint8_t *p, size_t length)
{
	static const uint8_t marker[16] = {255, 255, 255, 255, 255, 255, 255, 255,
					   255, 255, 255, 255, 255, 255, 255, 255};

	return length >= 19 && !memcmp(p, marker, sizeof(marker)) && p[18] >= 1 && p[18] <= 5;
}

static bool mqtt_looks(const uint8_t *p, size_t length)
{
	return length >= 12 && p[0] == 0x10 &&
	       (!memcmp(p + 2, "\0\4MQTT", 6) || !memcmp(p + 2, "\0\6MQIsdp", 8));
}

/* Replies and commands that several protocols of lines share: the port says which one it is. */
static uint8_t line_app(const struct decoded *d, const uint8_t *p, size_t length)
{
	bool code = length >= 4 && p[0] >= '1' && p[0] <= '5' && p[1] >= '0' && p[1] <= '9' &&
		    p[2] >= '0' && p[2] <= '9' && (p[3] == ' ' || p[3] == '-');
	bool word = length >= 4 && p[0] >= 'A' && p[0] <= 'Z' && p[1] >= 'A' && p[1] <= 'Z' &&
		    p[2] >= 'A' && p[2] <= 'Z';

	if ((code || word) && port_is(d, 21))
		return PROTO_FTP;
	if (code && (port_is(d, 25) || port_is(d, 587)))
		return PROTO_SMTP;
	if (p[0] == '+' && starts(p, length, "+OK") && port_is(d, 110))
		return PROTO_POP3;
	if (p[0] == '*' && (starts(p, length, "* OK ") || starts(p, length, "* PREAUTH ")))
		return PROTO_IMAP;
	if ((p[0] == '*' || p[0] == '$' || p[0] == '+') && port_is(d, 6379))
		return PROTO_REDIS;
	if (port_is(d, 11211) &&
	    (starts(p, length, "get ") || starts(p, length, "set ") || starts(p, length, "VALUE ")))
		return PROTO_MEMCACHED;
	return PROTO_NONE;
}

/* Binary formats, by the first byte that each of them has. */
static uint8_t binary_app(const struct decoded *d, const uint8_t *p, size_t length)
{
	switch (p[0]) {
	case 0:
		return smb_looks(p, length) ? PROTO_SMB : PROTO_NONE;
	case 3:
		return length >= 7 && !p[1] && port_is(d, 3389) && get16(p + 2) <= length
			       ? PROTO_RDP
			       : PROTO_NONE;
	case 0x10:
		return mqtt_looks(p, length) ? PROTO_MQTT : PROTO_NONE;
	case 0x13:
		return starts(p, length,
			      "\x13"
			      "BitTorrent protocol")
			       ? PROTO_BITTORRENT
			       : PROTO_NONE;
	case 0xff:
		return bgp_looks(p, length) ? PROTO_BGP : PROTO_NONE;
	default:
		return PROTO_NONE;
	}
}

static uint8_t tcp_app(const struct decoded *d, const uint8_t *p, size_t length)
{
	uint8_t app;

	if (tls_looks(p, length))
		return PROTO_TLS;
	if (port_is(d, 53) && length >= 14 && dns_looks(p + 2, length - 2))
		return PROTO_DNS;
	app = mark_app(p, length);
	if (!app)
		app = binary_app(d, p, length);
	return app ? app : line_app(d, p, length);
}

/* Mode and version as RFC 5905 has them, and a length of its packets. */
static bool ntp_looks(const uint8_t *p, size_t length)
{
	unsigned version = length ? p[0] >> 3 & 7 : 0, mode = length ? p[0] & 7 : 0;

	if (version < 1 || version > 4 || !mode)
		return false;
	return mode <= 5 ? length >= 48 && p[1] <= 16 : length >= 8;
}

static bool dhcp_looks(const uint8_t *p, size_t length)
{
	return length >= 240 && (p[0] == 1 || p[0] == 2) && get32(p + 236) == 0x63825363;
}

/* A long header with a version that exists (RFC 9000 17.2). */
static bool quic_looks(const uint8_t *p, size_t length)
{
	uint32_t version;

	if (length < 7 || (p[0] & 0xc0) != 0xc0)
		return false;
	version = get32(p + 1);
	return version == 1 || version == 0x6b3343cf || version >> 8 == 0xff0000 ||
	       (version >> 24 == 'Q' && p[5] <= 20);
}

static bool dtls_looks(const uint8_t *p, size_t length)
{
	return length >= 13 && p[0] >= 20 && p[0] <= 25 && p[1] == 0xfe &&
	       (p[2] == 0xff || p[2] == 0xfd || p[2] == 0xfc) && get16(p + 11) <= length - 13;
}

static uint8_t udp_port_app(const struct decoded *d, const uint8_t *p, size_t length)
{
	if (port_is(d, 5353) && dns_looks(p, length))
		return PROTO_MDNS;
	if (port_is(d, 5355) && dns_looks(p, length))
		return PROTO_LLMNR;
	if (port_is(d, 53) && dns_looks(p, length))
		return PROTO_DNS;
	if (port_is(d, 123) && ntp_looks(p, length))
		return PROTO_NTP;
	if (port_is(d, 137) && dns_looks(p, length))
		return PROTO_NETBIOS;
	if (port_is(d, 138) && length >= 14 && p[0] >= 0x10 && p[0] <= 0x16)
		return PROTO_NETBIOS;
	if ((port_is(d, 546) || port_is(d, 547)) && length >= 4 && p[0] >= 1 && p[0] <= 13)
		return PROTO_DHCP6;
	if (port_is(d, 514) && length >= 3 && p[0] == '<' && p[1] >= '0' && p[1] <= '9')
		return PROTO_SYSLOG;
	if ((port_is(d, 161) || port_is(d, 162)) && length >= 8 && p[0] == 0x30)
		return PROTO_SNMP;
	if ((port_is(d, 1812) || port_is(d, 1813)) && length >= 20 && get16(p + 2) >= 20 &&
	    get16(p + 2) <= length)
		return PROTO_RADIUS;
	if (port_is(d, 51820) && length >= 16 && p[0] >= 1 && p[0] <= 4 && !p[1] && !p[2] && !p[3])
		return PROTO_WIREGUARD;
	return PROTO_NONE;
}

static uint8_t udp_app(const struct decoded *d, const uint8_t *p, size_t length)
{
	uint8_t app = udp_port_app(d, p, length);

	if (app)
		return app;
	if (dhcp_looks(p, length))
		return PROTO_DHCP;
	if (quic_looks(p, length))
		return PROTO_QUIC;
	if (dtls_looks(p, length))
		return PROTO_DTLS;
	app = mark_app(p, length); /* SIP, and SSDP as HTTP */
	return app == PROTO_SIP || app == PROTO_HTTP ? app : PROTO_NONE;
}

uint8_t app_by_content(const struct decoded *d, const uint8_t *payload, size_t length)
{
	if (d->ip_protocol == 6)
		return tcp_app(d, payload, length);
	return d->ip_protocol == 17 ? udp_app(d, payload, length) : PROTO_NONE;
}

struct port_app {
	uint16_t port;
	uint8_t tcp, udp;
};

static const struct port_app ports[] = {
	{21, PROTO_FTP, 0},
	{22, PROTO_SSH, 0},
	{23, PROTO_TELNET, 0},
	{25, PROTO_SMTP, 0},
	{53, PROTO_DNS, PROTO_DNS},
	{67, 0, PROTO_DHCP},
	{68, 0, PROTO_DHCP},
	{80, PROTO_HTTP, 0},
	{88, PROTO_KERBEROS, PROTO_KERBEROS},
	{110, PROTO_POP3, 0},
	{123, 0, PROTO_NTP},
	{137, 0, PROTO_NETBIOS},
	{138, 0, PROTO_NETBIOS},
	{139, PROTO_NETBIOS, 0},
	{143, PROTO_IMAP, 0},
	{161, 0, PROTO_SNMP},
	{162, 0, PROTO_SNMP},
	{179, PROTO_BGP, 0},
	{389, PROTO_LDAP, PROTO_LDAP},
	{443, PROTO_TLS, PROTO_QUIC},
	{445, PROTO_SMB, 0},
	{465, PROTO_TLS, 0},
	{502, PROTO_MODBUS, 0},
	{514, 0, PROTO_SYSLOG},
	{546, 0, PROTO_DHCP6},
	{547, 0, PROTO_DHCP6},
	{587, PROTO_SMTP, 0},
	{636, PROTO_TLS, 0},
	{853, PROTO_TLS, 0},
	{993, PROTO_TLS, 0},
	{995, PROTO_TLS, 0},
	{1812, 0, PROTO_RADIUS},
	{1813, 0, PROTO_RADIUS},
	{1883, PROTO_MQTT, 0},
	{3306, PROTO_MYSQL, 0},
	{3389, PROTO_RDP, 0},
	{5060, PROTO_SIP, PROTO_SIP},
	{5201, PROTO_IPERF, PROTO_IPERF},
	{5353, 0, PROTO_MDNS},
	{5355, 0, PROTO_LLMNR},
	{5432, PROTO_POSTGRESQL, 0},
	{6379, PROTO_REDIS, 0},
	{6881, PROTO_BITTORRENT, 0},
	{8080, PROTO_HTTP, 0},
	{8443, PROTO_TLS, 0},
	{11211, PROTO_MEMCACHED, 0},
	{51820, 0, PROTO_WIREGUARD},
};

uint8_t app_by_port(uint8_t ip_protocol, uint16_t port)
{
	size_t low = 0, high = sizeof(ports) / sizeof(ports[0]);

	if (ip_protocol != 6 && ip_protocol != 17)
		return PROTO_NONE;
	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ports[middle].port == port)
			return ip_protocol == 6 ? ports[middle].tcp : ports[middle].udp;
		if (ports[middle].port < port)
			low = middle + 1;
		else
			high = middle;
	}
	return PROTO_NONE;
}
