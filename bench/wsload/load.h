// The load: its connections, and what all of them have seen together.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "message.h"

enum connection_state { NEW, CONNECTING, HANDSHAKE, OPEN, DEAD };

// Messages that were sent at the same time and have not come back.
struct batch {
  uint64_t sent_at;
  uint32_t count;
};

struct connection {
  int fd;
  enum connection_state state;
  uint64_t started_at;
  // Sec-WebSocket-Key, and the response's head as far as it has come.
  char key[32];
  char *head;
  size_t head_octets;

  // What is sent: messages of which octets are still to be written, and how much of the first of them has been.
  const struct frames *frames;
  uint32_t unsent;
  size_t written;
  // The kernel took less than it was given: the next write waits until it says so.
  bool blocked;
  uint8_t pong[131];
  uint8_t pong_octets;
  // What is in flight, oldest at `first_batch`: a ring of `options.depth`.
  struct batch *batches;
  uint32_t first_batch, batch_count, in_flight;
  long sent, received;

  // The frame that is read.
  uint8_t header[10];
  uint8_t header_octets;
  uint8_t opcode;
  bool final;
  uint64_t frame_left;
  uint8_t control[125];
  uint8_t control_octets;
  // The message that is read.
  bool in_message, compressed;
  uint8_t message_opcode;
  uint64_t message_octets;
  // The first echo, or every one with --verify-all, is kept to be compared.
  bool verified, keeping;
  uint8_t *kept;
  size_t kept_octets;
};

struct load {
  int epoll;
  // `options.connections` of them.
  struct connection *connections;
  // Messages are sent, until `quota` of each connection; below 0 there is no quota.
  bool running;
  long quota;
  // Latencies count.
  bool measuring;
  // The run is over: what a server says or does now is no error.
  bool leaving;

  // Connections: of which an opening handshake was begun, is under way, has succeeded and the connection still lives;
  // that are dead; whose quota has come back; whose first echo was what had been sent; with compression agreed.
  int started, opening, open, dead, finished;
  long verified;
  int compressing;
  uint64_t first_started_at, last_opened_at, opening_ns, longest_opening_ns;
  // Sec-WebSocket-Extensions of the first response that had one.
  char extensions[256];

  uint64_t messages, compressed_messages, frames;
  // Octets read while latencies were measured.
  uint64_t octets;
  // Payload of the first echo on the wire.
  uint64_t first_echo_octets;

  uint64_t errors;
  char first_error[256];
};

extern struct load load;

// Counts an error of the run, and keeps the first one's words.
__attribute__((format(printf, 1, 2))) void failed(const char *format, ...);

// connection.c
void set_up_connections(void);
// Lets happen what happens within this time; 0 waits for nothing.
void poll_events(int milliseconds);
// Opens connections and lets things happen until a time (of now_ns), until `done`, or until all connections are dead.
void run_until(uint64_t time, bool (*done)(void));
// Sends as many messages as the depth and the quota allow, or exactly one.
void fill(struct connection *connection, uint64_t now);
void send_one(struct connection *connection, uint64_t now);
void flush(struct connection *connection);
void drop(struct connection *connection);

// handshake.c
void send_request(struct connection *connection);
// Reads the response; the connection is then OPEN, DEAD, or waits for more.
void read_response(struct connection *connection);

// reply.c
// Reads frames from octets that are cut anywhere. False: the connection is dead.
bool read_frames(struct connection *connection, const uint8_t *octets, const uint8_t *end, uint64_t now);
// All payload of the frame has come. False: the connection is dead.
bool end_frame(struct connection *connection, uint64_t now);

// pace.c
// Sends `options.rate` messages a second on each connection from now on, evenly spread, until the quota is sent.
void start_pace(void);
void on_pace(void);
