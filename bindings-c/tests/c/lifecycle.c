/* Cancelling, traps, subscriptions, and every function after the end. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

char **arguments;

struct waiting {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  astrid_status status;
  int called, dropped;
};

static void completed(void *ctx, astrid_status status, const astrid_hook_result *result, const astrid_error *error) {
  struct waiting *waiting = ctx;
  CHECK((status == ASTRID_OK) == (result != NULL) && (status == ASTRID_OK) == (error == NULL));
  pthread_mutex_lock(&waiting->lock);
  waiting->status = status;
  waiting->called++;
  pthread_mutex_unlock(&waiting->lock);
}

static void let_go(void *ctx) {
  struct waiting *waiting = ctx;
  pthread_mutex_lock(&waiting->lock);
  waiting->dropped++;
  pthread_cond_signal(&waiting->changed);
  pthread_mutex_unlock(&waiting->lock);
}

static void until_dropped(struct waiting *waiting) {
  pthread_mutex_lock(&waiting->lock);
  while (waiting->dropped == 0) pthread_cond_wait(&waiting->changed, &waiting->lock);
  CHECK(waiting->dropped == 1);
  pthread_mutex_unlock(&waiting->lock);
}

static void cancel(const astrid_capsule *capsule) {
  struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  astrid_completion completion = {&waiting, completed, let_go};
  astrid_call *call = NULL;
  EXPECT(ASTRID_OK, astrid_capsule_trigger_async(capsule, "script", (const uint8_t *)SPIN, strlen(SPIN), NULL,
                                                 completion, &call, &error));
  CHECK(call);
  EXPECT(ASTRID_OK, astrid_call_cancel(call, &error));
  until_dropped(&waiting);
  CHECK(waiting.called == 1 && waiting.status == ASTRID_ERROR_CANCELLED && astrid_call_is_done(call));
  EXPECT(ASTRID_OK, astrid_call_cancel(call, &error));
  astrid_call_free(call);

  /* A completion that nobody wants to hear of, and one that is refused, are let go of too. */
  struct waiting refused = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  astrid_completion other = {&refused, completed, let_go};
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT,
         astrid_capsule_trigger_async(capsule, NULL, NULL, 0, NULL, other, &call, &error));
  CHECK(call == NULL && refused.called == 0 && refused.dropped == 1);
}

static void trap(const astrid_capsule *capsule) {
  astrid_error *error = NULL;
  CHECK(play(capsule, TRAP, NULL, &error) == ASTRID_ERROR_GUEST_TRAP);
  CHECK(astrid_error_guest_backtrace(error) && strlen(astrid_error_guest_backtrace(error)) > 0);
  astrid_error_free(error);
}

static void *wait_for_message(void *subscription) {
  astrid_message *message = NULL;
  EXPECT(ASTRID_ERROR_CLOSED, astrid_subscription_next(subscription, ASTRID_NO_TIMEOUT, &message, &error));
  CHECK(message == NULL);
  return NULL;
}

static void messages(const astrid_host *host) {
  astrid_subscription *subscription = NULL;
  astrid_message *message = NULL;
  astrid_outcome *outcome = NULL;
  pthread_t thread;
  EXPECT(ASTRID_OK, astrid_host_subscribe(host, "news.*", NULL, &subscription, &error));
  EXPECT(ASTRID_ERROR_TIMEOUT, astrid_subscription_next(subscription, 0, &message, &error));
  EXPECT(ASTRID_ERROR_TIMEOUT, astrid_subscription_next(subscription, 20, &message, &error));
  EXPECT(ASTRID_OK, astrid_host_publish(host, "news.one", (const uint8_t *)"{\"n\":1}", 7, NULL, &outcome, &error));
  CHECK(outcome->delivered == 1 && !strcmp(outcome->decision.data, "continue") && !outcome->reason.data);
  astrid_outcome_free(outcome);
  EXPECT(ASTRID_OK, astrid_subscription_next(subscription, 1000, &message, &error));
  CHECK(!strcmp(message->topic.data, "news.one") && !strcmp(message->payload.data, "{\"n\":1}"));
  CHECK(!strcmp(message->attribution.data, "system") && message->principal.data == NULL);
  astrid_message_free(message);

  CHECK(pthread_create(&thread, NULL, wait_for_message, subscription) == 0);
  EXPECT(ASTRID_OK, astrid_subscription_close(subscription, &error));
  pthread_join(thread, NULL);
  EXPECT(ASTRID_ERROR_CLOSED, astrid_subscription_next(subscription, 0, &message, &error));
  astrid_subscription_free(subscription);
}

