/* What is only told, logs and checkpoints, and what comes by asking: exports, changes, and texts that follow a capsule. */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

char **arguments;

#define SAY(words) "{\"calls\":[{\"op\":\"sys.log\",\"args\":{\"level\":\"warn\",\"message\":\"" words "\"}}]}"

struct diary {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  pthread_t thread;
  int lines, checkpoints, dropped, on_thread;
  uint64_t entries;
  uint8_t head[32];
};

static void logged(void *ctx, const astrid_log_line *line) {
  struct diary *diary = ctx;
  CHECK(line->struct_size == sizeof *line && line->lost == 0 && line->time_ms > 0);
  CHECK(!strcmp(line->capsule, "main") && !strcmp(line->principal, "default") && !strcmp(line->level, "warn"));
  pthread_mutex_lock(&diary->lock);
  diary->on_thread += pthread_equal(diary->thread, pthread_self()) != 0;
  diary->lines++;
  pthread_cond_signal(&diary->changed);
  pthread_mutex_unlock(&diary->lock);
}

static void signed_off(void *ctx, const astrid_checkpoint *checkpoint) {
  struct diary *diary = ctx;
  CHECK(checkpoint->struct_size == sizeof *checkpoint && checkpoint->entries < checkpoint->sequence);
  pthread_mutex_lock(&diary->lock);
  CHECK(checkpoint->entries >= diary->entries);
  diary->entries = checkpoint->entries;
  memcpy(diary->head, checkpoint->head, sizeof diary->head);
  diary->checkpoints++;
  pthread_mutex_unlock(&diary->lock);
}

static void let_go(void *ctx) {
  struct diary *diary = ctx;
  pthread_mutex_lock(&diary->lock);
  diary->dropped++;
  pthread_mutex_unlock(&diary->lock);
}

static void listen(struct diary *diary, astrid_host_options *options) {
  *diary = (struct diary){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .thread = pthread_self()};
  options->on_log = (astrid_log_callback){diary, logged, let_go};
  options->on_checkpoint = (astrid_checkpoint_callback){diary, signed_off, let_go};
}

static void say(const astrid_capsule *capsule) { EXPECT(ASTRID_OK, play(capsule, SAY("tea is ready"), NULL, &error)); }

/* On the library's threads: lines come while the host is open, the last checkpoint before closing returns. */
static void on_the_runtime(void) {
  struct diary diary;
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  listen(&diary, &options);
  astrid_host *host = open_host("runtime", &options);
  astrid_capsule *capsule = load_puppet(host);
  say(capsule);
  pthread_mutex_lock(&diary.lock);
  while (diary.lines < 1) pthread_cond_wait(&diary.changed, &diary.lock);
  pthread_mutex_unlock(&diary.lock);
  astrid_checkpoint *checkpoint = NULL;
  EXPECT(ASTRID_OK, astrid_host_audit_checkpoint(host, &checkpoint, &error));
  CHECK(checkpoint && checkpoint->entries > 0);
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  CHECK(diary.dropped == 2 && diary.checkpoints >= 2 && diary.entries > checkpoint->entries && diary.on_thread == 0);
  astrid_checkpoint_free(checkpoint);
  astrid_capsule_free(capsule);
  astrid_host_free(host);

  /* What was told last is what the log must hold when it is opened again. */
  astrid_expected_checkpoint kept = {.entries = diary.entries};
  memcpy(kept.head, diary.head, sizeof kept.head);
  astrid_host_options_init(&options, sizeof options);
  options.expected_checkpoint = &kept;
  astrid_host_free(open_host("runtime", &options));
  kept.head[0] ^= 1;
  options.home = below("runtime");
  EXPECT(ASTRID_ERROR_AUDIT_UNAVAILABLE, astrid_host_open(&options, &host, &error));
}

/* On the dispatching thread, also while it closes the host. */
static void by_dispatching(void) {
  struct diary diary;
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.callbacks = ASTRID_CALLBACKS_DISPATCH;
  listen(&diary, &options);
  astrid_host *host = open_host("dispatching", &options);
  astrid_capsule *capsule = load_puppet(host);
  say(capsule);
  say(capsule);
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  CHECK(diary.lines == 2 && diary.on_thread == 2 && diary.checkpoints >= 1 && diary.dropped == 2);
  EXPECT(ASTRID_OK, astrid_host_dispatch(host, NULL, &error));
  CHECK(diary.lines == 2);
  astrid_capsule_free(capsule);
  astrid_host_free(host);
}

static void *close_host(void *host) {
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  return NULL;
}

/* Nobody dispatches while another thread closes the host: what was to be told is let go of, and nobody waits for ever. */
static void by_nobody(void) {
  struct diary diary;
  pthread_t thread;
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.callbacks = ASTRID_CALLBACKS_DISPATCH;
  listen(&diary, &options);
  astrid_host *host = open_host("nobody", &options);
  CHECK(pthread_create(&thread, NULL, close_host, host) == 0);
  pthread_join(thread, NULL);
  EXPECT(ASTRID_OK, astrid_host_dispatch(host, NULL, &error));
  CHECK(diary.checkpoints == 0 && diary.dropped == 2);
  astrid_host_free(host);
}

struct sink {
  int lines, most;
};

static int count_lines(void *ctx, const uint8_t *data, size_t length) {
  struct sink *sink = ctx;
  CHECK(length > 1 && data[0] == '{' && data[length - 1] == '\n');
  return sink->lines++ == sink->most;
}

