// See latency.h.

#include "latency.h"

struct latencies latencies;

// Middle of the values that a bucket holds.
static double value_of(uint32_t bucket) {
  if (bucket < SUB_BUCKETS) return bucket;
  const int exponent = (int)(bucket >> SUB_BITS) + SUB_BITS - 1;
  const uint64_t width = 1ull << (exponent - SUB_BITS);
  const uint64_t least = (1ull << exponent) + (bucket & (SUB_BUCKETS - 1)) * width;
  return (double)least + (double)width / 2;
}

double latency_percentile(double percent) {
  if (latencies.count == 0) return 0;
  uint64_t rank = (uint64_t)(percent / 100 * (double)latencies.count + 0.5);
  if (rank < 1) rank = 1;
  uint64_t below = 0;
  for (uint32_t bucket = 0; bucket < sizeof latencies.buckets / sizeof *latencies.buckets; bucket++) {
    below += latencies.buckets[bucket];
    if (below < rank) continue;
    const double value = value_of(bucket);
    return value > (double)latencies.greatest ? (double)latencies.greatest : value;
  }
  return (double)latencies.greatest;
}

double latency_mean(void) {
  return latencies.count == 0 ? 0 : (double)latencies.sum / (double)latencies.count;
}
