/* The scenario runner of the C binding: what its files share. */
#ifndef RUNNER_H
#define RUNNER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "astrid_host.h"

/* The runner cannot go on: its own mistake, or the scenario's. */
_Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Allocated text, as printf writes it. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- match.c ---- */

/* NULL if the value matches what is wanted, otherwise where it does not, to be freed. `value` may be NULL: not there. */
char *mismatch(const json_t *value, const json_t *wanted, const char *where);

/* ---- capsules.c ---- */

/* The whole file, with a NUL behind it; its length goes to `*length` unless that is NULL. */
char *read_file(const char *path, size_t *length);

/* `<folder>/<name>`, to be freed, when the folders above it are made. */
char *make_parents(const char *folder, const char *name);
void write_file(const char *folder, const char *name, const char *bytes, size_t length);

/* Removes a folder with all that is in it, if it is there. */
void remove_tree(const char *folder);

/* Writes the capsule of a scenario into `<folder>/<key>`, or beside it as an archive. */
void write_capsule(const char *root, const char *folder, const char *key, const json_t *capsule);

/* `text` with the component's file and its hash, and the hashes of other guests, in their places; to be freed. */
char *filled(const char *root, const char *text, const json_t *capsule);

/* ---- workspace.c ---- */

/* Makes `<folder>/workspace` as a scenario's host wants it; nothing if it wants none. */
void make_workspace(const char *folder, const json_t *wanted);

/* ---- options.c ---- */

enum { MOST_TEXTS = 64 };

/* The options of a host with all they point at. */
struct host_options {
  astrid_host_options options;
  astrid_restart restart;
  astrid_instances instances;
  astrid_audit_choices audit;
  astrid_network network;
  astrid_processes processes;
  astrid_expected_checkpoint expected;
  astrid_quota quotas[MOST_TEXTS];
  astrid_endpoint egress[MOST_TEXTS], binds[MOST_TEXTS];
  const char *uplinks[MOST_TEXTS], *operations[MOST_TEXTS], *servers[MOST_TEXTS];
  char *profile; /* to be freed */
};

/* Reads them; what is not named keeps its default. */
void read_options(const json_t *given, struct host_options *all);

/* ---- callbacks.c ---- */

/* What is asked, and what is only told. */
enum { ELICIT, APPROVAL, UPLINK, QUESTIONS, LOG = QUESTIONS, CHECKPOINT, KINDS };

/* One kind of question in a scenario: what is answered, in order, and what was asked. */
struct handler {
  struct handlers *all;
  const json_t *answers;
  size_t next;
  json_t *asked;
};

struct handlers {
  pthread_mutex_t lock;
  struct handler of[KINDS];
  /* The host whose dispatching thread a handler asks for although it is on it. */
  const astrid_host *host;
  /* Answers that were never given, to be let go of at the end. */
  struct late *late;
};

void handlers_init(struct handlers *handlers, const json_t *host);
/* Puts the handlers into the options, and chooses where they run. */
void handlers_offer(struct handlers *handlers, astrid_host_options *options);
/* What was asked so far of that kind. */
json_t *handlers_asked(struct handlers *handlers, const char *of);
/* Waits for the answers that are on their way and lets go of those that never come. */
void handlers_end(struct handlers *handlers);

/* ---- stage.c ---- */

/* What a step came to: a result, or an error as {code, message, cause, backtrace}. */
struct outcome {
  json_t *result, *error;
};

/* The outcome of a call of the library; takes both over, and an absent result is {}. */
struct outcome ended(astrid_error *error, json_t *result);
/* The same for a call whose result is JSON text; takes the text over too. */
struct outcome ended_with(astrid_error *error, astrid_string *text);
/* An error as JSON. */
json_t *described(const astrid_error *error);

const char *string(const json_t *step, const char *key);
uint64_t number(const json_t *object, const char *key);
uint8_t truth(const json_t *object, const char *key);
json_t *from_text(astrid_string text);
/* The text read as JSON, or null where that cannot be. */
json_t *parsed(astrid_string text);
/* The lines of a text that may be NULL. */
json_t *lines(const char *text);

/* Everything one scenario has at hand. Handles by name, in lists that only grow. */
struct stage {
  const char *root, *folder;
  /* The folder of the home in it: `home`, or the backup it was last opened from. */
  const char *home;
  const json_t *scenario;
  /* The capsules as they were written last, by key. */
  json_t *written;
  struct handlers handlers;
  astrid_host *host;
  pthread_mutex_t lock;
  struct named {
    const char *name;
    void *handle;
    void (*free)(void *);
    struct named *older;
  } *capsules, *calls, *subscriptions, *hosts;
};

void *found(struct stage *stage, struct named *list, const char *name);
void keep(struct stage *stage, struct named **list, const char *name, void *handle, void (*free)(void *));
void forget(struct named **list);

/* What the host is given as a capsule's path, to be freed. */
char *path_of(const struct stage *stage, const char *key);

/* ---- the verbs: steps.c, life.c, workspace.c, home.c and calls.c ---- */

typedef struct outcome verb(struct stage *stage, const json_t *step);

struct verb_name {
  const char *name;
  verb *does;
};

/* Each ends with a name that is NULL. */
extern const struct verb_name host_verbs[], life_verbs[], workspace_verbs[], home_verbs[], call_verbs[];

/* The verb of that name. */
verb *verb_of(const char *name);

astrid_capsule *capsule_of(struct stage *stage, const json_t *step);
/* What loading a capsule tells. */
json_t *told(const astrid_capsule *capsule);
json_t *warnings(const astrid_capsule *capsule);
/* Takes a loaded capsule over and calls it by the key, which lives as long; says what loading it tells. */
json_t *keep_capsule(struct stage *stage, const char *key, astrid_capsule *capsule);

/* ---- play.c ---- */

/* Plays a scenario in a folder of its own; NULL, or what went wrong, to be freed. Adds what was proved to `pairs`. */
char *play(const char *root, const json_t *scenario, json_t *pairs);

#endif
