/* Every way a callback can answer, and every way it can fail to. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

char **arguments;

enum way { AT_ONCE, LATER, TWICE, NEVER, FAIL, WRONG, FREE_UNANSWERED };

struct person {
  enum way way;
  atomic_int asked, dropped;
  pthread_t thread;
  astrid_approval_answer *kept;
};

static void *answer_later(void *kept) {
  CHECK(astrid_approval_answer_decide(kept, ASTRID_APPROVE) == ASTRID_OK);
  astrid_approval_answer_free(kept);
  return NULL;
}

static void decide(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  struct person *person = ctx;
  atomic_fetch_add(&person->asked, 1);
  CHECK(question->struct_size >= sizeof *question);
  CHECK(!strcmp(question->action, "buy") && !strcmp(question->resource, "tea"));
  CHECK(question->request_id && question->capsule && question->principal && question->risk);
  CHECK(question->timeout_ms <= 60000);
  switch (person->way) {
    case AT_ONCE:
      CHECK(astrid_approval_answer_decide(answer, ASTRID_APPROVE) == ASTRID_OK);
      break;
    case LATER:
      CHECK(pthread_create(&person->thread, NULL, answer_later, answer) == 0);
      return;
    case TWICE:
      CHECK(astrid_approval_answer_decide(answer, ASTRID_DENY) == ASTRID_OK);
      CHECK(astrid_approval_answer_decide(answer, ASTRID_APPROVE) == ASTRID_ERROR_INVALID_ARGUMENT);
      CHECK(astrid_approval_answer_fail(answer, "too late") == ASTRID_ERROR_INVALID_ARGUMENT);
      break;
    case NEVER:
      person->kept = answer;
      return;
    case FAIL:
      CHECK(astrid_approval_answer_fail(answer, "the screen is broken") == ASTRID_OK);
      break;
    case WRONG:
      CHECK(astrid_approval_answer_decide(answer, 99) == ASTRID_ERROR_INVALID_ARGUMENT);
      break;
    case FREE_UNANSWERED:
      break;
  }
  astrid_approval_answer_free(answer);
}

static void let_go(void *ctx) { atomic_fetch_add(&((struct person *)ctx)->dropped, 1); }

static astrid_host *open_with(const char *home, struct person *person, uint64_t timeout_ms) {
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.on_approval.ctx = person;
  options.on_approval.call = decide;
  options.on_approval.drop = let_go;
  options.approval_timeout_ms = timeout_ms;
  return open_host(home, &options);
}

static void answered(enum way way, const char *expected) {
  struct person person = {.way = way};
  astrid_host *host = open_with("answers", &person, way == NEVER ? 50 : 0);
  astrid_capsule *capsule = load_puppet(host);
  astrid_hook_result *result = NULL;
  EXPECT(ASTRID_OK, play(capsule, ASK, &result, &error));
  CHECK(strstr(result->data.data, expected));
  CHECK(result->data.length == strlen(result->data.data) && !strcmp(result->action.data, "continue"));
  astrid_hook_result_free(result);
  if (way == LATER) pthread_join(person.thread, NULL);
  if (way == NEVER) {
    /* Too late is harmless; the callback may hear of it, or the question is just being taken back. */
    astrid_status late = astrid_approval_answer_decide(person.kept, ASTRID_APPROVE);
    CHECK(late == ASTRID_ERROR_CLOSED || late == ASTRID_OK);
  }
  astrid_host_free(host);
  CHECK(person.asked == 1 && person.dropped == 1);
  if (way == NEVER) {
    CHECK(astrid_approval_answer_decide(person.kept, ASTRID_APPROVE) == ASTRID_ERROR_INVALID_ARGUMENT);
    astrid_approval_answer_free(person.kept);
  }
  astrid_capsule_free(capsule);
}

static void failed(enum way way, const char *fault, const char *message) {
  struct person person = {.way = way};
  astrid_host *host = open_with("answers", &person, 0);
  astrid_capsule *capsule = load_puppet(host);
  astrid_hook_result *result = (astrid_hook_result *)&person;
  astrid_error *error = NULL;
  CHECK(play(capsule, ASK, &result, &error) == ASTRID_ERROR_CALLBACK_FAILED);
  CHECK(result == NULL && astrid_error_kind(error) == ASTRID_ERROR_CALLBACK_FAILED);
  CHECK(!strcmp(astrid_error_code(error), "callback_failed"));
  CHECK(strstr(astrid_error_message(error), message) ||
        (astrid_error_cause(error) && !strcmp(astrid_error_cause(error), message)));
  int named = 0;
  for (size_t index = 0; index < astrid_error_context_count(error); index++) {
    const char *key, *value;
    CHECK(astrid_error_context_at(error, index, &key, &value) == ASTRID_OK);
    named |= !strcmp(key, "fault") && !strcmp(value, fault);
  }
  CHECK(named);
  astrid_error_free(error);
  astrid_capsule_free(capsule);
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  CHECK(person.dropped == 1);
  astrid_host_free(host);
  CHECK(person.asked == 1 && person.dropped == 1);
}

static void *trigger_until_closed(void *capsule) {
  /* Either the guest still sees the refusal and ends, or it is stopped first. */
  astrid_status status = play(capsule, ASK, NULL, NULL);
  CHECK(status == ASTRID_OK || status == ASTRID_ERROR_CLOSED || status == ASTRID_ERROR_CANCELLED);
  return NULL;
}

/* The host is closed while a question is open; the answer comes afterwards. */
static void after_close(void) {
  struct person person = {.way = NEVER};
  astrid_host *host = open_with("answers", &person, 0);
  astrid_capsule *capsule = load_puppet(host);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, trigger_until_closed, capsule) == 0);
  while (atomic_load(&person.asked) == 0) usleep(1000);
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  pthread_join(thread, NULL);
  CHECK(astrid_approval_answer_decide(person.kept, ASTRID_APPROVE) == ASTRID_ERROR_CLOSED);
  astrid_approval_answer_free(person.kept);
  CHECK(person.dropped == 1);
  astrid_host_free(host);
  astrid_capsule_free(capsule);
  CHECK(person.dropped == 1);
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  answered(AT_ONCE, "approved");
  answered(LATER, "approved");
  answered(TWICE, "denied");
  answered(NEVER, "timeout");
  failed(FAIL, "raised", "the screen is broken");
  failed(WRONG, "wrong_answer", "99");
  failed(FREE_UNANSWERED, "raised", "unanswered");
  after_close();
  return 0;
}
