/* The verbs that call and listen: triggers, messages, and calls that go on beside the steps. */
#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"

/* What a step sends: its payload as JSON, its text, or nothing. To be freed. */
static uint8_t *payload_of(const json_t *step, size_t *length) {
  const json_t *payload = json_object_get(step, "payload"), *plain = json_object_get(step, "text");
  char *bytes = payload ? json_dumps(payload, JSON_COMPACT | JSON_ENCODE_ANY) : calloc(1, json_string_length(plain) + 1);
  if (!bytes) abort();
  if (!payload && plain) memcpy(bytes, json_string_value(plain), json_string_length(plain));
  *length = payload ? strlen(bytes) : json_string_length(plain);
  return (uint8_t *)bytes;
}

static json_t *hook_result(const astrid_hook_result *result) {
  return json_pack("{s:o,s:o,s:o}", "action", from_text(result->action), "data", from_text(result->data), "json",
                   parsed(result->data));
}

static const char *action_of(const json_t *step) { return string(step, "action") ? string(step, "action") : "script"; }

static astrid_trigger_options trigger_options(const json_t *step) {
  astrid_trigger_options options;
  astrid_trigger_options_init(&options, sizeof options);
  options.principal = string(step, "principal");
  options.timeout_ms = number(step, "timeout_ms");
  options.traceparent = string(step, "traceparent");
  return options;
}

static struct outcome step_trigger(struct stage *stage, const json_t *step) {
  astrid_trigger_options options = trigger_options(step);
  astrid_error *error = NULL;
  astrid_hook_result *hook = NULL;
  size_t length;
  uint8_t *payload = payload_of(step, &length);
  astrid_capsule_trigger(capsule_of(stage, step), action_of(step), payload, length, &options, &hook, &error);
  free(payload);
  json_t *result = hook ? hook_result(hook) : NULL;
  astrid_hook_result_free(hook);
  return ended(error, result);
}

static struct outcome step_publish(struct stage *stage, const json_t *step) {
  astrid_publish_options options;
  astrid_publish_options_init(&options, sizeof options);
  options.principal = string(step, "principal");
  options.fan_out = number(step, "fan_out");
  astrid_error *error = NULL;
  astrid_outcome *outcome = NULL;
  size_t length;
  uint8_t *payload = payload_of(step, &length);
  astrid_host_publish(stage->host, string(step, "topic"), payload, length, &options, &outcome, &error);
  free(payload);
  if (error) return ended(error, NULL);
  json_t *result = json_pack("{s:I,s:I,s:o,s:o,s:o}", "delivered", (json_int_t)outcome->delivered, "handlers",
                             (json_int_t)outcome->handlers, "decision", from_text(outcome->decision), "data",
                             from_text(outcome->data), "reason", from_text(outcome->reason));
  astrid_outcome_free(outcome);
  return ended(NULL, result);
}

/* Has a client of the local socket play the step, in a process of its own. */
static struct outcome step_dial(struct stage *stage, const json_t *step) {
  const char *dial = getenv("DIAL");
  if (!dial) give_up("the variable DIAL names no client of the local socket");
  char *home = text("%s/%s", stage->folder, stage->home), *described = json_dumps(step, JSON_COMPACT);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC)) give_up("no pipe");
  pid_t child = fork();
  if (child < 0) give_up("no process");
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    execl(dial, dial, home, described, NULL);
    _exit(127);
  }
  close(ends[1]);
  FILE *said = fdopen(ends[0], "r");
  json_t *told = json_loadf(said, JSON_ALLOW_NUL, NULL);
  fclose(said);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) continue;
  free(home);
  free(described);
  if (!told) give_up("the client of the local socket failed");
  return ended(NULL, told);
}

/* ---- calls beside the steps ---- */

struct call {
  struct stage *stage;
  const json_t *step;
  verb *does;
  /* The thread of a synchronous call, or the handle of a trigger, which can be cancelled. */
  pthread_t thread;
  astrid_call *trigger;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool done;
  struct outcome outcome;
};

static void came_to(struct call *call, struct outcome outcome) {
  pthread_mutex_lock(&call->lock);
  call->outcome = outcome;
  call->done = true;
  pthread_cond_broadcast(&call->changed);
  pthread_mutex_unlock(&call->lock);
}

static void *run_beside(void *context) {
  struct call *call = context;
  came_to(call, call->does(call->stage, call->step));
  return NULL;
}

static void completed(void *ctx, astrid_status status, const astrid_hook_result *result, const astrid_error *error) {
  came_to(ctx, status == ASTRID_OK ? (struct outcome){hook_result(result), NULL}
                                   : (struct outcome){NULL, described(error)});
}

