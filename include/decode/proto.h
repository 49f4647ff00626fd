/* The names of protocols: X(NAME, "name", "title"). Add rows at the end of their group; numbers are not kept. */
#ifndef DECODE_PROTO_H
#define DECODE_PROTO_H

#define PROTO_LIST(X) \
	X(NONE, "", "") \
	X(DATA, "data", "Data") \
	/* link */ \
	X(ETH, "eth", "Ethernet") X(VLAN, "vlan", "VLAN tag") X(SLL, "sll", "Linux cooked v1") X(SLL2, "sll2", "Linux cooked v2") \
	X(NULL_LOOP, "null", "BSD loopback") X(RAW, "raw", "Raw IP") X(LLC, "llc", "Logical Link Control") X(STP, "stp", "Spanning Tree") \
	X(PPP, "ppp", "PPP") X(PPPOE, "pppoe", "PPPoE") X(MPLS, "mpls", "MPLS") X(IEEE80211, "wlan", "IEEE 802.11") \
	X(RADIOTAP, "radiotap", "radiotap") X(NETLINK, "netlink", "Linux netlink") X(USB, "usb", "USB") X(LLDP, "lldp", "LLDP") \
	X(PPI, "ppi", "Per-Packet Information") X(AVS, "avs", "AVS radio header") X(PRISM, "prism", "Prism radio header") X(NFLOG, "nflog", "Netfilter log") X(PKTAP, "pktap", "pktap") \
	X(FRELAY, "fr", "Frame Relay") X(FRELAY_DIRECTION, "fr", "Frame Relay") X(MFR, "mfr", "Multilink Frame Relay") X(CHDLC, "chdlc", "Cisco HDLC") X(PPP_DIRECTION, "ppp", "PPP") \
	X(PFLOG, "pflog", "Packet filter log") X(ENC, "enc", "IPsec device") \
	X(FDDI, "fddi", "FDDI") X(IPOIB, "ipoib", "IP over InfiniBand") X(PBB, "pbb", "Provider backbone bridge") X(VNTAG, "vntag", "VN-Tag") \
	X(FABRICPATH, "fabricpath", "FabricPath") X(MACSEC, "macsec", "MACsec") X(NSH, "nsh", "Network Service Header") X(CMD, "cmd", "Cisco metadata") \
	X(DSA, "dsa", "Switch tag") X(EDSA, "dsa", "Switch tag") X(DSA_BEFORE, "dsa", "Switch tag") \
	/* network */ \
	X(ARP, "arp", "Address Resolution Protocol") X(IP, "ip", "Internet Protocol version 4") X(IP6, "ip6", "Internet Protocol version 6") \
	X(IP6_EXT, "ip6ext", "IPv6 extension header") X(ICMP, "icmp", "Internet Control Message Protocol") X(ICMP6, "icmp6", "ICMP for IPv6") \
	X(IGMP, "igmp", "Internet Group Management Protocol") X(OSPF, "ospf", "Open Shortest Path First") X(VRRP, "vrrp", "VRRP") X(EIGRP, "eigrp", "EIGRP") \
	X(PIM, "pim", "Protocol Independent Multicast") X(GRE, "gre", "Generic Routing Encapsulation") X(ERSPAN, "erspan", "ERSPAN") X(ESP, "esp", "ESP") X(AH, "ah", "Authentication Header") \
	X(VXLAN, "vxlan", "VXLAN") X(GENEVE, "geneve", "GENEVE") X(GTPU, "gtp", "GPRS Tunnelling Protocol") X(IPIP, "ipip", "IP in IP") X(SIXIN4, "6in4", "IPv6 in IPv4") \
	X(TEREDO, "teredo", "Teredo") X(L2TP, "l2tp", "L2TP") \
	X(L2TP_IP, "l2tp", "L2TP over IP") X(FOURIN6, "4in6", "IPv4 in IPv6") X(SIXIN6, "6in6", "IPv6 in IPv6") X(ETHERIP, "etherip", "Ethernet in IP") X(ETH_IN_IP, "ethernet", "Ethernet") \
	/* transport */ \
	X(TCP, "tcp", "Transmission Control Protocol") X(UDP, "udp", "User Datagram Protocol") X(UDPLITE, "udplite", "UDP-Lite") X(SCTP, "sctp", "Stream Control Transmission Protocol") X(DCCP, "dccp", "DCCP") \
	/* application */ \
	X(DNS, "dns", "Domain Name System") X(MDNS, "mdns", "Multicast DNS") X(LLMNR, "llmnr", "LLMNR") X(TLS, "tls", "Transport Layer Security") X(DTLS, "dtls", "Datagram TLS") X(QUIC, "quic", "QUIC") \
	X(HTTP, "http", "Hypertext Transfer Protocol") X(HTTP2, "http2", "HTTP/2") X(SSH, "ssh", "Secure Shell") X(DHCP, "dhcp", "Dynamic Host Configuration Protocol") X(DHCP6, "dhcp6", "DHCP for IPv6") \
	X(NTP, "ntp", "Network Time Protocol") X(FTP, "ftp", "File Transfer Protocol") X(SMTP, "smtp", "SMTP") X(IMAP, "imap", "IMAP") X(POP3, "pop3", "POP3") X(SMB, "smb", "SMB") X(LDAP, "ldap", "LDAP") \
	X(KERBEROS, "kerberos", "Kerberos") X(RDP, "rdp", "Remote Desktop") X(MYSQL, "mysql", "MySQL") X(POSTGRESQL, "postgresql", "PostgreSQL") X(REDIS, "redis", "Redis") X(MQTT, "mqtt", "MQTT") \
	X(SIP, "sip", "SIP") X(RTP, "rtp", "RTP") X(SNMP, "snmp", "SNMP") X(SYSLOG, "syslog", "Syslog") X(RADIUS, "radius", "RADIUS") X(BGP, "bgp", "BGP") X(MODBUS, "modbus", "Modbus") \
	X(WIREGUARD, "wireguard", "WireGuard") X(MEMCACHED, "memcached", "memcached") X(BITTORRENT, "bittorrent", "BitTorrent") X(TELNET, "telnet", "Telnet") X(NETBIOS, "netbios", "NetBIOS") X(IPERF, "iperf", "iperf") \
	X(RTCP, "rtcp", "RTP Control") X(STUN, "stun", "STUN") X(SSDP, "ssdp", "Simple Service Discovery")

#define PROTO_ENUM(NAME, name, title) PROTO_##NAME,
enum proto { PROTO_LIST(PROTO_ENUM) PROTO_COUNT };

#endif
