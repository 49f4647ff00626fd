/* Applications by what they send: made payloads, the name and the line that people read; and bytes
 * that look alike but must not be believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "packets.h"

enum { TCP = 6, UDP = 17, SCTP = 132 };

struct said {
	uint8_t protocol;
	uint16_t sport, dport;
	const char *bytes;
	uint16_t length;
	const char *app, *line;
};

#define SAID(protocol, sport, dport, bytes, app, line)                                             \
	{                                                                                          \
		protocol, sport, dport, bytes, sizeof(bytes) - 1, app, line                        \
	}

static void make(struct made *m, const struct said *s)
{
	m->len = 0;
	put_ip4(m, s->protocol,
		(s->protocol == TCP    ? 20u
		 : s->protocol == SCTP ? 12u
				       : 8u) +
			s->length,
		0);
	if (s->protocol == SCTP) {
		put16(m, s->sport);
		put16(m, s->dport);
		put(m, "\0\0\0\1\0\0\0\0", 8);
	} else if (s->protocol == TCP)
		put_tcp(m, s->sport, s->dport, 1, 1, TCP_ACK | TCP_PSH, 5);
	else
		put_udp(m, s->sport, s->dport, s->length);
	put(m, s->bytes, s->length);
}

static void field_count(void *arg, unsigned depth, const char *name, struct str value,
			uint32_t offset, uint32_t length)
{
	(void)depth, (void)name, (void)value, (void)offset, (void)length;
	++*(unsigned *)arg;
}

static void said_check(const struct said *s)
{
	struct decoded d;
	struct made m;
	struct buf line;
	unsigned fields = 0;

	make(&m, s);
	made_decode(&m, &d, 101);
	if (strcmp(proto_name(d.app), s->app) != 0)
		fail_msg("'%s' instead of '%s' for %s", proto_name(d.app), s->app, s->line);
	buf_init(&line, 4096);
	decode_info(&line, &d, m.bytes, m.len, NULL);
	if (s->line)
		assert_string_equal(buf_str(&line), s->line);
	decode_fields(&d, m.bytes, m.len, m.len, field_count, &fields);
	assert_true(fields > 10);
	/* Cut at every byte. */
	for (uint32_t n = m.len - s->length; n < m.len; n++) {
		uint8_t *cut = malloc(n); /* of its own, so that one byte too far is seen */

		assert_non_null(cut);
		memcpy(cut, m.bytes, n);
		buf_clear(&line);
		decode_packet(&d, &made_options, 101, cut, n, m.len);
		decode_info(&line, &d, cut, n, NULL);
		decode_fields(&d, cut, n, m.len, field_count, &fields);
		free(cut);
	}
	buf_release(&line);
}

static void said_all(const struct said *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		said_check(&s[i]);
}

