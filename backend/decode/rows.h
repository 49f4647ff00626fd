/* Inside of decode: the table of protocols and its rows. */
#ifndef DECODE_ROWS_H
#define DECODE_ROWS_H

#include "link_rows.h"
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
uint8_t ospf_decode(struct walk *w);
void ospf_info(struct buf *out, const struct view *v, const struct layer *l);
void ospf_fields(const struct view *v, const struct layer *l);
uint8_t vrrp_decode(struct walk *w);
void vrrp_info(struct buf *out, const struct view *v, const struct layer *l);
void vrrp_fields(const struct view *v, const struct layer *l);
uint8_t pim_decode(struct walk *w);
void pim_info(struct buf *out, const struct view *v, const struct layer *l);
void pim_fields(const struct view *v, const struct layer *l);
uint8_t eigrp_decode(struct walk *w);
void eigrp_info(struct buf *out, const struct view *v, const struct layer *l);
void eigrp_fields(const struct view *v, const struct layer *l);
uint8_t dccp_decode(struct walk *w);
void dccp_info(struct buf *out, const struct view *v, const struct layer *l);
void dccp_fields(const struct view *v, const struct layer *l);
uint8_t gre_decode(struct walk *w);
uint8_t gre_udp_decode(struct walk *w);
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
uint8_t eth_in_ip_decode(struct walk *w);
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
