/* The version, the table of kinds, and every way to give nothing. */
#include "check.h"

char **arguments;

static void kinds(void) {
  astrid_error_kind_info kind;
  size_t count = astrid_error_kind_count();
  CHECK(count >= 25);
  for (size_t index = 0; index < count; index++) {
    CHECK(astrid_error_kind_at(index, &kind) == ASTRID_OK);
    CHECK(kind.number == (astrid_status)index + 1);
    CHECK(strlen(kind.code) > 0 && strspn(kind.code, "abcdefghijklmnopqrstuvwxyz_") == strlen(kind.code));
    CHECK(kind.meaning[strlen(kind.meaning) - 1] == '.');
  }
  CHECK(astrid_error_kind_at(count, &kind) == ASTRID_ERROR_INVALID_ARGUMENT);
  CHECK(astrid_error_kind_at(0, NULL) == ASTRID_ERROR_INVALID_ARGUMENT);
  CHECK(astrid_error_kind_at(ASTRID_ERROR_CLOSED - 1, &kind) == ASTRID_OK && !strcmp(kind.code, "closed"));
}

static void nothing(void) {
  astrid_string text = {NULL, 0};
  astrid_bytes bytes = {NULL, 0};
  astrid_error_free(NULL);
  astrid_host_free(NULL);
  astrid_capsule_free(NULL);
  astrid_capsules_free(NULL);
  astrid_installed_free(NULL);
  astrid_hook_result_free(NULL);
  astrid_outcome_free(NULL);
  astrid_message_free(NULL);
  astrid_subscription_free(NULL);
  astrid_call_free(NULL);
  astrid_elicit_answer_free(NULL);
  astrid_approval_answer_free(NULL);
  astrid_uplink_answer_free(NULL);
  astrid_watch_free(NULL);
  astrid_change_free(NULL);
  astrid_checkpoint_free(NULL);
  astrid_bytes_free(NULL);
  astrid_bytes_free(&bytes);
  astrid_restart_init(NULL, 0);
  astrid_string_free(NULL);
  astrid_string_free(&text);
  astrid_host_options_init(NULL, 0);
  CHECK(astrid_error_kind(NULL) == ASTRID_OK && !astrid_error_message(NULL) && !astrid_error_code(NULL));
  CHECK(astrid_error_context_count(NULL) == 0 && !astrid_error_guest_backtrace(NULL));
  CHECK(astrid_host_is_closed(NULL) == 1 && astrid_call_is_done(NULL) == 1 && !astrid_capsule_id(NULL));

  const astrid_status no = ASTRID_ERROR_INVALID_ARGUMENT;
  astrid_host *host = (astrid_host *)&text;
  astrid_completion none = {NULL, NULL, NULL};
  EXPECT(no, astrid_host_open(NULL, &host, &error));
  EXPECT(no, astrid_host_close(NULL, &error));
  EXPECT(no, astrid_host_dispatch(NULL, NULL, &error));
  EXPECT(no, astrid_host_wake_fd(NULL, NULL, &error));
  EXPECT(no, astrid_host_install(NULL, "x", NULL, NULL, &error));
  EXPECT(no, astrid_host_load(NULL, "x", NULL, NULL, &error));
  EXPECT(no, astrid_host_load_all(NULL, "x", NULL, &error));
  EXPECT(no, astrid_host_load_component(NULL, NULL, 0, NULL, NULL, NULL, NULL, &error));
  EXPECT(no, astrid_host_configure(NULL, NULL, NULL, NULL, NULL, &error));
  EXPECT(no, astrid_host_capsule(NULL, NULL, NULL, &error));
  EXPECT(no, astrid_capsule_trigger(NULL, "x", NULL, 0, NULL, NULL, &error));
  EXPECT(no, astrid_capsule_trigger_async(NULL, "x", NULL, 0, NULL, none, NULL, &error));
  EXPECT(no, astrid_capsule_wait_ready(NULL, 0, &error));
  EXPECT(no, astrid_capsule_state(NULL, &text, &error));
  EXPECT(no, astrid_capsule_unload(NULL, &error));
  EXPECT(no, astrid_call_cancel(NULL, &error));
  EXPECT(no, astrid_host_publish(NULL, "x", NULL, 0, NULL, NULL, &error));
  EXPECT(no, astrid_host_subscribe(NULL, "x", NULL, NULL, &error));
  EXPECT(no, astrid_subscription_next(NULL, 0, NULL, &error));
  EXPECT(no, astrid_subscription_close(NULL, &error));
  EXPECT(no, astrid_host_usage(NULL, "x", &text, &error));
  EXPECT(no, astrid_host_audit_entries(NULL, NULL, &text, &error));
  EXPECT(no, astrid_host_audit_verify(NULL, NULL, NULL, &error));
  EXPECT(no, astrid_host_audit_public_key(NULL, NULL, &error));
  EXPECT(no, astrid_host_audit_checkpoint(NULL, NULL, &error));
  EXPECT(no, astrid_host_audit_export(NULL, NULL, (astrid_writer){NULL, NULL}, &error));
  EXPECT(no, astrid_host_inspect(NULL, "x", &text, &error));
  EXPECT(no, astrid_host_discover(NULL, NULL, 0, &text, &error));
  EXPECT(no, astrid_host_capsules(NULL, NULL, &error));
  EXPECT(no, astrid_host_reload(NULL, "x", &error));
  EXPECT(no, astrid_host_uninstall(NULL, "x", &error));
  EXPECT(no, astrid_host_watch(NULL, "x", NULL, NULL, NULL, &error));
  EXPECT(no, astrid_host_profile(NULL, "x", &text, &error));
  EXPECT(no, astrid_host_set_profile(NULL, "x", "{}", NULL, &error));
  EXPECT(no, astrid_host_principals(NULL, &text, &error));
  EXPECT(no, astrid_host_remove_principal(NULL, "x", &error));
  EXPECT(no, astrid_host_backup(NULL, "x", &error));
  EXPECT(no, astrid_host_rotate_keys(NULL, NULL, &error));
  EXPECT(no, astrid_host_metrics(NULL, &text, &error));
  EXPECT(no, astrid_host_diagnose(NULL, &text, &error));
  EXPECT(no, astrid_capsule_manifest(NULL, &text, &error));
  EXPECT(no, astrid_capsule_static_file(NULL, "x", &bytes, &error));
  EXPECT(no, astrid_capsule_failure(NULL, &text, &error));
  EXPECT(no, astrid_capsule_reload(NULL, &error));
  EXPECT(no, astrid_capsule_watch(NULL, NULL, NULL, NULL, &error));
  EXPECT(no, astrid_capsule_commit(NULL, NULL, NULL, &error));
  EXPECT(no, astrid_capsule_rollback(NULL, NULL, &error));
  EXPECT(no, astrid_watch_next(NULL, 0, NULL, &error));
  EXPECT(no, astrid_watch_close(NULL, &error));
  CHECK(!astrid_capsule_version(NULL) && astrid_capsule_generation(NULL) == 0 && astrid_capsule_restarts(NULL) == 0);
  CHECK(astrid_elicit_answer_text(NULL, "x") == no && astrid_approval_answer_decide(NULL, ASTRID_DENY) == no);
  CHECK(astrid_uplink_answer_delivery(NULL, ASTRID_DELIVERED) == no && astrid_elicit_answer_cancel(NULL) == no);
}

