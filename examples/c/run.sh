#!/bin/sh
# Compiles an example against the built library and runs it: run.sh [agent | bridge | inspect] [--valgrind].
# ASTRID_LIB names the folder of the library (target/debug by default).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$root/target/examples/c
name=agent
case "${1:-}" in agent | bridge | inspect) name=$1 && shift ;; esac
mkdir -p "$work"
"$root/bindings-c/link.sh" "${ASTRID_LIB:-$root/target/debug}" "$work/lib"
gcc -std=c11 -g -Wall -Wextra -Wpedantic -Werror -I"$root/bindings-c/include" "$here/$name.c" -o "$work/$name" \
    -L"$work/lib" -lastrid_host -Wl,-rpath,"$work/lib" -pthread
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
if [ "$name" = inspect ]; then
    "$work/inspect" "$root/examples/capsules/concierge/concierge.wasm"
    "$work/inspect" --doctor "$home"
    exit
fi
if [ "${1:-}" = --valgrind ]; then
    # What is still reachable belongs to the engine, which lives as long as the process.
    valgrind --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \
        "$work/$name" "$root/examples/capsules/concierge" "$home"
else
    "$work/$name" "$root/examples/capsules/concierge" "$home"
fi
