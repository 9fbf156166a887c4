#ifndef CCRC32C_H
#define CCRC32C_H
#include <stddef.h>
#include <stdint.h>
// CRC-32C (Castagnoli), as in RFC 3720: continue from `crc` (0 to begin). Uses the SSE4.2 instruction where there is one.
uint32_t parallax_crc32c(uint32_t crc, const void *bytes, size_t count);
#endif
