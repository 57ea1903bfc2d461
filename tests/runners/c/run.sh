#!/bin/sh
# Compiles the C runner against the built library and plays the scenarios: run.sh [--only TEXT].
# ASTRID_LIB names the folder of the library (target/debug by default).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
work=$root/target/runners/c
mkdir -p "$work"
"$root/bindings-c/link.sh" "${ASTRID_LIB:-$root/target/debug}" "$work/lib"
gcc -std=c11 -D_GNU_SOURCE -g -Wall -Wextra -Wpedantic -Werror -I"$root/bindings-c/include" "$here"/*.c -o "$work/runner" \
    -L"$work/lib" -lastrid_host -Wl,-rpath,"$work/lib" $(pkg-config --cflags --libs jansson) -pthread
exec "$work/runner" "$root" "$@"
