"""Runs every suite of every language and adds up what their own summary lines say.

    python3 tests/all.py [NAME ...]

runs the suites whose names contain one of the arguments, or all. The last line is `N passed, N failed`; a suite that
ends badly without having counted a failure counts as one, and so does a suite that ran nothing.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PYTHON = str(TARGET / "venv" / "bin" / "python")
# The other side of the network, in front of a runner that is no test of cargo's.
PEERS = str(TARGET / "debug" / "peers")
PYTHONPATH = {"PYTHONPATH": str(TARGET / "python")}

# Name, folder, environment, command. The builds come first, so that no suite measures another's compiler.
SUITES = [
    ("rust: core", ".", {}, "cargo test --quiet --locked --workspace --lib"),
    (
        "rust: abi, floors, guests, header, surface",
        ".",
        {},
        "cargo test --quiet --locked --workspace --test abi_lock --test floors --test guests_fresh --test header "
        "--test surface",
    ),
    (
        "rust: lives of capsules and principals",
        ".",
        {},
        "cargo test --quiet --locked --workspace --test waiting --test closing --test removing --test upgrading "
        "--test watching --test streaming",
    ),
    ("rust: engine", ".", {}, "cargo test --quiet --locked --workspace --test engine"),
    ("rust: airlock", ".", {}, "cargo test --quiet --locked --workspace --test airlock"),
    ("rust: kill -9", ".", {}, "cargo test --quiet --locked --workspace --test crash"),
    ("rust: programs and kill -9", ".", {}, "cargo test --quiet --locked --workspace --test outliving"),
    ("rust: otlp", "otlp", {}, "cargo test --quiet --locked --target-dir ../target/otlp"),
    ("rust: scenarios", ".", {}, "cargo test --quiet --locked --workspace --test conformance"),
    ("rust: stress", ".", {}, "cargo test --quiet --locked --workspace --test stress"),
    ("c: programs", ".", {}, "bindings-c/tests/run.sh"),
    ("c: scenarios", ".", {}, f"{PEERS} tests/runners/c/run.sh"),
    ("python: tests", "bindings-python", PYTHONPATH, f"{PYTHON} -m pytest && ../tests/pythons.sh"),
    ("python: scenarios", ".", PYTHONPATH, f"{PEERS} {PYTHON} tests/runners/python/run.py"),
    ("node: tests", "bindings-node", {}, "node --test test/*.test.mjs"),
    ("embedders: Java and Go", ".", {}, "tests/embedders.sh"),
    ("guides: their programs", ".", {}, f"{PYTHON} tests/snippets.py"),
    ("packages: npm and C", ".", {}, "tests/packages.sh"),
    ("node: scenarios", ".", {}, f"{PEERS} node tests/runners/node/run.mjs"),
]

# The summary lines of cargo's harness, of our own runners, of pytest and of node's runner.
COUNTS = [
    re.compile(r"^test result: \w+\. (?P<passed>\d+) passed; (?P<failed>\d+) failed"),
    re.compile(r"^(?P<passed>\d+) passed, (?P<failed>\d+) failed$"),
    re.compile(r"^=* ?(?:(?P<failed>\d+) failed, )?(?P<passed>\d+) passed(?:, \d+ \w+)* in "),
    re.compile(r"^(?:#|\u2139) pass (?P<passed>\d+)"),
    re.compile(r"^(?:#|\u2139) fail (?P<failed>\d+)"),
]


def run(name: str, folder: str, extra: dict[str, str], command: str) -> tuple[int, int]:
    """Runs one suite, shows what it prints, and returns how many of its tests passed and failed."""
    print(f"\n== {name}: {command}", flush=True)
    began = time.monotonic()
    passed = failed = 0
    suite = subprocess.Popen(
        command,
        shell=True,
        cwd=ROOT / folder,
        env={**os.environ, **extra},
        text=True,
        errors="replace",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    for line in suite.stdout or []:
        print(line, end="", flush=True)
        for pattern in COUNTS:
            if counted := pattern.match(line.strip()):
                groups = counted.groupdict()
                passed += int(groups.get("passed") or 0)
                failed += int(groups.get("failed") or 0)
                break
    status = suite.wait()
    if failed == 0 and (status != 0 or passed == 0):
        failed = 1
        print(f"{name} ended with status {status} after {passed} passed tests")
    print(f"-- {name}: {passed} passed, {failed} failed, {time.monotonic() - began:.0f} s", flush=True)
    return passed, failed


def main() -> int:
    """Runs the suites and prints the sum."""
    wanted = sys.argv[1:]
    results = [run(*suite) for suite in SUITES if not wanted or any(word in suite[0] for word in wanted)]
    passed, failed = (sum(column) for column in zip(*results, strict=True)) if results else (0, 1)
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
