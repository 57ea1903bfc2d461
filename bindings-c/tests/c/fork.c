/* A child of fork: what it inherited is closed, and what it opens itself works and can be stopped. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

char **arguments;

static void in_the_child(astrid_host *inherited, astrid_capsule *capsule) {
  CHECK(astrid_host_is_closed(inherited) == 1);
  EXPECT(ASTRID_ERROR_CLOSED, play(capsule, "{}", NULL, &error));
  EXPECT(ASTRID_ERROR_CLOSED, astrid_host_publish(inherited, "main.a", (const uint8_t *)"1", 1, NULL, NULL, &error));
  EXPECT(ASTRID_ERROR_CLOSED, astrid_capsule_wait_ready(capsule, 0, &error));
  EXPECT(ASTRID_OK, astrid_host_close(inherited, &error));
  astrid_capsule_free(capsule);
  astrid_host_free(inherited);

  astrid_host *own = open_host("child", NULL);
  capsule = load_puppet(own);
  astrid_trigger_options options;
  astrid_trigger_options_init(&options, sizeof options);
  options.timeout_ms = 100;
  EXPECT(ASTRID_ERROR_TIMEOUT, astrid_capsule_trigger(capsule, "script", (const uint8_t *)SPIN, strlen(SPIN), &options,
                                                      NULL, &error));
  astrid_capsule_free(capsule);
  astrid_host_free(own);
}

int main(int count, char **values) {
  CHECK(count == 4);
  arguments = values;
  astrid_host *host = open_host("parent", NULL);
  astrid_capsule *capsule = load_puppet(host);
  EXPECT(ASTRID_OK, play(capsule, "{\"calls\":[]}", NULL, &error));

  fflush(NULL);
  pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    in_the_child(host, capsule);
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);

  /* The parent's own host never noticed. */
  EXPECT(ASTRID_OK, play(capsule, "{\"calls\":[]}", NULL, &error));
  EXPECT(ASTRID_OK, astrid_host_close(host, &error));
  astrid_capsule_free(capsule);
  astrid_host_free(host);
  return 0;
}
