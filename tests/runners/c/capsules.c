/* The capsules of a scenario, as folders. */
#include <ftw.h>
#include <sys/stat.h>

#include "runner.h"

char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) give_up("%s cannot be read", path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *bytes = malloc((size_t)size + 1);
  if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) give_up("%s cannot be read", path);
  fclose(file);
  bytes[size] = 0;
  if (length) *length = (size_t)size;
  return bytes;
}

char *make_parents(const char *folder, const char *name) {
  char *path = text("%s/%s", folder, name);
  for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
    *slash = 0;
    mkdir(path, 0755);
    *slash = '/';
  }
  return path;
}

void write_file(const char *folder, const char *name, const char *bytes, size_t length) {
  char *path = make_parents(folder, name);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, length, file) != length || fclose(file)) give_up("%s cannot be written", path);
  free(path);
}

static const json_t *guest_named(const char *root, const char *name) {
  static json_t *index;
  if (!index) {
    char *path = text("%s/target/guests/index.json", root);
    index = json_load_file(path, 0, NULL);
    if (!index) give_up("%s cannot be read; `cargo build` makes it", path);
    free(path);
  }
  json_t *guest = json_object_get(index, name);
  if (!guest) give_up("there is no guest %s", name);
  return guest;
}

static const char *hash_of(const char *root, const char *name) {
  return json_string_value(json_object_get(guest_named(root, name), "hash"));
}

/* `*line` with the first `mark` in it replaced by `value`; false if there is none. */
static bool replace(char **line, const char *mark, const char *value) {
  char *place = strstr(*line, mark);
  if (!place) return false;
  char *longer = text("%.*s%s%s", (int)(place - *line), *line, value, place + strlen(mark));
  free(*line);
  *line = longer;
  return true;
}

char *filled(const char *root, const char *plain, const json_t *capsule) {
  const char *guest = string(capsule, "guest");
  char *line = strdup(plain), *place;
  while (replace(&line, "{{component}}", "guest.wasm")) continue;
  while (guest && replace(&line, "{{hash}}", hash_of(root, guest))) continue;
  while ((place = strstr(line, "{{hash:"))) {
    char *name = strndup(place + 7, strcspn(place + 7, "}")), *mark = text("{{hash:%s}}", name);
    replace(&line, mark, hash_of(root, name));
    free(name);
    free(mark);
  }
  return line;
}

static char *guest_bytes(const char *root, const json_t *guest, size_t *length) {
  const json_t *hex = json_object_get(guest, "bytes_hex"), *plain = json_object_get(guest, "text");
  const json_t *cut = json_object_get(guest, "truncate");
  if (hex) {
    const char *digits = json_string_value(hex);
    *length = strlen(digits) / 2;
    char *bytes = malloc(*length + 1);
    for (size_t index = 0; index < *length; index++) {
      unsigned byte = 0;
      sscanf(digits + 2 * index, "%2x", &byte);
      bytes[index] = (char)byte;
    }
    return bytes;
  }
  if (plain) {
    *length = json_string_length(plain);
    return strdup(json_string_value(plain));
  }
  const char *name = json_string_value(cut ? json_array_get(cut, 0) : guest);
  const char *path = json_string_value(json_object_get(guest_named(root, name), "path"));
  char *full = *path == '/' ? strdup(path) : text("%s/%s", root, path);
  char *bytes = read_file(full, length);
  free(full);
  if (cut && (size_t)json_integer_value(json_array_get(cut, 1)) < *length) {
    *length = (size_t)json_integer_value(json_array_get(cut, 1));
  }
  return bytes;
}

static char *joined(char *so_far, const json_t *lines) {
  size_t index;
  json_t *line;
  json_array_foreach((json_t *)lines, index, line) {
    char *longer = text("%s%s\n", so_far, json_string_value(line));
    free(so_far);
    so_far = longer;
  }
  return so_far;
}

static const char *or_else(const json_t *object, const char *key, const char *otherwise) {
  const char *value = json_string_value(json_object_get(object, key));
  return value ? value : otherwise;
}

static char *manifest_of(const char *key, const json_t *capsule) {
  const json_t *lines = json_object_get(capsule, "manifest");
  char *manifest;
  if (lines) {
    manifest = joined(strdup(""), lines);
  } else {
    const char *name = or_else(capsule, "name", key);
    manifest = text("[package]\nname = \"%s\"\nversion = \"%s\"\n\n"
                    "[[component]]\nid = \"%s\"\nfile = \"{{component}}\"\nhash = \"{{hash}}\"\n\n",
                    name, or_else(capsule, "version", "1.0.0"), name);
    manifest = joined(manifest, json_object_get(capsule, "grants"));
  }
  const char *setting;
  json_t *script;
  json_object_foreach(json_object_get(capsule, "scripts"), setting, script) {
    char *value = json_dumps(script, JSON_COMPACT | JSON_ENCODE_ANY);
    char *longer = text("%s\n[env.%s]\ntype = \"text\"\ndefault = '%s'\n", manifest, setting, value);
    free(manifest);
    free(value);
    manifest = longer;
  }
  return manifest;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)kind, (void)place;
  return remove(path);
}

void remove_tree(const char *folder) { nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static void write_guest(const char *root, const char *folder, const char *name, const json_t *guest) {
  size_t length;
  char *bytes = guest_bytes(root, guest, &length);
  write_file(folder, name, bytes, length);
  free(bytes);
}

static void write_archive(const char *root, const char *folder, const char *key, const json_t *guest) {
  char *name = text("%s.capsule", key);
  write_guest(root, folder, name, guest);
  free(name);
}

void write_capsule(const char *root, const char *folder, const char *key, const json_t *capsule) {
  const json_t *guest = json_object_get(capsule, "guest"), *lines = json_object_get(capsule, "manifest"), *file;
  const json_t *archive = json_object_get(capsule, "archive");
  if (archive) {
    write_archive(root, folder, key, archive);
    return;
  }
  char *own = text("%s/%s", folder, key);
  mkdir(own, 0700);
  if (guest && !json_is_null(guest)) write_guest(root, own, "guest.wasm", guest);
  if (!lines || !json_is_null(lines)) {
    char *manifest = manifest_of(key, capsule), *whole = filled(root, manifest, capsule);
    write_file(own, "Capsule.toml", whole, strlen(whole));
    free(manifest);
    free(whole);
  }
  const char *path;
  json_object_foreach(json_object_get(capsule, "files"), path, file) {
    if (json_is_string(file)) write_file(own, path, json_string_value(file), json_string_length(file));
    else write_guest(root, own, path, json_object_get(file, "guest"));
  }
  free(own);
}
