// Latencies, from the sending of a message to the last octet of its echo, as a histogram: 128 buckets for each power of
// two of nanoseconds, so a percentile is off by less than 0.8 %.

#pragma once

#include <stdint.h>

#define SUB_BITS 7
#define SUB_BUCKETS (1u << SUB_BITS)

struct latencies {
  uint64_t buckets[64 << SUB_BITS];
  uint64_t count;
  uint64_t sum;
  uint64_t greatest;
};

extern struct latencies latencies;

static inline uint32_t bucket_of(uint64_t ns) {
  if (ns < SUB_BUCKETS) return (uint32_t)ns;
  const int exponent = 63 - __builtin_clzll(ns);
  const uint32_t within = (uint32_t)(ns >> (exponent - SUB_BITS)) & (SUB_BUCKETS - 1);
  return ((uint32_t)(exponent - SUB_BITS + 1) << SUB_BITS) + within;
}

static inline void add_latency(uint64_t ns, uint64_t times) {
  latencies.buckets[bucket_of(ns)] += times;
  latencies.count += times;
  latencies.sum += ns * times;
  if (ns > latencies.greatest) latencies.greatest = ns;
}

// Nanoseconds; 0 of nothing.
double latency_percentile(double percent);
double latency_mean(void);
