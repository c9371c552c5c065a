// Connections and the loop that serves them: one thread, epoll, edge-triggered.

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "options.h"
#include "util.h"

#define READ_OCTETS 262144
// Payload octets of a frame above which they are dropped by the kernel instead of copied here.
#define DROP_FROM 16384
#define MAX_READ (1u << 30)
#define MAX_EVENTS 512
// Milliseconds after which the loop looks around although nothing happens.
#define LOOK_AROUND 100
#define SPARE_FILES 64

struct load load;

static struct sockaddr_in server;
static uint8_t *read_buffer;

void failed(const char *format, ...) {
  load.errors++;
  if (load.first_error[0] != 0) return;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(load.first_error, sizeof load.first_error, format, arguments);
  va_end(arguments);
}

static void allow_open_files(rlim_t files) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= files) return;
  limit.rlim_cur = files;
  if (limit.rlim_max < files) limit.rlim_max = files;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    die("%lu open files are needed, which is more than ulimit -Hn allows", (unsigned long)files);
}

void set_up_connections(void) {
  allow_open_files((rlim_t)options.connections + SPARE_FILES);
  server.sin_family = AF_INET;
  server.sin_port = htons((uint16_t)options.port);
  if (inet_pton(AF_INET, options.host, &server.sin_addr) != 1) die("HOST must be an IPv4 address");
  if (ntohl(server.sin_addr.s_addr) >> 24 != 127) die("HOST must be in 127.0.0.0/8");
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  read_buffer = malloc(READ_OCTETS);
  load.connections = calloc((size_t)options.connections, sizeof *load.connections);
  if (load.epoll < 0 || read_buffer == NULL || load.connections == NULL) die("out of memory");
  for (int i = 0; i < options.connections; i++) {
    load.connections[i].batches = calloc((size_t)options.depth, sizeof(struct batch));
    if (load.connections[i].batches == NULL) die("out of memory");
  }
}

void drop(struct connection *connection) {
  if (connection->state == DEAD) return;
  if (connection->state == CONNECTING || connection->state == HANDSHAKE) load.opening--;
  if (connection->state == OPEN) load.open--;
  connection->state = DEAD;
  load.dead++;
  close(connection->fd);
  connection->fd = -1;
  free(connection->head);
  connection->head = NULL;
}

static void start(struct connection *connection) {
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0) die("socket: %s (ulimit -n?)", strerror(errno));
  const int on = 1;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  connection->state = CONNECTING;
  connection->started_at = now_ns();
  if (load.started == 0) load.first_started_at = connection->started_at;
  load.opening++;
  load.started++;
  if (connect(connection->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
    failed("connect: %s", strerror(errno));
    drop(connection);
    return;
  }
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
  epoll_ctl(load.epoll, EPOLL_CTL_ADD, connection->fd, &event);
}

static inline void enqueue(struct connection *connection, uint32_t count, uint64_t now) {
  uint32_t at = connection->first_batch + connection->batch_count;
  if (at >= (uint32_t)options.depth) at -= (uint32_t)options.depth;
  connection->batches[at] = (struct batch){.sent_at = now, .count = count};
  connection->batch_count++;
  connection->in_flight += count;
  connection->unsent += count;
  connection->sent += count;
}

void fill(struct connection *connection, uint64_t now) {
  if (!load.running || connection->state != OPEN || options.rate > 0) return;
  uint32_t count = (uint32_t)options.depth - connection->in_flight;
  if (load.quota >= 0 && (long)count > load.quota - connection->sent) count = (uint32_t)(load.quota - connection->sent);
  if (count > 0) enqueue(connection, count, now);
}

void send_one(struct connection *connection, uint64_t now) {
  if (connection->state != OPEN) return;
  if (connection->in_flight == (uint32_t)options.depth) {
    failed("%d messages in flight: --rate needs a greater DEPTH", options.depth);
    return;
  }
  enqueue(connection, 1, now);
  if (!connection->blocked) flush(connection);
}

// What the kernel took, or -1 when nothing may be written now, or ever.
static ssize_t write_octets(struct connection *connection, const uint8_t *octets, size_t count) {
  const ssize_t written = send(connection->fd, octets, count, MSG_NOSIGNAL);
  if (written >= 0) return written;
  if (errno == EAGAIN) {
    connection->blocked = true;
  } else {
    failed("send: %s", strerror(errno));
    drop(connection);
  }
  return -1;
}

