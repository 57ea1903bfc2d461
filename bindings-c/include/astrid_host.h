/**
 * @file astrid_host.h
 * The C interface of astrid-host, which runs Astrid capsules inside your program.
 *
 * Generated from bindings-c/src; do not edit.
 *
 * Every function returns an `astrid_status`, ASTRID_OK or the number of an error kind, and puts an `astrid_error` into its
 * last argument unless that is NULL; on success it puts NULL there. Handles are opaque; a NULL handle or a required
 * argument that is NULL is `invalid_argument`. A handle outlives what it stands for: after a close its functions answer
 * `closed`, until it is freed. Freeing NULL does nothing. Result pointers are NULL after a failure.
 *
 * Unless a function says otherwise, any thread may call it, also at the same time, and it keeps nothing of its arguments.
 * Texts are UTF-8 and end with a NUL. Freeing a handle twice, or using it while or after it is freed, is undefined, as
 * with `free`.
 */

#ifndef ASTRID_HOST_H
#define ASTRID_HOST_H

#include <stddef.h>
#include <stdint.h>

/**
 * The numbers of the error kinds; their codes and meanings are at `astrid_error_kind_at`.
 */
enum {
  /** The function did what was asked. */
  ASTRID_OK = 0,
  /** The capsule's manifest is missing, malformed or breaks a rule. */
  ASTRID_ERROR_MANIFEST_INVALID = 1,
  /** The file is not a WebAssembly component this host can compile. */
  ASTRID_ERROR_COMPONENT_INVALID = 2,
  /** The component imports or exports something this host does not offer. */
  ASTRID_ERROR_ABI_MISMATCH = 3,
  /** The component's bytes are not the ones that were pinned. */
  ASTRID_ERROR_HASH_MISMATCH = 4,
  /** No hash is pinned for the capsule: install it first, or name the hash. */
  ASTRID_ERROR_NOT_INSTALLED = 5,
  /** A capsule with this id is loaded already. */
  ASTRID_ERROR_ALREADY_LOADED = 6,
  /** The named capsule, file or export does not exist. */
  ASTRID_ERROR_NOT_FOUND = 7,
  /** An argument breaks a rule; the message names it. */
  ASTRID_ERROR_INVALID_ARGUMENT = 8,
  /** The principal is unknown, disabled, or has no readable profile. */
  ASTRID_ERROR_PRINCIPAL_REFUSED = 9,
  /** The manifest does not grant what was asked for. */
  ASTRID_ERROR_CAPABILITY_DENIED = 10,
  /** A quota of the principal or a limit of the host is used up. */
  ASTRID_ERROR_QUOTA_EXCEEDED = 11,
  /** The call ran past its deadline and was stopped. */
  ASTRID_ERROR_TIMEOUT = 12,
  /** The call was cancelled, or its capsule was unloaded. */
  ASTRID_ERROR_CANCELLED = 13,
  /** The guest used up the fuel of the call. */
  ASTRID_ERROR_FUEL_EXHAUSTED = 14,
  /** The guest needed more memory than its ceiling. */
  ASTRID_ERROR_MEMORY_EXCEEDED = 15,
  /** The guest trapped; the error carries its backtrace. */
  ASTRID_ERROR_GUEST_TRAP = 16,
  /** The capsule's run loop has not signalled that it is ready. */
  ASTRID_ERROR_NOT_READY = 17,
  /** The install or upgrade hook failed; nothing was pinned. */
  ASTRID_ERROR_INSTALL_FAILED = 18,
  /** The host, capsule or subscription was closed, or belongs to the parent of a fork. */
  ASTRID_ERROR_CLOSED = 19,
  /** A callback of the embedding program raised, answered wrongly, or could not run. */
  ASTRID_ERROR_CALLBACK_FAILED = 20,
  /** Another process or host has the home folder open. */
  ASTRID_ERROR_HOME_LOCKED = 21,
  /** The home folder cannot be created, read or written, or has a newer format. */
  ASTRID_ERROR_HOME_UNUSABLE = 22,
  /** The embedded database cannot be read or written. */
  ASTRID_ERROR_STORE_UNAVAILABLE = 23,
  /** The audit log cannot be written, so nothing that must be recorded may happen. */
  ASTRID_ERROR_AUDIT_UNAVAILABLE = 24,
  /** The host broke one of its own rules; please report it. */
  ASTRID_ERROR_INTERNAL = 25,
};

/**
 * The version of this binary interface: it grows when a struct or a function gains something, and a program built
 * against one version runs with every later one.
 */
#define ASTRID_ABI_VERSION 2

/**
 * A line of text is asked for.
 */
#define ASTRID_ELICIT_TEXT 0

/**
 * A secret is asked for; it goes to the secret store, and the capsule is told only that it is there.
 */
#define ASTRID_ELICIT_SECRET 1

/**
 * One of the options is asked for.
 */
#define ASTRID_ELICIT_SELECT 2

/**
 * A list of texts is asked for.
 */
#define ASTRID_ELICIT_ARRAY 3

/**
 * A capsule announced an uplink.
 */
#define ASTRID_UPLINK_REGISTERED 0

/**
 * A capsule sends a message through an uplink.
 */
#define ASTRID_UPLINK_MESSAGE 1

/**
 * An uplink is gone.
 */
#define ASTRID_UPLINK_UNREGISTERED 2

/**
 * The approval is refused.
 */
#define ASTRID_DENY 0

/**
 * The action may be done once.
 */
#define ASTRID_APPROVE 1

/**
 * The action, and the same again until the host is closed, may be done.
 */
#define ASTRID_APPROVE_SESSION 2

/**
 * The action may be done from now on.
 */
#define ASTRID_APPROVE_ALWAYS 3

/**
 * The message reached its person or platform.
 */
#define ASTRID_DELIVERED 0

/**
 * The message was dropped.
 */
#define ASTRID_DROPPED 1

/**
 * There is no session with that user.
 */
#define ASTRID_NO_SESSION 2

/**
 * Callbacks run on threads of the host's runtime, possibly several at once.
 */
#define ASTRID_CALLBACKS_RUNTIME 0

/**
 * Callbacks run on the thread that calls `astrid_host_dispatch`, or that waits in a synchronous call.
 */
#define ASTRID_CALLBACKS_DISPATCH 1

/**
 * A time that never runs out, for functions that wait.
 */
#define ASTRID_NO_TIMEOUT UINT64_MAX

/**
 * The answer to an approval question. The callback that was given it owns it; any thread may use it.
 */
typedef struct astrid_approval_answer astrid_approval_answer;

/**
 * An asynchronous trigger on its way. Any thread may use it.
 */
typedef struct astrid_call astrid_call;

/**
 * A loaded capsule. Any thread may use it. It follows the capsule through upgrades, reloads and restarts, and stays valid
 * after the capsule was unloaded and the host closed.
 */
typedef struct astrid_capsule astrid_capsule;

/**
 * The answer to an elicit question. The callback that was given it owns it; any thread may use it.
 */
typedef struct astrid_elicit_answer astrid_elicit_answer;

/**
 * What went wrong: a kind, a message for people, where it happened, and the guest's backtrace after a trap.
 *
 * A function that fails puts one into its `error` argument unless that is NULL; the caller frees it with
 * `astrid_error_free`. An error never changes, so any thread may read it.
 */
typedef struct astrid_error astrid_error;

/**
 * An open host. Any thread may use it. It stays valid after `astrid_host_close`, and so do the handles made from it:
 * their functions answer `closed`. Handles are freed each on its own, in any order.
 */
typedef struct astrid_host astrid_host;

/**
 * Hears what is published. Any thread may use it.
 */
typedef struct astrid_subscription astrid_subscription;

/**
 * The answer to an uplink event. The callback that was given it owns it; any thread may use it.
 */
typedef struct astrid_uplink_answer astrid_uplink_answer;

/**
 * A watch under way. Any thread may use it.
 */
typedef struct astrid_watch astrid_watch;

/**
 * What every function returns: `ASTRID_OK` (0), or the number of an error kind, from 1 up.
 */
typedef int32_t astrid_status;

/**
 * One row of the table of error kinds. The texts are never freed.
 */
typedef struct astrid_error_kind_info {
  /**
   * The number, the status that a function returns.
   */
  astrid_status number;
  /**
   * The stable `snake_case` code, the same in every language.
   */
  const char *code;
  /**
   * One sentence on what the kind means.
   */
  const char *meaning;
} astrid_error_kind_info;

/**
 * Text that the library gives out.
 *
 * `data` points at `length` bytes of UTF-8 followed by a NUL, so it can be printed as it is; text that is absent has a
 * NULL `data`. Inside a result object it belongs to that object; on its own it is freed by `astrid_string_free`.
 * Neither field may be changed.
 */
typedef struct astrid_string {
  /**
   * The bytes, or NULL.
   */
  const char *data;
  /**
   * How many bytes there are before the NUL.
   */
  size_t length;
} astrid_string;

/**
 * Bytes that the library gives out. `data` points at `length` bytes, or is NULL when there is nothing; it is freed by
 * `astrid_bytes_free`. Neither field may be changed.
 */
typedef struct astrid_bytes {
  /**
   * The bytes, or NULL.
   */
  const uint8_t *data;
  /**
   * How many there are.
   */
  size_t length;
} astrid_bytes;

/**
 * A signed statement that the audit log's first `entries` records end with the hash `head`. Kept elsewhere, it proves later
 * that the log was cut. From `astrid_host_audit_checkpoint` it belongs to the caller, who frees it with
 * `astrid_checkpoint_free`; in a callback it is borrowed.
 */
