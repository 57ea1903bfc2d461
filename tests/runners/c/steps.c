/* The verbs that are about the host and its capsules, each a few calls of the library. */
#include "runner.h"

/* ---- the host ---- */

static astrid_host *open_host(struct stage *stage, bool first, astrid_error **error) {
  const json_t *given = json_object_get(json_object_get(stage->scenario, "host"), "options");
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  char *home = text("%s/home", stage->folder);
  options.home = home;
  options.runtime_version = string(given, "runtime_version");
  options.elicit_timeout_ms = number(given, "elicit_timeout_ms");
  options.approval_timeout_ms = number(given, "approval_timeout_ms");
  options.uplink_timeout_ms = number(given, "uplink_timeout_ms");
  options.max_principals = (uint32_t)number(given, "max_principals");
  options.audit_limit_bytes = number(given, "audit_limit_bytes");
  options.audit_segment_bytes = number(given, "audit_segment_bytes");
  options.require_principal = truth(given, "require_principal");
  options.recv_empty_on_timeout = truth(given, "recv_empty_on_timeout");
  options.allow_missing_imports = truth(given, "allow_missing_imports");
  astrid_quota quotas[32];
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(given, "quotas"), name, value) {
    if (options.quota_count == 32) give_up("more than 32 quotas");
    quotas[options.quota_count++] = (astrid_quota){name, (uint64_t)json_integer_value(value)};
  }
  options.quotas = quotas;
  if (first) handlers_offer(&stage->handlers, &options);
  astrid_host *host = NULL;
  astrid_host_open(&options, &host, error);
  free(home);
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
  astrid_error *error = NULL;
  astrid_host_close(stage->host, &error);
  if (error) return ended(error, NULL);
  forget(&stage->capsules);
  forget(&stage->subscriptions);
  forget(&stage->calls);
  return step_open(stage, step);
}

static struct outcome step_usage(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_string usage;
  astrid_host_usage(stage->host, string(step, "principal"), &usage, &error);
  json_t *result = error ? NULL : parsed(usage);
  astrid_string_free(&usage);
  return ended(error, result);
}

static struct outcome step_audit(struct stage *stage, const json_t *step) {
  const json_t *wanted = json_object_get(step, "filter");
  astrid_audit_filter filter;
  astrid_audit_filter_init(&filter, sizeof filter);
  filter.principal = string(wanted, "principal");
  filter.capsule = string(wanted, "capsule");
  filter.operation = string(wanted, "operation");
  filter.outcome = string(wanted, "outcome");
  filter.limit = (uint32_t)number(wanted, "limit");
  astrid_error *error = NULL;
  astrid_string entries;
  astrid_host_audit_entries(stage->host, &filter, &entries, &error);
  if (error) return ended(error, NULL);
  json_t *result = json_array(), *all = lines(entries.data), *line;
  size_t index;
  json_array_foreach(all, index, line) json_array_append_new(result, json_loads(json_string_value(line), JSON_ALLOW_NUL, NULL));
  json_decref(all);
  astrid_string_free(&entries);
  return ended(NULL, result);
}

static struct outcome step_verify(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_string report;
  int intact;
  astrid_host_audit_verify(stage->host, &intact, &report, &error);
  json_t *result = error ? NULL : parsed(report);
  astrid_string_free(&report);
  return ended(error, result);
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
  if (json_is_array(keep)) {
    narrowed->options.attenuate = narrowed->keep;
    narrowed->options.attenuate_count = json_array_size(keep);
    if (json_array_size(keep) > 64) give_up("more than 64 capabilities");
    for (size_t at = 0; at < json_array_size(keep); at++) narrowed->keep[at] = json_string_value(json_array_get(keep, at));
  }
  return &narrowed->options;
}

struct outcome step_install(struct stage *stage, const json_t *step) {
  struct narrowed narrowed;
  astrid_error *error = NULL;
  astrid_installed *done = NULL;
  char *path = text("%s/%s", stage->folder, string(step, "capsule"));
  astrid_host_install(stage->host, path, narrow(&narrowed, step), &done, &error);
  free(path);
  if (error) return ended(error, NULL);
  json_t *result = json_pack("{s:o,s:o,s:o,s:o,s:o}", "id", from_text(done->id), "version", from_text(done->version),
                             "hash", from_text(done->hash), "upgraded_from", from_text(done->upgraded_from), "warnings",
                             lines(done->warnings.data));
  astrid_installed_free(done);
  return ended(NULL, result);
}

