/* The workspace of a scenario: the folder it begins as, and what becomes of overlays. */
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"

void make_workspace(const char *folder, const json_t *wanted) {
  if (!wanted) return;
  char *root = text("%s/workspace", folder);
  mkdir(root, 0700);
  /* Programs that capsules start are nobody when the host is root. */
  if (chmod(folder, 0711) || chmod(root, 0777)) give_up("%s cannot be opened to others", folder);
  size_t at;
  json_t *one;
  const char *name;
  json_array_foreach(json_object_get(wanted, "folders"), at, one) {
    char *below = text("%s/", json_string_value(one)), *path = make_parents(root, below);
    free(below);
    free(path);
  }
  json_object_foreach(json_object_get(wanted, "files"), name, one) {
    write_file(root, name, json_string_value(one), json_string_length(one));
  }
  json_object_foreach(json_object_get(wanted, "links"), name, one) {
    char *path = make_parents(root, name);
    if (symlink(json_string_value(one), path)) give_up("%s cannot be linked", path);
    free(path);
  }
  free(root);
}

static struct outcome step_commit(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  uint64_t changes;
  astrid_capsule_commit(capsule_of(stage, step), string(step, "principal"), &changes, &error);
  return ended(error, error ? NULL : json_pack("{s:I}", "changes", (json_int_t)changes));
}

static struct outcome step_rollback(struct stage *stage, const json_t *step) {
  astrid_error *error = NULL;
  astrid_capsule_rollback(capsule_of(stage, step), string(step, "principal"), &error);
  return ended(error, NULL);
}

const struct verb_name workspace_verbs[] = {{"commit", step_commit}, {"rollback", step_rollback}, {NULL, NULL}};
