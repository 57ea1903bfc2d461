/*
 * astrid_host.hpp: astrid_host.h for C++17. Handles free themselves, texts are std::string, a failure is an astrid::Error, and a
 * callback is any function object. Nothing is added and nothing kept: what has no method here is called through `get()`.
 *
 * Moved-from objects hold NULL, for which every call is an Error of the kind `invalid_argument`.
 */
#ifndef ASTRID_HOST_HPP
#define ASTRID_HOST_HPP

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "astrid_host.h"

namespace astrid {

/* What a call of the library failed with. */
class Error : public std::runtime_error {
 public:
  /* Takes the error over. */
  explicit Error(astrid_error *error) : std::runtime_error(text(astrid_error_message(error))) {
    kind_ = astrid_error_kind(error);
    code_ = text(astrid_error_code(error));
    if (const char *trace = astrid_error_guest_backtrace(error)) backtrace_ = trace;
    if (const char *cause = astrid_error_cause(error)) cause_ = cause;
    const char *key = nullptr, *value = nullptr;
    for (size_t at = 0; at < astrid_error_context_count(error); at++) {
      if (astrid_error_context_at(error, at, &key, &value) == ASTRID_OK) context_.emplace_back(key, value);
    }
    astrid_error_free(error);
  }

  /* One of ASTRID_ERROR_…. */
  astrid_status kind() const noexcept { return kind_; }
  /* The same as a stable snake_case word. */
  const std::string &code() const noexcept { return code_; }
  /* Where the guest was, after a trap. */
  const std::optional<std::string> &guest_backtrace() const noexcept { return backtrace_; }
  /* What the program's own callback said, if it was the cause. */
  const std::optional<std::string> &cause() const noexcept { return cause_; }
  /* What the error is about, by name. */
  const std::vector<std::pair<std::string, std::string>> &context() const noexcept { return context_; }

 private:
  static std::string text(const char *given) { return given ? given : ""; }

  astrid_status kind_;
  std::string code_;
  std::optional<std::string> backtrace_, cause_;
  std::vector<std::pair<std::string, std::string>> context_;
};

namespace detail {

/* Calls a function of the library with room for its error. */
template <typename Call>
void must(Call call) {
  astrid_error *error = nullptr;
  if (call(&error) != ASTRID_OK) throw Error(error);
}

template <auto Free>
struct Freeing {
  template <typename T>
  void operator()(T *handle) const noexcept {
    Free(handle);
  }
};

template <typename T, auto Free>
using Owned = std::unique_ptr<T, Freeing<Free>>;

inline std::optional<std::string> maybe(const astrid_string &text) {
  if (!text.data) return std::nullopt;
  return std::string(text.data, text.length);
}

inline std::string copied(const astrid_string &text) { return maybe(text).value_or(std::string()); }

/* The text that a function gives out, which is freed here. */
template <typename Call>
std::string text(Call call) {
  astrid_string out = {nullptr, 0};
  must([&](astrid_error **error) { return call(&out, error); });
  std::string made = copied(out);
  astrid_string_free(&out);
  return made;
}

inline const uint8_t *bytes(std::string_view payload) { return reinterpret_cast<const uint8_t *>(payload.data()); }

/* A function object as the context of a callback, freed by its drop. */
template <typename Function>
void drop(void *ctx) {
  delete static_cast<Function *>(ctx);
}

/* An answer that whoever is asked may take away and complete later, from any thread. */
template <typename T, auto Free, auto Fail>
class Answer {
 public:
  explicit Answer(T *answer) : answer_(answer) {}
  /* Reports that the callback failed. */
  void fail(const std::string &why) { Fail(answer_.get(), why.c_str()); }
  /* Whether it was taken away. */
  explicit operator bool() const noexcept { return answer_ != nullptr; }

