/* What a call costs with Extism from C: extism GUEST [WORD ...]. Prints a line of JSON for each figure. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The package that carries the library has no header: this is the part of its interface that is used here. */
typedef struct ExtismCompiledPlugin ExtismCompiledPlugin;
typedef struct ExtismPlugin ExtismPlugin;
typedef struct ExtismCurrentPlugin ExtismCurrentPlugin;
typedef struct ExtismFunction ExtismFunction;
typedef enum { EXTISM_I32, EXTISM_I64, EXTISM_F32, EXTISM_F64 } ExtismValType;
typedef struct {
  ExtismValType t;
  union {
    int32_t i32;
    int64_t i64;
    float f32;
    double f64;
  } v;
} ExtismVal;
typedef void (*ExtismFunctionType)(ExtismCurrentPlugin *, const ExtismVal *, uint64_t, ExtismVal *, uint64_t, void *);
ExtismCompiledPlugin *extism_compiled_plugin_new(const uint8_t *, uint64_t, const ExtismFunction **, uint64_t, bool, char **);
ExtismPlugin *extism_plugin_new_from_compiled(const ExtismCompiledPlugin *, char **);
void extism_plugin_free(ExtismPlugin *);
int32_t extism_plugin_call(ExtismPlugin *, const char *, const uint8_t *, uint64_t);
uint64_t extism_plugin_output_length(ExtismPlugin *);
const uint8_t *extism_plugin_output_data(ExtismPlugin *);
ExtismFunction *extism_function_new(const char *, const ExtismValType *, uint64_t, const ExtismValType *, uint64_t,
                                    ExtismFunctionType, void *, void (*)(void *));
uint8_t *extism_current_plugin_memory(ExtismCurrentPlugin *);
uint64_t extism_current_plugin_memory_length(ExtismCurrentPlugin *, uint64_t);
uint64_t extism_current_plugin_memory_alloc(ExtismCurrentPlugin *, uint64_t);

enum { ROUNDS = 7, IDLE = 200, QUESTIONS = 1000 };
static const double SECONDS = 0.3;

static char **words;
static uint8_t payload[65536];
static ExtismCompiledPlugin *compiled;
static ExtismPlugin *kept;

static double now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int ascending(const void *one, const void *other) {
  return (*(const double *)one > *(const double *)other) - (*(const double *)one < *(const double *)other);
}

/* Without words all figures are wanted. */
static bool wanted(const char *name) {
  for (char **word = words; *word; word++) {
    if (strstr(name, *word)) return true;
  }
  return !*words;
}

static void tell(const char *name, const char *unit, const char *includes, double *rounds, int count) {
  qsort(rounds, (size_t)count, sizeof *rounds, ascending);
  printf("{\"name\": \"%s\", \"unit\": \"%s\", \"includes\": \"%s\", \"median\": %f, \"rounds\": [", name, unit, includes,
         rounds[count / 2]);
  for (int n = 0; n < count; n++) printf("%s%f", n ? ", " : "", rounds[n]);
  printf("]}\n");
  fflush(stdout);
}

static void call(ExtismPlugin *plugin, const char *function, const void *input, uint64_t length, uint64_t expected) {
  if (extism_plugin_call(plugin, function, input, length) != 0 || extism_plugin_output_length(plugin) != expected) exit(1);
  if (expected && extism_plugin_output_data(plugin)[expected - 1] != 'a') exit(1);
}

static ExtismPlugin *make(void) {
  ExtismPlugin *plugin = extism_plugin_new_from_compiled(compiled, NULL);
  if (!plugin) exit(1);
  call(plugin, "echo", payload, 64, 64);
  return plugin;
}

static void call_small(void) { call(kept, "echo", payload, 64, 64); }
static void call_large(void) { call(kept, "echo", payload, sizeof payload, sizeof payload); }
static void make_and_free(void) { extism_plugin_free(make()); }
static void ask(void) { call(kept, "ask", &(uint32_t){QUESTIONS}, sizeof(uint32_t), 0); }

/* The processor time of an operation that does `of` things, over all threads. */
static void repeated(const char *name, const char *includes, void (*operation)(void), int of) {
  if (!wanted(name)) return;
  double began = now(CLOCK_MONOTONIC), rounds[ROUNDS];
  int times = 0;
  for (; now(CLOCK_MONOTONIC) - began < SECONDS / 4 || times < 3; times++) operation();
  times = (int)(times * SECONDS / (now(CLOCK_MONOTONIC) - began));
  if (times < 3) times = 3;
  for (int round = 0; round < ROUNDS; round++) {
    double before = now(CLOCK_PROCESS_CPUTIME_ID);
    for (int n = 0; n < times; n++) operation();
    rounds[round] = (now(CLOCK_PROCESS_CPUTIME_ID) - before) * 1e6 / times / of;
  }
  tell(name, "us", includes, rounds, ROUNDS);
}

static double private_kib(void) {
  FILE *from = fopen("/proc/self/smaps_rollup", "r");
  char line[256];
  long sum = 0, some;
  while (from && fgets(line, sizeof line, from)) {
    if (sscanf(line, "Private_%*[^:]: %ld", &some) == 1) sum += some;
  }
  if (from) fclose(from);
  return (double)sum;
}

static void answer(ExtismCurrentPlugin *plugin, const ExtismVal *asked, uint64_t inputs, ExtismVal *given, uint64_t outputs,
                   void *ctx) {
  (void)inputs, (void)outputs, (void)ctx;
  uint64_t from = (uint64_t)asked->v.i64, length = extism_current_plugin_memory_length(plugin, from);
  uint64_t to = extism_current_plugin_memory_alloc(plugin, length);
  uint8_t *memory = extism_current_plugin_memory(plugin);
  memcpy(memory + to, memory + from, length);
  given->v.i64 = (int64_t)to;
}

int main(int count, char **values) {
  if (count < 2) return 2;
  words = values + 2;
  FILE *from = fopen(values[1], "rb");
  static uint8_t wasm[1 << 16];
  size_t length = from ? fread(wasm, 1, sizeof wasm, from) : 0;
  if (from) fclose(from);
  memset(payload, 'a', sizeof payload);
  ExtismValType one = EXTISM_I64;
  const ExtismFunction *function = extism_function_new("answer", &one, 1, &one, 1, answer, NULL, NULL);
  compiled = extism_compiled_plugin_new(wasm, length, &function, 1, false, NULL);
  if (!compiled) return 1;
  kept = make();
  const char *includes = "no audit; copied through the kernel as the Rust PDK does; output read in place";
  repeated("call, 64 B: Extism, C", includes, call_small, 1);
  repeated("call, 64 KiB in and out: Extism, C", includes, call_large, 1);
  repeated("new instance: Extism, C", "from a compiled plugin, its first call, freed", make_and_free, 1);
  repeated("guest to host and back, 64 B: Extism, C", "bytes copied in a function", ask, QUESTIONS);
  if (!wanted("idle instance: Extism, C")) return 0;
  make();
  double before = private_kib();
  for (int n = 0; n < IDLE; n++) make();
  double each = (private_kib() - before) / IDLE;
  tell("idle instance: Extism, C", "KiB", "each of 200, called once with 64 B", &each, 1);
  return 0;
}
