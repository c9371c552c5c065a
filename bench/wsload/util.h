// What every part of wsload uses: time, chance, and the end of a run that cannot go on.

#pragma once

#include <stdint.h>
#include <stdnoreturn.h>
#include <time.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

#define NS_PER_SECOND 1000000000ull

static inline uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_nsec;
}

// Says why on stderr and ends the process with exit code 2.
noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...);

// The same series in every run until it is stirred: the message and its masking key do not change from run to run.
uint64_t random64(void);
void stir_random(uint64_t with);
