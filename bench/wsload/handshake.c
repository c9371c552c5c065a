// The opening handshake (RFC 6455 section 4.1): the request, and what must be in its response.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "load.h"
#include "options.h"
#include "sha1.h"
#include "util.h"

#define KEY_SUFFIX "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define MAX_HEAD 4096

static void base64(const uint8_t *octets, int count, char *text) {
  static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int i = 0; i < count; i += 3) {
    const int left = count - i;
    const uint32_t group =
        (uint32_t)octets[i] << 16 | (left > 1 ? (uint32_t)octets[i + 1] << 8 : 0) | (left > 2 ? octets[i + 2] : 0);
    *text++ = DIGITS[group >> 18];
    *text++ = DIGITS[group >> 12 & 63];
    *text++ = left > 1 ? DIGITS[group >> 6 & 63] : '=';
    *text++ = left > 2 ? DIGITS[group & 63] : '=';
  }
  *text = 0;
}

static const char *extension_field(void) {
  if (!options.deflate) return "";
  return options.takeover ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
                          : "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover; "
                            "server_no_context_takeover\r\n";
}

void send_request(struct connection *connection) {
  uint8_t nonce[16];
  for (size_t i = 0; i < sizeof nonce; i++) nonce[i] = (uint8_t)(random64() >> 24);
  base64(nonce, sizeof nonce, connection->key);
  char request[1024];
  const int octets = snprintf(request, sizeof request,
                              "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                              "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
                              options.path, options.host, options.port, connection->key, extension_field());
  connection->state = HANDSHAKE;
  connection->head = calloc(1, MAX_HEAD + 1);
  if (send(connection->fd, request, (size_t)octets, MSG_NOSIGNAL) == octets) return;
  failed("handshake send: %s", strerror(errno));
  drop(connection);
}

// Copies a field's value without the white space around it. False: there is no such field.
static bool find_field(const char *head, const char *name, char *value, size_t room) {
  const size_t name_octets = strlen(name);
  for (const char *line = strstr(head, "\r\n"); line != NULL && line[2] != '\r'; line = strstr(line + 2, "\r\n")) {
    const char *field = line + 2;
    if (strncasecmp(field, name, name_octets) || field[name_octets] != ':') continue;
    field += name_octets + 1;
    while (*field == ' ') field++;
    size_t octets = (size_t)(strstr(field, "\r\n") - field);
    while (octets > 0 && field[octets - 1] == ' ') octets--;
    if (octets >= room) octets = room - 1;
    memcpy(value, field, octets);
    value[octets] = 0;
    return true;
  }
  return false;
}

static bool accepts(const char *head, const char *key) {
  char text[128], expected[40], value[256];
  uint8_t digest[20];
  const int octets = snprintf(text, sizeof text, "%s%s", key, KEY_SUFFIX);
  sha1((const uint8_t *)text, (size_t)octets, digest);
  base64(digest, sizeof digest, expected);
  return find_field(head, "Sec-WebSocket-Accept", value, sizeof value) && !strcmp(value, expected);
}

// False: the server may not switch protocols like this.
static bool check_response(struct connection *connection) {
  if (strncmp(connection->head, "HTTP/1.1 101", 12)) {
    failed("handshake: %.60s", connection->head);
    return false;
  }
  if (!accepts(connection->head, connection->key)) {
    failed("bad Sec-WebSocket-Accept");
    return false;
  }
  connection->frames = &message.plain;
  char extensions[sizeof load.extensions];
  if (!find_field(connection->head, "Sec-WebSocket-Extensions", extensions, sizeof extensions)) return true;
  if (load.extensions[0] == 0) strcpy(load.extensions, extensions);
  if (options.deflate && strstr(extensions, "permessage-deflate") != NULL) {
    connection->frames = &message.compressed;
    load.compressing++;
  } else {
    failed("unasked extension %s", extensions);
  }
  return true;
}

static void open_connection(struct connection *connection) {
  load.opening--;
  connection->state = OPEN;
  load.open++;
  load.last_opened_at = now_ns();
  const uint64_t ns = load.last_opened_at - connection->started_at;
  load.opening_ns += ns;
  if (ns > load.longest_opening_ns) load.longest_opening_ns = ns;
}

// Reads what there is. The end of the head, or NULL when it has not come yet or the connection is dead.
static const char *read_head(struct connection *connection) {
  for (;;) {
    char *head = connection->head;
    const ssize_t octets = recv(connection->fd, head + connection->head_octets, MAX_HEAD - connection->head_octets, 0);
    if (octets < 0 && errno == EAGAIN) return NULL;
    if (octets <= 0) {
      failed("handshake: closed (%s) after %zu bytes: %.60s", octets < 0 ? strerror(errno) : "eof",
             connection->head_octets, head);
      drop(connection);
      return NULL;
    }
    connection->head_octets += (size_t)octets;
    head[connection->head_octets] = 0;
    const char *end = strstr(head, "\r\n\r\n");
    if (end != NULL) return end + 4;
    if (connection->head_octets < MAX_HEAD) continue;
    failed("handshake reply too long");
    drop(connection);
    return NULL;
  }
}

void read_response(struct connection *connection) {
  const char *end = read_head(connection);
  if (end == NULL) return;
  if (!check_response(connection)) {
    drop(connection);
    return;
  }
  open_connection(connection);
  const char *rest = connection->head + connection->head_octets;
  if (rest > end) read_frames(connection, (const uint8_t *)end, (const uint8_t *)rest, load.last_opened_at);
  free(connection->head);
  connection->head = NULL;
}
