#!/bin/sh
# Rebuilds the committed guests, or with --check builds them anew elsewhere and fails unless the bytes are the same.
#
# The target wasm32-unknown-unknown has no ready standard library here, so one is compiled along: Debian's compiler
# (rustc-web) with Debian's library sources (rust-web-src), driven by the cargo of 1.95 and linked by its rust-lld.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
built="$repository/tests/guests/built"
modules="$repository/target/guests-build"
cargo_home=${CARGO_HOME:-$HOME/.cargo}

have_compiler() {
    [ -x /usr/bin/rustc ] && [ -d /usr/lib/rustlib/src/rust/library ]
}

tools=$(dirname "$(rustup which --toolchain 1.95.0 cargo)")
export PATH="$cargo_home/bin:$PATH"

toolchain() {
    dpkg-query -W -f '${Package} ${Version}\n' rustc-web rust-web-src
    /usr/bin/rustc --version
    "$tools/cargo" --version
    "$tools/../lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld" -flavor wasm --version
}

compile() {
    cd "$repository/tests/guests/rust"
    # No path of this machine may get into a component: the same sources give the same bytes everywhere.
    flags="--remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$repository=/source"
    # The folder of the downloaded crates is named for where they came from; the last prefix that fits wins.
    for crates in "$cargo_home"/registry/src/*; do
        flags="$flags --remap-path-prefix=$crates=/crates"
    done
    RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="$flags" \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$tools/../lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld" \
        cargo +1.95.0 build --release --locked --target wasm32-unknown-unknown \
        -Zbuild-std=std,panic_abort --target-dir "$1"
    cd "$repository"
}

forge() {
    cargo run --quiet --locked --package guest-forge -- "$@"
}

case "${1-}" in
"")
    have_compiler || apt-get install -y --no-install-recommends rustc-web rust-web-src
    compile "$modules"
    forge keep "$repository" "$modules/wasm32-unknown-unknown/release"
    toolchain >"$built/TOOLCHAIN"
    cd "$repository"
    sha256sum tests/guests/built/*.wasm examples/capsules/*/*.wasm >"$built/SHA256SUMS"
    ;;
--check)
    if ! have_compiler || ! toolchain | cmp -s - "$built/TOOLCHAIN"; then
        echo "the recorded compiler is not installed here: nothing to compare" >&2
        exit 2
    fi
    cd "$repository"
    sha256sum --check --quiet "$built/SHA256SUMS"
    fresh=$(mktemp -d)
    trap 'rm -rf "$fresh"' EXIT
    compile "$fresh/target"
    forge compare "$repository" "$fresh/target/wasm32-unknown-unknown/release" "$fresh"
    ;;
*)
    echo "usage: $0 [--check]" >&2
    exit 64
    ;;
esac
