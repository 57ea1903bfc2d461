/* A host that installs no handlers of signals, and one that does, in one process: a guest's trap is a trap for both. */
#include "check.h"

#include <signal.h>

char **arguments;

static const int handled[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS};
enum { HANDLED = sizeof handled / sizeof *handled };
static struct sigaction before[HANDLED];

static int unchanged(void) {
  int same = 1;
  for (int n = 0; n < HANDLED; n++) {
    struct sigaction now;
    CHECK(sigaction(handled[n], NULL, &now) == 0);
    same = same && now.sa_sigaction == before[n].sa_sigaction && now.sa_flags == before[n].sa_flags;
  }
  return same;
}

static void trap_in(const char *home, uint8_t no_signal_traps) {
  astrid_host_options options;
  astrid_host_options_init(&options, sizeof options);
  options.no_signal_traps = no_signal_traps;
  astrid_host *host = open_host(home, &options);
  astrid_capsule *capsule = load_puppet(host);
  for (int n = 0; n < 3; n++) {
    astrid_hook_result *result = NULL;
    EXPECT(ASTRID_ERROR_GUEST_TRAP, play(capsule, TRAP, NULL, &error));
    EXPECT(ASTRID_OK, play(capsule, "{\"calls\":[]}", &result, &error));
    astrid_hook_result_free(result);
  }
  CHECK(unchanged() == (no_signal_traps != 0));
  astrid_capsule_free(capsule);
  astrid_host_free(host);
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  for (int n = 0; n < HANDLED; n++) CHECK(sigaction(handled[n], NULL, &before[n]) == 0);
  trap_in("checks", 1);
  trap_in("signals", 0);
  return 0;
}
