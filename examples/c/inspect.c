/*
 * What a component is to this library, and what this machine offers.
 *
 *   inspect FILE            says what a component imports, needs and exports, and whether it runs here
 *   inspect --doctor HOME   opens a host in a folder that is new and says what works on this machine
 */
#include "support.h"

/* The bytes of a file, which belong to the caller; NULL if it cannot be read. */
static uint8_t *contents(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  uint8_t *bytes = NULL;
  size_t room = 0, got;
  *length = 0;
  while (file && (bytes = realloc(bytes, room += 1 << 16)) && (got = fread(bytes + *length, 1, room - *length, file))) {
    *length += got;
  }
  if (file) fclose(file);
  return bytes;
}

static int look(const char *path) {
  size_t length;
  uint8_t *bytes = contents(path, &length);
  if (!bytes) {
    perror(path);
    return 1;
  }
  astrid_string report;
  MUST(astrid_inspect_component(bytes, length, &report, &error));
  free(bytes);
  struct value hash = field(report.data, "hash"), runnable = field(report.data, "runnable");
  int runs = runnable.length == 4;
  printf("%.*s\nruns here: %s\n%s\n", hash.length, hash.start, runs ? "yes" : "no", report.data);
  astrid_string_free(&report);
  return !runs;
}

static int doctor(const char *home) {
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.home = home;
  astrid_host *host;
  astrid_string diagnosis;
  int intact;
  MUST(astrid_host_open(&options, &host, &error));
  MUST(astrid_host_diagnose(host, &diagnosis, &error));
  MUST(astrid_host_audit_verify(host, &intact, NULL, &error));
  printf("astrid-host %s\nhome: opens, locks and writes; its audit is %s\n%s\n", astrid_version(),
         intact ? "intact" : "NOT intact", diagnosis.data);
  astrid_string_free(&diagnosis);
  astrid_host_free(host);
  return !intact;
}

int main(int count, char **arguments) {
  if (count == 2) return look(arguments[1]);
  if (count == 3 && !strcmp(arguments[1], "--doctor")) return doctor(arguments[2]);
  fprintf(stderr, "usage: %s FILE | --doctor HOME\n", arguments[0]);
  return 2;
}
