/* What ICMP has in both versions of IP (RFC 792, RFC 4443): type and code, echoes, errors with
 * their quote. */
#ifndef DECODE_ICMP_BOTH_H
#define DECODE_ICMP_BOTH_H

#include "view.h"
#include "walk.h"

/* The identifier of an echo, in both ports; p: the header. */
void icmp_echo(struct decoded *d, const uint8_t *p);
/* What stands behind the header: an error's quote, or data. Returns the protocol that follows. */
uint8_t icmp_behind(struct walk *w, bool is_error);

/* `code`: its name, "" for none; then `numbered` says it as a number. */
void icmp_type_info(struct buf *out, const uint8_t *p, const struct code_name *types,
		    const char *code, bool numbered);
void icmp_behind_info(struct buf *out, const struct view *v, const uint8_t *p);
void icmp_type_fields(const struct view *v, const struct layer *l, const struct code_name *types,
		      const char *code);
void icmp_echo_fields(const struct view *v, const struct layer *l);

#endif
