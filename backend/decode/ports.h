/* Inside of decode: what uses a port, and how its bytes must look to be believed there.
 * X(port, over TCP, over UDP, test over TCP, test over UDP); without a test the port is only a
 * guess for the connection. */
#ifndef DECODE_PORTS_H
#define DECODE_PORTS_H

#include "app.h"

struct port_row {
	uint8_t tcp, udp;
	bool (*tcp_looks)(const struct probe *b);
	bool (*udp_looks)(const struct probe *b);
};

#define PORT_LIST(X)                                                                               \
	X(21, FTP, NONE, ftp_looks, NULL)                                                          \
	X(22, SSH, NONE, ssh_looks, NULL)                                                          \
	X(23, TELNET, NONE, telnet_looks, NULL)                                                    \
	X(25, SMTP, NONE, smtp_looks, NULL)                                                        \
	X(53, DNS, DNS, dns_looks, dns_looks)                                                      \
	X(67, NONE, DHCP, NULL, NULL)                                                              \
	X(68, NONE, DHCP, NULL, NULL)                                                              \
	X(80, HTTP, NONE, NULL, NULL)                                                              \
	X(88, KERBEROS, KERBEROS, NULL, NULL)                                                      \
	X(110, POP3, NONE, pop3_looks, NULL)                                                       \
	X(123, NONE, NTP, NULL, ntp_looks)                                                         \
	X(137, NONE, NETBIOS, NULL, dns_looks)                                                     \
	X(138, NONE, NETBIOS, NULL, nbdgm_looks)                                                   \
	X(139, NETBIOS, NONE, nbss_looks, NULL)                                                    \
	X(143, IMAP, NONE, imap_looks, NULL)                                                       \
	X(161, NONE, SNMP, NULL, NULL)                                                             \
	X(162, NONE, SNMP, NULL, NULL)                                                             \
	X(179, BGP, NONE, NULL, NULL)                                                              \
	X(389, LDAP, LDAP, NULL, NULL)                                                             \
	X(443, TLS, QUIC, NULL, NULL)                                                              \
	X(445, SMB, NONE, NULL, NULL)                                                              \
	X(465, TLS, NONE, smtp_looks, NULL)                                                        \
	X(502, MODBUS, NONE, modbus_looks, NULL)                                                   \
	X(514, SYSLOG, SYSLOG, syslog_looks, syslog_looks)                                         \
	X(546, NONE, DHCP6, NULL, dhcp6_looks)                                                     \
	X(547, NONE, DHCP6, NULL, dhcp6_looks)                                                     \
	X(587, SMTP, NONE, smtp_looks, NULL)                                                       \
	X(601, SYSLOG, NONE, syslog_looks, NULL)                                                   \
	X(636, TLS, NONE, NULL, NULL)                                                              \
	X(853, TLS, QUIC, NULL, NULL)                                                              \
	X(993, TLS, NONE, NULL, NULL)                                                              \
	X(995, TLS, NONE, NULL, NULL)                                                              \
	X(1645, NONE, RADIUS, NULL, radius_looks)                                                  \
	X(1646, NONE, RADIUS, NULL, radius_looks)                                                  \
	X(1700, NONE, RADIUS, NULL, radius_looks) /* Cisco's changes of authorization */           \
	X(1812, NONE, RADIUS, NULL, radius_looks)                                                  \
	X(1813, NONE, RADIUS, NULL, radius_looks)                                                  \
	X(1883, MQTT, NONE, mqtt_looks, NULL)                                                      \
	X(1900, NONE, SSDP, NULL, NULL)                                                            \
	X(2525, SMTP, NONE, smtp_looks, NULL)                                                      \
	X(3268, LDAP, NONE, NULL, NULL)                                                            \
	X(3306, MYSQL, NONE, mysql_looks, NULL)                                                    \
	X(3389, RDP, RDP, rdp_looks, NULL)                                                         \
	X(3478, STUN, STUN, NULL, NULL)                                                            \
	X(3799, NONE, RADIUS, NULL, radius_looks)                                                  \
	X(5060, SIP, SIP, NULL, NULL)                                                              \
	X(5201, IPERF, IPERF, NULL, NULL)                                                          \
	X(5353, NONE, MDNS, NULL, dns_looks)                                                       \
	X(5355, LLMNR, LLMNR, dns_looks, dns_looks)                                                \
	X(5432, POSTGRESQL, NONE, postgresql_looks, NULL)                                          \
	X(6379, REDIS, NONE, redis_looks, NULL)                                                    \
	X(6881, BITTORRENT, BITTORRENT, bittorrent_looks, NULL)                                    \
	X(8080, HTTP, NONE, NULL, NULL)                                                            \
	X(8443, TLS, QUIC, NULL, NULL)                                                             \
	X(8883, TLS, NONE, NULL, NULL)                                                             \
	X(11211, MEMCACHED, NONE, memcached_looks, NULL)                                           \
	X(51820, NONE, WIREGUARD, NULL, NULL)

#endif
