/*
 * A small agent host: it installs one capsule, answers what the capsule asks, and shows what came of it.
 *
 *   agent CAPSULE HOME      CAPSULE: the folder examples/capsules/concierge; HOME: a folder that is new
 */
#include "support.h"

/* What a person would type when the capsule is installed: a text, a choice, a secret. */
static void answer_question(void *ctx, const astrid_elicit_question *question, astrid_elicit_answer *answer) {
  (void)ctx;
  if (!strcmp(question->key, "name")) astrid_elicit_answer_text(answer, "Ada");
  else if (!strcmp(question->key, "tone")) astrid_elicit_answer_text(answer, "formal");
  else if (!strcmp(question->key, "api-token")) astrid_elicit_answer_text(answer, "s3cret");
  else astrid_elicit_answer_cancel(answer);
  astrid_elicit_answer_free(answer);
}

/* Tea is fine, whatever it costs; nothing else is. */
static void decide(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  (void)ctx;
  astrid_approval_answer_decide(answer, strncmp(question->resource, "tea", 3) ? ASTRID_DENY : ASTRID_APPROVE);
  astrid_approval_answer_free(answer);
}

/* Messages to people outside end here. */
static void deliver(void *ctx, const astrid_uplink_event *event, astrid_uplink_answer *answer) {
  (void)ctx;
  if (event->kind == ASTRID_UPLINK_MESSAGE) {
    printf("uplink %s/%s: %s\n", event->platform, event->platform_user, event->content);
  }
  astrid_uplink_answer_delivery(answer, ASTRID_DELIVERED);
  astrid_uplink_answer_free(answer);
}

/* Calls the capsule's hook for a principal; the result is the caller's. */
static astrid_hook_result *trigger(const astrid_capsule *capsule, const char *principal, const char *action,
                                   const char *payload) {
  astrid_trigger_options options;
  astrid_trigger_options_init(&options, sizeof options);
  options.principal = principal;
  astrid_hook_result *result;
  MUST(astrid_capsule_trigger(capsule, action, (const uint8_t *)payload, strlen(payload), &options, &result, &error));
  return result;
}

static void greet(const astrid_capsule *capsule, const char *principal) {
  astrid_hook_result *greeting = trigger(capsule, principal, "greet", "");
  printf("greet %s: %s\n", principal, greeting->data.data);
  astrid_hook_result_free(greeting);
}

static void buy(const astrid_capsule *capsule, const char *item, const char *wish) {
  astrid_hook_result *bought = trigger(capsule, "alice", "buy", wish);
  printf("buy %s: %s\n", item, bought->data.data);
  astrid_hook_result_free(bought);
}

/* Asks the capsule's run loop over the bus and prints its answer. */
static void ask(const astrid_host *host) {
  static const char question[] = "\"Is there tea?\"";
  astrid_subscription *replies;
  MUST(astrid_host_subscribe(host, "concierge.v1.answer.*", NULL, &replies, &error));
  astrid_publish_options options;
  astrid_publish_options_init(&options, sizeof options);
  options.principal = "alice";
  MUST(astrid_host_publish(host, "concierge.v1.ask.demo", (const uint8_t *)question, strlen(question), &options, NULL,
                           &error));
  astrid_message *reply;
  MUST(astrid_subscription_next(replies, 10000, &reply, &error));
  struct value answer = field(reply->payload.data, "answer");
  printf("bus: %.*s\n", answer.length, answer.start);
  astrid_message_free(reply);
  astrid_subscription_free(replies);
}

static void show_usage(const astrid_host *host, const char *principal) {
  astrid_string usage;
  MUST(astrid_host_usage(host, principal, &usage, &error));
  struct value triggers = field(usage.data, "triggers"), bytes = field(usage.data, "stored_bytes");
  printf("usage %s: %.*s triggers, %.*s bytes stored\n", principal, triggers.length, triggers.start, bytes.length,
         bytes.start);
  astrid_string_free(&usage);
}

/* Prints what was recorded, one entry a line, and whether nobody has touched the record since. */
static int show_audit(const astrid_host *host) {
  astrid_string entries;
  MUST(astrid_host_audit_entries(host, NULL, &entries, &error));
  for (const char *line = entries.data; *line; line += strcspn(line, "\n"), line += *line == '\n') {
    struct value seq = field(line, "seq"), operation = field(line, "operation"), principal = field(line, "principal");
    struct value outcome = field(line, "outcome"), subject = field(line, "subject");
    printf("  %3.*s %-27.*s %-8.*s %-9.*s %.*s\n", seq.length, seq.start, operation.length, operation.start,
           principal.length, principal.start, outcome.length, outcome.start, subject.length, subject.start);
  }
  astrid_string_free(&entries);

  int intact;
  astrid_string report;
  MUST(astrid_host_audit_verify(host, &intact, &report, &error));
  struct value count = field(report.data, "entries");
  printf("audit: %.*s entries, %s\n", count.length, count.start, intact ? "verified" : "NOT verified");
  astrid_string_free(&report);
  return intact;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fprintf(stderr, "usage: %s CAPSULE HOME\n", arguments[0]);
    return 2;
  }
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = arguments[2];
  options.on_elicit.call = answer_question;
  options.on_approval.call = decide;
  options.on_uplink.call = deliver;
  astrid_host *host;
  MUST(astrid_host_open(&options, &host, &error));

  astrid_load_options load;
  astrid_load_options_init(&load, sizeof load);
  load.principal = "alice";
  astrid_installed *installed;
  MUST(astrid_host_install(host, arguments[1], &load, &installed, &error));
  printf("installed %s %s\n", installed->id.data, installed->version.data);
  astrid_installed_free(installed);

  astrid_capsule *capsule;
  MUST(astrid_host_load(host, arguments[1], &load, &capsule, &error));
  MUST(astrid_capsule_wait_ready(capsule, 10000, &error));

  greet(capsule, "alice");
  greet(capsule, "bob");
  buy(capsule, "tea", "{\"item\":\"tea\",\"price\":3}");
  buy(capsule, "yacht", "{\"item\":\"yacht\",\"price\":1000000}");
  astrid_hook_result_free(
      trigger(capsule, "alice", "notify", "{\"user\":\"ann\",\"text\":\"Your tea is on its way.\"}"));
  ask(host);
  show_usage(host, "alice");
  show_usage(host, "bob");

  int intact = show_audit(host);
  MUST(astrid_host_close(host, &error));
  astrid_capsule_free(capsule);
  astrid_host_free(host);
  return intact ? 0 : 1;
}
