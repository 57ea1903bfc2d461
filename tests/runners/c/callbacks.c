/* Handlers that answer what a scenario says, in order, and remember what they were asked. */
#include <time.h>

#include "runner.h"

/* An answer of any of the three kinds, with the functions of its kind. */
struct asked {
  int of;
  void *answer;
  /* What it answers; for a late one, after this time. */
  const json_t *says;
};

struct late {
  struct asked asked;
  json_int_t wait_ms; /* negative: never */
  pthread_t thread;
  struct late *older;
};

static void let_go(const struct asked *asked) {
  if (asked->of == ELICIT) astrid_elicit_answer_free(asked->answer);
  if (asked->of == APPROVAL) astrid_approval_answer_free(asked->answer);
  if (asked->of == UPLINK) astrid_uplink_answer_free(asked->answer);
}

static void fail(const struct asked *asked, const char *message) {
  if (asked->of == ELICIT) astrid_elicit_answer_fail(asked->answer, message);
  if (asked->of == APPROVAL) astrid_approval_answer_fail(asked->answer, message);
  if (asked->of == UPLINK) astrid_uplink_answer_fail(asked->answer, message);
}

static void answer_elicit(astrid_elicit_answer *answer, const json_t *says) {
  const json_t *list = json_object_get(says, "list");
  if (json_object_get(says, "wrong_type")) {
    astrid_elicit_answer_text(answer, "\xff");
  } else if (json_object_get(says, "cancelled")) {
    astrid_elicit_answer_cancel(answer);
  } else if (list) {
    const char *items[64] = {NULL};
    size_t count = json_array_size(list);
    if (count > 64) give_up("an elicit list has more than 64 texts");
    for (size_t index = 0; index < count; index++) items[index] = json_string_value(json_array_get(list, index));
    astrid_elicit_answer_list(answer, items, count);
  } else {
    astrid_elicit_answer_text(answer, json_string_value(json_object_get(says, "text")));
  }
}

static int place_of(const json_t *word, const char *const words[], int count) {
  for (int place = 0; place < count; place++) {
    if (json_is_string(word) && !strcmp(json_string_value(word), words[place])) return place;
  }
  return 99; /* what is no answer at all, as `wrong_type` wants */
}

static void settle(const struct asked *asked, const json_t *says) {
  /* In the order of ASTRID_DENY.. and ASTRID_DELIVERED.. */
  static const char *const decisions[] = {"deny", "approve", "approve_session", "approve_always"};
  static const char *const deliveries[] = {"delivered", "dropped", "no_session"};
  if (asked->of == ELICIT) answer_elicit(asked->answer, says);
  if (asked->of == APPROVAL) astrid_approval_answer_decide(asked->answer, place_of(says, decisions, 4));
  if (asked->of == UPLINK) astrid_uplink_answer_delivery(asked->answer, place_of(says, deliveries, 3));
}

static void *answer_later(void *context) {
  struct late *late = context;
  struct timespec wait = {late->wait_ms / 1000, late->wait_ms % 1000 * 1000000};
  nanosleep(&wait, NULL);
  settle(&late->asked, late->asked.says);
  let_go(&late->asked);
  return NULL;
}

static void postpone(struct handlers *all, struct asked asked, json_int_t wait_ms) {
  struct late *late = calloc(1, sizeof *late);
  if (!late) abort();
  late->asked = asked;
  late->wait_ms = wait_ms;
  pthread_mutex_lock(&all->lock);
  late->older = all->late;
  all->late = late;
  pthread_mutex_unlock(&all->lock);
  if (wait_ms >= 0) pthread_create(&late->thread, NULL, answer_later, late);
}

/* Does what the answer says, now or later. */
static void act(struct handlers *all, struct asked asked) {
  const json_t *says = asked.says, *raise = json_object_get(says, "raise"), *twice = json_object_get(says, "twice");
  if (json_object_get(says, "never")) {
    postpone(all, asked, -1);
    return;
  }
  if (json_object_get(says, "late_ms")) {
    asked.says = json_object_get(says, "answer");
    postpone(all, asked, json_integer_value(json_object_get(says, "late_ms")));
    return;
  }
  if (raise) {
    fail(&asked, json_string_value(raise));
  } else if (json_object_get(says, "would_block")) {
    /* This thread is the one that dispatches: what it waits for here would have to be done by itself. */
    astrid_error *error = NULL;
    if (astrid_host_dispatch(all->host, NULL, &error) != ASTRID_ERROR_CALLBACK_FAILED) {
      give_up("dispatching inside a callback was not refused");
    }
    fail(&asked, astrid_error_message(error));
    astrid_error_free(error);
  } else if (twice) {
    settle(&asked, twice);
    settle(&asked, twice);
  } else {
    settle(&asked, says);
  }
  let_go(&asked);
}

/* Takes the next answer of the list, whose last one repeats. */
static void ask(struct handler *handler, int of, json_t *question, void *answer, bool takes) {
  static json_t *seen;
  if (!seen) seen = json_string("delivered");
  pthread_mutex_lock(&handler->all->lock);
  json_array_append_new(handler->asked, question);
  size_t count = json_array_size(handler->answers);
  const json_t *says = takes ? json_array_get(handler->answers, handler->next < count ? handler->next : count - 1) : seen;
  handler->next += takes;
  pthread_mutex_unlock(&handler->all->lock);
  act(handler->all, (struct asked){of, answer, says});
}

