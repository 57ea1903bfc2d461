/* What a call costs with Extism from C: extism GUEST [WORD ...]. Prints a line of JSON for each figure. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extism.h"
#include "measure.h"

enum { IDLE = 200, QUESTIONS = 1000 };

static char **words;
static uint8_t payload[65536];
static ExtismCompiledPlugin *compiled;
static ExtismPlugin *kept;

/* Without words all figures are wanted. */
static bool wanted(const char *name) {
  for (char **word = words; *word; word++) {
    if (strstr(name, *word)) return true;
  }
  return !*words;
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

static void call_small(const void *ctx) { (void)ctx, call(kept, "echo", payload, 64, 64); }
static void call_large(const void *ctx) { (void)ctx, call(kept, "echo", payload, sizeof payload, sizeof payload); }
static void make_and_free(const void *ctx) { (void)ctx, extism_plugin_free(make()); }
static void ask(const void *ctx) { (void)ctx, call(kept, "ask", &(uint32_t){QUESTIONS}, sizeof(uint32_t), 0); }

static void measured(const char *name, const char *includes, void (*operation)(const void *ctx), int of) {
  if (wanted(name)) repeated(name, includes, operation, NULL, of);
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

/* Measured first of all, while nothing that is measured later has left memory behind. */
static void idle(const char *name) {
  if (!wanted(name)) return;
  static ExtismPlugin *plugins[IDLE];
  double before = private_kib();
  for (int n = 0; n < IDLE; n++) plugins[n] = make();
  double each = (private_kib() - before) / IDLE;
  tell(name, "KiB", "each of 200, called once with 64 B", &each, 1);
  for (int n = 0; n < IDLE; n++) extism_plugin_free(plugins[n]);
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
  idle("idle instance: Extism, C");
  const char *includes = "no audit; copied through the kernel as the Rust PDK does; output read in place";
  measured("call, 64 B: Extism, C", includes, call_small, 1);
  measured("call, 64 KiB in and out: Extism, C", includes, call_large, 1);
  measured("new instance: Extism, C", "from a compiled plugin, its first call, freed", make_and_free, 1);
  /* A plugin of its own: one that was called with 64 KiB asks more slowly ever after. */
  extism_plugin_free(kept);
  kept = make();
  measured("guest to host and back, 64 B: Extism, C", "bytes copied in a function", ask, QUESTIONS);
  return 0;
}