static void test_talk(void **state)
{
	static const struct said said[] = {
		SAID(TCP, 21, 40000, "220 ready\r\n", "ftp", "220 ready"),
		SAID(TCP, 40000, 21, "RETR a\tb\r\n", "ftp", "RETR a\\x09b"),
		SAID(TCP, 2121, 40000, "220 ProFTPD Server\r\n", "ftp", "220 ProFTPD Server"),
		SAID(TCP, 25, 40000, "250-mx\r\n250 SIZE\r\n", "smtp", "250-mx [and 1 line]"),
		SAID(TCP, 40000, 26, "EHLO me.example\r\n", "smtp", "EHLO me.example"),
		SAID(TCP, 40000, 26, "MAIL FROM:<a@example.org>\r\n", "smtp",
		     "MAIL FROM:<a@example.org>"),
		SAID(TCP, 26, 40000, "220 mx ESMTP\r\n", "smtp", "220 mx ESMTP"),
		SAID(TCP, 110, 40000, "+OK ready\r\n", "pop3", "+OK ready"),
		SAID(TCP, 40000, 110, "UIDL\r\n", "pop3", "UIDL"),
		SAID(TCP, 143, 40000, "* OK [CAPABILITY IMAP4rev1] ready\r\n", "imap",
		     "* OK [CAPABILITY IMAP4rev1] ready"),
		SAID(TCP, 40000, 143, "a1 SELECT inbox\r\n", "imap", "a1 SELECT inbox"),
		SAID(TCP, 143, 40000, "* 3 EXISTS\r\n", "imap", "* 3 EXISTS"),
		SAID(TCP, 40000, 23, "\377\375\030\377\373\037", "telnet",
		     "do terminal-type, will window-size"),
		SAID(TCP, 2323, 40000, "\377\373\001\377\373\003", "telnet",
		     "will echo, will suppress-go-ahead"),
		SAID(TCP, 23, 40000, "login: ", "telnet", "login: "),
		SAID(TCP, 40000, 6380, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "redis", "GET key"),
		SAID(TCP, 6379, 40000, "-ERR no\r\n", "redis", "-ERR no"),
		SAID(TCP, 6379, 40000, "$5\r\nhello\r\n", "redis", "5 bytes"),
		SAID(TCP, 6379, 40000, "|1\r\n+ttl\r\n:3600\r\n*0\r\n", "redis", "|1"),
		SAID(TCP, 40000, 11211, "get k\r\n", "memcached", "get k"),
		SAID(TCP, 40000, 11211,
		     "\200\000\000\001\0\0\0\0\0\0\0\001\0\0\0\0\0\0\0\0\0\0\0\0k", "memcached",
		     "get request k"),
		SAID(UDP, 40000, 514, "<34>su failed", "syslog", "auth.crit su failed"),
		SAID(UDP, 40000, 5514, "<165>1 2024-01-01T00:00:00Z h a - - - x", "syslog",
		     "local4.notice 1 2024-01-01T00:00:00Z h a - - - x"),
	};

	(void)state;
	said_all(said, sizeof(said) / sizeof(said[0]));
}

static void test_web(void **state)
{
	static const struct said said[] = {
		SAID(TCP, 40000, 8081, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "http",
		     "GET /a HTTP/1.1 host h"),
		SAID(TCP, 40000, 8081, "CONNECT h:443 HTTP/1.1\r\n\r\n", "http",
		     "CONNECT h:443 HTTP/1.1"),
		SAID(TCP, 40000, 8081, "GET /old\r\n", "http", "GET /old"),
		SAID(TCP, 8081, 40000, "HTTP/1.1 200 OK\r\n\r\n", "http", "HTTP/1.1 200 OK"),
		SAID(UDP, 40000, 1900, "M-SEARCH * HTTP/1.1\r\nST: x\r\n\r\n", "ssdp",
		     "M-SEARCH * HTTP/1.1"),
		SAID(TCP, 40000, 8081, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\004\0\0\0\0\0",
		     "http2", "preface, SETTINGS"),
		SAID(TCP, 8081, 40000, "\0\0\0\004\001\0\0\0\0\0\0\004\003\0\0\0\0\005\0\0\0\010",
		     "http2", "SETTINGS ack, RST_STREAM[5] CANCEL"),
		SAID(UDP, 40000, 5080, "OPTIONS sip:a@example.org SIP/2.0\r\n\r\n", "sip",
		     "OPTIONS sip:a@example.org SIP/2.0"),
		SAID(UDP, 5080, 40000, "SIP/2.0 180 Ringing\r\n\r\n", "sip", "SIP/2.0 180 Ringing"),
		SAID(TCP, 40000, 4433,
		     "\200\052\001\003\001\0\011\0\0\0\030\0\0\004\0\0\005\0\0\012"
		     "abcdefghijklmnopqrstuvwx",
		     "tls", "ClientHello TLS 1.0 (in SSL 2.0's form)"),
		SAID(TCP, 4433, 40000, "\025\003\003\0\002\002\050", "tls",
		     "alert fatal handshake_failure"),
		SAID(UDP, 40000, 4433,
		     "\026\376\375\0\0\0\0\0\0\0\001\0\015\001\0\0\001\0\0\0\0\0\0\0\001x", "dtls",
		     "DTLS 1.2 ClientHello"),
		/* A SACK, then DATA with its padding. */
		SAID(SCTP, 40000, 80,
		     "\003\0\0\020\0\0\0\1\0\0\0\0\0\0\0\0"
		     "\0\003\0\043\0\0\0\1\0\0\0\0\0\0\0\0"
		     "GET / HTTP/1.1\r\n\r\n\0\0",
		     "http", "GET / HTTP/1.1"),
		SAID(SCTP, 40000, 80, /* a piece from the middle */
		     "\0\001\0\042\0\0\0\1\0\0\0\0\0\0\0\0"
		     "GET / HTTP/1.1\r\n\r\n\0\0",
		     "", "40000 > 80 [DATA]"),
		SAID(UDP, 40000, 4433,
		     "\026\001\0\0\0\0\0\0\0\0\001\0\015\001\0\0\001\0\0\0\0\0\0\0\001x", "dtls",
		     "DTLS 0.9 ClientHello"),
		SAID(UDP, 40000, 4433,
		     "\026\376\375\0\0\0\0\0\0\0\001\0\112\001\0\0\076\0\0\0\0\0\0\0\076"
		     "\376\375"
		     "0123456789abcdef0123456789abcdef"
		     "\0\0\0\002\300\053\001\0\0\022"
		     "\0\0\0\016\0\014\0\0\011a.example",
		     "dtls", "DTLS 1.2 ClientHello sni=a.example"),
		SAID(UDP, 40000, 8053,
		     "\001\103\001\040\0\001\0\0\0\0\0\0\003www\007example\0\0\001\0\001", "dns",
		     NULL), /* with AD, as dig asks */
		SAID(UDP, 40000, 4433, "\303\0\0\0\001\004abcd\002xy\0\002zz", "quic",
		     "Initial v1 dcid=61626364 scid=7879"),
		SAID(TCP, 2222, 40000, "SSH-2.0-OpenSSH_9.2\r\n", "ssh", "SSH-2.0-OpenSSH_9.2"),
		SAID(TCP, 2222, 40000,
		     "\0\0\0\060\004\024"
		     "0123456789abcdef\0\0\0\012curve25519\0\0\0\007ed25519pad.",
		     "ssh", "key exchange init"),
	};

	(void)state;
	said_all(said, sizeof(said) / sizeof(said[0]));
}