 protected:
  Owned<T, Free> answer_;
};

/* Asks; an exception is the failure of the callback, and never leaves it. */
template <typename Taken, typename Question, typename Raw>
void ask(void *ctx, const Question *question, Raw *raw) noexcept {
  Taken answer(raw);
  try {
    (*static_cast<std::function<void(const Question &, Taken &&)> *>(ctx))(*question, std::move(answer));
  } catch (const std::exception &error) {
    if (answer) answer.fail(error.what());
  } catch (...) {
    if (answer) answer.fail("the callback threw what is no exception");
  }
}

}  // namespace detail

/* The answer to a question of an install hook. */
class ElicitAnswer
    : public detail::Answer<astrid_elicit_answer, astrid_elicit_answer_free, astrid_elicit_answer_fail> {
 public:
  using Answer::Answer;
  void text(const std::string &value) { astrid_elicit_answer_text(answer_.get(), value.c_str()); }
  void list(const std::vector<std::string> &values) {
    std::vector<const char *> texts;
    for (const std::string &value : values) texts.push_back(value.c_str());
    astrid_elicit_answer_list(answer_.get(), texts.data(), texts.size());
  }
  void cancel() { astrid_elicit_answer_cancel(answer_.get()); }
};

/* The answer to the question whether something may be done. */
class ApprovalAnswer
    : public detail::Answer<astrid_approval_answer, astrid_approval_answer_free, astrid_approval_answer_fail> {
 public:
  using Answer::Answer;
  /* With ASTRID_DENY, ASTRID_APPROVE, ASTRID_APPROVE_SESSION or ASTRID_APPROVE_ALWAYS. */
  void decide(int32_t decision) { astrid_approval_answer_decide(answer_.get(), decision); }
};

/* What became of an uplink's message. */
class UplinkAnswer
    : public detail::Answer<astrid_uplink_answer, astrid_uplink_answer_free, astrid_uplink_answer_fail> {
 public:
  using Answer::Answer;
  /* With ASTRID_DELIVERED, ASTRID_DROPPED or ASTRID_NO_SESSION. */
  void delivery(int32_t delivery) { astrid_uplink_answer_delivery(answer_.get(), delivery); }
};

/* The options of a host: the fields of astrid_host_options, and callbacks. It is used for one open. */
class HostOptions {
 public:
  HostOptions() { astrid_host_options_init(&fields, sizeof fields); }
  HostOptions(const HostOptions &) = delete;
  HostOptions &operator=(const HostOptions &) = delete;
  ~HostOptions() {
    if (fields.on_elicit.drop) fields.on_elicit.drop(fields.on_elicit.ctx);
    if (fields.on_approval.drop) fields.on_approval.drop(fields.on_approval.ctx);
    if (fields.on_uplink.drop) fields.on_uplink.drop(fields.on_uplink.ctx);
  }

  void on_elicit(std::function<void(const astrid_elicit_question &, ElicitAnswer &&)> asked) {
    set(fields.on_elicit, std::move(asked), detail::ask<ElicitAnswer, astrid_elicit_question, astrid_elicit_answer>);
  }
  void on_approval(std::function<void(const astrid_approval_question &, ApprovalAnswer &&)> asked) {
    set(fields.on_approval, std::move(asked),
        detail::ask<ApprovalAnswer, astrid_approval_question, astrid_approval_answer>);
  }
  void on_uplink(std::function<void(const astrid_uplink_event &, UplinkAnswer &&)> told) {
    set(fields.on_uplink, std::move(told), detail::ask<UplinkAnswer, astrid_uplink_event, astrid_uplink_answer>);
  }

  astrid_host_options fields;

 private:
  friend class Host;
  template <typename Callback, typename Function, typename Call>
  static void set(Callback &callback, Function function, Call call) {
    auto kept = std::make_unique<Function>(std::move(function));
    if (callback.drop) callback.drop(callback.ctx);
    callback = {kept.release(), call, detail::drop<Function>};
  }
  /* The library has the callbacks from here on. */
  void give() {
    fields.on_elicit = {};
    fields.on_approval = {};
    fields.on_uplink = {};
  }
};

/* What a hook answered. */
struct HookResult {
  std::string action;
  std::optional<std::string> data;
};

/* A message of the bus. */
struct Message {
  std::string topic, payload, source, attribution;
  std::optional<std::string> principal;
};

/* What became of a published message. */
struct Outcome {
  uint64_t delivered, handlers;
  std::string decision;
  std::optional<std::string> data, reason;
};

/* The messages of one subscription. */
class Messages {
 public:
  explicit Messages(astrid_subscription *subscription) : handle_(subscription) {}
  /* The next one, waited for that long; none when none came in time or the subscription has ended. */
  std::optional<Message> next(uint64_t timeout_ms = ASTRID_NO_TIMEOUT) {
    astrid_message *message = nullptr;
    astrid_error *error = nullptr;
    astrid_status status = astrid_subscription_next(handle_.get(), timeout_ms, &message, &error);
    if (status == ASTRID_ERROR_TIMEOUT || status == ASTRID_ERROR_CLOSED) {
      astrid_error_free(error);
      return std::nullopt;
    }
    if (status != ASTRID_OK) throw Error(error);
    detail::Owned<astrid_message, astrid_message_free> owned(message);
    return Message{detail::copied(message->topic), detail::copied(message->payload), detail::copied(message->source),
                   detail::copied(message->attribution), detail::maybe(message->principal)};
  }
  void close() {
    detail::must([&](astrid_error **error) { return astrid_subscription_close(handle_.get(), error); });
  }
  astrid_subscription *get() const noexcept { return handle_.get(); }

