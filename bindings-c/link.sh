#!/bin/sh
# Lays the built library out as it is installed: link.sh FROM TO [static]. FROM is cargo's folder (target/debug or
# target/release), TO a folder of libraries. With `static` the archive is made too, in which `astrid_*` alone is visible.
set -eu
from=$1
to=$2
mkdir -p "$to"
cp "$from/libastrid_host.so" "$to/libastrid_host.so.0"
ln -sf libastrid_host.so.0 "$to/libastrid_host.so"
[ "${3:-}" = static ] || exit 0

# One object of the whole archive, so that its own parts find each other before their names are hidden. The bitcode that the
# standard library carries would make binutils take the object for something else.
object=$(mktemp)
trap 'rm -f "$object"' EXIT
ld -r --whole-archive "$from/libastrid_host.a" -o "$object"
objcopy --wildcard --keep-global-symbol='astrid_*' --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
rm -f "$to/libastrid_host.a"
ar rcs "$to/libastrid_host.a" "$object"
