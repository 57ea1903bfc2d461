/* What the examples share: a call that must succeed, and a field of flat JSON. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "astrid_host.h"

/* Ends the program if a call failed; every call of the library reports in the same way. */
static inline void must(astrid_status status, astrid_error *error) {
  if (status == ASTRID_OK) return;
  fprintf(stderr, "%s: %s\n", astrid_error_code(error), astrid_error_message(error));
  if (astrid_error_guest_backtrace(error)) fprintf(stderr, "%s\n", astrid_error_guest_backtrace(error));
  astrid_error_free(error);
  exit(1);
}

#define MUST(call)              \
  do {                          \
    astrid_error *error = NULL; \
    astrid_status status = call; \
    must(status, error);        \
  } while (0)

/* The value of a field in flat JSON, as far as this program needs it: a number, or a text without escapes; "-" for neither. */
struct value {
  int length;
  const char *start;
};

static inline struct value field(const char *json, const char *name) {
  char key[64];
  snprintf(key, sizeof key, "\"%s\":", name);
  const char *start = strstr(json, key);
  if (!start || !strncmp(start + strlen(key), "null", 4)) return (struct value){1, "-"};
  start += strlen(key);
  if (*start != '"') return (struct value){(int)strcspn(start, ",}"), start};
  return (struct value){(int)strcspn(start + 1, "\""), start + 1};
}

#endif