static void test_directory(void **state)
{
	static const struct said said[] = {
		SAID(UDP, 40000, 1161,
		     "0\046\002\001\001\004\006public\240\031\002\001\007\002\001\0\002\001\0"
		     "0\0160\014\006\010\053\006\001\002\001\001\001\0\005\0",
		     "snmp", "v2c public get-request 1.3.6.1.2.1.1.1.0"),
		SAID(TCP, 40000, 3890,
		     "0\025\002\001\001\140\020\002\001\003\004\005cn=me\200\004pass", "ldap",
		     "bind request 1 cn=me simple"),
		SAID(TCP, 389, 40000, "0\014\002\001\001\141\007\012\001\061\004\0\004\0", "ldap",
		     "bind response 1 invalidCredentials"),
		SAID(TCP, 40000, 389, "0\005\002\001\002\102\0", "ldap", "unbind 2"),
		SAID(UDP, 40000, 88,
		     "\152\066\060\064\241\003\002\001\005\242\003\002\001\012\244\050\060\046"
		     "\241\016\060\014\240\003\002\001\001\241\005\060\003\033\001u"
		     "\242\003\033\001R\243\017\060\015\240\003\002\001\002\241\006\060\004\033\002"
		     "kt",
		     "kerberos", "AS-REQ u@R for kt"),
		SAID(TCP, 88, 40000,
		     "\0\0\0\023\176\021\060\017\240\003\002\001\005\241\003\002\001\036\246\003"
		     "\002\001\031",
		     "kerberos", "ERROR PREAUTH_REQUIRED"),
		SAID(UDP, 40000, 1812,
		     "\001\011\0\031"
		     "0123456789abcdef\001\005bob",
		     "radius", "Access-Request id 9 user bob"),
		SAID(UDP, 40000, 1700,
		     "\053\011\0\031"
		     "0123456789abcdef\001\005bob",
		     "radius", "CoA-Request id 9 user bob"),
		SAID(UDP, 546, 547, "\001\0\0\007\0\010\0\002\0\0", "dhcp6",
		     "solicit xid 0x000007"),
		SAID(UDP, 40000, 5300,
		     "\0\001\001\0\0\001\0\0\0\0\0\0\003www\007example\0\0\001\0\001", "dns",
		     "query 0x0001 A www.example"),
	};

	(void)state;
	said_all(said, sizeof(said) / sizeof(said[0]));
}

