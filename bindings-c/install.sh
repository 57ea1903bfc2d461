#!/bin/sh
# Installs headers, libraries, and what pkg-config and CMake read: install.sh FROM PREFIX. FROM is cargo's folder of the built library; DESTDIR
# is put before PREFIX where files are written, and only there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
from=$1
prefix=$2
place=${DESTDIR:-}$prefix
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
cmake=$place/lib/cmake/astrid-host
mkdir -p "$place/include" "$place/lib/pkgconfig" "$cmake"
cp "$here/include/astrid_host.h" "$here/include/astrid_host.hpp" "$place/include/"
cp "$here/astrid-host-config.cmake.in" "$cmake/astrid-host-config.cmake"
sed -e "s|@VERSION@|$version|" "$here/astrid-host-config-version.cmake.in" > "$cmake/astrid-host-config-version.cmake"
"$here/link.sh" "$from" "$place/lib" static
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" "$here/astrid-host.pc.in" > "$place/lib/pkgconfig/astrid-host.pc"
