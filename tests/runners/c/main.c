/*
 * Plays the scenarios of tests/scenarios through the C library, each in a process of its own.
 *
 *   runner ROOT [--only TEXT]     TEXT: part of "<area>/<name>", as is the variable SCENARIO
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runner.h"

void give_up(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fputs("the runner gives up: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  exit(3);
}

static char **files;
static size_t file_count;

static int collect(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)status, (void)place;
  size_t length = strlen(path);
  if (kind == FTW_F && length > 5 && !strcmp(path + length - 5, ".json")) {
    files = realloc(files, (file_count + 1) * sizeof *files);
    if (!files || !(files[file_count++] = strdup(path))) abort();
  }
  return 0;
}

static int by_name(const void *one, const void *other) { return strcmp(*(char *const *)one, *(char *const *)other); }

/* In the child: plays, and writes {wrong, pairs} to the pipe. */
_Noreturn static void report(const char *root, const json_t *scenario, int pipe_end) {
  json_t *pairs = json_object();
  char *wrong = play(root, scenario, pairs);
  json_t *said = json_pack("{s:s?,s:o}", "wrong", wrong, "pairs", pairs);
  char *line = json_dumps(said, JSON_COMPACT);
  for (size_t sent = 0, length = strlen(line); sent < length;) {
    ssize_t count = write(pipe_end, line + sent, length - sent);
    if (count <= 0) break;
    sent += (size_t)count;
  }
  free(wrong);
  free(line);
  json_decref(said);
  exit(0);
}

/* Plays a scenario in a child; NULL, or what went wrong, to be freed. */
static char *played(const char *root, const json_t *scenario, json_t *proved) {
  int ends[2];
  if (pipe(ends)) give_up("no pipe");
  fflush(NULL);
  pid_t child = fork();
  if (child < 0) give_up("no process");
  if (child == 0) {
    const json_t *timeout = json_object_get(scenario, "timeout_ms");
    json_int_t wait_ms = timeout ? json_integer_value(timeout) : 30000;
    /* The alarm ends the process: a scenario that hangs is a scenario that failed. */
    timer_t alarm_clock;
    struct itimerspec when = {.it_value = {wait_ms / 1000, wait_ms % 1000 * 1000000 + 1}};
    if (timer_create(CLOCK_MONOTONIC, NULL, &alarm_clock) || timer_settime(alarm_clock, 0, &when, NULL)) abort();
    close(ends[0]);
    report(root, scenario, ends[1]);
  }
  close(ends[1]);
  FILE *said = fdopen(ends[0], "r");
  json_t *outcome = json_loadf(said, 0, NULL);
  fclose(said);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (WIFSIGNALED(status)) {
    json_decref(outcome);
    return WTERMSIG(status) == SIGALRM ? strdup("took too long") : text("ended by signal %d", WTERMSIG(status));
  }
  if (!outcome || WEXITSTATUS(status)) {
    json_decref(outcome);
    return text("ended with status %d", WEXITSTATUS(status));
  }
  const char *wrong = string(outcome, "wrong");
  char *copy = wrong ? strdup(wrong) : NULL;
  if (!copy) json_object_update(proved, json_object_get(outcome, "pairs"));
  json_decref(outcome);
  return copy;
}

static size_t uncovered(const char *root, const json_t *proved) {
  char *path = text("%s/target/conformance/required.json", root);
  json_t *required = json_load_file(path, 0, NULL), *pair;
  if (!required) give_up("%s cannot be read; `cargo run -p conformance --bin required-pairs` makes it", path);
  size_t index, missing = 0;
  json_array_foreach(required, index, pair) {
    if (json_object_get(proved, json_string_value(pair))) continue;
    printf("uncovered: %s\n", json_string_value(pair));
    missing++;
  }
  json_decref(required);
  free(path);
  return missing;
}

int main(int count, char **arguments) {
  if (count != 2 && !(count == 4 && !strcmp(arguments[2], "--only"))) {
    fprintf(stderr, "usage: %s ROOT [--only TEXT]\n", arguments[0]);
    return 2;
  }
  const char *root = arguments[1], *only = count == 4 ? arguments[3] : getenv("SCENARIO");
  const char *filled = getenv("SCENARIOS");
  char *folder = filled ? strdup(filled) : text("%s/tests/scenarios", root);
  nftw(folder, collect, 16, FTW_PHYS);
  qsort(files, file_count, sizeof *files, by_name);

  json_t *proved = json_object();
  int passed = 0, failed = 0;
  for (size_t place = 0; place < file_count; place++) {
    char *name = files[place] + strlen(folder) + 1;
    json_error_t where;
    json_t *scenario = NULL;
    char *wrong = NULL, *shown = strndup(name, strlen(name) - 5);
    if (!only || strstr(shown, only)) {
      scenario = json_load_file(files[place], JSON_ALLOW_NUL, &where);
      wrong = scenario ? played(root, scenario, proved) : text("line %d: %s", where.line, where.text);
      if (wrong) printf("FAILED %s: %s\n  %s\n", shown, scenario ? string(scenario, "why") : "", wrong);
      *(wrong ? &failed : &passed) += 1;
    }
    free(wrong);
    free(shown);
    free(files[place]);
    json_decref(scenario);
  }
  free(files);
  free(folder);

  size_t missing = only ? 0 : uncovered(root, proved);
  json_decref(proved);
  printf("%d passed, %d failed\n", passed, failed);
  return failed || missing ? 1 : 0;
}
