/* Frees an error twice, which no program may do: a sanitizer has to say so. */
#include "astrid_host.h"

int main(void) {
  astrid_error *error;
  if (astrid_host_open(NULL, NULL, &error) == ASTRID_OK) return 0;
  astrid_error_free(error);
  astrid_error_free(error);
  return 0;
}
