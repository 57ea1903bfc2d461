/* Callbacks on the caller's own thread: by dispatching, and while it waits in a call. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

char **arguments;

struct desk {
  astrid_host *host;
  astrid_capsule *capsule;
  pthread_t thread;
  int asked, completed, heard, dropped;
  astrid_status nested, nested_dispatch;
  int nest;
};

static void decide(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  struct desk *desk = ctx;
  (void)question;
  desk->asked++;
  CHECK(pthread_equal(desk->thread, pthread_self()));
  if (desk->nest) {
    /* Nobody could answer a question that this call brings about: this thread would have to. */
    desk->nest = 0;
    desk->nested = play(desk->capsule, ASK, NULL, NULL);
    desk->nested_dispatch = astrid_host_dispatch(desk->host, NULL, NULL);
  }
  CHECK(astrid_approval_answer_decide(answer, ASTRID_APPROVE) == ASTRID_OK);
  astrid_approval_answer_free(answer);
}

static void completed(void *ctx, astrid_status status, const astrid_hook_result *result, const astrid_error *error) {
  struct desk *desk = ctx;
  CHECK(status == ASTRID_OK && error == NULL && strstr(result->data.data, "approved"));
  CHECK(pthread_equal(desk->thread, pthread_self()));
  desk->completed++;
}

static void heard(void *ctx, const astrid_message *message) {
  struct desk *desk = ctx;
  CHECK(!strcmp(message->topic.data, "main.news") && strstr(message->payload.data, "1"));
  CHECK(pthread_equal(desk->thread, pthread_self()));
  desk->heard++;
}

static void let_go(void *ctx) { ((struct desk *)ctx)->dropped++; }

static void dispatch_until(struct desk *desk, const int *counter, int wanted) {
  struct pollfd wake = {.events = POLLIN};
  EXPECT(ASTRID_OK, astrid_host_wake_fd(desk->host, &wake.fd, &error));
  while (*counter < wanted) {
    CHECK(poll(&wake, 1, 60000) == 1);
    uint32_t ran = 0;
    EXPECT(ASTRID_OK, astrid_host_dispatch(desk->host, &ran, &error));
    CHECK(ran > 0);
  }
}

static void *trigger_elsewhere(void *ctx) {
  struct desk *desk = ctx;
  astrid_hook_result *result = NULL;
  EXPECT(ASTRID_OK, play(desk->capsule, ASK, &result, &error));
  CHECK(strstr(result->data.data, "approved"));
  astrid_hook_result_free(result);
  return NULL;
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  struct desk desk = {.thread = pthread_self()};
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.callbacks = ASTRID_CALLBACKS_DISPATCH;
  options.on_approval.ctx = &desk;
  options.on_approval.call = decide;
  options.on_approval.drop = let_go;
  desk.host = open_host("dispatch", &options);
  desk.capsule = load_puppet(desk.host);

  /* Nothing waits, so nothing is readable and dispatching returns. */
  struct pollfd wake = {.events = POLLIN};
  uint32_t ran = 9;
  EXPECT(ASTRID_OK, astrid_host_wake_fd(desk.host, &wake.fd, &error));
  CHECK(poll(&wake, 1, 0) == 0);
  EXPECT(ASTRID_OK, astrid_host_dispatch(desk.host, &ran, &error));
  CHECK(ran == 0);

  /* A call on this thread answers its own question. */
  trigger_elsewhere(&desk);
  CHECK(desk.asked == 1);

  /* A call on another thread is answered by dispatching here. */
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, trigger_elsewhere, &desk) == 0);
  dispatch_until(&desk, &desk.asked, 2);
  pthread_join(thread, NULL);

  /* A call that does not wait: its question and its completion come by dispatching. */
  astrid_call *call = NULL;
  astrid_completion completion = {&desk, completed, let_go};
  EXPECT(ASTRID_OK, astrid_capsule_trigger_async(desk.capsule, "script", (const uint8_t *)ASK, strlen(ASK), NULL,
                                                 completion, &call, &error));
  dispatch_until(&desk, &desk.completed, 1);
  CHECK(desk.asked == 3 && desk.dropped == 1 && astrid_call_is_done(call));
  astrid_call_free(call);

  /* A callback that waits for its own thread fails at once, and the question it was asked is not lost. */
  desk.nest = 1;
  trigger_elsewhere(&desk);
  CHECK(desk.nested == ASTRID_ERROR_CALLBACK_FAILED && desk.nested_dispatch == ASTRID_ERROR_CALLBACK_FAILED);
  CHECK(desk.asked == 4);

  /* Messages come by dispatching, and the subscription's context is let go of where they came. */
  astrid_subscription *subscription = NULL;
  astrid_message_callback hear = {&desk, heard, let_go};
  EXPECT(ASTRID_OK, astrid_host_subscribe(desk.host, "main.*", &hear, &subscription, &error));
  EXPECT(ASTRID_OK,
         astrid_host_publish(desk.host, "main.news", (const uint8_t *)"{\"n\":1}", 7, NULL, NULL, &error));
  dispatch_until(&desk, &desk.heard, 1);
  astrid_subscription_free(subscription);
  dispatch_until(&desk, &desk.dropped, 2);

  EXPECT(ASTRID_OK, astrid_host_close(desk.host, &error));
  CHECK(desk.dropped == 3);
  EXPECT(ASTRID_OK, astrid_host_dispatch(desk.host, NULL, &error));
  astrid_capsule_free(desk.capsule);
  astrid_host_free(desk.host);
  CHECK(desk.dropped == 3);
  return 0;
}
