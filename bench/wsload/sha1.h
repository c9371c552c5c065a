// SHA-1 (RFC 3174), for Sec-WebSocket-Accept only.

#pragma once

#include <stddef.h>
#include <stdint.h>

// Of 183 octets at most.
void sha1(const uint8_t *octets, size_t count, uint8_t digest[20]);
