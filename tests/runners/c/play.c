/* Plays one scenario and says which pairs it proved. */
#include <time.h>
#include <unistd.h>

#include "runner.h"

/* Every `op/ok` and `op/err` in the results of a puppet. */
static void pairs_in(const json_t *value, json_t *pairs) {
  const json_t *op = json_object_get(value, "op"), *err = json_object_get(value, "err");
  char *pair = NULL;
  if (json_is_string(op) && json_object_get(value, "ok")) pair = text("%s/ok", json_string_value(op));
  else if (json_is_string(op) && json_is_string(err)) pair = text("%s/%s", json_string_value(op), json_string_value(err));
  if (pair) json_object_set_new(pairs, pair, json_true());
  free(pair);
  const char *key;
  size_t index;
  json_t *inner;
  json_object_foreach((json_t *)value, key, inner) pairs_in(inner, pairs);
  json_array_foreach((json_t *)value, index, inner) pairs_in(inner, pairs);
}

static char *lacks(const char *what, const json_t *error, const char *field, const json_t *wanted, const char *key) {
  const char *part = string(wanted, key), *whole = string(error, field);
  if (!part || (whole && strstr(whole, part))) return NULL;
  return text("the %s is \"%s\", expected to hold \"%s\"", what, whole ? whole : "", part);
}

static char *wrong_error(const json_t *error, const json_t *wanted) {
  if (strcmp(string(error, "code"), string(wanted, "kind"))) {
    return text("failed with %s (%s), expected %s", string(error, "code"), string(error, "message"), string(wanted, "kind"));
  }
  char *wrong = lacks("message", error, "message", wanted, "contains");
  if (!wrong) wrong = lacks("cause", error, "cause", wanted, "cause_contains");
  return wrong ? wrong : lacks("backtrace", error, "backtrace", wanted, "backtrace_contains");
}

static char *judged(const json_t *step, const struct outcome *outcome) {
  const json_t *wanted = json_object_get(step, "expect_error"), *expected = json_object_get(step, "expect");
  if (outcome->error && wanted) return wrong_error(outcome->error, wanted);
  if (outcome->error) {
    const char *backtrace = string(outcome->error, "backtrace"), *cause = string(outcome->error, "cause");
    return text("failed with %s: %s%s%s%s%s", string(outcome->error, "code"), string(outcome->error, "message"),
                cause ? "\n  caused by " : "", cause ? cause : "", backtrace ? "\n" : "", backtrace ? backtrace : "");
  }
  if (wanted) return text("succeeded, expected %s", string(wanted, "kind"));
  return expected ? mismatch(outcome->result, expected, "the result") : NULL;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_talkative(const json_t *step) {
  const char *name = string(step, "do");
  return json_object_get(step, "expect") && (!strcmp(name, "trigger") || !strcmp(name, "join") || !strcmp(name, "next"));
}

/* Runs a step, again while it may; NULL if all is as expected. */
static char *step_wrong(struct stage *stage, const json_t *step, json_t *pairs) {
  int64_t until = now_ms() + json_integer_value(json_object_get(step, "within_ms"));
  for (;;) {
    struct outcome outcome = verb_of(string(step, "do"))(stage, step);
    char *wrong = judged(step, &outcome);
    if (!wrong && is_talkative(step)) pairs_in(json_object_get(outcome.result, "json"), pairs);
    bool again = wrong && now_ms() < until;
    json_decref(outcome.result);
    json_decref(outcome.error);
    if (!again) return wrong;
    free(wrong);
    usleep(10000);
  }
}

static char *steps_wrong(struct stage *stage, json_t *pairs) {
  size_t index, at;
  json_t *step, *pair;
  if (!json_is_false(json_object_get(stage->scenario, "open"))) {
    json_t *open = json_pack("{s:s}", "do", "open");
    char *wrong = step_wrong(stage, open, pairs);
    json_decref(open);
    if (wrong) return wrong;
  }
  json_array_foreach(json_object_get(stage->scenario, "steps"), index, step) {
    char *wrong = step_wrong(stage, step, pairs);
    if (wrong) {
      char *said = text("step %zu (%s): %s", index + 1, string(step, "do"), wrong);
      free(wrong);
      return said;
    }
    json_array_foreach(json_object_get(step, "covers"), at, pair) {
      json_object_set_new(pairs, json_string_value(pair), json_true());
    }
  }
  return NULL;
}

char *play(const char *root, const json_t *scenario, json_t *pairs) {
  char folder[] = "/tmp/astrid-scenario-XXXXXX";
  if (!mkdtemp(folder)) give_up("there is no place for temporary folders");
  struct stage stage = {.root = root, .folder = folder, .home = "home", .scenario = scenario};
  stage.written = json_copy(json_object_get(scenario, "capsules"));
  if (!stage.written) stage.written = json_object();
  pthread_mutex_init(&stage.lock, NULL);
  handlers_init(&stage.handlers, json_object_get(scenario, "host"));
  const char *key, *home = string(scenario, "home");
  json_t *capsule;
  json_object_foreach(json_object_get(scenario, "capsules"), key, capsule) write_capsule(root, folder, key, capsule);
  make_workspace(folder, json_object_get(json_object_get(scenario, "host"), "workspace"));
  if (home && !strcmp(home, "file")) {
    char *path = text("%s/home", folder);
    FILE *file = fopen(path, "w");
    if (!file || fclose(file)) give_up("%s cannot be written", path);
    free(path);
  }

  char *wrong = steps_wrong(&stage, pairs);

  /* The hosts close first, so that no call is left waiting; then whatever still refers to them is freed. */
  for (struct named *host = stage.hosts; host; host = host->older) astrid_host_close(host->handle, NULL);
  forget(&stage.calls);
  forget(&stage.subscriptions);
  forget(&stage.capsules);
  forget(&stage.hosts);
  handlers_end(&stage.handlers);
  json_decref(stage.written);
  remove_tree(folder);
  return wrong;
}
