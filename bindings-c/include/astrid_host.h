/*
 * astrid_host.h: the C interface of astrid-host, which runs Astrid capsules inside your program.
 *
 * Generated from bindings-c/src; do not edit.
 *
 * Every function returns an `astrid_status`, ASTRID_OK or the number of an error kind, and puts an `astrid_error` into its
 * last argument unless that is NULL; on success it puts NULL there. Handles are opaque; a NULL handle or a required
 * argument that is NULL is `invalid_argument`. A handle outlives what it stands for: after a close its functions answer
 * `closed`, until it is freed. Freeing NULL does nothing. Result pointers are NULL after a failure.
 *
 * Unless a function says otherwise, any thread may call it, also at the same time, and it keeps nothing of its arguments.
 * Texts are UTF-8 and end with a NUL. A handle must not be used while or after another thread frees it.
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
#define ASTRID_ABI_VERSION 1

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
 * A loaded capsule. Any thread may use it. It stays valid after the capsule was unloaded and the host closed.
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
   * Quotas that differ from the default.
   */
  const struct astrid_quota *quotas;
  /**
   * How many there are.
   */
  size_t quota_count;
} astrid_host_options;

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
} astrid_publish_options;

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
 * Makes `options` the default. `struct_size` is `sizeof *options`. NULL does nothing.
 */
void astrid_host_options_init(struct astrid_host_options *options, size_t struct_size);

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
 * Makes `filter` take every entry. `struct_size` is `sizeof *filter`. NULL does nothing.
 */
void astrid_audit_filter_init(struct astrid_audit_filter *filter, size_t struct_size);

/**
 * Opens a host in the folder `options->home`, which it makes if it is not there, and locks it.
 *
 * The host in `*host` belongs to the caller, who frees it with `astrid_host_free`. The callbacks belong to the library
 * from this call on: their `drop` runs also when it fails. With `ASTRID_CALLBACKS_DISPATCH` the thread that opens is the
 * one that dispatches, until another one calls `astrid_host_dispatch`.
 *
 * Errors: `invalid_argument`, `home_locked`, `home_unusable`, `store_unavailable`, `audit_unavailable`.
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
 * Installs or upgrades the capsule at `path`: a folder with a `Capsule.toml`, or the manifest itself. Its install or upgrade
 * hook runs and may ask through `on_elicit`; its hash is pinned when the hook succeeds.
 *
 * `options` may be NULL. `*installed` belongs to the caller; `installed` may be NULL.
 *
 * Errors: `manifest_invalid`, `component_invalid`, `abi_mismatch`, `hash_mismatch`, `not_found`, `capability_denied` for an
 * attenuation that would widen, `principal_refused`, `install_failed`, `callback_failed`, `closed`.
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
 * Loads every capsule that lies in a folder of `directory`, providers before those that import from them.
 *
 * `*capsules` belongs to the caller, who frees it with `astrid_capsules_free`.
 *
 * Errors: those of `astrid_host_load`, for the first capsule that fails.
 */
astrid_status astrid_host_load_all(const struct astrid_host *host,
                                   const char *directory,
                                   struct astrid_capsules **capsules,
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
 * Frees a list with the capsules that are still in it. NULL is allowed.
 */
void astrid_capsules_free(struct astrid_capsules *capsules);

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
 * The capsule's id; NULL for NULL. It lives as long as the handle.
 */
const char *astrid_capsule_id(const struct astrid_capsule *capsule);

/**
 * The capsule's version; NULL for NULL. It lives as long as the handle.
 */
const char *astrid_capsule_version(const struct astrid_capsule *capsule);

/**
 * The BLAKE3 hash of the capsule's component, in hexadecimal; NULL for NULL. It lives as long as the handle.
 */
const char *astrid_capsule_hash(const struct astrid_capsule *capsule);

/**
 * How many warnings the manifest led to; 0 for NULL.
 */
size_t astrid_capsule_warning_count(const struct astrid_capsule *capsule);

/**
 * The warning at `index`, or NULL. It lives as long as the handle.
 */
const char *astrid_capsule_warning_at(const struct astrid_capsule *capsule, size_t index);

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
 * Ends the capsule's calls and its run loop, and unloads it. The handle stays valid. Unloading twice does nothing.
 *
 * Errors: `audit_unavailable` when the unload could not be recorded.
 */
astrid_status astrid_capsule_unload(const struct astrid_capsule *capsule,
                                    struct astrid_error **error);

/**
 * Frees the handle; the capsule stays loaded. NULL is allowed.
 */
void astrid_capsule_free(struct astrid_capsule *capsule);

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
 * What the principal used, as one JSON object. `*usage` belongs to the caller, who frees it with `astrid_string_free`.
 *
 * Errors: `principal_refused`, `invalid_argument`, `closed`.
 */
astrid_status astrid_host_usage(const struct astrid_host *host,
                                const char *principal,
                                struct astrid_string *usage,
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

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ASTRID_HOST_H */
