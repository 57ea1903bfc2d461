#define _GNU_SOURCE
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, LEAST = 3 };
static const double SECONDS = 0.3;

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int ascending(const void *one, const void *other) {
  return (*(const double *)one > *(const double *)other) - (*(const double *)one < *(const double *)other);
}

void tell(const char *name, const char *unit, const char *includes, double *rounds, int count) {
  qsort(rounds, (size_t)count, sizeof *rounds, ascending);
  printf("{\"name\": \"%s\", \"unit\": \"%s\", \"includes\": \"%s\", \"median\": %f, \"rounds\": [", name, unit, includes,
         rounds[count / 2]);
  for (int n = 0; n < count; n++) printf("%s%f", n ? ", " : "", rounds[n]);
  printf("]}\n");
  fflush(stdout);
}

void repeated(const char *name, const char *includes, void (*operation)(const void *ctx), const void *ctx, int of) {
  double began = now(CLOCK_MONOTONIC), rounds[ROUNDS];
  int times = 0;
  for (; now(CLOCK_MONOTONIC) - began < SECONDS / 4 || times < LEAST; times++) operation(ctx);
  times = (int)(times * SECONDS / (now(CLOCK_MONOTONIC) - began));
  if (times < LEAST) times = LEAST;
  for (int round = 0; round < ROUNDS; round++) {
    double before = now(CLOCK_PROCESS_CPUTIME_ID);
    for (int n = 0; n < times; n++) operation(ctx);
    rounds[round] = (now(CLOCK_PROCESS_CPUTIME_ID) - before) * 1e6 / times / of;
  }
  tell(name, "us", includes, rounds, ROUNDS);
}

double private_kib(void) {
  FILE *from = fopen("/proc/self/smaps_rollup", "r");
  char line[256];
  long sum = 0, some;
  while (from && fgets(line, sizeof line, from)) {
    if (sscanf(line, "Private_%*[^:]: %ld", &some) == 1) sum += some;
  }
  if (from) fclose(from);
  return (double)sum;
}
