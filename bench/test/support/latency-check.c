// Reads nanoseconds, one a line, and writes wsload's percentiles of them: 0.1, 50, 90, 99, 99.9 and 100, and their mean.

#include <inttypes.h>
#include <stdio.h>

#include "latency.h"

int main(void) {
  uint64_t ns;
  while (scanf("%" SCNu64, &ns) == 1) add_latency(ns, 1);
  const double percents[] = {0.1, 50, 90, 99, 99.9, 100};
  for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) printf("%.3f ", latency_percentile(percents[i]));
  printf("%.3f\n", latency_mean());
  return 0;
}
