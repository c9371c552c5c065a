// See process_tree.h. A process may end at any moment: what it had is then missing, and that is no error.

#include "process_tree.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define KIB_PER_MIB 1024.0

static void add(struct process_tree *tree, int pid);

static void add_children(struct process_tree *tree, const char *file) {
  FILE *children = fopen(file, "r");
  if (children == NULL) return;
  int child;
  while (fscanf(children, "%d", &child) == 1) add(tree, child);
  fclose(children);
}

static bool has(const struct process_tree *tree, int pid) {
  for (int i = 0; i < tree->count; i++)
    if (tree->pids[i] == pid) return true;
  return false;
}

static void add(struct process_tree *tree, int pid) {
  if (tree->count == MAX_PROCESSES || has(tree, pid)) return;
  tree->pids[tree->count++] = pid;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *threads = opendir(path);
  if (threads == NULL) return;
  for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
    if (thread->d_name[0] == '.') continue;
    char file[384];
    snprintf(file, sizeof file, "%s/%s/children", path, thread->d_name);
    add_children(tree, file);
  }
  closedir(threads);
}

void find_process_tree(struct process_tree *tree, int pid) {
  tree->count = 0;
  if (pid != 0) add(tree, pid);
}

double cpu_seconds_of(const struct process_tree *tree) {
  double seconds = 0;
  for (int i = 0; i < tree->count; i++) {
    clockid_t clock;
    struct timespec time;
    if (clock_getcpuclockid(tree->pids[i], &clock) != 0 || clock_gettime(clock, &time) != 0) continue;
    seconds += (double)time.tv_sec + (double)time.tv_nsec / 1e9;
  }
  return seconds;
}

struct memory memory_of(const struct process_tree *tree) {
  struct memory memory = {0, 0};
  for (int i = 0; i < tree->count; i++) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", tree->pids[i]);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    while (fgets(line, sizeof line, file) != NULL) {
      long kib;
      if (sscanf(line, "Rss: %ld", &kib) == 1) memory.resident += (double)kib / KIB_PER_MIB;
      else if (sscanf(line, "Pss: %ld", &kib) == 1) memory.proportional += (double)kib / KIB_PER_MIB;
    }
    fclose(file);
  }
  return memory;
}

double own_cpu_seconds(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

struct machine_time machine_time(void) {
  // In clock ticks: user, nice, system, idle, waiting for I/O, interrupts, soft interrupts, stolen (proc(5)).
  unsigned long long ticks[8] = {0};
  FILE *file = fopen("/proc/stat", "r");
  if (file != NULL) {
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &ticks[0], &ticks[1], &ticks[2], &ticks[3],
               &ticks[4], &ticks[5], &ticks[6], &ticks[7]) != 8)
      ticks[7] = 0;
    fclose(file);
  }
  const double hertz = (double)sysconf(_SC_CLK_TCK);
  return (struct machine_time){
      .busy = (double)(ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]) / hertz,
      .stolen = (double)ticks[7] / hertz,
  };
}
