// Makes the message of a run: its payload by kind, and its frames, plain and compressed.

#include "message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "options.h"
#include "util.h"

// Octets up to which frames are put in a row.
#define ROW_OCTETS 262144
#define MAX_HEADER 14
#define RECORD_ROOM 512
#define CHOOSE(list) (list)[random64() % (sizeof(list) / sizeof *(list))]

struct message message;

static void *allocate(size_t octets) {
  void *memory = malloc(octets);
  if (memory == NULL) die("out of memory");
  return memory;
}

static void ascii(uint8_t *payload, size_t octets) {
  for (size_t i = 0; i < octets; i++) payload[i] = (uint8_t)(' ' + random64() % 95);
}

static void random_octets(uint8_t *payload, size_t octets) {
  for (size_t i = 0; i < octets; i++) payload[i] = (uint8_t)random64();
}

// Characters of one to four octets.
static void utf8(uint8_t *payload, size_t octets) {
  static const char *const CHARACTERS[] = {"é", "ж", "水", "🙂", "a", " ", "ü"};
  for (size_t n = 0; n < octets;) {
    const char *character = CHOOSE(CHARACTERS);
    if (n + strlen(character) > octets) character = "x";
    memcpy(payload + n, character, strlen(character));
    n += strlen(character);
  }
}

static int json_record(char *record, size_t room) {
  static const char *const NAMES[] = {"Wireless Mouse", "Mechanical Keyboard", "USB-C Cable", "27in Monitor",
                                      "Laptop Stand",   "Webcam HD",           "Desk Lamp",   "Headphones"};
  static const char *const STATES[] = {"pending", "approved", "shipped", "cancelled", "returned"};
  const unsigned id = (unsigned)random64();
  const unsigned user = (unsigned)(random64() % 1000000);
  const char *name = CHOOSE(NAMES);
  const unsigned price = (unsigned)(random64() % 500), cents = (unsigned)(random64() % 100);
  const unsigned quantity = (unsigned)(1 + random64() % 9);
  const char *state = CHOOSE(STATES);
  const unsigned month = (unsigned)(1 + random64() % 9), day = (unsigned)(10 + random64() % 18);
  const unsigned hour = (unsigned)(random64() % 24), minute = (unsigned)(random64() % 60);
  const unsigned second = (unsigned)(random64() % 60);
  return snprintf(record, room,
                  "{\"id\":\"%08x\",\"user\":%u,\"name\":\"%s\",\"price\":%u.%02u,\"qty\":%u,\"status\":\"%s\","
                  "\"ts\":\"2025-0%u-%02uT%02u:%02u:%02uZ\"},",
                  id, user, name, price, cents, quantity, state, month, day, hour, minute, second);
}

// A list of records, cut to length: the same keys, other values.
static void json(uint8_t *payload, size_t octets) {
  char record[RECORD_ROOM];
  if (octets > 0) payload[0] = '[';
  for (size_t n = 1; n < octets;) {
    size_t length = (size_t)json_record(record, sizeof record);
    if (n + length > octets) length = octets - n;
    memcpy(payload + n, record, length);
    n += length;
  }
}

static void make_payload(uint8_t *payload, size_t octets) {
  static const struct {
    const char *name;
    void (*make)(uint8_t *payload, size_t octets);
  } KINDS[] = {{"ascii", ascii}, {"random", random_octets}, {"utf8", utf8}, {"json", json}};
  for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
    if (!strcmp(KINDS[i].name, options.payload)) {
      KINDS[i].make(payload, octets);
      return;
    }
  die("--payload knows ascii, json, random and utf8, not %s", options.payload);
}

// Returns the header's octets, the masking key behind it not included.
static size_t write_header(uint8_t *header, uint8_t first, size_t octets) {
  header[0] = first;
  if (octets < 126) {
    header[1] = MASKED | (uint8_t)octets;
    return 2;
  }
  const int length_octets = octets < 65536 ? 2 : 8;
  header[1] = MASKED | (length_octets == 2 ? 126 : 127);
  for (int i = 0; i < length_octets; i++) header[2 + i] = (uint8_t)((uint64_t)octets >> (8 * (length_octets - 1 - i)));
  return 2 + (size_t)length_octets;
}

static void make_frames(struct frames *frames, const uint8_t *payload, size_t octets, uint8_t rsv1) {
  uint8_t header[MAX_HEADER];
  size_t length = write_header(header, FIN | rsv1 | (uint8_t)options.opcode, octets);
  // Without a zero octet: unmasking that skips such octets would be cheaper than it is with real clients.
  uint8_t key[4];
  const uint64_t chance = random64();
  for (int i = 0; i < 4; i++) key[i] = (uint8_t)(chance >> (16 + 8 * i)) | 1;
  memcpy(header + length, key, sizeof key);
  length += sizeof key;

  frames->frame_octets = length + octets;
  size_t copies = ROW_OCTETS / frames->frame_octets + 1;
  if (copies > (size_t)options.depth) copies = (size_t)options.depth;
  frames->total = copies * frames->frame_octets;
  frames->octets = allocate(frames->total);
  memcpy(frames->octets, header, length);
  for (size_t i = 0; i < octets; i++) frames->octets[length + i] = payload[i] ^ key[i & 3];
  for (size_t i = 1; i < copies; i++)
    memcpy(frames->octets + i * frames->frame_octets, frames->octets, frames->frame_octets);
}

static void make_compressed_frames(void) {
  z_stream zlib;
  memset(&zlib, 0, sizeof zlib);
  if (deflateInit2(&zlib, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) die("deflateInit2");
  const uLong room = deflateBound(&zlib, options.octets) + 64;
  uint8_t *deflated = allocate(room);
  zlib.next_in = message.payload;
  zlib.avail_in = (uInt)options.octets;
  zlib.next_out = deflated;
  zlib.avail_out = (uInt)room;
  if (deflate(&zlib, Z_SYNC_FLUSH) != Z_OK || zlib.avail_in != 0) die("deflate");
  const size_t octets = zlib.total_out;
  deflateEnd(&zlib);
  if (octets < FLUSH_TAIL_OCTETS || memcmp(deflated + octets - FLUSH_TAIL_OCTETS, FLUSH_TAIL, FLUSH_TAIL_OCTETS))
    die("deflate left no tail");
  make_frames(&message.compressed, deflated, octets - FLUSH_TAIL_OCTETS, RSV1);
  free(deflated);
}

void make_message(void) {
  message.payload = allocate(options.octets + 1);
  make_payload(message.payload, options.octets);
  make_frames(&message.plain, message.payload, options.octets, 0);
  if (options.deflate) make_compressed_frames();
}
