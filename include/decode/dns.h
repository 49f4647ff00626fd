/* A message of the Domain Name System apart from any packet: RFC 1035, and what is written like it
 * (multicast DNS, LLMNR). */
#ifndef DECODE_DNS_H
#define DECODE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_HEADER_BYTES 12u
#define DNS_NAME_TEXT 256u /* bytes of a name as text, with its end */
#define DNS_WORD_TEXT 16u  /* of a type or rcode */

struct dns_head {
	uint16_t id, questions;
	uint8_t opcode, rcode;
	bool response;
};

/* false: shorter than a header. */
bool dns_head_read(const uint8_t *p, size_t length, struct dns_head *h);
/* The question at *at (DNS_HEADER_BYTES for the first), which moves behind it. false: broken or
 * cut. The name is as it lies: hostile. */
bool dns_question_read(const uint8_t *p, size_t length, uint32_t *at, char name[DNS_NAME_TEXT],
		       uint16_t *type);
/* "AAAA", "TYPE65280"; "NXDOMAIN", "RCODE11". */
const char *dns_type_name(uint16_t type, char text[DNS_WORD_TEXT]);
const char *dns_rcode_name(unsigned rcode, char text[DNS_WORD_TEXT]);

#endif