static void records(const astrid_host *host) {
  struct sink all = {0, 1000}, few = {0, 1000}, full = {0, 1};
  astrid_audit_filter filter;
  astrid_audit_filter_init(&filter, sizeof filter);
  filter.operation = "host.open";
  EXPECT(ASTRID_OK, astrid_host_audit_export(host, NULL, (astrid_writer){&all, count_lines}, &error));
  EXPECT(ASTRID_OK, astrid_host_audit_export(host, &filter, (astrid_writer){&few, count_lines}, &error));
  CHECK(few.lines == 1 && all.lines > few.lines);
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT,
         astrid_host_audit_export(host, NULL, (astrid_writer){&full, count_lines}, &error));
  CHECK(full.lines == 2);
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_audit_export(host, NULL, (astrid_writer){&full, NULL}, &error));
}

static void profiles(const astrid_host *host) {
  astrid_string text = {NULL, 0};
  const char *odd = "{\"quotas\":{\"max_subscriptions\":3},\"colour\":\"green\"}";
  EXPECT(ASTRID_OK, astrid_host_set_profile(host, "alice", odd, &text, &error));
  CHECK(text.data && strstr(text.data, "colour"));
  astrid_string_free(&text);
  EXPECT(ASTRID_OK, astrid_host_profile(host, "alice", &text, &error));
  CHECK(strstr(text.data, "\"max_subscriptions\":3"));
  astrid_string_free(&text);
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_set_profile(host, "alice", "{", NULL, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_set_profile(host, "alice", "[]", &text, &error));
  CHECK(text.data == NULL);
  EXPECT(ASTRID_OK, astrid_host_principals(host, &text, &error));
  CHECK(strstr(text.data, "\"alice\""));
  astrid_string_free(&text);
}

/* A change of the manifest is told and reloaded; the handle follows, and the texts it gave out stay as they were. */
static void follow(const astrid_host *host, astrid_capsule *capsule) {
  const char *version = astrid_capsule_version(capsule), *hash = astrid_capsule_hash(capsule);
  CHECK(!strcmp(version, "0.1.0") && astrid_capsule_version(capsule) == version);
  CHECK(astrid_capsule_generation(capsule) == 1 && astrid_capsule_restarts(capsule) == 0);
  astrid_watch_options options;
  astrid_watch_options_init(&options, sizeof options);
  options.reload = 1;
  astrid_watch *watch = NULL;
  astrid_change *change = NULL;
  EXPECT(ASTRID_OK, astrid_capsule_watch(capsule, &options, NULL, &watch, &error));
  EXPECT(ASTRID_ERROR_TIMEOUT, astrid_watch_next(watch, 0, &change, &error));
  FILE *manifest = fopen(below("main/Capsule.toml"), "w");
  CHECK(manifest);
  fprintf(manifest,
          "[package]\nname = \"main\"\nversion = \"0.2.0\"\n\n"
          "[[component]]\nid = \"main\"\nfile = \"puppet.wasm\"\nhash = \"%s\"\n", arguments[3]);
  CHECK(fclose(manifest) == 0);
  EXPECT(ASTRID_OK, astrid_watch_next(watch, ASTRID_NO_TIMEOUT, &change, &error));
  CHECK(!strcmp(change->id.data, "main") && !change->gone && change->reloaded && !change->reload_error);
  astrid_change_free(change);
  EXPECT(ASTRID_OK, astrid_watch_close(watch, &error));
  EXPECT(ASTRID_ERROR_CLOSED, astrid_watch_next(watch, ASTRID_NO_TIMEOUT, &change, &error));
  astrid_watch_free(watch);
  CHECK(!strcmp(version, "0.1.0") && !strcmp(astrid_capsule_version(capsule), "0.2.0"));
  CHECK(astrid_capsule_hash(capsule) == hash && astrid_capsule_generation(capsule) == 2);
  EXPECT(ASTRID_ERROR_NOT_FOUND, astrid_host_watch(host, below("nowhere"), NULL, NULL, &watch, &error));

  astrid_capsules *all = NULL;
  EXPECT(ASTRID_OK, astrid_host_capsules(host, &all, &error));
  CHECK(all->count == 1 && !strcmp(astrid_capsule_id(all->items[0]), "main"));
  astrid_capsules_free(all);
}

/* What older and newer programs leave out keeps its default, and what means nothing to a load is refused. */
static void sizes(const astrid_host *host) {
  struct {
    astrid_restart known;
    uint64_t later;
  } newer;
  astrid_restart_init(&newer.known, sizeof newer);
  CHECK(newer.known.struct_size == sizeof newer && newer.known.enabled && newer.known.attempts > 0 && newer.later == 0);
  astrid_restart older;
  memset(&older, 0xee, sizeof older);
  astrid_restart_init(&older, offsetof(astrid_restart, first_ms));
  CHECK(older.attempts == newer.known.attempts && older.first_ms == 0xeeeeeeeeeeeeeeee);
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.restart = &older;
  astrid_host_free(open_host("older", &options));
  options.restart = NULL;
  astrid_instances none;
  astrid_instances_init(&none, sizeof none);
  none.most = 0;
  options.instances = &none;
  astrid_host *refused = NULL;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&options, &refused, &error));
  astrid_load_options load;
  astrid_load_options_init(&load, sizeof load);
  load.accept_new_capabilities = 1;
  astrid_capsule *capsule = NULL;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_load(host, below("main"), &load, &capsule, &error));
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  on_the_runtime();
  by_dispatching();
  by_nobody();
  astrid_host *host = open_host("told", NULL);
  astrid_capsule *capsule = load_puppet(host);
  records(host);
  profiles(host);
  follow(host, capsule);
  sizes(host);
  astrid_capsule_free(capsule);
  astrid_host_free(host);
  return 0;
}