 private:
  detail::Owned<astrid_subscription, astrid_subscription_free> handle_;
};

/* A loaded capsule. */
class Capsule {
 public:
  explicit Capsule(astrid_capsule *capsule) : handle_(capsule) {}
  /* Calls its hook and waits for the answer; an empty principal is its owner, 0 no deadline beyond the principal's. */
  HookResult trigger(const std::string &action, std::string_view payload = {}, const std::string &principal = {},
                     uint64_t timeout_ms = 0) const {
    astrid_trigger_options options;
    astrid_trigger_options_init(&options, sizeof options);
    if (!principal.empty()) options.principal = principal.c_str();
    if (timeout_ms) options.timeout_ms = timeout_ms;
    astrid_hook_result *result = nullptr;
    detail::must([&](astrid_error **error) {
      return astrid_capsule_trigger(handle_.get(), action.c_str(), detail::bytes(payload), payload.size(), &options, &result,
                                    error);
    });
    detail::Owned<astrid_hook_result, astrid_hook_result_free> owned(result);
    return {detail::copied(result->action), detail::maybe(result->data)};
  }
  void wait_ready(uint64_t timeout_ms = ASTRID_NO_TIMEOUT) const {
    detail::must([&](astrid_error **error) { return astrid_capsule_wait_ready(handle_.get(), timeout_ms, error); });
  }
  void unload() {
    detail::must([&](astrid_error **error) { return astrid_capsule_unload(handle_.get(), error); });
  }
  astrid_capsule *get() const noexcept { return handle_.get(); }

 private:
  detail::Owned<astrid_capsule, astrid_capsule_free> handle_;
};

/* An open home. Its end closes it; `close` tells what could not be written. */
class Host {
 public:
  /* Opens the home that the options name. */
  explicit Host(HostOptions &options) {
    astrid_host *host = nullptr;
    astrid_host_options given = options.fields;
    options.give();
    detail::must([&](astrid_error **error) { return astrid_host_open(&given, &host, error); });
    handle_.reset(host);
  }
  /* Runs the hook of a package and pins its bytes; its version is the answer. An empty principal is the default one. */
  std::string install(const std::string &path, const std::string &principal = {}) const {
    astrid_installed *installed = nullptr;
    astrid_load_options options = prepared(principal);
    detail::must([&](astrid_error **error) {
      return astrid_host_install(handle_.get(), path.c_str(), &options, &installed, error);
    });
    detail::Owned<astrid_installed, astrid_installed_free> owned(installed);
    return detail::copied(installed->version);
  }
  Capsule load(const std::string &path, const std::string &principal = {}, bool shared = false) const {
    astrid_capsule *capsule = nullptr;
    astrid_load_options options = prepared(principal);
    options.shared = shared;
    detail::must(
        [&](astrid_error **error) { return astrid_host_load(handle_.get(), path.c_str(), &options, &capsule, error); });
    return Capsule(capsule);
  }
  Outcome publish(const std::string &topic, std::string_view payload, const std::string &principal = {}) const {
    astrid_publish_options options;
    astrid_publish_options_init(&options, sizeof options);
    if (!principal.empty()) options.principal = principal.c_str();
    astrid_outcome *outcome = nullptr;
    detail::must([&](astrid_error **error) {
      return astrid_host_publish(handle_.get(), topic.c_str(), detail::bytes(payload), payload.size(), &options, &outcome,
                                 error);
    });
    detail::Owned<astrid_outcome, astrid_outcome_free> owned(outcome);
    return {outcome->delivered, outcome->handlers, detail::copied(outcome->decision), detail::maybe(outcome->data),
            detail::maybe(outcome->reason)};
  }
  Messages subscribe(const std::string &pattern) const {
    astrid_subscription *subscription = nullptr;
    detail::must([&](astrid_error **error) {
      return astrid_host_subscribe(handle_.get(), pattern.c_str(), nullptr, &subscription, error);
    });
    return Messages(subscription);
  }
  /* What a principal has used, as JSON. */
  std::string usage(const std::string &principal) const {
    return detail::text([&](astrid_string *out, astrid_error **error) {
      return astrid_host_usage(handle_.get(), principal.c_str(), out, error);
    });
  }
  /* What was recorded, one JSON object a line. */
  std::string audit_entries(const astrid_audit_filter *filter = nullptr) const {
    return detail::text([&](astrid_string *out, astrid_error **error) {
      return astrid_host_audit_entries(handle_.get(), filter, out, error);
    });
  }
  /* Whether the record is as it was written. */
  bool audit_verify() const {
    int intact = 0;
    detail::must([&](astrid_error **error) { return astrid_host_audit_verify(handle_.get(), &intact, nullptr, error); });
    return intact != 0;
  }
  void close() {
    detail::must([&](astrid_error **error) { return astrid_host_close(handle_.get(), error); });
  }
  astrid_host *get() const noexcept { return handle_.get(); }

 private:
  static astrid_load_options prepared(const std::string &principal) {
    astrid_load_options options;
    astrid_load_options_init(&options, sizeof options);
    if (!principal.empty()) options.principal = principal.c_str();
    return options;
  }
  detail::Owned<astrid_host, astrid_host_free> handle_;
};

}  // namespace astrid

#endif
