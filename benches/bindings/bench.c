/* What a call costs from C: hooks, and questions that a callback answers. Prints a line of JSON for each figure.
 *
 *   bench HOME ECHO HASH WORKER HASH      HOME: a folder that is new; ECHO, WORKER: the guests of these names */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "astrid_host.h"
#include "measure.h"

enum { QUESTIONS = 1000, WAITING = 1000, ASK = 8 };

static char **arguments;

#define MUST(call)                                                                          \
  do {                                                                                      \
    astrid_error *error = NULL;                                                             \
    if ((call) != ASTRID_OK) {                                                              \
      fprintf(stderr, "%s: %s\n", astrid_error_code(error), astrid_error_message(error));   \
      exit(1);                                                                              \
    }                                                                                       \
  } while (0)

/* What is called over and over. */
struct call {
  astrid_capsule *capsule;
  const char *action;
  const uint8_t *payload;
  size_t length;
};

static void once(const void *ctx) {
  const struct call *call = ctx;
  astrid_hook_result *result;
  astrid_trigger_options options;
  astrid_trigger_options_init(&options, sizeof options);
  options.timeout_ms = 60000;
  MUST(astrid_capsule_trigger(call->capsule, call->action, call->payload, call->length, &options, &result, &error));
  astrid_hook_result_free(result);
}

static astrid_host *open_host(const char *home, astrid_approval_callback on_approval) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", arguments[1], home);
  astrid_quota quotas[] = {{"max_cpu_fuel_per_sec", UINT64_MAX}, {"max_ipc_throughput_bytes", UINT64_MAX}};
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = path;
  options.quotas = quotas;
  options.quota_count = 2;
  astrid_audit_choices audit;
  astrid_audit_choices_init(&audit, sizeof audit);
  audit.entries_per_sec = audit.bytes_per_sec = UINT64_MAX;
  options.audit = &audit;
  options.max_principals = 2 * WAITING;
  options.on_approval = on_approval;
  astrid_host *host;
  MUST(astrid_host_open(&options, &host, &error));
  return host;
}

static astrid_capsule *load(astrid_host *host, const char *name, const char *file, const char *hash) {
  FILE *from = fopen(file, "rb");
  static uint8_t bytes[1 << 20];
  size_t length = from ? fread(bytes, 1, sizeof bytes, from) : 0;
  if (from) fclose(from);
  char manifest[256];
  snprintf(manifest, sizeof manifest,
           "[package]\nname = \"%s\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n", name);
  astrid_capsule *capsule;
  MUST(astrid_host_load_component(host, bytes, length, manifest, hash, NULL, &capsule, &error));
  return capsule;
}

static void end(astrid_host *host, astrid_capsule *capsule) {
  astrid_capsule_free(capsule);
  MUST(astrid_host_close(host, &error));
  astrid_host_free(host);
}

static void approve(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  (void)ctx, (void)question;
  astrid_approval_answer_decide(answer, ASTRID_APPROVE);
  astrid_approval_answer_free(answer);
}

static atomic_int asked;
static astrid_approval_answer *kept[WAITING];

static void wait_for_ever(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  (void)ctx, (void)question;
  kept[atomic_fetch_add(&asked, 1)] = answer;
}

static void ignore(void *ctx, astrid_status status, const astrid_hook_result *result, const astrid_error *error) {
  (void)ctx, (void)status, (void)result, (void)error;
}

static void until(int count) {
  struct timespec soon = {0, 1000000};
  while (atomic_load(&asked) < count) nanosleep(&soon, NULL);
}

static void waiting(void) {
  astrid_host *host = open_host("waiting", (astrid_approval_callback){.call = wait_for_ever});
  astrid_capsule *worker = load(host, "worker", arguments[4], arguments[5]);
  static const uint32_t work[4] = {ASK, 1, 0, 0};
  double before = 0;
  for (int n = 0; n < WAITING; n++) {
    char who[16];
    snprintf(who, sizeof who, "p%d", n);
    astrid_trigger_options options;
    astrid_trigger_options_init(&options, sizeof options);
    options.principal = who;
    astrid_completion completion = {.call = ignore};
    MUST(astrid_capsule_trigger_async(worker, "work", (const uint8_t *)work, sizeof work, &options, completion, NULL,
                                      &error));
    if (n) continue;
    until(1);
    before = private_kib();
  }
  until(WAITING);
  double each = (private_kib() - before) / (WAITING - 1);
  end(host, worker);
  for (int n = 0; n < WAITING; n++) astrid_approval_answer_free(kept[n]);
  char name[64];
  snprintf(name, sizeof name, "%d questions that wait in C: each", WAITING);
  tell(name, "KiB", "a principal, its instance, an answer", &each, 1);
}

int main(int count, char **values) {
  if (count != 6) return 2;
  arguments = values;
  astrid_host *host = open_host("hooks", (astrid_approval_callback){0});
  astrid_capsule *capsule = load(host, "echo", arguments[2], arguments[3]);
  static uint8_t payload[65536];
  memset(payload, 'a', sizeof payload);
  repeated("trigger, 64 B, from C", "one entry", once, &(struct call){capsule, "echo", payload, 64}, 1);
  repeated("trigger, 64 KiB in and out, from C", "one entry", once, &(struct call){capsule, "echo", payload, sizeof payload}, 1);
  end(host, capsule);
  host = open_host("questions", (astrid_approval_callback){.call = approve});
  capsule = load(host, "worker", arguments[4], arguments[5]);
  static const uint32_t work[4] = {ASK, QUESTIONS, 0, 0};
  repeated("approval, answered in C", "two entries", once, &(struct call){capsule, "work", (const uint8_t *)work, sizeof work},
           QUESTIONS);
  end(host, capsule);
  waiting();
  return 0;
}
