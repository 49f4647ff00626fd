#ifndef BASE_CRC_H
#define BASE_CRC_H

#include <stddef.h>
#include <stdint.h>

/* CRC32C (Castagnoli, RFC 3720 B.4). Start with crc = 0; may be continued. */
uint32_t crc32c(uint32_t crc, const void *p, size_t len);

#endif