typedef struct astrid_checkpoint {
  /**
   * The size of this struct in the library that runs; later versions append fields.
   */
  uint32_t struct_size;
  /**
   * Its own place in the log.
   */
  uint64_t sequence;
  /**
   * How many records it covers.
   */
  uint64_t entries;
  /**
   * When it was signed, in nanoseconds since 1970.
   */
  uint64_t time_ns;
  /**
   * The hash of the last record it covers; zeros if there is none.
   */
  uint8_t head[32];
  /**
   * The public key it was signed with.
   */
  uint8_t public_key[32];
  /**
   * The Ed25519 signature; `docs/audit-format.md` says of what.
   */
  uint8_t signature[64];
} astrid_checkpoint;

/**
 * How a capsule is installed or loaded. Prepare it with `astrid_load_options_init`; NULL in its place is the default.
 */
typedef struct astrid_load_options {
  /**
   * The size of this struct; `astrid_load_options_init` sets it.
   */
  uint32_t struct_size;
  /**
   * Other than 0: the run loop serves several principals.
   */
  uint8_t shared;
  /**
   * Who owns the capsule; NULL is the default principal.
   */
  const char *principal;
  /**
   * The capabilities to keep of those that the manifest asks for; NULL keeps all, an empty list keeps none.
   */
  const char *const *attenuate;
  /**
   * How many there are.
   */
  size_t attenuate_count;
  /**
   * For an installation alone: the BLAKE3 that the package must have, 64 lower-case hexadecimal digits; NULL demands none.
   */
  const char *hash;
  /**
   * For an installation alone, other than 0: an upgrade may ask for more capabilities than were accepted before.
   */
  uint8_t accept_new_capabilities;
} astrid_load_options;

/**
 * How a capsule is triggered. Prepare it with `astrid_trigger_options_init`; NULL in its place is the default.
 */
typedef struct astrid_trigger_options {
  /**
   * The size of this struct; `astrid_trigger_options_init` sets it.
   */
  uint32_t struct_size;
  /**
   * On whose behalf; NULL is the default principal.
   */
  const char *principal;
  /**
   * After how many milliseconds the guest is stopped; 0 is the principal's own limit.
   */
  uint64_t timeout_ms;
  /**
   * The W3C trace context that the call is part of, as a `traceparent` header spells it, or NULL.
   */
  const char *traceparent;
} astrid_trigger_options;

/**
 * How a message is published. Prepare it with `astrid_publish_options_init`; NULL in its place is the default.
 */
typedef struct astrid_publish_options {
  /**
   * The size of this struct; `astrid_publish_options_init` sets it.
   */
  uint32_t struct_size;
  /**
   * On whose behalf; NULL is the system.
   */
  const char *principal;
  /**
   * The most handlers and subscriptions together that the message may reach; 0 is no limit. More handlers than that deny
   * the message, and none of them runs; subscriptions beyond it do not get it.
   */
  uint64_t fan_out;
} astrid_publish_options;

/**
 * How a folder is watched. Prepare it with `astrid_watch_options_init`; NULL in its place is the default.
 */
typedef struct astrid_watch_options {
  /**
   * The size of this struct; `astrid_watch_options_init` sets it.
   */
  uint32_t struct_size;
  /**
   * Other than 0: what is loaded from a folder that changed is reloaded. A component that is not pinned is not run by that;
   * the change then says `hash_mismatch`, until the program installs it.
   */
  uint8_t reload;
} astrid_watch_options;

/**
 * Which audit entries are wanted. Prepare it with `astrid_audit_filter_init`; NULL in its place takes all.
 */
typedef struct astrid_audit_filter {
  /**
   * The size of this struct; `astrid_audit_filter_init` sets it.
   */
  uint32_t struct_size;
  /**
   * The most entries; 0 is no limit.
   */
  uint32_t limit;
  /**
   * Only this principal's, or NULL.
   */
  const char *principal;
  /**
   * Only this capsule's, or NULL.
   */
  const char *capsule;
  /**
   * Only this operation's, for example `kv.kv-set`, or NULL.
   */
  const char *operation;
  /**
   * Only those with this outcome, `allowed`, `denied`, `failed` or `cancelled`, or NULL.
   */
  const char *outcome;
  /**
   * Only those from this sequence number on.
   */
  uint64_t since_seq;
} astrid_audit_filter;

/**
 * What programs that capsules start may see and use. No manifest can say any of it. `astrid_processes_init` fills in the default.
 */
typedef struct astrid_processes {
  /**
   * The size of this struct; `astrid_processes_init` sets it.
   */
  uint32_t struct_size;
  /**
   * The bubblewrap to use in place of the one the system has installed.
   */
  const char *bubblewrap;
  /**
   * Files and folders they may read besides the installed programs, at their own paths.
   */
  const char *const *readable;
  /**
   * How many there are.
   */
  size_t readable_count;
  /**
   * Ids of capsules whose programs share the machine's network, which no airlock binds then.
   */
  const char *const *host_network;
  /**
   * How many there are.
   */
  size_t host_network_count;
  /**
   * The user they run as when the host is root; 0 is the owner of the workspace, or nobody.
   */
  uint32_t user;
  /**
   * The group beside that user.
   */
  uint32_t group;
  /**
   * Bytes of each of their scratch folders.
   */
  uint64_t scratch_bytes;
  /**
   * Memory of each process of a program that asks for no limit, and of all together where there are control groups; and the
   * most it may ask for. 0 is no limit, and so with those below.
   */
  uint64_t memory_bytes;
  /**
   * Processor time of each process, in seconds.
   */
  uint64_t cpu_secs;
  /**
   * Processes and threads together.
   */
  uint32_t pids;
  /**
   * Open files of each process.
   */
  uint32_t open_files;
} astrid_processes;

/**
 * What an install or upgrade hook wants to know. Every text is borrowed until the callback returns; control and
 * bidirectional characters that a capsule wrote are made visible.
 */
typedef struct astrid_elicit_question {
  /**
   * The size of this struct in the library that runs; later versions append fields.
   */
  uint32_t struct_size;
  /**
   * One of `ASTRID_ELICIT_TEXT`, `_SECRET`, `_SELECT`, `_ARRAY`.
   */
  int32_t kind;
  /**
   * Names this question, in the audit too.
   */
  const char *request_id;
  /**
   * For whom the capsule is installed.
   */
  const char *principal;
  /**
   * Which capsule asks.
   */
  const char *capsule;
  /**
   * `install` or `upgrade`.
   */
  const char *phase;
  /**
   * The name under which the answer is used.
   */
  const char *key;
  /**
   * What the person should be told.
   */
  const char *description;
  /**
   * What is suggested, or NULL.
   */
  const char *default_value;
  /**
   * The options of a select question.
   */
  const char *const *options;
  /**
   * How many options there are.
   */
  size_t option_count;
  /**
   * How long the answer is waited for, in milliseconds.
   */
  uint64_t timeout_ms;
} astrid_elicit_question;

/**
 * Answers the questions of install and upgrade hooks.
 *
 * `call` gets a question, which lives until `call` returns, and an answer, which it owns: it settles it with one of the
 * `astrid_elicit_answer_*` functions, at once or later and from any thread, and frees it with
 * `astrid_elicit_answer_free`. A callback whose `call` is NULL is no callback: every question is cancelled.
 *
 * `drop` may be NULL. It runs exactly once, when no `call` runs or can come any more: while the host is closed, or when
 * the last running `call` returned. It runs also when the function that was given the callback failed. No lock of the
 * library is held during `call` and `drop`. Neither may throw, unwind or `longjmp` out.
 */
typedef struct astrid_elicit_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Answers one question.
   */
  void (*call)(void *ctx, const struct astrid_elicit_question *question, struct astrid_elicit_answer *answer);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_elicit_callback;

/**
 * What a capsule wants to do. Every text is borrowed until the callback returns; control and bidirectional characters
 * that a capsule wrote are made visible.
 */
typedef struct astrid_approval_question {
  /**
   * The size of this struct in the library that runs; later versions append fields.
   */
  uint32_t struct_size;
  /**
   * Names this question, in the audit too.
   */
  const char *request_id;
  /**
   * On whose behalf the capsule asks.
   */
  const char *principal;
  /**
   * Which capsule asks.
   */
  const char *capsule;
  /**
   * What it wants to do.
   */
  const char *action;
  /**
   * To what it wants to do it.
   */
  const char *resource;
  /**
   * How the host rates the action, for example `low` or `high`.
   */
  const char *risk;
  /**
   * How long the answer is waited for, in milliseconds.
   */
  uint64_t timeout_ms;
} astrid_approval_question;

/**
 * Decides whether a capsule may do something. The rules are those of `astrid_elicit_callback`; without a callback every
 * request is denied.
 */
typedef struct astrid_approval_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Decides one request.
   */
  void (*call)(void *ctx,
               const struct astrid_approval_question *question,
               struct astrid_approval_answer *answer);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_approval_callback;

/**
 * What happens at an uplink. Every text is borrowed until the callback returns; a text that the event does not have is
 * NULL. Control and bidirectional characters that a capsule wrote are made visible.
 */
