#!/bin/sh
# Lays out a capsule that traps when its payload says so: traps.sh FOLDER.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir "$1"
cp "$root/tests/guests/built/puppet.wasm" "$1/puppet.wasm"
cat > "$1/Capsule.toml" <<'TOML'
[package]
name = "traps"
version = "1.0.0"

[[component]]
id = "traps"
file = "puppet.wasm"
TOML
