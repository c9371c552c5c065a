// CPU time and memory of the server, as the system keeps them: the process and all its descendants.

#pragma once

#define MAX_PROCESSES 512

struct process_tree {
  int pids[MAX_PROCESSES];
  int count;
};

struct memory {
  // MiB. Pages that processes share count in each of them.
  double resident;
  // MiB. A page that n processes share counts 1/n in each of them.
  double proportional;
};

// The process and all its descendants as of now, those that any of its threads has forked among them; none of pid 0.
void find_process_tree(struct process_tree *tree, int pid);
// Seconds of user and system time of all threads, to the nanosecond.
double cpu_seconds_of(const struct process_tree *tree);
struct memory memory_of(const struct process_tree *tree);

// Seconds of this program.
double own_cpu_seconds(void);

// Seconds of all cores together since the start of the machine.
struct machine_time {
  double busy;
  // Taken by the host from a virtual machine.
  double stolen;
};
struct machine_time machine_time(void);