static void test_stores(void **state)
{
	static const struct said said[] = {
		SAID(TCP, 3307, 40000, "\014\0\0\0\0128.0.36\0\001\0\0\0", "mysql",
		     "greeting 8.0.36"),
		SAID(TCP, 40000, 3306,
		     "\x20\0\0\1\x05\x08\0\0\0\0\0\1\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0"
		     "\0",
		     "mysql", "TLS wanted"),
		SAID(TCP, 40000, 3306, "\011\0\0\0\003SELECT 1", "mysql", "query SELECT 1"),
		SAID(TCP, 3306, 40000, "\013\0\0\001\377\025\004#28000no", "mysql",
		     "error 1045 no"),
		SAID(TCP, 40000, 5433, "\0\0\0\022\0\003\0\0user\0bob\0\0", "postgresql",
		     "startup user bob"),
		SAID(TCP, 40000, 5433, "\0\0\0\010\004\322\026\057", "postgresql", "TLS wanted"),
		SAID(TCP, 40000, 5432, "Q\0\0\0\015SELECT 1\0", "postgresql", "query SELECT 1"),
		SAID(TCP, 5432, 40000,
		     "T\0\0\0\006\0\0D\0\0\0\006\0\0D\0\0\0\006\0\0C\0\0\0\015SELECT "
		     "2\0Z\0\0\0\005I",
		     "postgresql", "columns, row, complete SELECT 2, ready"),
		SAID(TCP, 5432, 40000, "E\0\0\0\017SERROR\0Mno\0\0", "postgresql", "error no"),
		SAID(TCP, 40000, 1884, "\020\017\0\004MQTT\004\002\0\074\0\003abc", "mqtt",
		     "CONNECT v3.1.1 abc"),
		SAID(TCP, 40000, 1883, "\061\006\0\003a/bx", "mqtt", "PUBLISH a/b qos 0 retain"),
		SAID(TCP, 1883, 40000, "\040\002\0\0", "mqtt", "CONNACK accepted 0"),
		SAID(TCP, 40000, 502, "\0\001\0\0\0\006\021\003\0\153\0\003", "modbus",
		     "query 1 unit 17 read holding registers 107 count 3"),
		SAID(TCP, 502, 40000, "\0\001\0\0\0\003\021\203\002", "modbus",
		     "response 1 unit 17 read holding registers exception illegal data address"),
		SAID(TCP, 40000, 1445,
		     "\0\0\0\100\376SMB\100\0\0\0\0\0\0\0\003\0\001\0"
		     "\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
		     "smb", "SMB2 tree connect request"),
		SAID(TCP, 1445, 40000,
		     "\0\0\0\040\377SMB\163\155\0\0\300\210\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0",
		     "smb", "SMB1 session setup response LOGON_FAILURE"),
	};

	(void)state;
	said_all(said, sizeof(said) / sizeof(said[0]));
}

#define MARKER "\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377\377"
#define TWELVE "abcdefghijkl"

