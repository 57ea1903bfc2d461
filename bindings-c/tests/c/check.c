#include "check.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* The program's folder is argument 1 of the test, the puppet's component 2, its hash 3; see run.sh. */
extern char **arguments;

void expect(const char *file, int line, const char *call, astrid_status expected, astrid_status status,
            astrid_error *error) {
  if (status != expected || (status == ASTRID_OK) != (error == NULL)) {
    fprintf(stderr, "%s:%d: %s gave %d (%s), not %d\n", file, line, call, status,
            error ? astrid_error_message(error) : "no error object", expected);
    exit(1);
  }
  CHECK(astrid_error_kind(error) == status);
  astrid_error_free(error);
}

const char *below(const char *name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", arguments[1], name);
  return path;
}

static void copy(const char *from, const char *to) {
  char bytes[65536];
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  CHECK(in && out);
  for (size_t count; (count = fread(bytes, 1, sizeof bytes, in)) > 0;) CHECK(fwrite(bytes, 1, count, out) == count);
  fclose(in);
  CHECK(fclose(out) == 0);
}

const char *puppet(void) {
  mkdir(below("main"), 0700);
  copy(arguments[2], below("main/puppet.wasm"));
  FILE *manifest = fopen(below("main/Capsule.toml"), "w");
  CHECK(manifest);
  fprintf(manifest,
          "[package]\nname = \"main\"\nversion = \"0.1.0\"\n\n"
          "[[component]]\nid = \"main\"\nfile = \"puppet.wasm\"\nhash = \"%s\"\n\n"
          "[publish]\n\"main.*\" = { wit = \"opaque\" }\n\n[subscribe]\n\"main.*\" = { wit = \"opaque\" }\n",
          arguments[3]);
  CHECK(fclose(manifest) == 0);
  return below("main");
}

/* Without a bound on fuel an endless guest ends only by what the test does to it. */
static const astrid_quota unbounded = {"max_cpu_fuel_per_sec", UINT64_MAX};

astrid_host *open_host(const char *name, astrid_host_options *options) {
  astrid_host *host = NULL;
  astrid_host_options defaults;
  if (!options) {
    astrid_host_options_init(&defaults, sizeof defaults);
    options = &defaults;
  }
  options->home = below(name);
  if (!options->quota_count) {
    options->quotas = &unbounded;
    options->quota_count = 1;
  }
  EXPECT(ASTRID_OK, astrid_host_open(options, &host, &error));
  CHECK(host);
  return host;
}

astrid_capsule *load_puppet(const astrid_host *host) {
  astrid_capsule *capsule = NULL;
  EXPECT(ASTRID_OK, astrid_host_load(host, puppet(), NULL, &capsule, &error));
  CHECK(capsule);
  return capsule;
}

astrid_status play(const astrid_capsule *capsule, const char *script, astrid_hook_result **result,
                   astrid_error **error) {
  return astrid_capsule_trigger(capsule, "script", (const uint8_t *)script, strlen(script), NULL, result, error);
}
