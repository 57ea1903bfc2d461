"""Measures the bindings, built in the release profile, one after the other, and writes `target/bench/bindings.json`."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

# The folder above this one holds what both share.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from measure import collect

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
HERE = ROOT / "benches" / "bindings"


def compiled() -> list[str]:
    """Compile the C program and give its command."""
    built = TARGET / "bench" / "c"
    built.mkdir(parents=True, exist_ok=True)
    subprocess.run([ROOT / "bindings-c/link.sh", TARGET / "release", built / "lib"], check=True)
    flags = [
        "-O2",
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{ROOT / 'bindings-c/include'}",
        f"-I{HERE.parent}",
        "-pthread",
    ]
    link = [f"-L{built / 'lib'}", "-lastrid_host", f"-Wl,-rpath,{built / 'lib'}"]
    subprocess.run(
        ["gcc", *flags, HERE / "bench.c", HERE.parent / "measure.c", "-o", built / "bench", *link], check=True
    )
    guests = json.loads((TARGET / "guests/index.json").read_text())
    named = [text for name in ("echo", "worker") for text in (str(ROOT / guests[name]["path"]), guests[name]["hash"])]
    return [str(built / "bench"), tempfile.mkdtemp(), *named]


def main() -> int:
    """Run every language, show its figures and keep them."""
    commands = [compiled(), [sys.executable, str(HERE / "bench.py")], ["node", str(HERE / "bench.mjs")]]
    collect(commands, TARGET / "bench" / "bindings.json", {"PYTHONPATH": str(TARGET / "python")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
