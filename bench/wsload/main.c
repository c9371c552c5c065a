// wsload: a load for WebSocket echo servers. One thread, so that one core carries it, and nothing but libc and zlib.
// Opens connections, keeps messages in flight on each, and checks what comes back. One line of JSON on stdout; exit code 0
// only if every connection was opened, every first echo was what had been sent, and nothing else went wrong; 1 if not;
// 2 for arguments that cannot be followed. `wsload` without arguments tells the arguments.

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"
#include "options.h"
#include "process_tree.h"
#include "report.h"
#include "util.h"

// Seconds.
#define OPEN_BOUND 15
#define HOLD_BOUND 60
#define RETURN_BOUND 0.5
#define LEAVE_BOUND 1
// How many times the window the first echoes may take beyond the warm-up.
#define FIRST_ECHO_WINDOWS 10
// Nanoseconds between two looks at whether all have left.
#define LEAVE_LOOK 5000000
// Connections between two looks at what has come back, while they are all sent to.
#define SENDS_BETWEEN_POLLS 32
#define CLOSES_BETWEEN_POLLS 256

static struct process_tree server;

static uint64_t after(double seconds) {
  return now_ns() + (uint64_t)(seconds * (double)NS_PER_SECOND);
}

static bool all_opened(void) {
  return load.open + load.dead == options.connections;
}

static bool all_finished(void) {
  return load.finished + load.dead >= options.connections;
}

static bool all_verified(void) {
  return load.verified + load.dead >= options.connections;
}

static void open_all(struct report *report) {
  const double server_cpu = cpu_seconds_of(&server), own_cpu = own_cpu_seconds();
  run_until(after(OPEN_BOUND), all_opened);
  report->opening_server_cpu = cpu_seconds_of(&server) - server_cpu;
  report->opening_own_cpu = own_cpu_seconds() - own_cpu;
  report->opened = load.open;
}

// What the stretch since `begin_stretch` came to.
static struct stretch begun;

static void begin_stretch(void) {
  const struct machine_time machine = machine_time();
  begun = (struct stretch){
      .messages = load.messages,
      .frames = load.frames,
      .server_cpu = cpu_seconds_of(&server),
      .own_cpu = own_cpu_seconds(),
      .busy = machine.busy,
      .stolen = machine.stolen,
      .seconds = (double)now_ns() / 1e9,
  };
  load.measuring = true;
}

static struct stretch end_stretch(void) {
  load.measuring = false;
  load.running = false;
  const struct machine_time machine = machine_time();
  return (struct stretch){
      .seconds = (double)now_ns() / 1e9 - begun.seconds,
      .messages = load.messages - begun.messages,
      .frames = load.frames - begun.frames,
      .server_cpu = cpu_seconds_of(&server) - begun.server_cpu,
      .own_cpu = own_cpu_seconds() - begun.own_cpu,
      .busy = machine.busy - begun.busy,
      .stolen = machine.stolen - begun.stolen,
  };
}

// Sends what may be sent on every connection. Many of them have an echo back before the last one has been sent to.
static void send_on_all(void) {
  for (int i = 0; i < options.connections; i++) {
    fill(&load.connections[i], now_ns());
    if (load.connections[i].state == OPEN) flush(&load.connections[i]);
    if (i % SENDS_BETWEEN_POLLS == SENDS_BETWEEN_POLLS - 1) poll_events(0);
  }
}

static struct stretch echo_once_and_idle(void) {
  load.quota = 1;
  load.running = true;
  begin_stretch();
  send_on_all();
  run_until(after(options.seconds), all_verified);
  const struct stretch stretch = end_stretch();
  run_until(after(options.idle), NULL);
  return stretch;
}

static struct stretch echo_count(void) {
  load.quota = options.count;
  load.running = true;
  begin_stretch();
  if (options.rate > 0) start_pace();
  else send_on_all();
  run_until(after(options.seconds), all_finished);
  if (!all_finished()) failed("count not reached in time");
  return end_stretch();
}

static struct stretch echo_for_a_time(void) {
  load.quota = -1;
  load.running = true;
  send_on_all();
  if (options.warmup > 0) run_until(after(options.warmup), NULL);
  // A window that begins before every connection has had an echo would measure a server that is still filling up.
  run_until(after(options.seconds * FIRST_ECHO_WINDOWS), all_verified);
  begin_stretch();
  run_until(after(options.seconds), NULL);
  return end_stretch();
}

static bool told_to_go_on(void) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&input, 1, 0) > 0;
}

static void hold(void) {
  puts("open");
  fflush(stdout);
  run_until(after(HOLD_BOUND), told_to_go_on);
}

static void echo(struct report *report) {
  if (report->opened != options.connections) {
    failed("only %d of %d connections opened", report->opened, options.connections);
    return;
  }
  if (options.hold) hold();
  report->stretch = options.idle >= 0 ? echo_once_and_idle() : options.count > 0 ? echo_count() : echo_for_a_time();
  if (load.verified < options.connections)
    failed("only %ld of %d first echoes verified", load.verified, options.connections);
}

static bool nothing_in_flight(void) {
  for (int i = 0; i < options.connections; i++) {
    const struct connection *connection = &load.connections[i];
    if (connection->state == OPEN && (connection->in_flight > 0 || connection->unsent > 0)) return false;
  }
  return true;
}

static bool nothing_open(void) {
  return load.open == 0;
}

// Lets come back what is in flight, then ends every connection that is between two messages with a Close 1000.
static void leave(void) {
  static const uint8_t CLOSE_FRAME[] = {FIN | CLOSE, MASKED | 2, 1, 2, 3, 4, 1 ^ 0x03, 2 ^ 0xE8};
  load.leaving = true;
  const uint64_t returned = after(RETURN_BOUND);
  while (load.errors == 0 && now_ns() < returned && !nothing_in_flight()) run_until(now_ns() + LEAVE_LOOK, NULL);
  for (int i = 0; i < options.connections; i++) {
    const struct connection *connection = &load.connections[i];
    if (connection->state != OPEN || connection->written > 0 || connection->unsent > 0) continue;
    send(connection->fd, CLOSE_FRAME, sizeof CLOSE_FRAME, MSG_NOSIGNAL);
    if (i % CLOSES_BETWEEN_POLLS == CLOSES_BETWEEN_POLLS - 1) poll_events(1);
  }
  run_until(after(LEAVE_BOUND), nothing_open);
}

int main(int argc, char **argv) {
  parse_options(argc, argv);
  make_message();
  // From here on runs differ: in the keys of their opening handshakes.
  stir_random(now_ns());
  set_up_connections();
  struct report report;
  memset(&report, 0, sizeof report);
  find_process_tree(&server, options.pid);
  report.memory_before = memory_of(&server);
  open_all(&report);
  // By now the server may have started what it needs for connections.
  find_process_tree(&server, options.pid);
  report.processes = server.count;
  echo(&report);
  report.memory_after = memory_of(&server);
  print_report(&report);
  const bool good = load.errors == 0;
  leave();
  return good ? 0 : 1;
}
