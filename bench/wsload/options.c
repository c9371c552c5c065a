// Reads the command line.

#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

#define MAX_OCTETS (1u << 30)

static const char USAGE[] =
    "usage: wsload HOST PORT PATH CONNECTIONS OCTETS DEPTH SECONDS [OPTIONS]\n"
    "\n"
    "  --text, --binary   opcode (default: text)\n"
    "  --deflate          offer permessage-deflate; client_no_context_takeover; server_no_context_takeover\n"
    "  --takeover         with --deflate: offer permessage-deflate; client_max_window_bits\n"
    "                     (the server may keep its context; what is sent never refers back, which is always legal)\n"
    "  --payload KIND     ascii, json, random or utf8 (default: json with --deflate, ascii for text, random for binary)\n"
    "  --warmup S         seconds of load before the measured window (default: 1); it waits for all first echoes, too\n"
    "  --count N          N messages on each connection, then stop (no warm-up; SECONDS is the bound)\n"
    "  --rate R           with --count: R messages a second on each connection, whenever echoes come back\n"
    "  --idle S           one message on each connection, then silence for S seconds (SECONDS bounds the echoes)\n"
    "  --hold             with all connections open, write `open` and wait until stdin has a line or ends\n"
    "  --ramp K           opening handshakes under way at a time (default: 64)\n"
    "  --pid PID          root of the server's processes: report CPU time and memory of it and all its descendants\n"
    "  --verify-all       compare every echo, not only the first of each connection\n"
    "  --label TEXT       copied into the output\n";

struct options options = {.opcode = 1, .warmup = 1, .idle = -1, .ramp = 64, .label = ""};

static void parse_positional(char **argv) {
  options.host = argv[1];
  options.port = atoi(argv[2]);
  options.path = argv[3];
  options.connections = atoi(argv[4]);
  options.octets = (size_t)atoll(argv[5]);
  options.depth = atoi(argv[6]);
  options.seconds = atof(argv[7]);
}

static bool parse_flag(const char *name) {
  if (!strcmp(name, "--text")) options.opcode = 1;
  else if (!strcmp(name, "--binary")) options.opcode = 2;
  else if (!strcmp(name, "--deflate")) options.deflate = true;
  else if (!strcmp(name, "--takeover")) options.takeover = true;
  else if (!strcmp(name, "--hold")) options.hold = true;
  else if (!strcmp(name, "--verify-all")) options.verify_all = true;
  else return false;
  return true;
}

static void parse_value(const char *name, const char *value) {
  if (!strcmp(name, "--payload")) options.payload = value;
  else if (!strcmp(name, "--warmup")) options.warmup = atof(value);
  else if (!strcmp(name, "--count")) options.count = atol(value);
  else if (!strcmp(name, "--rate")) options.rate = atof(value);
  else if (!strcmp(name, "--idle")) options.idle = atof(value);
  else if (!strcmp(name, "--ramp")) options.ramp = atoi(value);
  else if (!strcmp(name, "--pid")) options.pid = atoi(value);
  else if (!strcmp(name, "--label")) options.label = value;
  else die("unknown option %s", name);
}

static void check(void) {
  if (options.connections < 1) die("CONNECTIONS must be 1 or more");
  if (options.octets > MAX_OCTETS) die("OCTETS must be %u at most", MAX_OCTETS);
  if (options.depth < 1) die("DEPTH must be 1 or more");
  if (options.seconds <= 0) die("SECONDS must be more than 0");
  if (options.ramp < 1) die("--ramp must be 1 or more");
  if (options.rate < 0 || (options.rate > 0 && options.count == 0)) die("--rate must be more than 0, and needs --count");
  // With the server's context kept, echoes of one connection can only be inflated one after the other, all of them.
  if (options.verify_all && options.takeover && options.connections > 1)
    die("--verify-all with --takeover takes one connection only");
}

void parse_options(int argc, char **argv) {
  if (argc < 8) {
    fputs(USAGE, stderr);
    exit(2);
  }
  parse_positional(argv);
  for (int i = 8; i < argc; i++) {
    if (parse_flag(argv[i])) continue;
    if (i + 1 == argc) die("%s is unknown, or needs a value", argv[i]);
    parse_value(argv[i], argv[i + 1]);
    i++;
  }
  check();
  if (options.payload == NULL) options.payload = options.deflate ? "json" : options.opcode == 1 ? "ascii" : "random";
}