typedef struct astrid_uplink_event {
  /**
   * The size of this struct in the library that runs; later versions append fields.
   */
  uint32_t struct_size;
  /**
   * One of `ASTRID_UPLINK_REGISTERED`, `_MESSAGE`, `_UNREGISTERED`.
   */
  int32_t kind;
  /**
   * The uplink's id.
   */
  const char *uplink_id;
  /**
   * The platform it stands for, for example `chat`.
   */
  const char *platform;
  /**
   * Which capsule it belongs to.
   */
  const char *capsule;
  /**
   * On whose behalf the capsule acts.
   */
  const char *principal;
  /**
   * The name the capsule gave the uplink; NULL for a message.
   */
  const char *name;
  /**
   * `chat`, `interactive`, `notify` or `bridge`; NULL for a message.
   */
  const char *profile;
  /**
   * Whom a message names, as the platform names people.
   */
  const char *platform_user;
  /**
   * What a message says.
   */
  const char *content;
  /**
   * The principal that is linked with the platform's user, if there is a link.
   */
  const char *resolved;
  /**
   * How long the answer to a message is waited for, in milliseconds; 0 for the other events.
   */
  uint64_t timeout_ms;
} astrid_uplink_event;

/**
 * Receives what capsules send through their uplinks. The rules are those of `astrid_elicit_callback`; without a
 * callback every message is dropped.
 */
typedef struct astrid_uplink_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Takes one event.
   */
  void (*call)(void *ctx, const struct astrid_uplink_event *event, struct astrid_uplink_answer *answer);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_uplink_callback;

/**
 * One quota that every principal gets unless its own profile says otherwise.
 */
typedef struct astrid_quota {
  /**
   * The quota's name in a profile, for example `max_memory_bytes`.
   */
  const char *name;
  /**
   * Its value; 0 is refused.
   */
  uint64_t value;
} astrid_quota;

/**
 * What becomes of run loops that trap or cannot be started. Every field counts: `astrid_restart_init` fills in the default,
 * from which a program departs.
 */
typedef struct astrid_restart {
  /**
   * The size of this struct; `astrid_restart_init` sets it.
   */
  uint32_t struct_size;
  /**
   * Attempts until the capsule is left alone.
   */
  uint32_t attempts;
  /**
   * The pause before the first attempt; each further one is twice as long.
   */
  uint64_t first_ms;
  /**
   * The longest pause.
   */
  uint64_t most_ms;
  /**
   * How long a run loop must have been ready and running before its earlier failures are forgotten.
   */
  uint64_t recovery_ms;
  /**
   * 0: run loops that failed are not started again.
   */
  uint8_t enabled;
} astrid_restart;

/**
 * The instances of a capsule that one principal has. Every field counts: `astrid_instances_init` fills in the default.
 */
typedef struct astrid_instances {
  /**
   * The size of this struct; `astrid_instances_init` sets it.
   */
  uint32_t struct_size;
  /**
   * How many are kept while the principal is at work.
   */
  uint32_t warm;
  /**
   * How many there are at once; a trigger beyond waits for one to come back. At least 1.
   */
  uint32_t most;
  /**
   * How long one may wait for work before it goes.
   */
  uint64_t idle_ms;
} astrid_instances;

/**
 * How durable, how fast and how patient the audit log is. Every field counts: `astrid_audit_choices_init` fills in the
 * default. Nothing of it switches the log off.
 */
typedef struct astrid_audit_choices {
  /**
   * The size of this struct; `astrid_audit_choices_init` sets it.
   */
  uint32_t struct_size;
  /**
   * Operations whose entry is on the disk before the result of the call is seen: one by its name, as `capsule.install`, or
   * all that begin so by a star at the end, as "kv.*". NULL is none.
   */
  const char *const *power_operations;
  /**
   * How many there are.
   */
  size_t power_operation_count;
  /**
   * Entries that one capsule may cause for one principal in a second, at least 1; ten seconds' worth may come at once.
   */
  uint64_t entries_per_sec;
  /**
   * The same in bytes of the log, at least 1,024.
   */
  uint64_t bytes_per_sec;
  /**
   * How long repeats beyond the rate are collected in one counted entry.
   */
  uint64_t merge_within_ms;
} astrid_audit_choices;

/**
 * What a checkpoint that was kept elsewhere says: the fields of that name in `astrid_checkpoint`.
 */
typedef struct astrid_expected_checkpoint {
  /**
   * How many records it covers.
   */
  uint64_t entries;
  /**
   * The hash of the last of them.
   */
  uint8_t head[32];
} astrid_expected_checkpoint;

/**
 * What a capsule logged. Every text is borrowed until the callback returns.
 */
typedef struct astrid_log_line {
  /**
   * The size of this struct in the library that runs; later versions append fields.
   */
  uint32_t struct_size;
  /**
   * Which capsule logged it.
   */
  const char *capsule;
  /**
   * For whom the capsule acted.
   */
  const char *principal;
  /**
   * `trace`, `debug`, `info`, `warn` or `error`.
   */
  const char *level;
  /**
   * One line of text; control and bidirectional characters are made visible.
   */
  const char *message;
  /**
   * When, in milliseconds since 1970.
   */
  uint64_t time_ms;
  /**
   * 0 for what a capsule logged. Otherwise the line is the host's own, and stands where so many lines were lost.
   */
  uint64_t lost;
} astrid_log_line;

/**
 * Takes every line that capsules log, in order and one at a time. A line lives until `call` returns; nobody waits for it:
 * lines that come faster than they are taken are lost, and the next line says how many. Without a callback the lines are in
 * the files below the home alone. The rules for `drop` are those of `astrid_elicit_callback`.
 *
 * With `ASTRID_CALLBACKS_DISPATCH`, lines that were not dispatched before the host was closed are not told any more.
 */
typedef struct astrid_log_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Takes one line.
   */
  void (*call)(void *ctx, const struct astrid_log_line *line);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_log_callback;

/**
 * Takes every checkpoint of the audit log once the disk has it, in order and one at a time: to be kept where whoever might
 * cut the log cannot reach. A checkpoint lives until `call` returns; nobody waits for it. When more than 64 wait, the oldest is
 * left out, since each covers those before it. The rules for `drop` are those of `astrid_elicit_callback`.
 *
 * Closing the host waits up to a second until the last checkpoint was taken. With `ASTRID_CALLBACKS_DISPATCH`, those that
 * were not dispatched by then are not told any more.
 */
typedef struct astrid_checkpoint_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Takes one checkpoint.
   */
  void (*call)(void *ctx, const struct astrid_checkpoint *checkpoint);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_checkpoint_callback;

/**
 * A place of the network that is one capsule's to use.
 */
typedef struct astrid_endpoint {
  /**
   * The capsule's id.
   */
  const char *capsule;
  /**
   * `host:port` or `host:*`.
   */
  const char *endpoint;
} astrid_endpoint;

/**
 * What capsules may reach and bind beyond the public network. No manifest can say any of it. `astrid_network_init` fills in the
 * default, which is nothing.
 */
typedef struct astrid_network {
  /**
   * The size of this struct; `astrid_network_init` sets it.
   */
  uint32_t struct_size;
  /**
   * What the airlock lets a capsule reach though it is not public.
   */
  const struct astrid_endpoint *local_egress;
  /**
   * How many there are.
   */
  size_t local_egress_count;
  /**
   * Addresses beyond loopback at which a capsule may listen or take datagrams.
   */
  const struct astrid_endpoint *public_binds;
  /**
   * How many there are.
   */
  size_t public_bind_count;
  /**
   * `address:port` of servers that are asked for names in place of the system's.
   */
  const char *const *dns_servers;
  /**
   * How many there are.
   */
  size_t dns_server_count;
  /**
   * Roots that are trusted besides the platform's, in PEM.
   */
  const char *tls_roots;
  /**
   * Lowers the longest lookup, connection and secure setup of a request; 0 leaves it, and so with those below.
   */
  uint64_t http_connect_ms;
  /**
   * Lowers the longest wait for the headers of a response.
   */
  uint64_t http_first_byte_ms;
  /**
   * Lowers the longest wait between two pieces of a body.
   */
  uint64_t http_between_bytes_ms;
  /**
   * Lowers the longest time a request may ask for.
   */
  uint64_t http_total_ms;
} astrid_network;

/**
 * How a host is opened. Prepare it with `astrid_host_options_init`; whatever stays 0 or NULL is the default.
 */
