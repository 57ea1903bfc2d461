#!/bin/sh
# The same module under every other Python of this machine, from the path or from pyenv: pythons.sh. What is not here is said.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tests="tests/test_calls.py tests/test_callbacks.py tests/test_async.py tests/test_errors.py tests/test_process.py"

for version in 3.10 3.12 3.13 3.14; do
    found=
    for python in "$(command -v "python$version" || true)" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python3; do
        # A shim of pyenv may stand for nothing.
        [ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2> /dev/null && found=$python
    done
    [ -n "$found" ] || { echo "Python $version is not here"; continue; }
    echo "Python $version:"
    "$found" -m venv "$work/$version"
    "$work/$version/bin/python" -m pip install -q 'pytest>=9,<10'
    # shellcheck disable=SC2086 # a list of names
    (cd "$root/bindings-python" && PYTHONPATH=$target/python "$work/$version/bin/python" -m pytest -p no:cacheprovider $tests)
done
