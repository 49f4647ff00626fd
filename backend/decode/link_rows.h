/* Inside of decode: the rows of the protocol table that stand before IP. */
#ifndef DECODE_LINK_ROWS_H
#define DECODE_LINK_ROWS_H

#include "view.h"
#include "walk.h"

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
uint8_t lldp_decode(struct walk *w);
void lldp_info(struct buf *out, const struct view *v, const struct layer *l);
void lldp_fields(const struct view *v, const struct layer *l);
uint8_t stp_decode(struct walk *w);
void stp_info(struct buf *out, const struct view *v, const struct layer *l);
void stp_fields(const struct view *v, const struct layer *l);
uint8_t fddi_decode(struct walk *w);
void fddi_info(struct buf *out, const struct view *v, const struct layer *l);
uint8_t ipoib_decode(struct walk *w);
uint8_t pbb_decode(struct walk *w);
void pbb_info(struct buf *out, const struct view *v, const struct layer *l);
void pbb_fields(const struct view *v, const struct layer *l);
uint8_t vntag_decode(struct walk *w);
void vntag_info(struct buf *out, const struct view *v, const struct layer *l);
void vntag_fields(const struct view *v, const struct layer *l);
uint8_t fabricpath_decode(struct walk *w);
void fabricpath_info(struct buf *out, const struct view *v, const struct layer *l);
uint8_t macsec_decode(struct walk *w);
void macsec_info(struct buf *out, const struct view *v, const struct layer *l);
void macsec_fields(const struct view *v, const struct layer *l);
uint8_t dsa_decode(struct walk *w);
uint8_t edsa_decode(struct walk *w);
uint8_t dsa_before_decode(struct walk *w);
void dsa_info(struct buf *out, const struct view *v, const struct layer *l);
void dsa_fields(const struct view *v, const struct layer *l);
uint8_t cmd_decode(struct walk *w);
void cmd_info(struct buf *out, const struct view *v, const struct layer *l);
uint8_t nsh_decode(struct walk *w);
void nsh_info(struct buf *out, const struct view *v, const struct layer *l);
void nsh_fields(const struct view *v, const struct layer *l);
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

#endif
