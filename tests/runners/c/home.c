/* The verbs about what a home holds: principals, records, keys and copies. */
#include "runner.h"

static struct outcome step_profile(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_string profile;
  astrid_host_profile(stage->host, string(step, "principal"), &profile, &error);
  return ended_with(error, &profile);
}

static struct outcome step_set_profile(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  char *profile = json_dumps(json_object_get(step, "profile"), JSON_COMPACT | JSON_ENCODE_ANY);
  astrid_host_set_profile(stage->host, string(step, "principal"), profile, NULL, &error);
  free(profile);
  return ended(error, NULL);
}

static struct outcome step_principals(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_string principals;
  astrid_host_principals(stage->host, &principals, &error);
  return ended_with(error, &principals);
}

static struct outcome step_remove_principal(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_host_remove_principal(stage->host, string(step, "principal"), &error);
  return ended(error, NULL);
}

/* What was approved, as an array; NULL after a failure. */
static json_t *approved(struct stage *stage, const json_t *step, astrid_error **error) {
  astrid_string kept;
  astrid_host_allowances(stage->host, string(step, "principal"), &kept, error);
  if (*error) return NULL;
  json_t *result = json_array(), *all = lines(kept.data), *line;
  size_t index;
  json_array_foreach(all, index, line) json_array_append_new(result, json_loads(json_string_value(line), JSON_ALLOW_NUL, NULL));
  json_decref(all);
  astrid_string_free(&kept);
  return result;
}

static struct outcome step_allowances(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  json_t *all = approved(stage, step, &error);
  return ended(error, all);
}

static struct outcome step_revoke_allowance(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  json_t *all = NULL;
  const char *id = string(step, "id");
  if (!id && (all = approved(stage, step, &error))) {
    id = string(json_array_get(all, (size_t)number(step, "nth")), "id");
  }
  int found = 0;
  if (!error) astrid_host_revoke_allowance(stage->host, string(step, "principal"), id, &found, &error);
  json_decref(all);
  return ended(error, error ? NULL : json_pack("{s:b}", "found", found));
}

static struct outcome step_backup(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  char *target = text("%s/%s", stage->folder, string(step, "as"));
  astrid_host_backup(stage->host, target, &error);
  free(target);
  return ended(error, NULL);
}

static struct outcome step_rotate_keys(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_host_rotate_keys(stage->host, NULL, &error);
  return ended(error, NULL);
}

static struct outcome step_metrics(struct stage *stage, const json_t *step) {
  (void)step;
  astrid_error *error = NULL;
  astrid_string metrics;
  astrid_host_metrics(stage->host, &metrics, &error);
  json_t *result = error ? NULL : json_pack("{s:o}", "text", from_text(metrics));
  astrid_string_free(&metrics);
  return ended(error, result);
}

static struct outcome step_usage(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_string usage;
  astrid_host_usage(stage->host, string(step, "principal"), &usage, &error);
  return ended_with(error, &usage);
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
  return ended_with(error, &report);
}

const struct verb_name home_verbs[] = {
    {"profile", step_profile},         {"set_profile", step_set_profile},
    {"principals", step_principals},   {"remove_principal", step_remove_principal},
    {"allowances", step_allowances},   {"revoke_allowance", step_revoke_allowance},
    {"backup", step_backup},           {"rotate_keys", step_rotate_keys},
    {"metrics", step_metrics},         {"usage", step_usage},
    {"audit", step_audit},             {"verify", step_verify},
    {NULL, NULL},
};
