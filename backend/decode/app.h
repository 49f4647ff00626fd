/* Inside of decode: applications, how they are recognised and shown.
 *
 * X_speaks: only X sends such bytes, whatever the port. X_looks: bytes as X sends them, believed at
 * X's port alone. Both are asked for each packet with payload: they look at few bytes, and a wrong
 * yes is worse than a no. */
#ifndef DECODE_APP_H
#define DECODE_APP_H

#include "rows.h"

/* A payload that is asked about. */
struct probe {
	const uint8_t *p; /* its first byte */
	size_t length;	  /* of it here, at least 1 */
	uint32_t wire;	  /* of it on the wire: what lengths inside of it are compared with */
	uint16_t sport, dport;
	bool tcp;
};

static inline struct cursor probe_cursor(const struct probe *b)
{
	return cursor_over(b->p, 0, b->length);
}

#define APP_SPEAKS(X)                                                                              \
	X(bgp)                                                                                     \
	X(bittorrent)                                                                              \
	X(dhcp)                                                                                    \
	X(dht)                                                                                     \
	X(dns)                                                                                     \
	X(dtls)                                                                                    \
	X(ftp)                                                                                     \
	X(http)                                                                                    \
	X(http2)                                                                                   \
	X(imap)                                                                                    \
	X(kerberos)                                                                                \
	X(ldap)                                                                                    \
	X(mqtt)                                                                                    \
	X(mysql)                                                                                   \
	X(pop3)                                                                                    \
	X(postgresql)                                                                              \
	X(quic)                                                                                    \
	X(rdp)                                                                                     \
	X(redis)                                                                                   \
	X(rtcp)                                                                                    \
	X(rtp)                                                                                     \
	X(sip)                                                                                     \
	X(smb)                                                                                     \
	X(smtp)                                                                                    \
	X(snmp)                                                                                    \
	X(ssdp)                                                                                    \
	X(ssh)                                                                                     \
	X(ssl2)                                                                                    \
	X(stun)                                                                                    \
	X(syslog)                                                                                  \
	X(telnet)                                                                                  \
	X(tls)                                                                                     \
	X(wireguard)

#define APP_LOOKS(X)                                                                               \
	X(bittorrent)                                                                              \
	X(dhcp6)                                                                                   \
	X(dns)                                                                                     \
	X(ftp)                                                                                     \
	X(imap)                                                                                    \
	X(memcached)                                                                               \
	X(modbus)                                                                                  \
	X(mqtt)                                                                                    \
	X(mysql)                                                                                   \
	X(nbdgm)                                                                                   \
	X(nbss)                                                                                    \
	X(ntp)                                                                                     \
	X(pop3)                                                                                    \
	X(postgresql)                                                                              \
	X(radius)                                                                                  \
	X(rdp)                                                                                     \
	X(redis)                                                                                   \
	X(smtp)                                                                                    \
	X(ssh)                                                                                     \
	X(syslog)                                                                                  \
	X(telnet)

/* Applications whose lines and trees stand in files of their own. */
#define APP_SHOWS(X)                                                                               \
	X(bgp)                                                                                     \
	X(bittorrent)                                                                              \
	X(dhcp6)                                                                                   \
	X(dtls)                                                                                    \
	X(http2)                                                                                   \
	X(kerberos)                                                                                \
	X(ldap)                                                                                    \
	X(memcached)                                                                               \
	X(modbus)                                                                                  \
	X(mqtt)                                                                                    \
	X(mysql)                                                                                   \
	X(netbios)                                                                                 \
	X(postgresql)                                                                              \
	X(quic)                                                                                    \
	X(radius)                                                                                  \
	X(rdp)                                                                                     \
	X(redis)                                                                                   \
	X(rtcp)                                                                                    \
	X(rtp)                                                                                     \
	X(smb)                                                                                     \
	X(snmp)                                                                                    \
	X(ssh)                                                                                     \
	X(stun)                                                                                    \
	X(syslog)                                                                                  \
	X(talk)                                                                                    \
	X(telnet)                                                                                  \
	X(tls_any)                                                                                 \
	X(wireguard)

#define APP_SPEAKS_FUNCTION(name) bool name##_speaks(const struct probe *b);
#define APP_LOOKS_FUNCTION(name) bool name##_looks(const struct probe *b);
#define APP_SHOWS_FUNCTIONS(name)                                                                  \
	void name##_info(struct buf *out, const struct view *v, const struct layer *l);            \
	void name##_fields(const struct view *v, const struct layer *l);
APP_SPEAKS(APP_SPEAKS_FUNCTION)
APP_LOOKS(APP_LOOKS_FUNCTION)
APP_SHOWS(APP_SHOWS_FUNCTIONS)

#endif
