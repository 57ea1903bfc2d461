/* The verbs that are about the host and its capsules, each a few calls of the library. */
#include "runner.h"

/* ---- the host ---- */

static astrid_host *open_host(struct stage *stage, bool first, astrid_error **error) {
  struct host_options all;
  read_options(json_object_get(json_object_get(stage->scenario, "host"), "options"), &all);
  char *home = text("%s/%s", stage->folder, stage->home);
  all.options.home = home;
  const json_t *workspace = json_object_get(json_object_get(stage->scenario, "host"), "workspace");
  char *folder = text("%s/workspace", stage->folder);
  if (workspace) all.options.workspace = folder;
  all.options.overlay = truth(workspace, "overlay");
  if (first) handlers_offer(&stage->handlers, &all.options);
  astrid_host *host = NULL;
  astrid_host_open(&all.options, &host, error);
  free(home);
  free(folder);
  free(all.profile);
  return host;
}

static void free_host(void *host) { astrid_host_free(host); }

static struct outcome step_open(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  const char *as = string(step, "as");
  astrid_host *host = open_host(stage, !as, &error);
  if (host) {
    keep(stage, &stage->hosts, as ? as : "", host, free_host);
    if (!as) stage->host = host, stage->handlers.host = host;
  }
  return ended(error, NULL);
}

static struct outcome step_close(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_host_close(stage->host, &error);
  return ended(error, NULL);
}

static struct outcome step_reopen(struct stage *stage, const json_t *step) {
  if (string(step, "home")) stage->home = string(step, "home");
  astrid_error *error = NULL;
  astrid_host_close(stage->host, &error);
  if (error) return ended(error, NULL);
  forget(&stage->capsules);
  forget(&stage->subscriptions);
  forget(&stage->calls);
  return step_open(stage, step);
}

static struct outcome step_asked(struct stage *stage, const json_t *step) {
  return ended(NULL, handlers_asked(&stage->handlers, string(step, "of")));
}

/* ---- capsules ---- */

struct narrowed {
  astrid_load_options options;
  const char *keep[64];
};

static const astrid_load_options *narrow(struct narrowed *narrowed, const json_t *step) {
  const json_t *keep = json_object_get(step, "attenuate");
  astrid_load_options_init(&narrowed->options, sizeof narrowed->options);
  narrowed->options.principal = string(step, "principal");
  narrowed->options.shared = truth(step, "shared");
  if (!strcmp(string(step, "do"), "install") || (string(step, "what") && !strcmp(string(step, "what"), "install"))) {
    narrowed->options.hash = string(step, "hash");
    narrowed->options.accept_new_capabilities = truth(step, "accept_new_capabilities");
  }
  if (json_is_array(keep)) {
    narrowed->options.attenuate = narrowed->keep;
    narrowed->options.attenuate_count = json_array_size(keep);
    if (json_array_size(keep) > 64) give_up("more than 64 capabilities");
    for (size_t at = 0; at < json_array_size(keep); at++) narrowed->keep[at] = json_string_value(json_array_get(keep, at));
  }
  return &narrowed->options;
}

static struct outcome step_install(struct stage *stage, const json_t *step) {
  struct narrowed narrowed;
  astrid_error *error = NULL;
  astrid_installed *done = NULL;
  char *path = path_of(stage, string(step, "capsule"));
  astrid_host_install(stage->host, path, narrow(&narrowed, step), &done, &error);
  free(path);
  if (error) return ended(error, NULL);
  json_t *result = json_pack("{s:o,s:o,s:o,s:o,s:o}", "id", from_text(done->id), "version", from_text(done->version),
                             "hash", from_text(done->hash), "upgraded_from", from_text(done->upgraded_from), "warnings",
                             lines(done->warnings.data));
  astrid_installed_free(done);
  return ended(NULL, result);
}

json_t *warnings(const astrid_capsule *capsule) {
  json_t *all = json_array();
  for (size_t index = 0; index < astrid_capsule_warning_count(capsule); index++) {
    json_array_append_new(all, json_string(astrid_capsule_warning_at(capsule, index)));
  }
  return all;
}

static void free_capsule(void *capsule) { astrid_capsule_free(capsule); }

json_t *told(const astrid_capsule *capsule) {
  astrid_string state;
  astrid_capsule_state(capsule, &state, NULL);
  json_t *result = json_pack("{s:s,s:s,s:s,s:o,s:o}", "id", astrid_capsule_id(capsule), "version",
                             astrid_capsule_version(capsule), "hash", astrid_capsule_hash(capsule), "state",
                             from_text(state), "warnings", warnings(capsule));
  astrid_string_free(&state);
  return result;
}

json_t *keep_capsule(struct stage *stage, const char *key, astrid_capsule *capsule) {
  keep(stage, &stage->capsules, key, capsule, free_capsule);
  return told(capsule);
}

static struct outcome step_load(struct stage *stage, const json_t *step) {
  struct narrowed narrowed;
  astrid_error *error = NULL;
  astrid_capsule *capsule = NULL;
  char *path = path_of(stage, string(step, "capsule"));
  astrid_host_load(stage->host, path, narrow(&narrowed, step), &capsule, &error);
  free(path);
  return ended(error, error ? NULL : keep_capsule(stage, string(step, "capsule"), capsule));
}

static struct outcome step_load_component(struct stage *stage, const json_t *step) {
  struct narrowed narrowed;
  astrid_error *error = NULL;
  astrid_capsule *capsule = NULL;
  const char *key = string(step, "capsule"), *given = string(step, "hash");
  char *component_path = text("%s/%s/guest.wasm", stage->folder, key);
  char *manifest_path = text("%s/%s/Capsule.toml", stage->folder, key);
  char *hash = filled(stage->root, given ? given : "{{hash}}", json_object_get(stage->written, key));
  size_t length;
  char *component = read_file(component_path, &length), *manifest = read_file(manifest_path, NULL);
  astrid_host_load_component(stage->host, (const uint8_t *)component, length, manifest, hash, narrow(&narrowed, step),
                             &capsule, &error);
  free(component_path), free(manifest_path), free(hash), free(component), free(manifest);
  return ended(error, error ? NULL : keep_capsule(stage, string(step, "capsule"), capsule));
}

astrid_capsule *capsule_of(struct stage *stage, const json_t *step) {
  return found(stage, stage->capsules, string(step, "capsule"));
}

static struct outcome step_wait_ready(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  uint64_t timeout = json_object_get(step, "timeout_ms") ? number(step, "timeout_ms") : ASTRID_NO_TIMEOUT;
  astrid_capsule_wait_ready(capsule_of(stage, step), timeout, &error);
  return ended(error, NULL);
}

static struct outcome step_configure(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_host_configure(stage->host, astrid_capsule_id(capsule_of(stage, step)), string(step, "principal"),
                        string(step, "key"), string(step, "value"), &error);
  return ended(error, NULL);
}

const struct verb_name host_verbs[] = {
    {"open", step_open},       {"close", step_close},
    {"reopen", step_reopen},   {"asked", step_asked},
    {"install", step_install}, {"load", step_load},
    {"load_component", step_load_component}, {"wait_ready", step_wait_ready},
    {"configure", step_configure},
    {NULL, NULL},
};
