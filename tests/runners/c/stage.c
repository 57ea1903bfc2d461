/* What the verbs share: reading steps, writing outcomes, and the handles a scenario gave names to. */
#include "runner.h"

const char *string(const json_t *step, const char *key) { return json_string_value(json_object_get(step, key)); }

uint64_t number(const json_t *object, const char *key) {
  return (uint64_t)json_integer_value(json_object_get(object, key));
}

uint8_t truth(const json_t *object, const char *key) { return json_is_true(json_object_get(object, key)); }

json_t *from_text(astrid_string text) {
  return text.data ? json_stringn_nocheck(text.data, text.length) : json_null();
}

json_t *parsed(astrid_string text) {
  json_t *value = text.data ? json_loadb(text.data, text.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : NULL;
  return value ? value : json_null();
}

json_t *lines(const char *text) {
  json_t *all = json_array();
  while (text && *text) {
    size_t length = strcspn(text, "\n");
    json_array_append_new(all, json_stringn(text, length));
    text += length + (text[length] != 0);
  }
  return all;
}

json_t *described(const astrid_error *error) {
  /* As other languages write an error: the message, and where it happened. */
  char *message = text("%s", astrid_error_message(error));
  const char *key, *value;
  for (size_t at = 0; astrid_error_context_at(error, at, &key, &value) == ASTRID_OK; at++) {
    char *longer = text("%s; %s: %s", message, key, value);
    free(message);
    message = longer;
  }
  json_t *described = json_pack("{s:s,s:s,s:s?,s:s?}", "code", astrid_error_code(error), "message", message, "cause",
                                astrid_error_cause(error), "backtrace", astrid_error_guest_backtrace(error));
  free(message);
  return described;
}

struct outcome ended(astrid_error *error, json_t *result) {
  if (!error) return (struct outcome){result ? result : json_object(), NULL};
  struct outcome failed = {NULL, described(error)};
  json_decref(result);
  astrid_error_free(error);
  return failed;
}

struct outcome ended_with(astrid_error *error, astrid_string *text) {
  json_t *result = error ? NULL : parsed(*text);
  astrid_string_free(text);
  return ended(error, result);
}

char *path_of(const struct stage *stage, const char *key) {
  bool archive = string(json_object_get(stage->written, key), "archive") != NULL;
  return text("%s/%s%s", stage->folder, key, archive ? ".capsule" : "");
}

verb *verb_of(const char *name) {
  const struct verb_name *const tables[] = {host_verbs, life_verbs, workspace_verbs, home_verbs, call_verbs};
  for (size_t table = 0; table < sizeof tables / sizeof *tables; table++) {
    for (const struct verb_name *one = tables[table]; one->name; one++) {
      if (!strcmp(one->name, name)) return one->does;
    }
  }
  give_up("no such verb: %s", name);
}

void *found(struct stage *stage, struct named *list, const char *name) {
  void *handle = NULL;
  pthread_mutex_lock(&stage->lock);
  for (struct named *one = list; one && !handle; one = one->older) {
    if (!strcmp(one->name, name)) handle = one->handle;
  }
  pthread_mutex_unlock(&stage->lock);
  if (!handle) give_up("the scenario has not made %s yet", name);
  return handle;
}

void keep(struct stage *stage, struct named **list, const char *name, void *handle, void (*free_handle)(void *)) {
  struct named *one = calloc(1, sizeof *one);
  if (!one) abort();
  pthread_mutex_lock(&stage->lock);
  *one = (struct named){name, handle, free_handle, *list};
  *list = one;
  pthread_mutex_unlock(&stage->lock);
}

void forget(struct named **list) {
  while (*list) {
    struct named *one = *list;
    *list = one->older;
    one->free(one->handle);
    free(one);
  }
}