static void elicit(void *ctx, const astrid_elicit_question *question, astrid_elicit_answer *answer) {
  static const char *const kinds[] = {"text", "secret", "select", "array"};
  json_t *options = json_array();
  for (size_t index = 0; index < question->option_count; index++) {
    json_array_append_new(options, json_string(question->options[index]));
  }
  json_t *asked = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:s?}", "principal", question->principal, "capsule",
                            question->capsule, "phase", question->phase, "key", question->key, "kind",
                            kinds[question->kind], "description", question->description, "options", options, "default",
                            question->default_value);
  ask(ctx, ELICIT, asked, answer, true);
}

static void approval(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  json_t *asked = json_pack("{s:s,s:s,s:s,s:s,s:s}", "principal", question->principal, "capsule", question->capsule,
                            "action", question->action, "resource", question->resource, "risk", question->risk);
  ask(ctx, APPROVAL, asked, answer, true);
}

static void uplink(void *ctx, const astrid_uplink_event *event, astrid_uplink_answer *answer) {
  static const char *const events[] = {"registered", "message", "unregistered"};
  json_t *asked = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s?}", "event", events[event->kind], "capsule", event->capsule,
                            "uplink_id", event->uplink_id, "platform", event->platform, "user",
                            event->platform_user ? event->platform_user : "", "content",
                            event->content ? event->content : "", "principal",
                            event->kind == ASTRID_UPLINK_MESSAGE ? event->resolved : event->principal);
  ask(ctx, UPLINK, asked, answer, event->kind == ASTRID_UPLINK_MESSAGE);
}

static void note(struct handler *handler, json_t *told) {
  pthread_mutex_lock(&handler->all->lock);
  json_array_append_new(handler->asked, told);
  pthread_mutex_unlock(&handler->all->lock);
}

static void logged(void *ctx, const astrid_log_line *line) {
  note(ctx, json_pack("{s:s,s:s,s:s,s:s}", "capsule", line->capsule, "principal", line->principal, "level", line->level,
                      "message", line->message));
}

static json_t *hex(const uint8_t *bytes, size_t length) {
  char digits[129];
  for (size_t at = 0; at < length; at++) snprintf(digits + 2 * at, 3, "%02x", bytes[at]);
  return json_stringn(digits, 2 * length);
}

static json_t *checkpoint_told(const astrid_checkpoint *one) {
  return json_pack("{s:I,s:I,s:o,s:o,s:o}", "sequence", (json_int_t)one->sequence, "entries", (json_int_t)one->entries,
                   "head", hex(one->head, sizeof one->head), "public_key", hex(one->public_key, sizeof one->public_key),
                   "signature", hex(one->signature, sizeof one->signature));
}

static void signed_off(void *ctx, const astrid_checkpoint *checkpoint) { note(ctx, checkpoint_told(checkpoint)); }

static const char *const names[KINDS] = {"elicit", "approval", "uplink", "log", "checkpoint"};

void handlers_init(struct handlers *handlers, const json_t *host) {
  pthread_mutex_init(&handlers->lock, NULL);
  for (int of = 0; of < KINDS; of++) {
    handlers->of[of] = (struct handler){handlers, json_object_get(host, names[of]), 0, json_array()};
  }
}

static bool would_block(const struct handler *handler) {
  size_t index;
  json_t *answer;
  json_array_foreach((json_t *)handler->answers, index, answer) {
    if (json_object_get(answer, "would_block")) return true;
  }
  return false;
}

void handlers_offer(struct handlers *handlers, astrid_host_options *options) {
  if (handlers->of[ELICIT].answers) {
    options->on_elicit = (astrid_elicit_callback){&handlers->of[ELICIT], elicit, NULL};
  }
  if (handlers->of[APPROVAL].answers) {
    options->on_approval = (astrid_approval_callback){&handlers->of[APPROVAL], approval, NULL};
  }
  if (handlers->of[UPLINK].answers) {
    options->on_uplink = (astrid_uplink_callback){&handlers->of[UPLINK], uplink, NULL};
  }
  if (json_is_true(handlers->of[LOG].answers)) {
    options->on_log = (astrid_log_callback){&handlers->of[LOG], logged, NULL};
  }
  if (json_is_true(handlers->of[CHECKPOINT].answers)) {
    options->on_checkpoint = (astrid_checkpoint_callback){&handlers->of[CHECKPOINT], signed_off, NULL};
  }
  for (int of = 0; of < QUESTIONS; of++) {
    if (would_block(&handlers->of[of])) options->callbacks = ASTRID_CALLBACKS_DISPATCH;
  }
}

json_t *handlers_asked(struct handlers *handlers, const char *of) {
  for (int place = 0; place < KINDS; place++) {
    if (strcmp(of, names[place])) continue;
    pthread_mutex_lock(&handlers->lock);
    json_t *asked = json_deep_copy(handlers->of[place].asked);
    pthread_mutex_unlock(&handlers->lock);
    return asked;
  }
  give_up("no such question: %s", of);
}

void handlers_end(struct handlers *handlers) {
  while (handlers->late) {
    struct late *late = handlers->late;
    handlers->late = late->older;
    if (late->wait_ms < 0) let_go(&late->asked);
    else pthread_join(late->thread, NULL);
    free(late);
  }
  for (int of = 0; of < KINDS; of++) json_decref(handlers->of[of].asked);
}