static json_t *warnings(const astrid_capsule *capsule) {
  json_t *all = json_array();
  for (size_t index = 0; index < astrid_capsule_warning_count(capsule); index++) {
    json_array_append_new(all, json_string(astrid_capsule_warning_at(capsule, index)));
  }
  return all;
}

static void free_capsule(void *capsule) { astrid_capsule_free(capsule); }

static struct outcome loaded(struct stage *stage, const json_t *step, astrid_capsule *capsule, astrid_error *error) {
  if (error) return ended(error, NULL);
  keep(stage, &stage->capsules, string(step, "capsule"), capsule, free_capsule);
  astrid_string state;
  astrid_capsule_state(capsule, &state, NULL);
  json_t *result = json_pack("{s:s,s:s,s:s,s:o,s:o}", "id", astrid_capsule_id(capsule), "version",
                             astrid_capsule_version(capsule), "hash", astrid_capsule_hash(capsule), "state",
                             from_text(state), "warnings", warnings(capsule));
  astrid_string_free(&state);
  return ended(NULL, result);
}

static struct outcome step_load(struct stage *stage, const json_t *step) {
  struct narrowed narrowed;
  astrid_error *error = NULL;
  astrid_capsule *capsule = NULL;
  char *path = text("%s/%s", stage->folder, string(step, "capsule"));
  astrid_host_load(stage->host, path, narrow(&narrowed, step), &capsule, &error);
  free(path);
  return loaded(stage, step, capsule, error);
}

static struct outcome step_load_component(struct stage *stage, const json_t *step) {
  struct narrowed narrowed;
  astrid_error *error = NULL;
  astrid_capsule *capsule = NULL;
  const char *key = string(step, "capsule"), *given = string(step, "hash");
  const json_t *described = json_object_get(json_object_get(stage->scenario, "capsules"), key);
  char *component_path = text("%s/%s/guest.wasm", stage->folder, key);
  char *manifest_path = text("%s/%s/Capsule.toml", stage->folder, key);
  char *hash = filled(given ? given : "{{hash}}", "hash", hash_of(stage->root, described));
  size_t length;
  char *component = read_file(component_path, &length), *manifest = read_file(manifest_path, NULL);
  astrid_host_load_component(stage->host, (const uint8_t *)component, length, manifest, hash, narrow(&narrowed, step),
                             &capsule, &error);
  free(component_path), free(manifest_path), free(hash), free(component), free(manifest);
  return loaded(stage, step, capsule, error);
}

astrid_capsule *capsule_of(struct stage *stage, const json_t *step) {
  return found(stage, stage->capsules, string(step, "capsule"));
}

struct outcome step_wait_ready(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  uint64_t timeout = json_object_get(step, "timeout_ms") ? number(step, "timeout_ms") : ASTRID_NO_TIMEOUT;
  astrid_capsule_wait_ready(capsule_of(stage, step), timeout, &error);
  return ended(error, NULL);
}

static struct outcome step_state(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_string state;
  astrid_capsule_state(capsule_of(stage, step), &state, &error);
  json_t *result = json_pack("{s:o}", "state", from_text(state));
  astrid_string_free(&state);
  return ended(error, result);
}

static struct outcome step_warnings(struct stage *stage, const json_t *step) {
  return ended(NULL, warnings(capsule_of(stage, step)));
}

static struct outcome step_configure(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_host_configure(stage->host, astrid_capsule_id(capsule_of(stage, step)), string(step, "principal"),
                        string(step, "key"), string(step, "value"), &error);
  return ended(error, NULL);
}

static struct outcome step_unload(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_capsule_unload(capsule_of(stage, step), &error);
  return ended(error, NULL);
}

/* ---- all verbs ---- */

struct outcome take(struct stage *stage, const json_t *step) {
  static const struct {
    const char *name;
    verb *does;
  } verbs[] = {
      {"open", step_open},         {"close", step_close},
      {"reopen", step_reopen},     {"usage", step_usage},
      {"audit", step_audit},       {"verify", step_verify},
      {"asked", step_asked},       {"install", step_install},
      {"load", step_load},         {"load_component", step_load_component},
      {"state", step_state},       {"wait_ready", step_wait_ready},
      {"warnings", step_warnings}, {"configure", step_configure},
      {"unload", step_unload},
  };
  const char *name = string(step, "do");
  for (size_t place = 0; place < sizeof verbs / sizeof *verbs; place++) {
    if (!strcmp(name, verbs[place].name)) return verbs[place].does(stage, step);
  }
  verb *does = call_verb(name);
  if (!does) give_up("no such verb: %s", name);
  return does(stage, step);
}
