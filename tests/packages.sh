#!/bin/sh
# Installs what we publish into empty places and runs the README's first program there: packages.sh [WHEEL].
# Without a wheel: the npm package and the C library, as cargo built them (ASTRID_LIB, target/debug by default).
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
lib=${ASTRID_LIB:-$root/target/debug}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# The README's program in a language, or another guide's, with its paths as they are there.
program() {
    awk -v fence="\`\`\`$1" '$0 == fence { inside = 1; next } inside && /^```$/ { exit } inside' "$root/${2:-README.md}"
}

# An empty folder in which the example's capsule lies where the README says.
room() {
    mkdir -p "$work/$1/examples"
    ln -s "$root/examples/capsules" "$work/$1/examples/capsules"
    cd "$work/$1"
}

# check NAME COMMAND…: the command must succeed; what it says is shown when it does not.
check() {
    name=$1
    shift
    if "$@" > "$work/said" 2>&1; then
        passed=$((passed + 1))
    else
        cat "$work/said"
        echo "FAILED $name"
        failed=$((failed + 1))
    fi
}

# says TEXT COMMAND…: the command says so.
says() {
    wanted=$1
    shift
    said=$("$@" 2>&1) || true
    case "$said" in *"$wanted"*) ;; *) echo "$said" && echo "nobody said: $wanted" && return 1 ;; esac
}

if [ $# = 1 ]; then
    wheel=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
    room python
    python3 -m venv venv
    check "the wheel installs" venv/bin/pip install -q --no-index "$wheel"
    program python > first.py
    check "the first program in Python" says True venv/bin/python first.py
    check "python -m astrid_host" venv/bin/python -m astrid_host doctor
    check "the wheel is typed" test -f venv/lib/python3*/site-packages/astrid_host/py.typed
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
fi

room node
(cd "$root/bindings-node" && npm pack --silent --pack-destination "$work" > /dev/null)
echo '{ "name": "first", "private": true }' > package.json
check "the npm package installs" npm install --silent --offline --no-audit --no-fund --no-save "$work"/astrid-host-*.tgz
program js | sed "s|'./bindings-node/index.mjs'|'astrid-host'|" > first.mjs
check "the first program in Node" says refused node first.mjs
check "require" node -e "const { Host, version } = require('astrid-host'); if (!Host || !version) process.exit(1)"
check "npx astrid-host" npx --no-install astrid-host doctor
sed "s/({ resource })/({ resource }: import('astrid-host').ApprovalQuestion)/" first.mjs > first.mts
ln -s "$root/bindings-node/node_modules/@types" node_modules/@types
check "the first program in TypeScript" "$root/bindings-node/node_modules/.bin/tsc" --noEmit --strict --module nodenext \
    --target es2023 --types node first.mts
mv node_modules/astrid-host/*.node "$work/"
check "without the binary" says "cannot load its native module" node -e "require('astrid-host')"

room c
"$root/bindings-c/install.sh" "$lib" "$work/prefix"
export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
program c > first.c
# shellcheck disable=SC2046 # flags
check "the C library compiles" gcc -std=c11 -Wall -Wextra -Wpedantic -Werror first.c -o first \
    $(pkg-config --cflags --libs astrid-host) -Wl,-rpath,"$work/prefix/lib"
check "the first program in C" says refused ./first
program cpp bindings-c/README.md > first.cc
# shellcheck disable=SC2046 # flags
check "the C++ face compiles" g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror first.cc -o first-cc \
    $(pkg-config --cflags --libs astrid-host) -Wl,-rpath,"$work/prefix/lib"
rm -rf home
check "the guide's program in C++" says refused ./first-cc

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