static void test_others(void **state)
{
	static const struct said said[] = {
		SAID(TCP, 40000, 1179, MARKER "\0\035\001\004\375\350\0\264\012\0\0\001\0", "bgp",
		     "OPEN as 65000 hold 180 id 10.0.0.1"),
		SAID(TCP, 179, 40000, MARKER "\0\023\004" MARKER "\0\025\003\006\002", "bgp",
		     "KEEPALIVE, NOTIFICATION cease: shut down"),
		SAID(TCP, 179, 40000, MARKER "\0\035\002\0\002\010\012\0\0\030\012\001\002", "bgp",
		     "UPDATE withdraws 10.0.0.0/8 announces 10.1.2.0/24"),
		SAID(TCP, 40000, 3390, "\003\0\0\023\016\340\0\0\0\0\0\001\0\010\0\003\0\0\0",
		     "rdp", "connection request TLS CredSSP"),
		SAID(TCP, 40000, 7000,
		     "\023"
		     "BitTorrent protocol",
		     "bittorrent", "handshake"),
		SAID(UDP, 40000, 7000, "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
		     "bittorrent", "dht query ping"),
		SAID(UDP, 40000, 41000, "\003\0\0\0abcd" TWELVE TWELVE TWELVE TWELVE "01234567",
		     "wireguard", "cookie receiver 0x64636261"),
		SAID(UDP, 40000, 41000, "\004\0\0\0abcd\001\0\0\0\0\0\0\0" TWELVE "0123",
		     "wireguard", "keep-alive receiver 0x64636261 counter 1"),
		SAID(UDP, 40000, 3478, "\0\001\0\0\041\022\244\102" TWELVE, "stun",
		     "binding request"),
		SAID(UDP, 3478, 40000, "\001\001\0\0\041\022\244\102" TWELVE, "stun",
		     "binding success"),
		SAID(UDP, 40001, 41001, "\200\311\0\001\0\0\0\007", "rtcp",
		     "receiver report ssrc 0x00000007"),
		SAID(UDP, 40000, 41000,
		     "\200\022\0\005\0\0\0\240\0\0\0\007"
		     "0123456789",
		     "rtp", "G729 (18) seq 5 time 160 ssrc 0x00000007"),
		SAID(TCP, 40000, 139, "\205\0\0\0", "netbios", "keep-alive, 0 bytes"),
		SAID(UDP, 137, 137,
		     "\0\001\001\020\0\001\0\0\0\0\0\0\040EJEKCACACACACACACACACACACACACAAA\0\0\040"
		     "\0\001",
		     "netbios", "name query 0x0001 IJ<00>"),
	};

	(void)state;
	said_all(said, sizeof(said) / sizeof(said[0]));
}

/* What looks alike, and what belongs to a port that is somebody else's. */
static void test_not_believed(void **state)
{
	static const struct said said[] = {
		SAID(TCP, 40000, 8081, "GET rich quick\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "GETTING /a HTTP/1.1\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "200 OK\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "220 welcome\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "USER bob\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "+OK fine\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "* OK\r\n", "", NULL),
		SAID(TCP, 40000, 21, "RETRIEVE a\r\n", "", NULL),
		SAID(TCP, 40000, 8081, "\026\003\011\0\002\001\001", "", NULL),
		SAID(TCP, 40000, 8081, "\027\003\003\0\002ab\001\002\003\004\005", "", NULL),
		SAID(TCP, 40000, 8081, "\377\373\220\0\377\373", "", NULL),
		SAID(TCP, 40000, 8081, "\0\0\0\010\004\322\026\060x", "", NULL),
		SAID(TCP, 40000, 8081, "0\005\002\001\002\103\0", "", NULL),
		SAID(UDP, 40000, 8081, "0\005\002\001\002\060\0", "", NULL),
		SAID(UDP, 40000, 41001,
		     "\200\022\0\005\0\0\0\240\0\0\0\007"
		     "0123456789",
		     "", NULL),
		SAID(UDP, 40000, 41000,
		     "\200\140\0\005\0\0\0\240\0\0\0\007"
		     "0123456789",
		     "", NULL),
		SAID(UDP, 40000, 41000, "\001\0\0\0abcd" TWELVE, "", NULL),
		SAID(UDP, 40000, 41000, "\301\0\0\0\007\004abcd\0\0\0", "", NULL),
		SAID(UDP, 40000, 5300,
		     "\0\001\001\0\0\001\0\0\0\0\0\0\003w\001w\003com\0\0\001\0\001", "", NULL),
		SAID(UDP, 40000, 514, "<192>x", "", NULL),
		SAID(UDP, 40000, 1812,
		     "\001\011\0\031"
		     "0123456789abcdef\001\001bob",
		     "", NULL),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		struct decoded d;
		struct made m;

		make(&m, &said[i]);
		made_decode(&m, &d, 101);
		if (d.app)
			fail_msg("row %zu: called %s", i, proto_name(d.app));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),	  cmocka_unit_test(test_web),
		cmocka_unit_test(test_directory), cmocka_unit_test(test_stores),
		cmocka_unit_test(test_others),	  cmocka_unit_test(test_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