typedef struct astrid_host_options {
  /**
   * The size of this struct; `astrid_host_options_init` sets it.
   */
  uint32_t struct_size;
  /**
   * `ASTRID_CALLBACKS_RUNTIME` or `ASTRID_CALLBACKS_DISPATCH`.
   */
  uint32_t callbacks;
  /**
   * The folder in which everything is kept. Required.
   */
  const char *home;
  /**
   * The folder that capsules may work in.
   */
  const char *workspace;
  /**
   * Answers install and upgrade hooks.
   */
  struct astrid_elicit_callback on_elicit;
  /**
   * Decides what capsules ask to do.
   */
  struct astrid_approval_callback on_approval;
  /**
   * Receives what capsules send through uplinks.
   */
  struct astrid_uplink_callback on_uplink;
  /**
   * The version that a manifest's `astrid-version` is compared with.
   */
  const char *runtime_version;
  /**
   * Threads of the runtime.
   */
  uint32_t worker_threads;
  /**
   * Most principals that may be named.
   */
  uint32_t max_principals;
  /**
   * How long an elicit answer is waited for; it may only be lowered.
   */
  uint64_t elicit_timeout_ms;
  /**
   * How long an approval is waited for; it may only be lowered.
   */
  uint64_t approval_timeout_ms;
  /**
   * How long an uplink answer is waited for; it may only be lowered.
   */
  uint64_t uplink_timeout_ms;
  /**
   * The most bytes that the audit log may take.
   */
  uint64_t audit_limit_bytes;
  /**
   * The bytes of one segment of the audit log.
   */
  uint64_t audit_segment_bytes;
  /**
   * Other than 0: a call that names no principal is refused.
   */
  uint8_t require_principal;
  /**
   * Other than 0: a guest's `recv` answers an empty batch where it would answer `timeout`.
   */
  uint8_t recv_empty_on_timeout;
  /**
   * Other than 0: a capsule loads although nobody exports what its manifest imports.
   */
  uint8_t allow_missing_imports;
  /**
   * Quotas that differ from those of the default profile, for programs that change nothing else in it.
   */
  const struct astrid_quota *quotas;
  /**
   * How many there are.
   */
  size_t quota_count;
  /**
   * The profile of a principal without one of its own: a JSON object with the names of a profile's file. Names that
   * nobody knows are ignored; `astrid_host_set_profile` would name them.
   */
  const char *default_profile;
  /**
   * Ids of capsules whose `publish-as` is taken for true: their messages arrive as `verified`, and handlers act for the
   * principal they name.
   */
  const char *const *authenticated_uplinks;
  /**
   * How many there are.
   */
  size_t authenticated_uplink_count;
  /**
   * What becomes of run loops that fail.
   */
  const struct astrid_restart *restart;
  /**
   * How long the run loop of a new generation has to become ready before the old one is kept instead.
   */
  uint64_t ready_within_ms;
  /**
   * How many instances of a capsule a principal has, and for how long.
   */
  const struct astrid_instances *instances;
  /**
   * Durability, rates and merging of the audit log.
   */
  const struct astrid_audit_choices *audit;
  /**
   * What a checkpoint that was kept elsewhere says; a home whose audit log does not hold it does not open.
   */
  const struct astrid_expected_checkpoint *expected_checkpoint;
  /**
   * The 32 bytes of the key that seals secrets, in place of one in the home; to be given at every opening.
   */
  const uint8_t *secret_key;
  /**
   * Takes what capsules log.
   */
  struct astrid_log_callback on_log;
  /**
   * Takes the checkpoints of the audit log.
   */
  struct astrid_checkpoint_callback on_checkpoint;
  /**
   * Other than 0: compiled code is not kept in the home, and every capsule is compiled anew when it is loaded.
   */
  uint8_t no_code_cache;
  /**
   * Other than 0: each capsule changes an overlay of the workspace for each principal, which `astrid_capsule_commit` puts into
   * the workspace and `astrid_capsule_rollback` throws away.
   */
  uint8_t overlay;
  /**
   * Other than 0: capsules may open files that have more names than the host gave them, as package managers make them. Such
   * a file may be one from outside a root that was linked into it.
   */
  uint8_t trust_hard_links;
  /**
   * Other than 0: acknowledged writes to the store survive the loss of power, for which each waits for the disk.
   */
  uint8_t power_durability;
  /**
   * What capsules may reach and bind beyond the public network, and how names are looked up.
   */
  const struct astrid_network *network;
  /**
   * What programs that capsules start may see and use.
   */
  const struct astrid_processes *processes;
  /**
   * Other than 0: the library installs no handlers of signals, and guests check for faults themselves, which makes them
   * slower. Otherwise it handles SIGSEGV, SIGILL and SIGFPE, and hands on what is not a guest's to whoever had the signal
   * before; a program that installs handlers of its own later wants this, or has to do as much.
   */
  uint8_t no_signal_traps;
} astrid_host_options;

/**
 * What an installation did. It belongs to the caller, who frees it with `astrid_installed_free`; the texts are its own.
 */
typedef struct astrid_installed {
  /**
   * The capsule's id.
   */
  struct astrid_string id;
  /**
   * The version that is installed now.
   */
  struct astrid_string version;
  /**
   * The hash that was pinned, in hexadecimal.
   */
  struct astrid_string hash;
  /**
   * The version that was replaced; absent for a first installation.
   */
  struct astrid_string upgraded_from;
  /**
   * What the manifest has that this host does not know, one a line; absent if there is nothing.
   */
  struct astrid_string warnings;
} astrid_installed;

/**
 * Several capsules. It belongs to the caller, who frees it with `astrid_capsules_free`, and with it all capsules in it; one
 * that the caller wants to keep is taken out by writing NULL in its place.
 */
typedef struct astrid_capsules {
  /**
   * How many places there are.
   */
  size_t count;
  /**
   * The capsules.
   */
  struct astrid_capsule **items;
} astrid_capsules;

/**
 * What a hook answered. It belongs to the caller, who frees it with `astrid_hook_result_free`; the texts are its own.
 */
typedef struct astrid_hook_result {
  /**
   * What is to happen, for example `continue` or `deny`.
   */
  struct astrid_string action;
  /**
   * What the hook gave back, mostly JSON; absent if nothing.
   */
  struct astrid_string data;
} astrid_hook_result;

/**
 * Is told how an asynchronous trigger ended: `status` is `ASTRID_OK` and `result` is there, or `error` is there. Both live
 * until `call` returns. `call` runs exactly once, with `closed` if the host ends before; then `drop`, which may be NULL.
 */
