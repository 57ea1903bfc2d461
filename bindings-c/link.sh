#!/bin/sh
# Lays the built library out as it is installed: link.sh FROM TO. FROM is cargo's folder (target/debug or target/release), TO a
# folder of libraries. The shared library bears its soname, and the static one shows `astrid_*` alone.
set -eu
from=$1
to=$2
mkdir -p "$to"
cp "$from/libastrid_host.so" "$to/libastrid_host.so.0"
ln -sf libastrid_host.so.0 "$to/libastrid_host.so"
