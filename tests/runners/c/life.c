/* The verbs about the packages and the life of capsules. */
#include "runner.h"

static struct outcome step_inspect(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_string inspection;
  char *path = path_of(stage, string(step, "capsule"));
  astrid_host_inspect(stage->host, path, &inspection, &error);
  free(path);
  return ended_with(error, &inspection);
}

static struct outcome step_discover(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_string discovery;
  astrid_host_discover(stage->host, &stage->folder, 1, &discovery, &error);
  return ended_with(error, &discovery);
}

static struct outcome step_rewrite(struct stage *stage, const json_t *step) {
  const char *key = string(step, "capsule");
  char *own = text("%s/%s", stage->folder, key);
  remove_tree(own);
  free(own);
  write_capsule(stage->root, stage->folder, key, step);
  json_object_set(stage->written, key, (json_t *)step);
  return ended(NULL, NULL);
}

static struct outcome step_static_file(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_bytes contents;
  astrid_capsule_static_file(capsule_of(stage, step), string(step, "file"), &contents, &error);
  json_t *result = error ? NULL : json_pack("{s:s%}", "text", (const char *)contents.data, contents.length);
  astrid_bytes_free(&contents);
  return ended(error, result);
}

static struct outcome step_load_all(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_capsules *capsules = NULL;
  astrid_host_load_all(stage->host, stage->folder, &capsules, &error);
  if (error) return ended(error, NULL);
  json_t *result = json_array();
  for (size_t at = 0; at < capsules->count; at++) {
    astrid_capsule *capsule = capsules->items[at];
    capsules->items[at] = NULL;
    json_array_append_new(result, keep_capsule(stage, astrid_capsule_id(capsule), capsule));
  }
  astrid_capsules_free(capsules);
  return ended(NULL, result);
}

static struct outcome step_reload(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_capsule *capsule = capsule_of(stage, step);
  astrid_capsule_reload(capsule, &error);
  return ended(error, error ? NULL : told(capsule));
}

static struct outcome step_uninstall(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  const char *key = string(step, "capsule");
  const char *name = string(json_object_get(json_object_get(stage->scenario, "capsules"), key), "name");
  astrid_host_uninstall(stage->host, name ? name : key, &error);
  return ended(error, NULL);
}

static struct outcome step_state(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_string state = {NULL, 0}, failure = {NULL, 0};
  const astrid_capsule *capsule = capsule_of(stage, step);
  if (astrid_capsule_state(capsule, &state, &error) == ASTRID_OK) astrid_capsule_failure(capsule, &failure, &error);
  json_t *result = json_pack("{s:o,s:I,s:I,s:o}", "state", from_text(state), "generation",
                             (json_int_t)astrid_capsule_generation(capsule), "restarts",
                             (json_int_t)astrid_capsule_restarts(capsule), "failure", from_text(failure));
  astrid_string_free(&state);
  astrid_string_free(&failure);
  return ended(error, result);
}

static struct outcome step_warnings(struct stage *stage, const json_t *step) {
  return ended(NULL, warnings(capsule_of(stage, step)));
}

static struct outcome step_unload(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_capsule_unload(capsule_of(stage, step), &error);
  return ended(error, NULL);
}

const struct verb_name life_verbs[] = {
    {"inspect", step_inspect},   {"discover", step_discover},
    {"rewrite", step_rewrite},   {"static_file", step_static_file},
    {"load_all", step_load_all}, {"reload", step_reload},
    {"uninstall", step_uninstall}, {"state", step_state},
    {"warnings", step_warnings}, {"unload", step_unload},
    {NULL, NULL},
};
