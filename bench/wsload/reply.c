// Reads what the server sends: frames, messages, control frames. The first echo of each connection is compared with what
// was sent (with --verify-all every one), the others by opcode and length.

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "latency.h"
#include "load.h"
#include "options.h"
#include "util.h"

// Octets that an inflated echo may be too long by before that is seen.
#define SPARE 64

// Header and length of a frame that was a whole echo, uncompressed or compressed: the echoes behind it look the same,
// and a run of them is counted without a look at each field.
static struct {
  uint8_t header[10];
  size_t header_octets;
  size_t frame_octets;
} usual;

static bool is_control(const struct connection *connection) {
  return connection->opcode >= CLOSE;
}

static bool fail(struct connection *connection, const char *reason) {
  failed("%s", reason);
  drop(connection);
  return false;
}

static size_t inflate_echo(struct connection *connection, uint8_t *plain, int *status) {
  static z_stream zlib;
  static bool ready;
  if (!ready) {
    if (inflateInit2(&zlib, -15) != Z_OK) die("inflateInit2");
    ready = true;
  } else if (!options.verify_all || connection->received == 0 || !options.takeover) {
    inflateReset(&zlib);
  }
  memcpy(connection->kept + connection->kept_octets, FLUSH_TAIL, FLUSH_TAIL_OCTETS);
  zlib.next_in = connection->kept;
  zlib.avail_in = (uInt)connection->kept_octets + FLUSH_TAIL_OCTETS;
  zlib.next_out = plain;
  zlib.avail_out = (uInt)options.octets + SPARE;
  *status = inflate(&zlib, Z_SYNC_FLUSH);
  return options.octets + SPARE - zlib.avail_out;
}

static void verify_compressed(struct connection *connection) {
  static uint8_t *plain;
  if (plain == NULL) plain = malloc(options.octets + SPARE);
  int status;
  const size_t octets = inflate_echo(connection, plain, &status);
  const bool whole = status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
  if (!whole || octets != options.octets || memcmp(plain, message.payload, octets))
    failed("compressed echo differs (inflate %d, %zu of %zu)", status, octets, options.octets);
}

static void verify(struct connection *connection) {
  connection->verified = true;
  load.verified++;
  if (load.first_echo_octets == 0) load.first_echo_octets = connection->message_octets;
  if (connection->message_opcode != options.opcode)
    failed("echo has opcode %d, sent %d", connection->message_opcode, options.opcode);
  else if (connection->compressed)
    verify_compressed(connection);
  else if (connection->kept_octets != options.octets || memcmp(connection->kept, message.payload, options.octets))
    failed("echo differs (len %zu of %zu)", connection->kept_octets, options.octets);
}

static inline void count_echoes(struct connection *connection, uint32_t count, bool compressed, uint64_t now) {
  connection->received += count;
  load.messages += count;
  if (compressed) load.compressed_messages += count;
  if (UNLIKELY(connection->in_flight < count)) {
    failed("echo never asked for");
    return;
  }
  connection->in_flight -= count;
  while (count > 0) {
    struct batch *batch = &connection->batches[connection->first_batch];
    const uint32_t of_batch = batch->count < count ? batch->count : count;
    if (load.measuring) add_latency(now - batch->sent_at, of_batch);
    batch->count -= of_batch;
    count -= of_batch;
    if (batch->count > 0) continue;
    if (++connection->first_batch == (uint32_t)options.depth) connection->first_batch = 0;
    connection->batch_count--;
  }
}

static inline void end_message(struct connection *connection, uint64_t now) {
  if (UNLIKELY(connection->keeping)) {
    verify(connection);
    connection->keeping = false;
    if (!options.verify_all) {
      free(connection->kept);
      connection->kept = NULL;
    }
  } else if (UNLIKELY(!connection->compressed && connection->message_octets != options.octets)) {
    failed("echo length %llu of %zu", (unsigned long long)connection->message_octets, options.octets);
  }
  connection->in_message = false;
  count_echoes(connection, 1, connection->compressed, now);
}

// A compressed echo may be longer than its message, by little.
static size_t kept_limit(void) {
  return options.octets + options.octets / 8 + 1024;
}

static void begin_message(struct connection *connection, uint8_t first) {
  connection->in_message = true;
  connection->message_octets = 0;
  connection->message_opcode = connection->opcode;
  connection->compressed = (first & RSV1) != 0;
  if (UNLIKELY(connection->opcode != options.opcode)) failed("opcode %d for %d", connection->opcode, options.opcode);
  if (LIKELY(connection->verified && !options.verify_all)) return;
  connection->keeping = true;
  connection->kept_octets = 0;
  if (connection->kept == NULL) connection->kept = malloc(kept_limit() + FLUSH_TAIL_OCTETS);
}

static inline bool begin_frame(struct connection *connection, const uint8_t *header, uint64_t octets) {
  connection->final = (header[0] & FIN) != 0;
  connection->opcode = header[0] & OPCODE;
  connection->frame_left = octets;
  load.frames++;
  if (UNLIKELY(header[1] & MASKED)) return fail(connection, "server frame is masked");
  if (UNLIKELY(is_control(connection))) {
    connection->control_octets = 0;
    if (octets <= sizeof connection->control && connection->final) return true;
    failed("bad control frame: %02x %02x", header[0], header[1]);
    drop(connection);
    return false;
  }
  if (!connection->in_message) {
    if (UNLIKELY(connection->opcode == CONTINUATION)) return fail(connection, "continuation without start");
    begin_message(connection, header[0]);
  } else if (UNLIKELY(connection->opcode != CONTINUATION)) {
    return fail(connection, "new message inside a message");
  }
  connection->message_octets += octets;
  if (UNLIKELY(connection->keeping && connection->message_octets > kept_limit()))
    return fail(connection, "echo too long");
  return true;
}

