#!/bin/sh
# Installs what the tests need beside Rust, Node, Python and gcc: setup.sh [check]. Does nothing where it is there already.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}

# pkg-config and jansson for the C runner, g++ and CMake for the C package, valgrind for the C example, venv for the Python tests, which try the example of a web application.
missing=
command -v pkg-config > /dev/null || missing="$missing pkg-config"
pkg-config --exists jansson 2> /dev/null || missing="$missing libjansson-dev"
command -v g++ > /dev/null || missing="$missing g++"
command -v cmake > /dev/null || missing="$missing cmake"
command -v valgrind > /dev/null || missing="$missing valgrind"
# Languages with faults of their own, whose programs embed the C library.
command -v javac > /dev/null || missing="$missing default-jdk-headless"
command -v go > /dev/null || missing="$missing golang-go"
# Programs of capsules run under bubblewrap, where they are only what the system has installed.
[ -x /usr/bin/python3 ] || missing="$missing python3"
command -v bwrap > /dev/null || missing="$missing bubblewrap"
python3 -c 'import ensurepip, venv' 2> /dev/null || missing="$missing python3-venv"
# Doxygen makes the reference of the C header, among the checks.
[ "${1:-}" != check ] || command -v doxygen > /dev/null || missing="$missing doxygen"
if [ -n "$missing" ]; then
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    # shellcheck disable=SC2086 # a list of names
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
fi

python=$target/venv/bin/python
[ -x "$python" ] || python3 -m venv "$target/venv"
"$python" -m pytest --version > /dev/null 2>&1 || "$python" -m pip install -q 'pytest>=9,<10'
"$python" -c 'import httpx2, starlette' 2> /dev/null || "$python" -m pip install -q 'starlette>=1.10,<2' 'httpx2>=2,<3'
[ -d "$root/bindings-node/node_modules/typescript" ] || (cd "$root/bindings-node" && npm ci --silent --no-audit --no-fund)

[ "${1:-}" = check ] || exit 0
"$python" -m mkdocs --version > /dev/null 2>&1 || "$python" -m pip install -q 'mkdocs>=1.6,<2'
"$python" -m mypy --version > /dev/null 2>&1 || "$python" -m pip install -q 'mypy>=2.4,<3' 'ruff>=0.17,<0.18'
"$python" -c 'import pyright' 2> /dev/null || "$python" -m pip install -q 'pyright>=1.1,<1.2'
