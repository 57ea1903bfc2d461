#!/bin/sh
# Installs header, libraries and pkg-config file: install.sh FROM PREFIX. FROM is cargo's folder of the built library; DESTDIR
# is put before PREFIX where files are written, and only there.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
from=$1
prefix=$2
place=${DESTDIR:-}$prefix
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' "$here/../Cargo.toml")
mkdir -p "$place/include" "$place/lib/pkgconfig"
cp "$here/include/astrid_host.h" "$place/include/"
"$here/link.sh" "$from" "$place/lib" static
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" "$here/astrid-host.pc.in" > "$place/lib/pkgconfig/astrid-host.pc"
