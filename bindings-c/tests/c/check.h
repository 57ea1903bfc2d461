/* What every test program needs: checks that say where they failed, and a puppet capsule in a folder of its own. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "astrid_host.h"

#define CHECK(condition)                                                                                  \
  do {                                                                                                    \
    if (!(condition)) {                                                                                   \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                     \
      exit(1);                                                                                            \
    }                                                                                                     \
  } while (0)

/* The status is as expected; what the error says is shown if it is not, and the error is freed. */
#define EXPECT(expected, call)                                                                            \
  do {                                                                                                    \
    astrid_error *error = NULL;                                                                           \
    astrid_status status = (call);                                                                        \
    expect(__FILE__, __LINE__, #call, (expected), status, error);                                         \
  } while (0)

void expect(const char *file, int line, const char *call, astrid_status expected, astrid_status status,
            astrid_error *error);

/* A path below the folder that this program has to itself; the text is static until the next call. */
const char *below(const char *name);

/* Makes a new home with a capsule `main` of the guest `puppet` in it, and says where the capsule is. */
const char *puppet(void);

/* Opens a host in the home `name`, as the options say otherwise. */
astrid_host *open_host(const char *name, astrid_host_options *options);

/* Loads the puppet, installing nothing: its manifest names the hash. */
astrid_capsule *load_puppet(const astrid_host *host);

/* Calls the puppet's hook with a script and says what came; the result is the caller's. */
astrid_status play(const astrid_capsule *capsule, const char *script, astrid_hook_result **result,
                   astrid_error **error);

#define ASK                                                                                               \
  "{\"calls\":[{\"op\":\"approval.request-approval\","                                                    \
  "\"args\":{\"action\":\"buy\",\"target-resource\":\"tea\"}}]}"
#define SPIN "{\"calls\":[{\"op\":\"spin\"}]}"
#define TRAP "{\"calls\":[{\"op\":\"trap\"}]}"

#endif
