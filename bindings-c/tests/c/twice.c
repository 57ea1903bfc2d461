/* The header, included twice, as C11 and, by way of twice.cc, as C++17. */
#include "astrid_host.h"
#include "astrid_host.h"

int twice(void);

int twice(void) { return ASTRID_OK; }
