// The line of JSON that a run ends with.

#pragma once

#include <stdint.h>

#include "process_tree.h"

// What was measured over a stretch of time. CPU times are seconds.
struct stretch {
  double seconds;
  uint64_t messages, frames;
  double server_cpu, own_cpu;
  // All cores of the machine together, and what its host took.
  double busy, stolen;
};

struct report {
  int opened;
  double opening_server_cpu, opening_own_cpu;
  struct stretch stretch;
  struct memory memory_before, memory_after;
  int processes;
};

void print_report(const struct report *report);
