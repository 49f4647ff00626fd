/* Addresses: IPv4 and IPv6 (and MAC, for what has no IP), text both ways. */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum addr_family { ADDR_NONE = 0, ADDR_IP4 = 4, ADDR_IP6 = 6, ADDR_MAC = 48 };

struct addr {
	uint8_t family;	   /* enum addr_family */
	uint8_t bytes[16]; /* network order; the rest is 0 */
};

#define ADDR_TEXT_MAX 48

/* IPv6 in RFC 5952's form. Returns text (ended by 0, at most ADDR_TEXT_MAX). */
const char *addr_text(const struct addr *a, char text[ADDR_TEXT_MAX]);
int addr_parse(struct str text, struct addr *a, struct err *e);
/* "10.0.0.0/8", "2001:db8::/32", also "10.1/16" (missing octets are 0) or a plain address. */
int addr_parse_net(struct str text, struct addr *net, unsigned *prefix_bits, struct err *e);
bool addr_in_net(const struct addr *a, const struct addr *net, unsigned prefix_bits);
/* Family first, then bytes. <0, 0, >0 */
int addr_compare(const struct addr *a, const struct addr *b);

#endif
