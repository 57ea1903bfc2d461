/* Many questions at once: all are answered, from another thread; closing the host ends all; approvals are taken back. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

char **arguments;

enum { MANY = 1000, OPEN = 100 };

/* Everybody who is asked, and what became of the calls. */
struct crowd {
  pthread_mutex_t lock;
  astrid_approval_answer *waiting[MANY];
  atomic_int asked, done, approved, refused, dropped;
};

static void keep(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  struct crowd *crowd = ctx;
  (void)question;
  pthread_mutex_lock(&crowd->lock);
  crowd->waiting[crowd->asked] = answer;
  atomic_fetch_add(&crowd->asked, 1);
  pthread_mutex_unlock(&crowd->lock);
}

static void completed(void *ctx, astrid_status status, const astrid_hook_result *result, const astrid_error *error) {
  struct crowd *crowd = ctx;
  CHECK(!error == !status);
  int approved = status == ASTRID_OK && strstr(result->data.data, "\"decision\":\"approved\"");
  CHECK(status == ASTRID_OK || status == ASTRID_ERROR_CLOSED || status == ASTRID_ERROR_CANCELLED);
  atomic_fetch_add(approved ? &crowd->approved : &crowd->refused, 1);
  atomic_fetch_add(&crowd->done, 1);
}

static void let_go(void *ctx) { atomic_fetch_add(&((struct crowd *)ctx)->dropped, 1); }

static void until(atomic_int *counter, int wanted) {
  while (atomic_load(counter) < wanted) usleep(1000);
}

/* So many calls, each for a principal of its own, that all wait for an answer. */
static void ask_all(astrid_capsule *capsule, struct crowd *crowd, astrid_call **calls, int count) {
  astrid_trigger_options options;
  astrid_trigger_options_init(&options, sizeof options);
  for (int n = 0; n < count; n++) {
    char who[16];
    snprintf(who, sizeof who, "p%d", n);
    options.principal = who;
    astrid_completion completion = {crowd, completed, let_go};
    EXPECT(ASTRID_OK, astrid_capsule_trigger_async(capsule, "script", (const uint8_t *)ASK, strlen(ASK), &options,
                                                   completion, &calls[n], &error));
  }
  until(&crowd->asked, count);
  CHECK(crowd->done == 0);
}

static astrid_host *open_for(const char *home, struct crowd *crowd) {
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.on_approval.ctx = crowd;
  options.on_approval.call = keep;
  options.max_principals = 2 * MANY;
  return open_host(home, &options);
}

static void *approve_all(void *ctx) {
  struct crowd *crowd = ctx;
  for (int n = 0; n < MANY; n++) {
    CHECK(astrid_approval_answer_decide(crowd->waiting[n], ASTRID_APPROVE) == ASTRID_OK);
    astrid_approval_answer_free(crowd->waiting[n]);
  }
  return NULL;
}

static void all_are_answered(void) {
  static struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
  static astrid_call *calls[MANY];
  astrid_host *host = open_for("many", &crowd);
  astrid_capsule *capsule = load_puppet(host);
  ask_all(capsule, &crowd, calls, MANY);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, approve_all, &crowd) == 0);
  until(&crowd.done, MANY);
  until(&crowd.dropped, MANY);
  pthread_join(thread, NULL);
  CHECK(crowd.approved == MANY && crowd.refused == 0 && crowd.dropped == MANY);
  for (int n = 0; n < MANY; n++) astrid_call_free(calls[n]);
  astrid_capsule_free(capsule);
  astrid_host_free(host);
}

static void closing_ends_all(void) {
  static struct crowd crowd = {.lock = PTHREAD_MUTEX_INITIALIZER};
  static astrid_call *calls[OPEN];
  astrid_host *host = open_for("closing", &crowd);
  astrid_capsule *capsule = load_puppet(host);
  ask_all(capsule, &crowd, calls, OPEN);
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  until(&crowd.done, OPEN);
  until(&crowd.dropped, OPEN);
  CHECK(crowd.approved == 0 && crowd.refused == OPEN);
  for (int n = 0; n < OPEN; n++) {
    CHECK(astrid_approval_answer_decide(crowd.waiting[n], ASTRID_APPROVE) == ASTRID_ERROR_CLOSED);
    astrid_approval_answer_free(crowd.waiting[n]);
    astrid_call_free(calls[n]);
  }
  astrid_capsule_free(capsule);
  astrid_host_free(host);
}

static void approve_for_the_session(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  (void)question;
  int first = atomic_fetch_add((atomic_int *)ctx, 1) == 0;
  CHECK(astrid_approval_answer_decide(answer, first ? ASTRID_APPROVE_SESSION : ASTRID_DENY) == ASTRID_OK);
  astrid_approval_answer_free(answer);
}

static void expect_decision(astrid_capsule *capsule, const char *decision) {
  astrid_hook_result *result = NULL;
  EXPECT(ASTRID_OK, play(capsule, ASK, &result, &error));
  CHECK(strstr(result->data.data, decision));
  astrid_hook_result_free(result);
}

static void what_was_approved_is_taken_back(void) {
  atomic_int asked = 0;
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.on_approval.ctx = &asked;
  options.on_approval.call = approve_for_the_session;
  astrid_host *host = open_host("allowances", &options);
  astrid_capsule *capsule = load_puppet(host);
  expect_decision(capsule, "approved-session");
  expect_decision(capsule, "allowance");
  astrid_string kept = {NULL, 0};
  char id[37] = {0};
  int found = -1;
  EXPECT(ASTRID_OK, astrid_host_allowances(host, "default", &kept, &error));
  CHECK(strstr(kept.data, "\"action\":\"buy\"") && sscanf(kept.data, "{\"id\":\"%36[0-9a-f-]", id) == 1);
  astrid_string_free(&kept);
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_allowances(host, "no such name!", &kept, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_revoke_allowance(host, "default", NULL, &found, &error));
  EXPECT(ASTRID_OK, astrid_host_revoke_allowance(host, "bob", id, &found, &error));
  CHECK(found == 0);
  EXPECT(ASTRID_OK, astrid_host_revoke_allowance(host, "default", id, &found, &error));
  CHECK(found == 1);
  EXPECT(ASTRID_OK, astrid_host_revoke_allowance(host, "default", id, NULL, &error));
  expect_decision(capsule, "denied");
  CHECK(asked == 2);
  astrid_capsule_free(capsule);
  astrid_host_free(host);
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  all_are_answered();
  closing_ends_all();
  what_was_approved_is_taken_back();
  return 0;
}
