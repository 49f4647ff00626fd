/* The table of protocols: names, decoders, lines and trees. */
#include "app.h"

static const struct {
	const char *name, *title;
} words[PROTO_COUNT] = {
#define PROTO_WORDS(NAME, name, title) {name, title},
	PROTO_LIST(PROTO_WORDS)
#undef PROTO_WORDS
};

/* An application's layer is the rest of the packet; what is in it is read only when it is shown. */
static uint8_t data_decode(struct walk *w)
{
	return walk_unknown(w, PROTO_DATA);
}

const struct protocol protocol_rows[PROTO_COUNT] = {
	[PROTO_DATA] = {data_decode, NULL, data_fields},
	[PROTO_ETH] = {eth_decode, eth_info, eth_fields},
	[PROTO_VLAN] = {vlan_decode, vlan_info, vlan_fields},
	[PROTO_LLC] = {llc_decode, llc_info, llc_fields},
	[PROTO_SLL] = {sll_decode, sll_info, sll_fields},
	[PROTO_SLL2] = {sll2_decode, sll2_info, sll2_fields},
	[PROTO_LLDP] = {lldp_decode, lldp_info, lldp_fields},
	[PROTO_STP] = {stp_decode, stp_info, stp_fields},
	[PROTO_FDDI] = {fddi_decode, fddi_info, NULL},
	[PROTO_IPOIB] = {ipoib_decode, NULL, NULL},
	[PROTO_PBB] = {pbb_decode, pbb_info, pbb_fields},
	[PROTO_VNTAG] = {vntag_decode, vntag_info, vntag_fields},
	[PROTO_FABRICPATH] = {fabricpath_decode, fabricpath_info, NULL},
	[PROTO_MACSEC] = {macsec_decode, macsec_info, macsec_fields},
	[PROTO_DSA] = {dsa_decode, dsa_info, dsa_fields},
	[PROTO_EDSA] = {edsa_decode, dsa_info, dsa_fields},
	[PROTO_DSA_BEFORE] = {dsa_before_decode, dsa_info, dsa_fields},
	[PROTO_CMD] = {cmd_decode, cmd_info, NULL},
	[PROTO_NSH] = {nsh_decode, nsh_info, nsh_fields},
	[PROTO_RAW] = {raw_decode, NULL, NULL},
	[PROTO_NULL_LOOP] = {null_decode, NULL, null_fields},
	[PROTO_PPP] = {ppp_decode, ppp_info, ppp_fields},
	[PROTO_PPP_DIRECTION] = {ppp_direction_decode, NULL, NULL},
	[PROTO_CHDLC] = {chdlc_decode, chdlc_info, NULL},
	[PROTO_FRELAY] = {frelay_decode, frelay_info, frelay_fields},
	[PROTO_FRELAY_DIRECTION] = {frelay_direction_decode, NULL, NULL},
	[PROTO_MFR] = {mfr_decode, NULL, NULL},
	[PROTO_IEEE80211] = {wlan_decode, wlan_info, wlan_fields},
	[PROTO_RADIOTAP] = {radiotap_decode, NULL, radiotap_fields},
	[PROTO_PPI] = {ppi_decode, NULL, NULL},
	[PROTO_AVS] = {avs_decode, NULL, NULL},
	[PROTO_PRISM] = {prism_decode, NULL, NULL},
	[PROTO_NFLOG] = {nflog_decode, nflog_info, nflog_fields},
	[PROTO_PKTAP] = {pktap_decode, pktap_info, NULL},
	[PROTO_PFLOG] = {pflog_decode, NULL, NULL},
	[PROTO_ENC] = {enc_decode, NULL, NULL},
	[PROTO_PPPOE] = {pppoe_decode, pppoe_info, pppoe_fields},
	[PROTO_MPLS] = {mpls_decode, mpls_info, mpls_fields},
	[PROTO_ARP] = {arp_decode, arp_info, arp_fields},
	[PROTO_IP] = {ip4_decode, ip4_info, ip4_fields},
	[PROTO_IP6] = {ip6_decode, ip6_info, ip6_fields},
	[PROTO_IP6_EXT] = {NULL, ip6_ext_info, ip6_ext_fields},
	[PROTO_AH] = {ah_decode, ip6_ext_info, ip6_ext_fields},
	[PROTO_ESP] = {esp_decode, esp_info, esp_fields},
	[PROTO_OSPF] = {ospf_decode, ospf_info, ospf_fields},
	[PROTO_VRRP] = {vrrp_decode, vrrp_info, vrrp_fields},
	[PROTO_PIM] = {pim_decode, pim_info, pim_fields},
	[PROTO_EIGRP] = {eigrp_decode, eigrp_info, eigrp_fields},
	[PROTO_DCCP] = {dccp_decode, dccp_info, dccp_fields},
	[PROTO_GRE] = {gre_decode, gre_info, gre_fields},
	[PROTO_ERSPAN] = {erspan_decode, erspan_info, erspan_fields},
	[PROTO_VXLAN] = {NULL, vxlan_info, vxlan_fields},
	[PROTO_GENEVE] = {NULL, geneve_info, geneve_fields},
	[PROTO_GTPU] = {NULL, gtp_info, gtp_fields},
	[PROTO_TEREDO] = {NULL, NULL, teredo_fields},
	[PROTO_L2TP] = {NULL, l2tp_info, l2tp_fields},
	[PROTO_L2TP_IP] = {l2tp_ip_decode, l2tp_ip_info, NULL},
	[PROTO_IPIP] = {ipip_decode, NULL, NULL},
	[PROTO_SIXIN4] = {sixin4_decode, NULL, NULL},
	[PROTO_ETHERIP] = {etherip_decode, NULL, NULL},
	[PROTO_ETH_IN_IP] = {eth_in_ip_decode, NULL, NULL},
	[PROTO_ICMP] = {icmp_decode, icmp_info, icmp_fields},
	[PROTO_ICMP6] = {icmp6_decode, icmp6_info, icmp6_fields},
	[PROTO_IGMP] = {igmp_decode, igmp_info, igmp_fields},
	[PROTO_TCP] = {tcp_decode, tcp_info, tcp_fields},
	[PROTO_UDP] = {udp_decode, udp_info, udp_fields},
	[PROTO_UDPLITE] = {udp_decode, udp_info, udp_fields},
	[PROTO_SCTP] = {sctp_decode, sctp_info, sctp_fields},
	[PROTO_DNS] = {NULL, dns_info, dns_fields},
	[PROTO_MDNS] = {NULL, dns_info, dns_fields},
	[PROTO_LLMNR] = {NULL, dns_info, dns_fields},
	[PROTO_TLS] = {NULL, tls_any_info, tls_any_fields},
	[PROTO_HTTP] = {NULL, http_info, http_fields},
	[PROTO_SSH] = {NULL, ssh_info, ssh_fields},
	[PROTO_DHCP] = {NULL, dhcp_info, dhcp_fields},
	[PROTO_NTP] = {NULL, ntp_info, ntp_fields},
	[PROTO_FTP] = {NULL, talk_info, talk_fields},
	[PROTO_SMTP] = {NULL, talk_info, talk_fields},
	[PROTO_IMAP] = {NULL, talk_info, talk_fields},
	[PROTO_POP3] = {NULL, talk_info, talk_fields},
	[PROTO_SIP] = {NULL, line_info, http_fields},
	[PROTO_SYSLOG] = {NULL, syslog_info, syslog_fields},
	[PROTO_MEMCACHED] = {NULL, memcached_info, memcached_fields},
	[PROTO_BGP] = {NULL, bgp_info, bgp_fields},
	[PROTO_BITTORRENT] = {NULL, bittorrent_info, bittorrent_fields},
	[PROTO_DHCP6] = {NULL, dhcp6_info, dhcp6_fields},
	[PROTO_DTLS] = {NULL, dtls_info, dtls_fields},
	[PROTO_HTTP2] = {NULL, http2_info, http2_fields},
	[PROTO_KERBEROS] = {NULL, kerberos_info, kerberos_fields},
	[PROTO_LDAP] = {NULL, ldap_info, ldap_fields},
	[PROTO_MODBUS] = {NULL, modbus_info, modbus_fields},
	[PROTO_MQTT] = {NULL, mqtt_info, mqtt_fields},
	[PROTO_MYSQL] = {NULL, mysql_info, mysql_fields},
	[PROTO_NETBIOS] = {NULL, netbios_info, netbios_fields},
	[PROTO_POSTGRESQL] = {NULL, postgresql_info, postgresql_fields},
	[PROTO_QUIC] = {NULL, quic_info, quic_fields},
	[PROTO_RADIUS] = {NULL, radius_info, radius_fields},
	[PROTO_RDP] = {NULL, rdp_info, rdp_fields},
	[PROTO_REDIS] = {NULL, redis_info, redis_fields},
	[PROTO_RTCP] = {NULL, rtcp_info, rtcp_fields},
	[PROTO_RTP] = {NULL, rtp_info, rtp_fields},
	[PROTO_SMB] = {NULL, smb_info, smb_fields},
	[PROTO_SNMP] = {NULL, snmp_info, snmp_fields},
	[PROTO_STUN] = {NULL, stun_info, stun_fields},
	[PROTO_TELNET] = {NULL, telnet_info, telnet_fields},
	[PROTO_WIREGUARD] = {NULL, wireguard_info, wireguard_fields},
	[PROTO_SSDP] = {NULL, line_info, http_fields},
};

const char *proto_name(uint8_t protocol)
{
	return protocol < PROTO_COUNT ? words[protocol].name : "";
}

const char *proto_title(uint8_t protocol)
{
	return protocol < PROTO_COUNT ? words[protocol].title : "";
}