typedef struct astrid_completion {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Takes the result.
   */
  void (*call)(void *ctx,
               astrid_status status,
               const struct astrid_hook_result *result,
               const struct astrid_error *error);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_completion;

/**
 * One message. From `astrid_subscription_next` it belongs to the caller, who frees it with `astrid_message_free`; in a
 * callback it is borrowed.
 */
typedef struct astrid_message {
  /**
   * The topic.
   */
  struct astrid_string topic;
  /**
   * The payload, as JSON text.
   */
  struct astrid_string payload;
  /**
   * Who sent it.
   */
  struct astrid_string source;
  /**
   * The principal that it speaks for; absent for the system.
   */
  struct astrid_string principal;
  /**
   * `verified` when the host knows that it is this principal, `claimed` when only the sender says so, `system`.
   */
  struct astrid_string attribution;
} astrid_message;

/**
 * What became of a published message. It belongs to the caller, who frees it with `astrid_outcome_free`.
 */
typedef struct astrid_outcome {
  /**
   * Subscriptions that have it in their queue.
   */
  uint64_t delivered;
  /**
   * Handlers that ran.
   */
  uint64_t handlers;
  /**
   * What the chain of handlers decided: `continue`, `final` or `deny`.
   */
  struct astrid_string decision;
  /**
   * The response of a `final`, or the payload if a handler changed it; absent if neither.
   */
  struct astrid_string data;
  /**
   * Why it was denied; absent if it was not.
   */
  struct astrid_string reason;
} astrid_outcome;

/**
 * Receives the messages of one subscription, one after the other in their order. A message lives until `call` returns.
 * The rules for `drop` are those of `astrid_elicit_callback`, with the subscription in the place of the host.
 */
typedef struct astrid_message_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Takes one message.
   */
  void (*call)(void *ctx, const struct astrid_message *message);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_message_callback;

/**
 * A capsule's folder that is not what it was. From `astrid_watch_next` it belongs to the caller, who frees it with
 * `astrid_change_free`; in a callback it is borrowed.
 */
typedef struct astrid_change {
  /**
   * The folder.
   */
  struct astrid_string folder;
  /**
   * The id of the capsule that is loaded from it; absent if none is.
   */
  struct astrid_string id;
  /**
   * 1 if there is no manifest in the folder any more.
   */
  int gone;
  /**
   * 1 if it was tried to reload the capsule.
   */
  int reloaded;
  /**
   * Why that failed, or NULL. It belongs to the change.
   */
  const struct astrid_error *reload_error;
} astrid_change;

/**
 * Takes what changed in a watched folder, one change after the other. A change lives until `call` returns. The rules for `drop`
 * are those of `astrid_elicit_callback`, with the watch in the place of the host.
 */
typedef struct astrid_change_callback {
  /**
   * Given to `call` and `drop` as it is.
   */
  void *ctx;
  /**
   * Takes one change.
   */
  void (*call)(void *ctx, const struct astrid_change *change);
  /**
   * Lets go of `ctx`.
   */
  void (*drop)(void *ctx);
} astrid_change_callback;

/**
 * Where an export goes. `write` takes `length` bytes, which are borrowed until it returns, and answers 0, or something else
 * if it could not; it is called on the thread that exports, and must not throw, unwind or `longjmp` out.
 */
typedef struct astrid_writer {
  /**
   * Given to `write` as it is.
   */
  void *ctx;
  /**
   * Takes the bytes, a line at a time.
   */
  int (*write)(void *ctx, const uint8_t *data, size_t length);
} astrid_writer;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The binary interface that the loaded library has, to be compared with `ASTRID_ABI_VERSION` of the header.
 */
uint32_t astrid_abi_version(void);

/**
 * The release of the library, such as `0.1.0`. The text is never freed.
 */
const char *astrid_version(void);

/**
 * How many error kinds there are.
 */
size_t astrid_error_kind_count(void);

/**
 * The row at `index` of the table, in the order of the numbers.
 *
 * Errors: `invalid_argument` when there is no such row or `kind` is NULL.
 */
astrid_status astrid_error_kind_at(size_t index, struct astrid_error_kind_info *kind);

/**
 * The number of the error's kind, the same that the function returned; `ASTRID_OK` for NULL.
 */
astrid_status astrid_error_kind(const struct astrid_error *error);

/**
 * The stable code of the error's kind, such as `not_found`; NULL for NULL. It lives as long as the error.
 */
const char *astrid_error_code(const struct astrid_error *error);

/**
 * The message, which names the thing that is wrong; NULL for NULL. It lives as long as the error.
 */
const char *astrid_error_message(const struct astrid_error *error);

/**
 * The text of what led to the error, for example the message with which a callback failed; NULL if there is none.
 * It lives as long as the error.
 */
const char *astrid_error_cause(const struct astrid_error *error);

/**
 * The guest's backtrace after a trap, one frame a line with the guest's function names; NULL if there is none.
 * It lives as long as the error.
 */
const char *astrid_error_guest_backtrace(const struct astrid_error *error);

/**
 * How many pairs say where the error happened; 0 for NULL.
 */
size_t astrid_error_context_count(const struct astrid_error *error);

/**
 * The pair at `index`, such as `capsule` and its id. Both texts live as long as the error.
 *
 * Errors: `invalid_argument` when there is no such pair or an argument is NULL; nothing is written then.
 */
astrid_status astrid_error_context_at(const struct astrid_error *error,
                                      size_t index,
                                      const char **key,
                                      const char **value);

/**
 * Frees an error. NULL is allowed.
 */
void astrid_error_free(struct astrid_error *error);

/**
 * Frees text that a function gave out and makes the struct empty, so that a second call does nothing. NULL is allowed.
 *
 * Thread safety: one thread at a time for one struct.
 */
void astrid_string_free(struct astrid_string *string);

/**
 * Frees bytes that a function gave out and makes the struct empty, so that a second call does nothing. NULL is allowed.
 *
 * Thread safety: one thread at a time for one struct.
 */
void astrid_bytes_free(struct astrid_bytes *bytes);

/**
 * Answers with a text: the value of a text or secret question, or the chosen option of a select question.
 *
 * Errors: `invalid_argument` when the question is answered already, or when `value` is NULL or not UTF-8, which fails
 * the question; `closed` when nobody waits any more. Errors are harmless.
 */
astrid_status astrid_elicit_answer_text(const struct astrid_elicit_answer *answer,
                                        const char *value);

/**
 * Answers an array question with a list of texts; `count` may be 0.
 *
 * Errors: as for `astrid_elicit_answer_text`.
 */
astrid_status astrid_elicit_answer_list(const struct astrid_elicit_answer *answer,
                                        const char *const *values,
                                        size_t count);

/**
 * Answers that the person does not want to say; the capsule's hook sees `cancelled`.
 *
 * Errors: `invalid_argument` when the question is answered already; `closed` when nobody waits any more.
 */
astrid_status astrid_elicit_answer_cancel(const struct astrid_elicit_answer *answer);

/**
 * Reports that the callback failed. The capsule sees a refusal, and the call that led to the question fails with
 * `callback_failed`, whose cause is `message`; NULL is an empty one.
 *
 * Errors: `invalid_argument` when the question is answered already; `closed` when nobody waits any more.
 */
astrid_status astrid_elicit_answer_fail(const struct astrid_elicit_answer *answer,
                                        const char *message);

/**
 * Frees an answer, from any thread. An unsettled question fails then, as by `astrid_elicit_answer_fail`. NULL is allowed.
 */
void astrid_elicit_answer_free(struct astrid_elicit_answer *answer);

/**
 * Decides with one of `ASTRID_DENY`, `ASTRID_APPROVE`, `ASTRID_APPROVE_SESSION` and `ASTRID_APPROVE_ALWAYS`.
 *
 * Errors: `invalid_argument` when the question is answered already, or for any other number, which fails the question;
 * `closed` when nobody waits any more.
 */
astrid_status astrid_approval_answer_decide(const struct astrid_approval_answer *answer,
                                            int32_t decision);

/**
 * Reports that the callback failed; see `astrid_elicit_answer_fail`.
 */
astrid_status astrid_approval_answer_fail(const struct astrid_approval_answer *answer, const char *message);

/**
 * Frees an answer; see `astrid_elicit_answer_free`.
 */
void astrid_approval_answer_free(struct astrid_approval_answer *answer);

/**
 * Says what became of a message with one of `ASTRID_DELIVERED`, `ASTRID_DROPPED` and `ASTRID_NO_SESSION`; for the other
 * events, `ASTRID_DELIVERED` says that it was seen.
 *
 * Errors: `invalid_argument` when the event is answered already, or for any other number, which fails it; `closed`
 * when nobody waits any more.
 */
astrid_status astrid_uplink_answer_delivery(const struct astrid_uplink_answer *answer,
                                            int32_t delivery);

/**
 * Reports that the callback failed; see `astrid_elicit_answer_fail`.
 */
astrid_status astrid_uplink_answer_fail(const struct astrid_uplink_answer *answer, const char *message);

/**
 * Frees an answer; see `astrid_elicit_answer_free`.
 */
void astrid_uplink_answer_free(struct astrid_uplink_answer *answer);

/**
 * Frees a checkpoint. NULL is allowed.
 */
void astrid_checkpoint_free(struct astrid_checkpoint *checkpoint);

/**
 * Signs the present head of the audit log's chain, to be kept elsewhere, and returns when the disk has it. `*checkpoint`
 * belongs to the caller, who frees it with `astrid_checkpoint_free`; `checkpoint` may be NULL.
 *
 * Errors: `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_audit_checkpoint(const struct astrid_host *host,
                                           struct astrid_checkpoint **checkpoint,
                                           struct astrid_error **error);

/**
 * Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
 */
void astrid_load_options_init(struct astrid_load_options *options, size_t struct_size);

/**
 * Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
 */
void astrid_trigger_options_init(struct astrid_trigger_options *options, size_t struct_size);

/**
 * Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
 */
void astrid_publish_options_init(struct astrid_publish_options *options, size_t struct_size);

/**
 * Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
 */
void astrid_watch_options_init(struct astrid_watch_options *options, size_t struct_size);

/**
 * Makes `filter` take every entry. `struct_size` is `sizeof *filter`. NULL does nothing.
 */
void astrid_audit_filter_init(struct astrid_audit_filter *filter, size_t struct_size);

/**
 * Fills in the default. `struct_size` is `sizeof *processes`. NULL does nothing.
 */
void astrid_processes_init(struct astrid_processes *processes, size_t struct_size);

/**
 * Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
 */
void astrid_host_options_init(struct astrid_host_options *options, size_t struct_size);

/**
 * Fills in the default. `struct_size` is `sizeof *restart`. NULL does nothing.
 */
void astrid_restart_init(struct astrid_restart *restart, size_t struct_size);

/**
 * Fills in the default. `struct_size` is `sizeof *instances`. NULL does nothing.
 */
void astrid_instances_init(struct astrid_instances *instances, size_t struct_size);

/**
 * Fills in the default. `struct_size` is `sizeof *network`. NULL does nothing.
 */
void astrid_network_init(struct astrid_network *network, size_t struct_size);

/**
 * Fills in the default. `struct_size` is `sizeof *choices`. NULL does nothing.
 */
void astrid_audit_choices_init(struct astrid_audit_choices *choices, size_t struct_size);

/**
 * Opens a host in the folder `options->home`, which it makes if it is not there, and locks it.
 *
 * The host in `*host` belongs to the caller, who frees it with `astrid_host_free`. The callbacks belong to the library
 * from this call on: their `drop` runs also when it fails. With `ASTRID_CALLBACKS_DISPATCH` the thread that opens is the
 * one that dispatches, until another one calls `astrid_host_dispatch`.
 *
 * Errors: `invalid_argument`, `home_locked`, `home_unusable`, also when its secrets are sealed with another key,
 * `store_unavailable`, `audit_unavailable`, also when the log does not hold the expected checkpoint.
 */
astrid_status astrid_host_open(const struct astrid_host_options *options,
                               struct astrid_host **host,
                               struct astrid_error **error);

/**
 * Runs the callbacks that wait, on this thread, and says in `*ran`, which may be NULL, how many. It never waits. From
 * then on this thread is the one that dispatches.
 *
 * A callback that calls a synchronous function of the same host blocks the thread that would answer: a question that
 * comes meanwhile fails at once with `callback_failed`, and the error's context says `fault` = `would_block_caller`.
 *
 * Errors: `invalid_argument` when the host was not opened with `ASTRID_CALLBACKS_DISPATCH`; `callback_failed` when it is
 * called by a callback of the same host, which is what it would wait for.
 */
astrid_status astrid_host_dispatch(const struct astrid_host *host,
                                   uint32_t *ran,
                                   struct astrid_error **error);

/**
 * The descriptor that is readable while callbacks wait for `astrid_host_dispatch`, for `poll`, `epoll` or an event loop. It
 * belongs to the host and lives as long; it must not be read from or closed.
 *
 * Errors: `invalid_argument` when the host was not opened with `ASTRID_CALLBACKS_DISPATCH`.
 */
astrid_status astrid_host_wake_fd(const struct astrid_host *host,
                                  int *descriptor,
                                  struct astrid_error **error);

/**
 * Ends every call and run loop, writes what is still to be written, and unlocks the home. It waits for that, though
 * not for callbacks that are running: their answers are no longer needed. Closing twice does nothing.
 *
 * Errors: `audit_unavailable` and `store_unavailable` when the last entries could not be written; the host is closed all the
 * same.
 */
astrid_status astrid_host_close(const struct astrid_host *host,
                                struct astrid_error **error);

/**
 * Whether the host is closed: 1 if it is or if `host` is NULL, 0 if it is open.
 */
int astrid_host_is_closed(const struct astrid_host *host);

/**
 * Closes the host if that was not done, and frees the handle. NULL is allowed.
 */
void astrid_host_free(struct astrid_host *host);

/**
 * Says what the package at `path` is, a folder, a `.capsule` archive or a manifest, and how what it asks for differs from
 * what was accepted when its id was installed. Nothing of it runs and nothing is kept.
 *
 * `*inspection` is a JSON object with `id`, `version`, `hash` (in hexadecimal: what installing pins), `manifest`, `warnings`,
 * `installed` (`version` and `hash`, or null) and `changes` (`added` and `removed`, each a list of capabilities). It belongs
 * to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: what would refuse its installation before its hook runs: `not_found`, `manifest_invalid`, `invalid_argument` for an
 * archive, `hash_mismatch`, `component_invalid`, `abi_mismatch`; and `closed`.
 */
astrid_status astrid_host_inspect(const struct astrid_host *host,
                                  const char *path,
                                  struct astrid_string *inspection,
                                  struct astrid_error **error);

/**
 * Finds the capsules in folders: in each its subfolders with a `Capsule.toml`, its `.capsule` archives and a `Capsule.toml`
 * directly inside. Of several with one id the first is taken; what is broken, is a link or comes second is named by a
 * warning.
 *
 * `*discovery` is a JSON object with `found`, a list of objects with `id`, `version`, `path` and `manifest`, and `warnings`, a
 * list of sentences. It belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `closed`, and `invalid_argument` for folders that are NULL.
 */
astrid_status astrid_host_discover(const struct astrid_host *host,
                                   const char *const *folders,
                                   size_t folder_count,
                                   struct astrid_string *discovery,
                                   struct astrid_error **error);

/**
 * The manifest of the capsule's current generation, as one JSON object, with the capabilities of its components merged.
 * `*manifest` belongs to the caller, who frees it with `astrid_string_free`. It works after `astrid_host_close` too.
 *
 * Errors: `invalid_argument` for NULL.
 */
astrid_status astrid_capsule_manifest(const struct astrid_capsule *capsule,
                                      struct astrid_string *manifest,
                                      struct astrid_error **error);

/**
 * Reads a file that the capsule's manifest declares in `[[context_file]]`, `[[command]]`, `[[skill]]`, `package.readme` or
 * `package.license-file`, by its path there. It is read as it is now: only components are pinned. `*contents` belongs to the
 * caller, who frees it with `astrid_bytes_free`.
 *
 * Errors: `not_found` when the manifest does not declare the file or it is not there, `invalid_argument` when it is a link, lies
 * outside the capsule's folder or is too large, `closed`.
 */
astrid_status astrid_capsule_static_file(const struct astrid_capsule *capsule,
                                         const char *path,
                                         struct astrid_bytes *contents,
                                         struct astrid_error **error);

/**
 * Says what a component is to this library; nothing is compiled or run, and no host has to be open. `*report` is a JSON object:
 * `hash`, `bytes`, `runnable`, `problems` (texts), `imports` (each with `name`, `offered` and `functions`, each of those with
 * `name` and `capability`), `exports` (names) and `capabilities` (names of the manifest). It belongs to the caller, who frees it
 * with `astrid_string_free`.
 *
 * Errors: `component_invalid` when the bytes are no valid component, `invalid_argument`. A component that is valid and cannot run
 * here is no error.
 */
astrid_status astrid_inspect_component(const uint8_t *component,
                                       size_t component_length,
                                       struct astrid_string *report,
                                       struct astrid_error **error);

/**
 * Installs or upgrades the capsule at `path`: a folder with a `Capsule.toml`, a `.capsule` archive, or the manifest itself. Its
 * install or upgrade hook runs and may ask through `on_elicit`; its hash is pinned when the hook succeeds. If the capsule is
 * loaded, the new version takes the place of the running one in one step when it is ready, and handles follow it.
 *
 * `options` may be NULL. `*installed` belongs to the caller; `installed` may be NULL.
 *
 * Errors: `manifest_invalid`, `component_invalid`, `abi_mismatch`, `hash_mismatch`, `not_found`, `capability_denied` for an
 * attenuation that would widen or an upgrade that asks for more than was accepted, `principal_refused`, `install_failed`,
 * `not_ready`, `callback_failed`, `closed`.
 */
astrid_status astrid_host_install(const struct astrid_host *host,
                                  const char *path,
                                  const struct astrid_load_options *options,
                                  struct astrid_installed **installed,
                                  struct astrid_error **error);

/**
 * Frees what an installation reported, with its texts. NULL is allowed.
 */
void astrid_installed_free(struct astrid_installed *installed);

/**
 * Loads the capsule at `path`, which is as for `astrid_host_install`, and starts its run loop if it has one.
 *
 * `options` may be NULL. `*capsule` belongs to the caller, who frees it with `astrid_capsule_free`; the capsule stays
 * loaded until `astrid_capsule_unload` or the end of the host.
 *
 * Errors: those of `astrid_host_install`, and `not_installed`, `already_loaded`.
 */
astrid_status astrid_host_load(const struct astrid_host *host,
                               const char *path,
                               const struct astrid_load_options *options,
                               struct astrid_capsule **capsule,
                               struct astrid_error **error);

/**
 * Loads a capsule from memory: the component's bytes, its manifest as TOML, and the BLAKE3 hash of the bytes in
 * hexadecimal, which says that these bytes are meant.
 *
 * `options` may be NULL. `*capsule` is as for `astrid_host_load`. Nothing is kept of the arguments.
 *
 * Errors: those of `astrid_host_load`.
 */
astrid_status astrid_host_load_component(const struct astrid_host *host,
                                         const uint8_t *component,
                                         size_t component_length,
                                         const char *manifest,
                                         const char *hash,
                                         const struct astrid_load_options *options,
                                         struct astrid_capsule **capsule,
                                         struct astrid_error **error);

/**
 * Sets a field of the capsule's `[env]`: a setting, or a secret if the manifest declares it as one. `principal` may be NULL
 * for the value that everybody has who has none of their own.
 *
 * Errors: `not_found` when the capsule is not loaded, `invalid_argument` for a field that its manifest does not declare,
 * `store_unavailable`, `closed`.
 */
astrid_status astrid_host_configure(const struct astrid_host *host,
                                    const char *capsule,
                                    const char *principal,
                                    const char *key,
                                    const char *value,
                                    struct astrid_error **error);

/**
 * Loads every capsule of a folder, archives as well, level by level: uplinks first, and providers before those that import
 * from them. The next level begins when every run loop of this one is ready, each within 5 s. If one fails, those that this
 * call has loaded are unloaded again.
 *
 * `*capsules` belongs to the caller, who frees it with `astrid_capsules_free`.
 *
 * Errors: those of `astrid_host_load` and `not_ready`, for the first capsule that fails, with the messages of all.
 */
astrid_status astrid_host_load_all(const struct astrid_host *host,
                                   const char *directory,
                                   struct astrid_capsules **capsules,
                                   struct astrid_error **error);

/**
 * The loaded capsule of that id. `*capsule` is as for `astrid_host_load`.
 *
 * Errors: `not_found`, `closed`.
 */
astrid_status astrid_host_capsule(const struct astrid_host *host,
                                  const char *id,
                                  struct astrid_capsule **capsule,
                                  struct astrid_error **error);

/**
 * Every loaded capsule, by id. `*capsules` belongs to the caller, who frees it with `astrid_capsules_free`.
 *
 * Errors: `closed`.
 */
astrid_status astrid_host_capsules(const struct astrid_host *host,
                                   struct astrid_capsules **capsules,
                                   struct astrid_error **error);

/**
 * Replaces the running generation of the capsule by what lies where it came from now: where it was loaded, or where its
 * latest installation lay. Whatever lies there must be pinned: a changed component is not run until it is installed. Handles
 * follow the capsule. If it fails, the old generation goes on.
 *
 * Errors: `invalid_argument` for a capsule that was loaded from memory, `not_found` when its files are gone, `hash_mismatch` for
 * bytes that are not pinned, `not_ready` when the new run loop does not become ready in time, what loading it would fail
 * with, `closed`.
 */
astrid_status astrid_capsule_reload(const struct astrid_capsule *capsule,
                                    struct astrid_error **error);

/**
 * As `astrid_capsule_reload`, for the loaded capsule of that id.
 *
 * Errors: as there, and `not_found` when no such capsule is loaded.
 */
astrid_status astrid_host_reload(const struct astrid_host *host, const char *id, struct astrid_error **error);

/**
 * Ends the capsule's calls and its run loop, and unloads it. The handle stays valid. Unloading twice does nothing.
 *
 * Errors: `audit_unavailable` when the unload could not be recorded.
 */
astrid_status astrid_capsule_unload(const struct astrid_capsule *capsule,
                                    struct astrid_error **error);

/**
 * Removes a capsule for good: unloads it if it is loaded, forgets what was pinned, and erases its settings, secrets and
 * allowances and what every principal keeps in it. The audit log keeps what it did.
 *
 * Errors: `not_installed` when it is neither installed nor loaded and nothing of it is kept, `store_unavailable`,
 * `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_uninstall(const struct astrid_host *host,
                                    const char *id,
                                    struct astrid_error **error);

/**
 * Frees a list with the capsules that are still in it. NULL is allowed.
 */
void astrid_capsules_free(struct astrid_capsules *capsules);

/**
 * The capsule's id; NULL for NULL. It lives as long as the handle.
 */
const char *astrid_capsule_id(const struct astrid_capsule *capsule);

/**
 * The version of the capsule's current generation; NULL for NULL. The text lives as long as the handle and does not change: an
 * upgrade gives another one.
 */
const char *astrid_capsule_version(const struct astrid_capsule *capsule);

/**
 * The BLAKE3 hash of the component of the capsule's current generation, in hexadecimal; NULL for NULL. It lives as the version
 * does.
 */
const char *astrid_capsule_hash(const struct astrid_capsule *capsule);

/**
 * How many warnings the manifest of the current generation led to; 0 for NULL.
 */
size_t astrid_capsule_warning_count(const struct astrid_capsule *capsule);

/**
 * The warning at `index`, or NULL. It lives as the version does.
 */
const char *astrid_capsule_warning_at(const struct astrid_capsule *capsule, size_t index);

/**
 * The number of the generation that serves now: 1 when the capsule was loaded, one more with every upgrade, reload and
 * restart; 0 for NULL.
 */
uint64_t astrid_capsule_generation(const struct astrid_capsule *capsule);

/**
 * How often the capsule's run loop was restarted since it was loaded; 0 for NULL.
 */
uint32_t astrid_capsule_restarts(const struct astrid_capsule *capsule);

/**
 * Why the capsule's run loop failed last since it was loaded; absent if it never did. `*failure` belongs to the caller, who
 * frees it with `astrid_string_free`. It works after `astrid_host_close` too.
 *
 * Errors: `invalid_argument` for NULL.
 */
astrid_status astrid_capsule_failure(const struct astrid_capsule *capsule,
                                     struct astrid_string *failure,
                                     struct astrid_error **error);

/**
 * How the capsule stands: `loading` until its run loop is ready, then `running`, `completed` or `failed` as the run loop
 * goes; `ready` if it has none; `unloaded` at the end. `*state` belongs to the caller, who frees it with
 * `astrid_string_free`. It works after `astrid_host_close` too.
 *
 * Errors: `invalid_argument` for NULL.
 */
astrid_status astrid_capsule_state(const struct astrid_capsule *capsule,
                                   struct astrid_string *state,
                                   struct astrid_error **error);

/**
 * Waits until the capsule's run loop says that it is ready; a capsule without one is ready at once. `timeout_ms` may be
 * `ASTRID_NO_TIMEOUT`.
 *
 * Errors: `not_ready` when the run loop failed or the time ran out, `closed`.
 */
astrid_status astrid_capsule_wait_ready(const struct astrid_capsule *capsule,
                                        uint64_t timeout_ms,
                                        struct astrid_error **error);

/**
 * Frees the handle; the capsule stays loaded. NULL is allowed.
 */
void astrid_capsule_free(struct astrid_capsule *capsule);

/**
 * Puts what the capsule changed for a principal into the workspace; where the workspace changed as well, the overlay wins.
 * Files that are open in the overlay are closed. `principal` may be NULL for the default principal. `*changes`, which may be
 * NULL, is how many files and folders that wrote or removed.
 *
 * Errors: `invalid_argument` when the host was not opened with `overlay`, `store_unavailable` when something could not be
 * written: it is still in the overlay, to be committed again; `audit_unavailable`, `closed`.
 */
astrid_status astrid_capsule_commit(const struct astrid_capsule *capsule,
                                    const char *principal,
                                    uint64_t *changes,
                                    struct astrid_error **error);

/**
 * Throws away what the capsule changed for a principal. Files that are open in the overlay are closed. `principal` may be NULL
 * for the default principal.
 *
 * Errors: as for `astrid_capsule_commit`.
 */
astrid_status astrid_capsule_rollback(const struct astrid_capsule *capsule,
                                      const char *principal,
                                      struct astrid_error **error);

/**
 * Frees a hook's answer. NULL is allowed.
 */
void astrid_hook_result_free(struct astrid_hook_result *result);

/**
 * Calls the capsule's hook for `action` with a payload and waits for the answer on this thread. If this thread is the
 * one that dispatches, it answers the questions that come meanwhile.
 *
 * `options` may be NULL. `payload` is copied; NULL with length 0 is empty. `*result` belongs to the caller; `result` may be
 * NULL.
 *
 * Errors: `timeout`, `fuel_exhausted`, `memory_exceeded`, `guest_trap` with the guest's backtrace, `quota_exceeded`,
 * `principal_refused`, `callback_failed`, `cancelled`, `not_found` when the capsule has no hooks, `closed`.
 */
astrid_status astrid_capsule_trigger(const struct astrid_capsule *capsule,
                                     const char *action,
                                     const uint8_t *payload,
                                     size_t payload_length,
                                     const struct astrid_trigger_options *options,
                                     struct astrid_hook_result **result,
                                     struct astrid_error **error);

/**
 * Calls the capsule's hook without waiting: `completion` is called when it ended, on a thread of the runtime or, with
 * `ASTRID_CALLBACKS_DISPATCH`, by the thread that dispatches.
 *
 * The arguments are as for `astrid_capsule_trigger`, whose errors the completion reports. `completion` belongs to the
 * library from this call on: its `drop` runs also when this function fails, and `call` does not run then. `*call` belongs
 * to the caller, who frees it with `astrid_call_free`; `call` may be NULL.
 *
 * Errors: `invalid_argument`.
 */
astrid_status astrid_capsule_trigger_async(const struct astrid_capsule *capsule,
                                           const char *action,
                                           const uint8_t *payload,
                                           size_t payload_length,
                                           const struct astrid_trigger_options *options,
                                           struct astrid_completion completion,
                                           struct astrid_call **call,
                                           struct astrid_error **error);

/**
 * Stops the guest and ends the call with `cancelled`, which its completion reports. It does not wait for that. A call that
 * has ended is not changed.
 *
 * Errors: `invalid_argument` for NULL.
 */
astrid_status astrid_call_cancel(const struct astrid_call *call,
                                 struct astrid_error **error);

/**
 * Whether the call has ended: 1 if it has or if `call` is NULL. Its completion may still be on its way.
 */
int astrid_call_is_done(const struct astrid_call *call);

/**
 * Frees the handle; the call goes on and its completion comes. NULL is allowed.
 */
void astrid_call_free(struct astrid_call *call);

/**
 * Frees a message. NULL is allowed.
 */
void astrid_message_free(struct astrid_message *message);

/**
 * Frees an outcome. NULL is allowed.
 */
void astrid_outcome_free(struct astrid_outcome *outcome);

/**
 * Publishes a JSON payload to a topic and waits for what the handlers decide.
 *
 * `options` may be NULL. `payload` is copied. `*outcome` belongs to the caller; `outcome` may be NULL.
 *
 * Errors: `invalid_argument`, `principal_refused`, `quota_exceeded`, `callback_failed`, `closed`.
 */
astrid_status astrid_host_publish(const struct astrid_host *host,
                                  const char *topic,
                                  const uint8_t *payload,
                                  size_t payload_length,
                                  const struct astrid_publish_options *options,
                                  struct astrid_outcome **outcome,
                                  struct astrid_error **error);

/**
 * Subscribes to the topics that match a pattern.
 *
 * With a `callback` whose `call` is not NULL, each message is given to it, one after the other, where callbacks run;
 * otherwise they are fetched with `astrid_subscription_next`. `callback` may be NULL; what it points at belongs to the
 * library from this call on, also when it fails. `*subscription` belongs to the caller, who frees it with
 * `astrid_subscription_free`.
 *
 * Errors: `invalid_argument` for a malformed pattern, `quota_exceeded`, `closed`.
 */
astrid_status astrid_host_subscribe(const struct astrid_host *host,
                                    const char *pattern,
                                    const struct astrid_message_callback *callback,
                                    struct astrid_subscription **subscription,
                                    struct astrid_error **error);

/**
 * The next message, waited for at most `timeout_ms` milliseconds; 0 does not wait, `ASTRID_NO_TIMEOUT` waits for ever.
 * `*message` belongs to the caller. Several threads may ask; each message goes to one of them.
 *
 * Errors: `timeout` when nothing came, `closed` when the subscription or the host was closed, `invalid_argument` when a
 * callback gets the messages.
 */
astrid_status astrid_subscription_next(const struct astrid_subscription *subscription,
                                       uint64_t timeout_ms,
                                       struct astrid_message **message,
                                       struct astrid_error **error);

/**
 * Ends the subscription: whoever waits for a message gets `closed`, and no call of the callback begins any more. The handle
 * stays valid. Closing twice does nothing.
 *
 * Errors: `invalid_argument` for NULL.
 */
astrid_status astrid_subscription_close(const struct astrid_subscription *subscription,
                                        struct astrid_error **error);

/**
 * Ends the subscription if that was not done, and frees the handle. NULL is allowed.
 */
void astrid_subscription_free(struct astrid_subscription *subscription);

/**
 * Frees a change. NULL is allowed.
 */
void astrid_change_free(struct astrid_change *change);

/**
 * Watches a capsule's folder, or a folder of such folders, also those that come later. A change is told when its capsule's
 * folder has been left alone for 500 ms and its files are not what they were; `node_modules`, `target`, `dist`, `.git` and
 * symbolic links are not looked at.
 *
 * `options` may be NULL. With a `callback` whose `call` is not NULL, each change is given to it, one after the other, where
 * callbacks run; otherwise they are fetched with `astrid_watch_next`. At most 64 changes wait; the watch rests until they
 * are taken. `callback` may be NULL; what it points at belongs to the library from this call on, also when it fails. `*watch`
 * belongs to the caller, who frees it with `astrid_watch_free`.
 *
 * Errors: `not_found` when there is no such folder, `invalid_argument` when it cannot be watched, `closed`.
 */
astrid_status astrid_host_watch(const struct astrid_host *host,
                                const char *folder,
                                const struct astrid_watch_options *options,
                                const struct astrid_change_callback *callback,
                                struct astrid_watch **watch,
                                struct astrid_error **error);

/**
 * Watches the folder that the capsule was loaded from; otherwise as `astrid_host_watch`.
 *
 * Errors: `invalid_argument` for a capsule that was not loaded from a folder, `closed`.
 */
astrid_status astrid_capsule_watch(const struct astrid_capsule *capsule,
                                   const struct astrid_watch_options *options,
                                   const struct astrid_change_callback *callback,
                                   struct astrid_watch **watch,
                                   struct astrid_error **error);

/**
 * The next change, waited for at most `timeout_ms` milliseconds; 0 does not wait, `ASTRID_NO_TIMEOUT` waits for ever.
 * `*change` belongs to the caller. Several threads may ask; each change goes to one of them.
 *
 * Errors: `timeout` when nothing changed, `closed` when the watch or the host was closed, `invalid_argument` when a callback
 * gets the changes.
 */
astrid_status astrid_watch_next(const struct astrid_watch *watch,
                                uint64_t timeout_ms,
                                struct astrid_change **change,
                                struct astrid_error **error);

/**
 * Ends the watch: whoever waits for a change gets `closed`, and no call of the callback begins any more. The handle stays
 * valid. Closing twice does nothing.
 *
 * Errors: `invalid_argument` for NULL.
 */
astrid_status astrid_watch_close(const struct astrid_watch *watch,
                                 struct astrid_error **error);

/**
 * Ends the watch if that was not done, and frees the handle. NULL is allowed.
 */
void astrid_watch_free(struct astrid_watch *watch);

/**
 * The profile in force for a principal, the default profile for one that has none of its own, as a JSON object with the
 * names of a profile's file; a quota without a limit is `"unlimited"`. `*profile` belongs to the caller, who frees it with
 * `astrid_string_free`.
 *
 * Errors: `principal_refused` when its profile is unreadable, `invalid_argument`, `closed`.
 */
astrid_status astrid_host_profile(const struct astrid_host *host,
                                  const char *principal,
                                  struct astrid_string *profile,
                                  struct astrid_error **error);

/**
 * Gives a principal a profile of its own, as `astrid_host_profile` gives it out, and makes it known. What the object leaves out
 * has its default. It is in force at once for every call that begins from now on; calls that run go on.
 *
 * `*warnings` says what the object has that this host does not know, one a line, or is absent if there is nothing; it
 * belongs to the caller, who frees it with `astrid_string_free`. `warnings` may be NULL.
 *
 * Errors: `invalid_argument` when the profile breaks a rule, `principal_refused` when the name is reserved, the principal is
 * being removed or the host has its most principals, `home_unusable`, `audit_unavailable`, `closed`. Then the profile before stays
 * in force.
 */
astrid_status astrid_host_set_profile(const struct astrid_host *host,
                                      const char *principal,
                                      const char *profile,
                                      struct astrid_string *warnings,
                                      struct astrid_error **error);

/**
 * The principals that the host knows, sorted, as a JSON list of texts: those that were named since it was opened, and those
 * with a profile of their own. `*principals` belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `closed`.
 */
astrid_status astrid_host_principals(const struct astrid_host *host,
                                     struct astrid_string *principals,
                                     struct astrid_error **error);

/**
 * Removes a principal: cancels its calls and questions, unloads the capsules it owns, and erases its data, settings, secrets,
 * allowances and profile. What the audit says about it stays. Whoever names it afterwards names another that has nothing.
 *
 * Errors: `store_unavailable` or `home_unusable` when its data could not be erased; it is refused until it is removed again.
 * `audit_unavailable`, `invalid_argument`, `closed`.
 */
astrid_status astrid_host_remove_principal(const struct astrid_host *host,
                                           const char *principal,
                                           struct astrid_error **error);

/**
 * What was approved for a principal, for good or until the host is closed, one JSON object a line, oldest first: `id`, `principal`,
 * `capsule`, `artifact` (the BLAKE3 of the capsule's component, in hexadecimal digits), `action`, `resource`, `created_ms`,
 * `session_only`. `*allowances` belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `invalid_argument`, `store_unavailable`, `closed`.
 */
astrid_status astrid_host_allowances(const struct astrid_host *host,
                                     const char *principal,
                                     struct astrid_string *allowances,
                                     struct astrid_error **error);

/**
 * Takes back what was approved for a principal: the same request is asked about again. `*found`, which may be NULL, is whether
 * there was such an allowance.
 *
 * Errors: `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_revoke_allowance(const struct astrid_host *host,
                                           const char *principal,
                                           const char *id,
                                           int *found,
                                           struct astrid_error **error);

/**
 * The users of outside platforms that the host knows, one JSON object a line, by id: `id`, `principal`, `display_name`,
 * `created_at`. `*users` belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `store_unavailable`, `closed`.
 */
astrid_status astrid_host_users(const struct astrid_host *host,
                                struct astrid_string *users,
                                struct astrid_error **error);

/**
 * Creates a user. `display_name` is shown and may be NULL; `principal` is who the user is in the host, and NULL a new one that
 * nobody else is. `*user` is the user as JSON, and belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_create_user(const struct astrid_host *host,
                                      const char *display_name,
                                      const char *principal,
                                      struct astrid_string *user,
                                      struct astrid_error **error);

/**
 * Removes a user with all linked accounts. `*found`, which may be NULL, is whether there was one. The principal stays.
 *
 * Errors: `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_remove_user(const struct astrid_host *host,
                                      const char *user,
                                      int *found,
                                      struct astrid_error **error);

/**
 * The accounts that are linked to a user, one JSON object a line: `platform`, `platform_user_id`, `user`, `method`, `linked_at`.
 * `*links` belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `invalid_argument`, `store_unavailable`, `closed`.
 */
astrid_status astrid_host_links(const struct astrid_host *host,
                                const char *user,
                                struct astrid_string *links,
                                struct astrid_error **error);

/**
 * Links an account of a platform to a user. `method` says how that was established.
 *
 * Errors: `not_found` without such a user, `invalid_argument` when the account is another user's or something is malformed,
 * `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_link_account(const struct astrid_host *host,
                                       const char *user,
                                       const char *platform,
                                       const char *account,
                                       const char *method,
                                       struct astrid_error **error);

/**
 * Ends the link of an account.
 *
 * Errors: `not_found` when it is not linked, `invalid_argument`, `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_unlink_account(const struct astrid_host *host,
                                         const char *platform,
                                         const char *account,
                                         struct astrid_error **error);

/**
 * What the principal used, as one JSON object. `*usage` belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `principal_refused`, `invalid_argument`, `closed`.
 */
astrid_status astrid_host_usage(const struct astrid_host *host,
                                const char *principal,
                                struct astrid_string *usage,
                                struct astrid_error **error);

/**
 * The counters, gauges and histograms of the host in the text format that Prometheus reads. `*metrics` belongs to the caller,
 * who frees it with `astrid_string_free`.
 *
 * Errors: `closed`.
 */
astrid_status astrid_host_metrics(const struct astrid_host *host,
                                  struct astrid_string *metrics,
                                  struct astrid_error **error);

/**
 * What works on this machine and what stands in the way, found out by trying, as one JSON object: `processes`, whether programs
 * can be started; `missing`, what stands in the way; `sandbox`, what builds it; `limits`, what enforces each. `*diagnosis` belongs
 * to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `closed`.
 */
astrid_status astrid_host_diagnose(const struct astrid_host *host,
                                   struct astrid_string *diagnosis,
                                   struct astrid_error **error);

/**
 * The audit entries that a filter takes, one JSON object a line, in the order of their sequence numbers. `filter` may be
 * NULL. `*entries` belongs to the caller, who frees it with `astrid_string_free`; without entries it is the empty text.
 *
 * Errors: `invalid_argument`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_audit_entries(const struct astrid_host *host,
                                        const struct astrid_audit_filter *filter,
                                        struct astrid_string *entries,
                                        struct astrid_error **error);

/**
 * Reads the whole audit log and checks its chain and its checkpoints. `*intact`, which may be NULL, is 1 if nothing was
 * edited, deleted or swapped; `*report`, which may be NULL, is what was found as one JSON object and belongs to the caller,
 * who frees it with `astrid_string_free`.
 *
 * Errors: `audit_unavailable`, `closed`. A log that is not intact is no error.
 */
astrid_status astrid_host_audit_verify(const struct astrid_host *host,
                                       int *intact,
                                       struct astrid_string *report,
                                       struct astrid_error **error);

/**
 * Writes the 32 bytes of the key with which the audit's checkpoints can be checked to `key`.
 *
 * Errors: `invalid_argument` for NULL, `closed`.
 */
astrid_status astrid_host_audit_public_key(const struct astrid_host *host,
                                           uint8_t *key,
                                           struct astrid_error **error);

/**
 * Writes every entry, checkpoint and change of key of the audit log as one line of JSON, while it reads: memory does not grow
 * with the log. A `filter` that says which entries are wanted leaves out the rest; it may be NULL.
 *
 * Errors: `invalid_argument`, also when `writer` could not write, `audit_unavailable` when the log cannot be read, `closed`. What
 * was written before stays written.
 */
astrid_status astrid_host_audit_export(const struct astrid_host *host,
                                       const struct astrid_audit_filter *filter,
                                       struct astrid_writer writer,
                                       struct astrid_error **error);

/**
 * Copies the home into the new folder `target`, which a host can open, while it stays open itself. Whoever can read the
 * copy can read its secrets, unless the key that seals them is the program's own. Nothing stands at `target` before the copy
 * is whole; its parent folder has to exist.
 *
 * Errors: `invalid_argument` when something exists at `target`, or it lies in the home or cannot be written;
 * `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_backup(const struct astrid_host *host,
                                 const char *target,
                                 struct astrid_error **error);

/**
 * Gives the home a new key that signs the audit log and a new one that seals secrets. The first public key still verifies
 * the whole log. `secret_key` is the 32 bytes of the next key for secrets where the options named the present one, and NULL
 * where the home keeps it.
 *
 * Errors: `invalid_argument` when the program keeps the key and names no next one, or names one although the home keeps it;
 * `store_unavailable`, `audit_unavailable`, `closed`.
 */
astrid_status astrid_host_rotate_keys(const struct astrid_host *host,
                                      const uint8_t *secret_key,
                                      struct astrid_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ASTRID_HOST_H */
