#ifndef DECODE_TLS_CIPHERS_H
#define DECODE_TLS_CIPHERS_H

#include "view.h"

/* NULL: not registered. */
const char *tls_cipher_find(uint16_t cipher);

#endif
