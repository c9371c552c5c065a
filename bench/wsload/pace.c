// Messages by the clock (--rate): a slow server gets no fewer of them, so what it keeps waiting is seen in the latencies.

#include <stddef.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "load.h"
#include "options.h"
#include "util.h"

static int timer = -1;
static long sent;

void start_pace(void) {
  const uint64_t gap = (uint64_t)((double)NS_PER_SECOND / (options.rate * options.connections));
  const struct timespec time = {.tv_sec = (time_t)(gap / NS_PER_SECOND), .tv_nsec = (long)(gap % NS_PER_SECOND)};
  const struct itimerspec spec = {.it_interval = time, .it_value = time};
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (gap == 0 || timer < 0 || timerfd_settime(timer, 0, &spec, NULL) != 0) die("no timer for --rate");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(load.epoll, EPOLL_CTL_ADD, timer, &event);
}

void on_pace(void) {
  uint64_t due;
  if (read(timer, &due, sizeof due) != sizeof due) return;
  const long total = load.quota * options.connections;
  for (; due > 0 && sent < total; due--) {
    send_one(&load.connections[sent % options.connections], now_ns());
    sent++;
  }
  if (sent == total) close(timer);
}