// False: not now, or never.
static bool flush_pong(struct connection *connection) {
  const ssize_t written = write_octets(connection, connection->pong, connection->pong_octets);
  if (written < 0) return false;
  if (written != connection->pong_octets) {
    failed("pong");
    drop(connection);
    return false;
  }
  connection->pong_octets = 0;
  return true;
}

void flush(struct connection *connection) {
  for (;;) {
    // A pong goes between two messages.
    if (UNLIKELY(connection->pong_octets > 0 && connection->written == 0) && !flush_pong(connection)) return;
    if (connection->unsent == 0) {
      connection->blocked = false;
      return;
    }
    const struct frames *frames = connection->frames;
    size_t count = connection->unsent * frames->frame_octets - connection->written;
    if (count > frames->total - connection->written) count = frames->total - connection->written;
    const ssize_t written = write_octets(connection, frames->octets + connection->written, count);
    if (written < 0) return;
    connection->written += (size_t)written;
    const uint32_t whole = (uint32_t)(connection->written / frames->frame_octets);
    connection->written -= whole * frames->frame_octets;
    connection->unsent -= whole;
    if ((size_t)written < count) {
      connection->blocked = true;
      return;
    }
  }
}

// One read. False: nothing more is to be read now, or ever.
static bool read_once(struct connection *connection) {
  const bool dropping = connection->frame_left >= DROP_FROM && !connection->keeping && connection->opcode < CLOSE;
  const size_t room = !dropping ? READ_OCTETS : connection->frame_left < MAX_READ ? connection->frame_left : MAX_READ;
  // MSG_TRUNC without a buffer: the kernel drops the octets (tcp(7)).
  const ssize_t octets = recv(connection->fd, dropping ? NULL : read_buffer, room, dropping ? MSG_TRUNC : 0);
  if (octets < 0 && errno == EAGAIN) return false;
  if (octets <= 0) {
    if (!load.leaving && octets < 0) failed("recv: %s", strerror(errno));
    if (!load.leaving && octets == 0) failed("server closed the TCP connection");
    drop(connection);
    return false;
  }
  const uint64_t now = now_ns();
  const long received = connection->received;
  if (load.measuring) load.octets += (uint64_t)octets;
  if (dropping) {
    connection->frame_left -= (uint64_t)octets;
    if (connection->frame_left == 0 && !end_frame(connection, now)) return false;
  } else if (!read_frames(connection, read_buffer, read_buffer + octets, now)) {
    return false;
  }
  if (connection->received != received) {
    if (load.quota >= 0 && connection->received >= load.quota) load.finished++;
    fill(connection, now);
  }
  if ((connection->unsent > 0 || connection->pong_octets > 0) && !connection->blocked) {
    flush(connection);
    if (connection->state != OPEN) return false;
  }
  // A short read has taken all there was; another event will come with more.
  return (size_t)octets == room;
}

static void on_connecting(struct connection *connection, uint32_t events) {
  if (events & (EPOLLERR | EPOLLHUP)) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    failed("connect: %s", strerror(error));
    drop(connection);
  } else if (events & EPOLLOUT) {
    send_request(connection);
  }
}

static void on_events(struct connection *connection, uint32_t events) {
  const bool readable = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (connection->state == CONNECTING) on_connecting(connection, events);
  if (connection->state == HANDSHAKE && readable) read_response(connection);
  if (connection->state != OPEN) return;
  if (readable)
    while (read_once(connection)) continue;
  if (connection->state == OPEN && (events & EPOLLOUT) && connection->blocked) {
    connection->blocked = false;
    flush(connection);
  }
}

void poll_events(int milliseconds) {
  static struct epoll_event events[MAX_EVENTS];
  const int count = epoll_wait(load.epoll, events, MAX_EVENTS, milliseconds);
  if (count < 0 && errno != EINTR) die("epoll_wait: %s", strerror(errno));
  for (int i = 0; i < count; i++) {
    if (events[i].data.ptr == NULL) on_pace();
    else on_events(events[i].data.ptr, events[i].events);
  }
}

void run_until(uint64_t time, bool (*done)(void)) {
  for (;;) {
    const uint64_t now = now_ns();
    if (now >= time || load.dead == options.connections || (done != NULL && done())) return;
    while (load.started < options.connections && load.opening < options.ramp) start(&load.connections[load.started]);
    const uint64_t milliseconds = (time - now + 999999) / 1000000;
    poll_events(milliseconds > LOOK_AROUND ? LOOK_AROUND : (int)milliseconds);
  }
}