static int dropped;

static void count_drop(void *ctx) { ++*(int *)ctx; }

static void ignore(void *ctx, const astrid_approval_question *question, astrid_approval_answer *answer) {
  (void)ctx, (void)question;
  astrid_approval_answer_free(answer);
}

static void options(void) {
  struct {
    astrid_host_options known;
    uint64_t later;
  } newer;
  astrid_host *host = NULL;
  astrid_host_options_init(&newer.known, sizeof newer);
  CHECK(newer.known.struct_size == sizeof newer && newer.known.home == NULL);

  /* A callback is let go of when opening fails, too. */
  newer.known.on_approval.ctx = &dropped;
  newer.known.on_approval.call = ignore;
  newer.known.on_approval.drop = count_drop;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&newer.known, &host, &error));
  CHECK(host == NULL && dropped == 1);

  /* What this library does not know must not be asked of it. */
  newer.known.home = below("options");
  newer.later = 1;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&newer.known, &host, &error));
  newer.later = 0;
  newer.known.callbacks = 7;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&newer.known, &host, &error));
  newer.known.callbacks = ASTRID_CALLBACKS_RUNTIME;
  newer.known.runtime_version = "\xff";
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&newer.known, &host, &error));
  newer.known.runtime_version = NULL;
  astrid_quota nothing_at_all = {"max_memory_bytes", 0};
  newer.known.quotas = &nothing_at_all;
  newer.known.quota_count = 1;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&newer.known, &host, &error));
  newer.known.struct_size = 0;
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_open(&newer.known, &host, &error));
}

/* A host does not open with a network like this, and the error names the entry. */
static void network_refused(const astrid_network *network, const char *named) {
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = below("network");
  options.network = network;
  astrid_host *host = NULL;
  astrid_error *error = NULL;
  CHECK(astrid_host_open(&options, &host, &error) == ASTRID_ERROR_INVALID_ARGUMENT && host == NULL);
  CHECK(strstr(astrid_error_message(error), named));
  astrid_error_free(error);
}

static void networks(void) {
  astrid_network plain;
  astrid_network_init(&plain, sizeof plain);
  CHECK(plain.struct_size == sizeof plain && plain.local_egress_count == 0 && plain.http_total_ms == 0);
  const astrid_endpoint everybody = {"main", "*:80"}, no_port = {"main", "192.0.2.1"};
  const char *no_address = "localhost:53";

  astrid_network network = plain;
  network.local_egress = &everybody;
  network.local_egress_count = 1;
  network_refused(&network, "`network.local_egress` of `main`");
  network = plain;
  network.public_binds = &no_port;
  network.public_bind_count = 1;
  network_refused(&network, "`network.public_binds` of `main`");
  network = plain;
  network.dns_servers = &no_address;
  network.dns_server_count = 1;
  network_refused(&network, "`network.dns_servers`");
  network = plain;
  network.tls_roots = "trust me";
  network_refused(&network, "`network.tls_roots`");
}