static void after_close(astrid_host *host, astrid_capsule *capsule, astrid_subscription *subscription) {
  const astrid_status closed = ASTRID_ERROR_CLOSED;
  struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};
  astrid_completion completion = {&waiting, completed, let_go};
  astrid_string text = {NULL, 0};
  astrid_capsule *other = NULL;
  astrid_message *message = NULL;
  uint8_t key[32];
  CHECK(astrid_host_is_closed(host) == 1);
  EXPECT(closed, play(capsule, "{}", NULL, &error));
  EXPECT(closed, astrid_capsule_trigger_async(capsule, "x", NULL, 0, NULL, completion, NULL, &error));
  CHECK(waiting.called == 0 && waiting.dropped == 1);
  EXPECT(closed, astrid_capsule_wait_ready(capsule, 0, &error));
  EXPECT(closed, astrid_host_install(host, puppet(), NULL, NULL, &error));
  EXPECT(closed, astrid_host_load(host, puppet(), NULL, &other, &error));
  EXPECT(closed, astrid_host_capsule(host, "main", &other, &error));
  EXPECT(closed, astrid_host_configure(host, "main", NULL, "a", "b", &error));
  EXPECT(closed, astrid_host_publish(host, "news.one", (const uint8_t *)"1", 1, NULL, NULL, &error));
  EXPECT(closed, astrid_subscription_next(subscription, ASTRID_NO_TIMEOUT, &message, &error));
  EXPECT(closed, astrid_host_usage(host, "alice", &text, &error));
  EXPECT(closed, astrid_host_audit_entries(host, NULL, &text, &error));
  EXPECT(closed, astrid_host_audit_verify(host, NULL, &text, &error));
  EXPECT(closed, astrid_host_audit_public_key(host, key, &error));
  EXPECT(closed, astrid_host_audit_checkpoint(host, NULL, &error));
  EXPECT(closed, astrid_host_inspect(host, puppet(), &text, &error));
  EXPECT(closed, astrid_host_discover(host, NULL, 0, &text, &error));
  EXPECT(closed, astrid_host_reload(host, "main", &error));
  EXPECT(closed, astrid_host_uninstall(host, "main", &error));
  EXPECT(closed, astrid_host_profile(host, "alice", &text, &error));
  EXPECT(closed, astrid_host_set_profile(host, "alice", "{}", NULL, &error));
  EXPECT(closed, astrid_host_principals(host, &text, &error));
  EXPECT(closed, astrid_host_remove_principal(host, "alice", &error));
  EXPECT(closed, astrid_host_backup(host, below("copy"), &error));
  EXPECT(closed, astrid_host_rotate_keys(host, NULL, &error));
  EXPECT(closed, astrid_host_metrics(host, &text, &error));
  EXPECT(closed, astrid_host_diagnose(host, &text, &error));
  EXPECT(closed, astrid_capsule_reload(capsule, &error));
  EXPECT(closed, astrid_capsule_commit(capsule, NULL, NULL, &error));
  EXPECT(ASTRID_OK, astrid_capsule_state(capsule, &text, &error));
  CHECK(!strcmp(text.data, "unloaded") && !strcmp(astrid_capsule_id(capsule), "main"));
  astrid_string_free(&text);
  EXPECT(ASTRID_OK, astrid_capsule_unload(capsule, &error));
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  astrid_host *host = open_host("lifecycle", NULL), *second = NULL;
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = below("lifecycle");
  EXPECT(ASTRID_ERROR_HOME_LOCKED, astrid_host_open(&options, &second, &error));
  CHECK(second == NULL);

  astrid_capsule *capsule = load_puppet(host), *again = NULL;
  EXPECT(ASTRID_OK, astrid_host_capsule(host, "main", &again, &error));
  astrid_capsule_free(again);
  EXPECT(ASTRID_ERROR_NOT_FOUND, astrid_host_capsule(host, "nobody", &again, &error));
  EXPECT(ASTRID_OK, astrid_capsule_wait_ready(capsule, ASTRID_NO_TIMEOUT, &error));
  cancel(capsule);
  trap(capsule);
  messages(host);

  astrid_subscription *subscription = NULL;
  EXPECT(ASTRID_OK, astrid_host_subscribe(host, "news.*", NULL, &subscription, &error));
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  after_close(host, capsule, subscription);
  astrid_host_free(host);
  /* Handles outlive the host's. */
  EXPECT(ASTRID_ERROR_CLOSED, play(capsule, "{}", NULL, &error));
  astrid_capsule_free(capsule);
  astrid_subscription_free(subscription);

  /* The home is free again. */
  astrid_host_free(open_host("lifecycle", NULL));
  return 0;
}
