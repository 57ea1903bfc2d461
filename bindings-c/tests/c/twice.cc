// A C++ program that includes the header twice and calls what a C file beside it and the library define.
#include "astrid_host.h"
#include "astrid_host.h"

extern "C" int twice(void);

int main() { return twice() == ASTRID_OK && astrid_abi_version() == ASTRID_ABI_VERSION ? 0 : 1; }