static void processes(void) {
  astrid_processes given;
  astrid_processes_init(&given, sizeof given);
  CHECK(given.struct_size == sizeof given && given.pids == 512 && given.cpu_secs == 0 && !given.bubblewrap);
  given.bubblewrap = "bwrap";
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = below("processes");
  options.processes = &given;
  astrid_host *host = NULL;
  astrid_error *error = NULL;
  CHECK(astrid_host_open(&options, &host, &error) == ASTRID_ERROR_INVALID_ARGUMENT && host == NULL);
  CHECK(strstr(astrid_error_message(error), "`bwrap`"));
  astrid_error_free(error);

  error = NULL;
  given.bubblewrap = "/nowhere/bwrap";
  CHECK(astrid_host_open(&options, &host, &error) == ASTRID_OK);
  astrid_string found;
  CHECK(astrid_host_diagnose(host, &found, &error) == ASTRID_OK && strstr(found.data, "\"processes\":false"));
  astrid_string_free(&found);
  astrid_host_close(host, NULL);
  astrid_host_free(host);
}

static void components(void) {
  static const uint8_t archive[] = {'P', 'K', 3, 4};
  astrid_string report = {NULL, 0};
  EXPECT(ASTRID_ERROR_COMPONENT_INVALID, astrid_inspect_component(archive, sizeof archive, &report, &error));
  CHECK(report.data == NULL);
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_inspect_component(NULL, 1, &report, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_inspect_component(archive, sizeof archive, NULL, &error));
  static uint8_t bytes[4 << 20];
  FILE *from = fopen(arguments[2], "rb");
  CHECK(from);
  size_t length = fread(bytes, 1, sizeof bytes, from);
  fclose(from);
  EXPECT(ASTRID_OK, astrid_inspect_component(bytes, length, &report, &error));
  CHECK(strstr(report.data, arguments[3]) && strstr(report.data, "\"runnable\":true"));
  CHECK(strstr(report.data, "{\"name\":\"spawn\",\"capability\":\"host_process\"}"));
  astrid_string_free(&report);
}

static void users(void) {
  astrid_host *host = open_host("users", NULL);
  astrid_string user = {NULL, 0}, links = {NULL, 0};
  char id[37] = {0};
  int found = -1;
  EXPECT(ASTRID_OK, astrid_host_create_user(host, "Ada", "ada", &user, &error));
  CHECK(strstr(user.data, "\"principal\":\"ada\"") && sscanf(user.data, "{\"id\":\"%36[0-9a-f-]", id) == 1);
  astrid_string_free(&user);
  EXPECT(ASTRID_OK, astrid_host_link_account(host, id, "Chat", "42", "code", &error));
  EXPECT(ASTRID_OK, astrid_host_links(host, id, &links, &error));
  CHECK(strstr(links.data, "\"platform\":\"chat\",\"platform_user_id\":\"42\""));
  astrid_string_free(&links);
  EXPECT(ASTRID_ERROR_NOT_FOUND, astrid_host_unlink_account(host, "chat", "43", &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_links(host, "ada", &links, &error));
  EXPECT(ASTRID_OK, astrid_host_unlink_account(host, "chat", "42", &error));
  EXPECT(ASTRID_OK, astrid_host_users(host, &user, &error));
  CHECK(strstr(user.data, id));
  astrid_string_free(&user);
  EXPECT(ASTRID_OK, astrid_host_remove_user(host, id, &found, &error));
  CHECK(found == 1);
  EXPECT(ASTRID_OK, astrid_host_remove_user(host, id, NULL, &error));
  astrid_host_close(host, NULL);
  astrid_host_free(host);
}

static void texts(void) {
  astrid_host *host = open_host("texts", NULL);
  astrid_string report = {NULL, 0};
  int intact = 0;
  EXPECT(ASTRID_OK, astrid_host_audit_verify(host, &intact, &report, &error));
  CHECK(intact && report.length == strlen(report.data));
  astrid_string_free(&report);
  CHECK(report.data == NULL && report.length == 0);
  astrid_string_free(&report);
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_usage(host, "no such name!", &report, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_usage(host, "\xff", &report, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_usage(host, NULL, &report, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_wake_fd(host, &intact, &error));
  EXPECT(ASTRID_ERROR_INVALID_ARGUMENT, astrid_host_dispatch(host, NULL, &error));
  EXPECT(ASTRID_ERROR_NOT_FOUND, astrid_host_install(host, below("nowhere"), NULL, NULL, &error));
  CHECK(astrid_host_load(host, below("nowhere"), NULL, NULL, NULL) == ASTRID_ERROR_INVALID_ARGUMENT);
  astrid_host_free(host);
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  CHECK(astrid_abi_version() == ASTRID_ABI_VERSION);
  CHECK(strchr(astrid_version(), '.'));
  kinds();
  nothing();
  options();
  networks();
  processes();
  components();
  users();
  texts();
  return 0;
}
