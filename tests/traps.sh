#!/bin/sh
# Lays out a capsule whose hook reads where no memory is, which traps: traps.sh FOLDER.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir "$1"
guest=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["stray"]["path"])' "${CARGO_TARGET_DIR:-$root/target}/guests/index.json")
cp "$root/$guest" "$1/stray.wasm"
cat > "$1/Capsule.toml" <<'TOML'
[package]
name = "traps"
version = "1.0.0"

[[component]]
id = "traps"
file = "stray.wasm"
TOML
