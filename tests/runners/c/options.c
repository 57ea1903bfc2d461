/* The options of a host, as a scenario names them. */
#include "runner.h"

static void read_texts(const json_t *list, const char **texts, size_t most, size_t *count) {
  *count = json_array_size(list);
  if (*count > most) give_up("a list of the options has more than %zu texts", most);
  for (size_t at = 0; at < *count; at++) texts[at] = json_string_value(json_array_get(list, at));
}

/* The field if it is named, and otherwise what is there already. */
static uint64_t named(const json_t *object, const char *key, uint64_t otherwise) {
  return json_object_get(object, key) ? number(object, key) : otherwise;
}

static void read_restart(const json_t *given, struct host_options *all) {
  astrid_restart *restart = &all->restart;
  astrid_restart_init(restart, sizeof *restart);
  if (json_is_false(json_object_get(given, "enabled"))) restart->enabled = 0;
  restart->first_ms = named(given, "first_ms", restart->first_ms);
  restart->most_ms = named(given, "most_ms", restart->most_ms);
  restart->attempts = (uint32_t)named(given, "attempts", restart->attempts);
  restart->recovery_ms = named(given, "recovery_ms", restart->recovery_ms);
  if (given) all->options.restart = restart;
}

static void read_instances(const json_t *given, struct host_options *all) {
  astrid_instances *instances = &all->instances;
  astrid_instances_init(instances, sizeof *instances);
  instances->warm = (uint32_t)named(given, "warm", instances->warm);
  instances->most = (uint32_t)named(given, "most", instances->most);
  instances->idle_ms = named(given, "idle_ms", instances->idle_ms);
  if (given) all->options.instances = instances;
}

static void read_endpoints(const json_t *given, const astrid_endpoint **places, astrid_endpoint *room, size_t *count) {
  const char *capsule;
  json_t *list, *endpoint;
  size_t at;
  json_object_foreach((json_t *)given, capsule, list) json_array_foreach(list, at, endpoint) {
    if (*count == MOST_TEXTS) give_up("more than %d places of the network", MOST_TEXTS);
    room[(*count)++] = (astrid_endpoint){capsule, json_string_value(endpoint)};
  }
  *places = room;
}

static void read_network(const json_t *given, struct host_options *all) {
  astrid_network *network = &all->network;
  astrid_network_init(network, sizeof *network);
  read_endpoints(json_object_get(given, "local_egress"), &network->local_egress, all->egress, &network->local_egress_count);
  read_endpoints(json_object_get(given, "public_binds"), &network->public_binds, all->binds, &network->public_bind_count);
  network->dns_servers = all->servers;
  read_texts(json_object_get(given, "dns_servers"), all->servers, MOST_TEXTS, &network->dns_server_count);
  network->http_connect_ms = number(given, "http_connect_ms");
  network->http_first_byte_ms = number(given, "http_first_byte_ms");
  network->http_between_bytes_ms = number(given, "http_between_bytes_ms");
  network->http_total_ms = number(given, "http_total_ms");
  network->tls_roots = string(given, "tls_roots");
  if (given) all->options.network = network;
}

static void read_processes(const json_t *given, struct host_options *all) {
  astrid_processes_init(&all->processes, sizeof all->processes);
  all->processes.bubblewrap = string(given, "bubblewrap");
  if (given) all->options.processes = &all->processes;
}

static void read_audit(const json_t *given, struct host_options *all) {
  astrid_audit_choices *audit = &all->audit;
  astrid_audit_choices_init(audit, sizeof *audit);
  audit->power_operations = all->operations;
  read_texts(json_object_get(given, "power_operations"), all->operations, MOST_TEXTS, &audit->power_operation_count);
  audit->entries_per_sec = named(given, "entries_per_sec", audit->entries_per_sec);
  audit->bytes_per_sec = named(given, "bytes_per_sec", audit->bytes_per_sec);
  audit->merge_within_ms = named(given, "merge_within_ms", audit->merge_within_ms);
  if (given) all->options.audit = audit;
}

static void read_expected(const json_t *given, struct host_options *all) {
  if (!given) return;
  const char *head = string(given, "head");
  all->expected.entries = number(given, "entries");
  if (!head || strlen(head) != 2 * sizeof all->expected.head) give_up("the head of a checkpoint has 64 digits");
  for (size_t at = 0; at < sizeof all->expected.head; at++) {
    unsigned byte = 0;
    if (sscanf(head + 2 * at, "%2x", &byte) != 1) give_up("%s is not hexadecimal", head);
    all->expected.head[at] = (uint8_t)byte;
  }
  all->options.expected_checkpoint = &all->expected;
}

static void read_quotas(const json_t *given, struct host_options *all) {
  const char *name;
  json_t *value;
  json_object_foreach((json_t *)given, name, value) {
    if (all->options.quota_count == MOST_TEXTS) give_up("more than %d quotas", MOST_TEXTS);
    all->quotas[all->options.quota_count++] = (astrid_quota){name, (uint64_t)json_integer_value(value)};
  }
  all->options.quotas = all->quotas;
}

void read_options(const json_t *given, struct host_options *all) {
  memset(all, 0, sizeof *all);
  astrid_host_options *options = &all->options;
  astrid_host_options_init(options, sizeof *options);
  options->runtime_version = string(given, "runtime_version");
  options->elicit_timeout_ms = number(given, "elicit_timeout_ms");
  options->approval_timeout_ms = number(given, "approval_timeout_ms");
  options->uplink_timeout_ms = number(given, "uplink_timeout_ms");
  options->max_principals = (uint32_t)number(given, "max_principals");
  options->audit_limit_bytes = number(given, "audit_limit_bytes");
  options->audit_segment_bytes = number(given, "audit_segment_bytes");
  options->ready_within_ms = number(given, "ready_within_ms");
  options->trust_hard_links = truth(given, "trust_hard_links");
  const char *durability = json_string_value(json_object_get(given, "durability"));
  options->power_durability = durability != NULL && strcmp(durability, "power") == 0;
  options->require_principal = truth(given, "require_principal");
  options->recv_empty_on_timeout = truth(given, "recv_empty_on_timeout");
  options->allow_missing_imports = truth(given, "allow_missing_imports");
  options->authenticated_uplinks = all->uplinks;
  read_texts(json_object_get(given, "authenticated_uplinks"), all->uplinks, MOST_TEXTS,
             &options->authenticated_uplink_count);
  const json_t *profile = json_object_get(given, "default_profile");
  options->default_profile = all->profile = profile ? json_dumps(profile, JSON_COMPACT) : NULL;
  read_quotas(json_object_get(given, "quotas"), all);
  read_restart(json_object_get(given, "restart"), all);
  read_instances(json_object_get(given, "instances"), all);
  read_network(json_object_get(given, "network"), all);
  read_processes(json_object_get(given, "processes"), all);
  read_audit(json_object_get(given, "audit"), all);
  read_expected(json_object_get(given, "expected_checkpoint"), all);
}
