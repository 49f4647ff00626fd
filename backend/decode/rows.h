/* Inside of decode: the table of protocols and its rows. */
#ifndef DECODE_ROWS_H
#define DECODE_ROWS_H

#include "view.h"
#include "walk.h"

/* A row of the protocol table. `decode` reads its header at the cursor, appends its layer and
 * returns the next protocol, PROTO_NONE at the end. `info` adds one printable line; `fields` the
 * rows below the layer's own. All may be NULL. */
struct protocol {
	uint8_t (*decode)(struct walk *w);
	void (*info)(struct buf *out, const struct view *v, const struct layer *l);
	void (*fields)(const struct view *v, const struct layer *l);
};

extern const struct protocol protocol_rows[PROTO_COUNT];

/* --- the rows --- */
uint8_t eth_decode(struct walk *w);
void eth_info(struct buf *out, const struct view *v, const struct layer *l);
void eth_fields(const struct view *v, const struct layer *l);
uint8_t vlan_decode(struct walk *w);
void vlan_info(struct buf *out, const struct view *v, const struct layer *l);
void vlan_fields(const struct view *v, const struct layer *l);
uint8_t llc_decode(struct walk *w);
void llc_info(struct buf *out, const struct view *v, const struct layer *l);
void llc_fields(const struct view *v, const struct layer *l);
uint8_t sll_decode(struct walk *w);
void sll_info(struct buf *out, const struct view *v, const struct layer *l);
void sll_fields(const struct view *v, const struct layer *l);
uint8_t sll2_decode(struct walk *w);
void sll2_info(struct buf *out, const struct view *v, const struct layer *l);
void sll2_fields(const struct view *v, const struct layer *l);
uint8_t raw_decode(struct walk *w);
uint8_t null_decode(struct walk *w);
void null_fields(const struct view *v, const struct layer *l);
uint8_t ppp_decode(struct walk *w);
void ppp_info(struct buf *out, const struct view *v, const struct layer *l);
void ppp_fields(const struct view *v, const struct layer *l);
uint8_t ppp_direction_decode(struct walk *w);
uint8_t chdlc_decode(struct walk *w);
void chdlc_info(struct buf *out, const struct view *v, const struct layer *l);
uint8_t frelay_decode(struct walk *w);
uint8_t frelay_direction_decode(struct walk *w);
void frelay_info(struct buf *out, const struct view *v, const struct layer *l);
void frelay_fields(const struct view *v, const struct layer *l);
uint8_t mfr_decode(struct walk *w);
uint8_t wlan_decode(struct walk *w);
void wlan_info(struct buf *out, const struct view *v, const struct layer *l);
void wlan_fields(const struct view *v, const struct layer *l);
uint8_t radiotap_decode(struct walk *w);
void radiotap_fields(const struct view *v, const struct layer *l);
uint8_t ppi_decode(struct walk *w);
uint8_t avs_decode(struct walk *w);
uint8_t prism_decode(struct walk *w);
uint8_t nflog_decode(struct walk *w);
void nflog_info(struct buf *out, const struct view *v, const struct layer *l);
void nflog_fields(const struct view *v, const struct layer *l);
uint8_t pktap_decode(struct walk *w);
void pktap_info(struct buf *out, const struct view *v, const struct layer *l);
uint8_t pflog_decode(struct walk *w);
uint8_t enc_decode(struct walk *w);
uint8_t pppoe_decode(struct walk *w);
void pppoe_info(struct buf *out, const struct view *v, const struct layer *l);
void pppoe_fields(const struct view *v, const struct layer *l);
uint8_t mpls_decode(struct walk *w);
void mpls_info(struct buf *out, const struct view *v, const struct layer *l);
void mpls_fields(const struct view *v, const struct layer *l);
uint8_t arp_decode(struct walk *w);
void arp_info(struct buf *out, const struct view *v, const struct layer *l);
void arp_fields(const struct view *v, const struct layer *l);
uint8_t ip4_decode(struct walk *w);
void ip4_info(struct buf *out, const struct view *v, const struct layer *l);
void ip4_fields(const struct view *v, const struct layer *l);
/* The address that the transport's checksum covers when a routing header changes it; NULL else. */
const uint8_t *ip6_final_dst(const struct view *v);
uint8_t ip6_decode(struct walk *w);
void ip6_info(struct buf *out, const struct view *v, const struct layer *l);
void ip6_fields(const struct view *v, const struct layer *l);
void ip6_ext_info(struct buf *out, const struct view *v, const struct layer *l);
void ip6_ext_fields(const struct view *v, const struct layer *l);
uint8_t icmp_decode(struct walk *w);
void icmp_info(struct buf *out, const struct view *v, const struct layer *l);
void icmp_fields(const struct view *v, const struct layer *l);
uint8_t icmp6_decode(struct walk *w);
void icmp6_info(struct buf *out, const struct view *v, const struct layer *l);
void icmp6_fields(const struct view *v, const struct layer *l);
uint8_t igmp_decode(struct walk *w);
void igmp_info(struct buf *out, const struct view *v, const struct layer *l);
void igmp_fields(const struct view *v, const struct layer *l);
uint8_t gre_decode(struct walk *w);
void gre_info(struct buf *out, const struct view *v, const struct layer *l);
void gre_fields(const struct view *v, const struct layer *l);
uint8_t erspan_decode(struct walk *w);
void erspan_info(struct buf *out, const struct view *v, const struct layer *l);
void erspan_fields(const struct view *v, const struct layer *l);
uint8_t vxlan_decode(struct walk *w);
void vxlan_info(struct buf *out, const struct view *v, const struct layer *l);
void vxlan_fields(const struct view *v, const struct layer *l);
uint8_t geneve_decode(struct walk *w);
void geneve_info(struct buf *out, const struct view *v, const struct layer *l);
void geneve_fields(const struct view *v, const struct layer *l);
uint8_t gtp_decode(struct walk *w);
void gtp_info(struct buf *out, const struct view *v, const struct layer *l);
void gtp_fields(const struct view *v, const struct layer *l);
uint8_t l2tp_decode(struct walk *w);
void l2tp_info(struct buf *out, const struct view *v, const struct layer *l);
void l2tp_fields(const struct view *v, const struct layer *l);
uint8_t vxlan_gpe_decode(struct walk *w);
uint8_t mpls_udp_decode(struct walk *w);
uint8_t teredo_decode(struct walk *w);
void teredo_fields(const struct view *v, const struct layer *l);
uint8_t l2tp_ip_decode(struct walk *w);
void l2tp_ip_info(struct buf *out, const struct view *v, const struct layer *l);
uint8_t ipip_decode(struct walk *w);
uint8_t sixin4_decode(struct walk *w);
uint8_t etherip_decode(struct walk *w);
uint8_t ah_decode(struct walk *w);
uint8_t esp_decode(struct walk *w);
void esp_info(struct buf *out, const struct view *v, const struct layer *l);
void esp_fields(const struct view *v, const struct layer *l);
uint8_t tcp_decode(struct walk *w);
void tcp_info(struct buf *out, const struct view *v, const struct layer *l);
void tcp_fields(const struct view *v, const struct layer *l);
uint8_t udp_decode(struct walk *w);
void udp_info(struct buf *out, const struct view *v, const struct layer *l);
void udp_fields(const struct view *v, const struct layer *l);
uint8_t sctp_decode(struct walk *w);
void sctp_info(struct buf *out, const struct view *v, const struct layer *l);
void sctp_fields(const struct view *v, const struct layer *l);
void dns_info(struct buf *out, const struct view *v, const struct layer *l);
void dns_fields(const struct view *v, const struct layer *l);
void tls_info(struct buf *out, const struct view *v, const struct layer *l);
void tls_fields(const struct view *v, const struct layer *l);
void http_info(struct buf *out, const struct view *v, const struct layer *l);
void http_fields(const struct view *v, const struct layer *l);
void line_info(struct buf *out, const struct view *v, const struct layer *l);
void line_fields(const struct view *v, const struct layer *l);
void dhcp_info(struct buf *out, const struct view *v, const struct layer *l);
void dhcp_fields(const struct view *v, const struct layer *l);
void ntp_info(struct buf *out, const struct view *v, const struct layer *l);
void ntp_fields(const struct view *v, const struct layer *l);
void data_fields(const struct view *v, const struct layer *l);

#endif