static void make_pong(struct connection *connection) {
  static const uint8_t KEY[4] = {0x12, 0x34, 0x56, 0x78};
  uint8_t *pong = connection->pong;
  pong[0] = FIN | PONG;
  pong[1] = MASKED | connection->control_octets;
  memcpy(pong + 2, KEY, sizeof KEY);
  for (int i = 0; i < connection->control_octets; i++) pong[6 + i] = connection->control[i] ^ KEY[i & 3];
  connection->pong_octets = 6 + connection->control_octets;
}

bool end_frame(struct connection *connection, uint64_t now) {
  if (LIKELY(!is_control(connection))) {
    if (connection->final) end_message(connection, now);
    return true;
  }
  if (connection->opcode == PING) make_pong(connection);
  if (connection->opcode != CLOSE) return true;
  const uint8_t *payload = connection->control;
  const int octets = connection->control_octets;
  if (!load.leaving)
    failed("server closed: code %d %.*s", octets >= 2 ? payload[0] << 8 | payload[1] : 0, octets > 2 ? octets - 2 : 0,
           (const char *)payload + 2);
  drop(connection);
  return false;
}

static uint64_t length_of(const uint8_t *header) {
  const uint8_t length = header[1] & PAYLOAD_LENGTH;
  if (LIKELY(length < 126)) return length;
  if (length == 126) return (uint64_t)header[2] << 8 | header[3];
  uint64_t octets = 0;
  for (int i = 2; i < 10; i++) octets = octets << 8 | header[i];
  return octets;
}

static uint8_t header_length(uint8_t second) {
  const uint8_t length = second & PAYLOAD_LENGTH;
  if (LIKELY(length < 126)) return 2;
  return length == 126 ? 4 : 10;
}

// Returns the octets read.
static size_t read_payload(struct connection *connection, const uint8_t *octets, size_t count) {
  if (count > connection->frame_left) count = connection->frame_left;
  if (UNLIKELY(is_control(connection))) {
    memcpy(connection->control + connection->control_octets, octets, count);
    connection->control_octets += (uint8_t)count;
  } else if (UNLIKELY(connection->keeping)) {
    memcpy(connection->kept + connection->kept_octets, octets, count);
    connection->kept_octets += count;
  }
  connection->frame_left -= count;
  return count;
}

// Counts the usual echoes that lie here whole, one behind the other. Returns the octets read.
static inline size_t read_usual(struct connection *connection, const uint8_t *octets, size_t count, uint64_t now) {
  const bool possible = usual.frame_octets != 0 && connection->header_octets == 0 && !connection->in_message &&
                        connection->verified && count >= usual.frame_octets;
  if (UNLIKELY(!possible)) return 0;
  uint32_t echoes = 0;
  const uint8_t *at = octets, *end = octets + count;
  while ((size_t)(end - at) >= usual.frame_octets && at[0] == usual.header[0] && at[1] == usual.header[1] &&
         (usual.header_octets == 2 || !memcmp(at, usual.header, usual.header_octets))) {
    echoes++;
    at += usual.frame_octets;
  }
  if (echoes == 0) return 0;
  load.frames += echoes;
  count_echoes(connection, echoes, (usual.header[0] & RSV1) != 0, now);
  return (size_t)(at - octets);
}

static void learn_usual(const struct connection *connection, const uint8_t *header, uint64_t octets) {
  if (options.verify_all || !connection->verified || (header[1] & MASKED)) return;
  const bool plain = header[0] == (FIN | options.opcode) && octets == options.octets;
  const bool compressed = header[0] == (FIN | RSV1 | options.opcode);
  if ((!plain && !compressed) || octets == 0 || octets >= 65536) return;
  usual.header_octets = header_length(header[1]);
  memcpy(usual.header, header, usual.header_octets);
  usual.frame_octets = usual.header_octets + (size_t)octets;
}

// The header as one piece: where it lies, or put together from several reads; NULL when more of it must come.
static inline const uint8_t *read_header(struct connection *connection, const uint8_t **at, const uint8_t *end) {
  if (LIKELY(connection->header_octets == 0 && (size_t)(end - *at) >= sizeof connection->header)) {
    const uint8_t *header = *at;
    *at += header_length(header[1]);
    return header;
  }
  while (*at < end) {
    connection->header[connection->header_octets++] = *(*at)++;
    if (connection->header_octets < 2 || connection->header_octets < header_length(connection->header[1])) continue;
    connection->header_octets = 0;
    return connection->header;
  }
  return NULL;
}

bool read_frames(struct connection *connection, const uint8_t *octets, const uint8_t *end, uint64_t now) {
  for (const uint8_t *at = octets; at < end;) {
    if (connection->frame_left > 0) {
      at += read_payload(connection, at, (size_t)(end - at));
      if (connection->frame_left > 0) return true;
      if (!end_frame(connection, now)) return false;
      continue;
    }
    const size_t read = read_usual(connection, at, (size_t)(end - at), now);
    at += read;
    if (read > 0) continue;
    const uint8_t *header = read_header(connection, &at, end);
    if (header == NULL) return true;
    const uint64_t length = length_of(header);
    learn_usual(connection, header, length);
    if (!begin_frame(connection, header, length)) return false;
    if (length == 0 && !end_frame(connection, now)) return false;
  }
  return true;
}
