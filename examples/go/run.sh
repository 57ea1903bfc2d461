#!/bin/sh
# Compiles the Go example against the built library and runs it: run.sh [checks | signals], with guests that check for faults
# themselves, or with signals shared between Go and the host. ASTRID_LIB names the folder of the library (target/debug by
# default). 2: there is no Go.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
command -v go > /dev/null || { echo "go is not installed: 1.19 or later is needed" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$root/bindings-c/link.sh" "${ASTRID_LIB:-$root/target/debug}" "$work/lib"
export GOCACHE="$work/cache" GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=1
export CGO_CFLAGS="-g -O2 -I$root/bindings-c/include" CGO_LDFLAGS="-L$work/lib -lastrid_host -Wl,-rpath,$work/lib"
(cd "$here" && go vet . && go build -o "$work/agent" .)
"$root/tests/traps.sh" "$work/traps"
"$work/agent" "$root/examples/capsules/concierge" "$work/traps" "$work/home" "${1:-signals}"
