// The message that is sent again and again, and the frames that carry it.

#pragma once

#include <stdint.h>
#include <stddef.h>

// RFC 6455 section 5.2.
#define FIN 0x80
#define RSV1 0x40
#define MASKED 0x80
#define OPCODE 0x0f
#define PAYLOAD_LENGTH 0x7f

enum opcode { CONTINUATION = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

// What a sender cuts off a compressed message and a receiver appends (RFC 7692 section 7.2.1).
#define FLUSH_TAIL "\0\0\377\377"
#define FLUSH_TAIL_OCTETS 4

// One frame several times in a row, so that what is sent together is one write.
struct frames {
  uint8_t *octets;
  size_t total;
  size_t frame_octets;
};

struct message {
  // Application octets, `options.octets` of them.
  uint8_t *payload;
  struct frames plain;
  struct frames compressed;
};

extern struct message message;

void make_message(void);
