// What a run is asked to do.

#pragma once

#include <stdbool.h>
#include <stddef.h>

struct options {
  // An IPv4 address of 127.0.0.0/8: wsload loads nobody else.
  const char *host;
  int port;
  const char *path;
  int connections;
  // Application octets of a message.
  size_t octets;
  // Messages in flight on a connection.
  int depth;
  // Of the measured window; the bound of what `count` or `idle` ask for.
  double seconds;

  // 1 text, 2 binary (RFC 6455 section 5.2).
  int opcode;
  bool deflate;
  bool takeover;
  // ascii, json, random or utf8.
  const char *payload;
  double warmup;
  // Messages on each connection instead of a window; 0 for a window.
  long count;
  // Messages a second on each connection, with count; 0 sends the next one as soon as an echo is back.
  double rate;
  // Once all connections are open, say so and wait until stdin has something to read, or ends.
  bool hold;
  // Seconds of silence after one message on each connection; below 0 for none.
  double idle;
  // Opening handshakes under way at a time.
  int ramp;
  // Root of the server's process tree; 0 measures no server.
  int pid;
  bool verify_all;
  const char *label;
};

extern struct options options;

// Ends the process with exit code 2 when the arguments cannot be followed.
void parse_options(int argc, char **argv);