static const struct outcome *wait_for(struct call *call) {
  pthread_mutex_lock(&call->lock);
  while (!call->done) pthread_cond_wait(&call->changed, &call->lock);
  pthread_mutex_unlock(&call->lock);
  return &call->outcome;
}

static void free_call(void *handle) {
  struct call *call = handle;
  if (call->trigger) astrid_call_cancel(call->trigger, NULL);
  wait_for(call);
  if (call->trigger) astrid_call_free(call->trigger);
  else pthread_join(call->thread, NULL);
  json_decref(call->outcome.result);
  json_decref(call->outcome.error);
  free(call);
}

static struct outcome step_start(struct stage *stage, const json_t *step) {
  const char *what = string(step, "what");
  struct call *call = calloc(1, sizeof *call);
  if (!call) abort();
  pthread_mutex_init(&call->lock, NULL);
  pthread_cond_init(&call->changed, NULL);
  call->stage = stage;
  call->step = step;
  if (!what || !strcmp(what, "trigger")) {
    astrid_trigger_options options = trigger_options(step);
    astrid_completion completion = {call, completed, NULL};
    astrid_error *error = NULL;
    size_t length;
    uint8_t *payload = payload_of(step, &length);
    astrid_capsule_trigger_async(capsule_of(stage, step), action_of(step), payload, length, &options, completion,
                                 &call->trigger, &error);
    free(payload);
    if (error) {
      free(call);
      return ended(error, NULL);
    }
  } else {
    call->does = verb_of(what);
    pthread_create(&call->thread, NULL, run_beside, call);
  }
  keep(stage, &stage->calls, string(step, "as"), call, free_call);
  return ended(NULL, NULL);
}

static struct outcome step_join(struct stage *stage, const json_t *step) {
  const struct outcome *outcome = wait_for(found(stage, stage->calls, string(step, "call")));
  if (truth(step, "any")) return ended(NULL, NULL);
  return (struct outcome){json_incref(outcome->result), json_incref(outcome->error)};
}

static struct outcome step_cancel(struct stage *stage, const json_t *step) {
  struct call *call = found(stage, stage->calls, string(step, "call"));
  if (!call->trigger) give_up("only a trigger can be cancelled");
  astrid_call_cancel(call->trigger, NULL);
  const struct outcome *outcome = wait_for(call);
  const char *code = string(outcome->error, "code");
  if (code && !strcmp(code, "cancelled")) return ended(NULL, NULL);
  return (struct outcome){NULL, outcome->error ? json_incref(outcome->error)
                                               : json_pack("{s:s,s:s}", "code", "ended", "message",
                                                           "the call had ended with a result")};
}

/* ---- messages ---- */

static void free_subscription(void *subscription) { astrid_subscription_free(subscription); }

static struct outcome step_subscribe(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_subscription *subscription = NULL;
  astrid_host_subscribe(stage->host, string(step, "pattern"), NULL, &subscription, &error);
  if (!error) keep(stage, &stage->subscriptions, string(step, "as"), subscription, free_subscription);
  return ended(error, NULL);
}

static struct outcome step_next(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_message *message = NULL;
  uint64_t timeout = json_object_get(step, "timeout_ms") ? number(step, "timeout_ms") : 5000;
  astrid_status status = astrid_subscription_next(found(stage, stage->subscriptions, string(step, "of")), timeout,
                                                  &message, &error);
  if (status == ASTRID_ERROR_TIMEOUT || status == ASTRID_ERROR_CLOSED) {
    astrid_error_free(error);
    return ended(NULL, json_pack("{s:b}", status == ASTRID_ERROR_CLOSED ? "closed" : "nothing", 1));
  }
  if (error) return ended(error, NULL);
  json_t *result = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "topic", from_text(message->topic), "payload",
                             from_text(message->payload), "json", parsed(message->payload), "source",
                             from_text(message->source), "attribution", from_text(message->attribution), "principal",
                             from_text(message->principal));
  astrid_message_free(message);
  return ended(NULL, result);
}

static struct outcome step_unsubscribe(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_subscription_close(found(stage, stage->subscriptions, string(step, "of")), &error);
  return ended(error, NULL);
}

const struct verb_name call_verbs[] = {
    {"trigger", step_trigger},     {"publish", step_publish}, {"start", step_start},
    {"join", step_join},           {"cancel", step_cancel},   {"subscribe", step_subscribe},
    {"next", step_next},           {"unsubscribe", step_unsubscribe},
    {"dial", step_dial},
    {NULL, NULL},
};
