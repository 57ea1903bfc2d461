// The C++ face: what it returns and throws, who frees what, and callbacks that throw, answer elsewhere, or take the answer away.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "astrid_host.hpp"

namespace {

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::cerr << __FILE__ << ":" << __LINE__ << ": " << #condition << std::endl; \
      std::exit(1);                                                                \
    }                                                                              \
  } while (0)

const char ask[] = R"({"calls":[{"op":"approval.request-approval","args":{"action":"buy","target-resource":"tea"}}]})";
const char trap[] = R"({"calls":[{"op":"trap"}]})";

// Counts how many there are.
struct Counted {
  explicit Counted(std::atomic<int> &alive) : alive(&alive) { ++alive; }
  Counted(const Counted &other) : alive(other.alive) { ++*alive; }
  ~Counted() { --*alive; }
  std::atomic<int> *alive;
};

astrid::Capsule load(const astrid::Host &host, const char *component, const char *hash) {
  const std::string manifest =
      "[package]\nname = \"main\"\nversion = \"1.0.0\"\n[[component]]\nfile = \"guest.wasm\"\n";
  std::FILE *file = std::fopen(component, "rb");
  CHECK(file);
  std::string bytes(16 << 20, '\0');
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  astrid_capsule *capsule = nullptr;
  astrid_error *error = nullptr;
  CHECK(astrid_host_load_component(host.get(), reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
                                   manifest.c_str(), hash, nullptr, &capsule, &error) == ASTRID_OK);
  return astrid::Capsule(capsule);
}

template <typename Asked>
std::string decided(const std::string &home, char **arguments, Asked asked) {
  std::atomic<int> alive{0};
  std::string data;
  {
    astrid::HostOptions options;
    options.fields.home = home.c_str();
    options.on_approval([counted = Counted(alive), asked](const auto &question, auto &&answer) {
      CHECK(std::string(question.action) == "buy");
      asked(std::move(answer));
    });
    CHECK(alive == 1);
    astrid::Host host(options);
    auto capsule = load(host, arguments[2], arguments[3]);
    data = capsule.trigger("script", ask, "alice").data.value();
    CHECK(host.usage("alice").find("\"triggers\":1") != std::string::npos);
    CHECK(host.audit_entries().find("approval.asked") != std::string::npos && host.audit_verify());
  }
  CHECK(alive == 0);
  return data;
}

}  // namespace

int main(int count, char **arguments) {
  CHECK(count == 4);
  const std::string home = arguments[1];
  auto at_once = [](astrid::ApprovalAnswer &&answer) { answer.decide(ASTRID_APPROVE); };
  CHECK(decided(home + "/once", arguments, at_once).find("approved") != std::string::npos);
  auto elsewhere = [](astrid::ApprovalAnswer &&answer) {
    std::thread([taken = std::move(answer)]() mutable { taken.decide(ASTRID_APPROVE); }).detach();
  };
  CHECK(decided(home + "/elsewhere", arguments, elsewhere).find("approved") != std::string::npos);

  try {
    decided(home + "/throws", arguments, [](astrid::ApprovalAnswer &&) { throw std::logic_error("no screen"); });
    CHECK(false);
  } catch (const astrid::Error &error) {
    CHECK(error.kind() == ASTRID_ERROR_CALLBACK_FAILED && error.code() == "callback_failed");
    CHECK(std::string(error.what()).find("no screen") != std::string::npos || error.cause() == "no screen");
  }

  astrid::HostOptions options;
  const std::string plain = home + "/plain";
  options.fields.home = plain.c_str();
  astrid::Host host(options);
  auto capsule = load(host, arguments[2], arguments[3]);
  try {
    capsule.trigger("script", trap);
    CHECK(false);
  } catch (const astrid::Error &error) {
    CHECK(error.kind() == ASTRID_ERROR_GUEST_TRAP && error.guest_backtrace());
  }
  auto messages = host.subscribe("test.*");
  CHECK(!messages.next(0));
  CHECK(host.publish("test.news", "\"hello\"").delivered == 1);
  auto message = messages.next();
  CHECK(message && message->topic == "test.news" && message->payload == "\"hello\"" && !message->principal);
  messages.close();
  CHECK(!messages.next());

  astrid::Host moved = std::move(host);
  moved.close();
  try {
    moved.usage("alice");
    CHECK(false);
  } catch (const astrid::Error &error) {
    CHECK(error.kind() == ASTRID_ERROR_CLOSED);
  }
  try {
    astrid::HostOptions nowhere;
    astrid::Host none(nowhere);
    CHECK(false);
  } catch (const astrid::Error &error) {
    CHECK(error.kind() == ASTRID_ERROR_INVALID_ARGUMENT);
  }
  return 0;
}
