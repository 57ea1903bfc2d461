"""Measures what a user would pick instead, one after the other, and writes `target/bench/peers.json`.

`run.py [WORD …]` measures the figures whose names contain one of the words, or all. They line up with ours: `call` with
`trigger`, `new instance` with a trigger of a principal without an instance, `guest to host and back` with `kv-get`.
"""

import json
import os
import pathlib
import subprocess
import sys

# The folder above this one holds what both share.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from measure import collect

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
HERE = ROOT / "benches" / "peers"
PEERS = TARGET / "peers"
PYTHON = PEERS / "venv/bin/python"
TO_WASM = "import pathlib, sys, wasmtime; pathlib.Path(sys.argv[2]).write_bytes(wasmtime.wat2wasm(sys.argv[1]))"


def assembled(name: str) -> str:
    """Turn a guest that is written as text into bytes and give their path."""
    to = PEERS / f"{name}.wasm"
    subprocess.run([PYTHON, "-c", TO_WASM, (HERE / f"{name}.wat").read_text(), to], check=True)
    return str(to)


def compiled() -> str:
    """Compile the C program against the library that the Python package carries and give its path."""
    (library,) = (PEERS / "venv/lib").glob("python*/site-packages/extism_sys/libextism_sys.so")
    flags = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{HERE.parent}"]
    link = [f"-L{library.parent}", f"-l:{library.name}", f"-Wl,-rpath,{library.parent}"]
    subprocess.run(
        ["gcc", *flags, HERE / "extism.c", HERE.parent / "measure.c", "-o", PEERS / "extism", *link], check=True
    )
    return str(PEERS / "extism")


def main(words: list[str]) -> int:
    """Run every peer, show its figures and keep them."""
    subprocess.run([sys.executable, HERE / "setup.py"], check=True)
    plugin, ask = assembled("echo-extism"), assembled("ask")
    echo = str(ROOT / json.loads((TARGET / "guests/index.json").read_text())["echo"]["path"])
    node = ["node", "--expose-gc", "--no-warnings"]
    commands = [
        [str(PYTHON), str(HERE / "peer_extism.py"), plugin],
        [compiled(), plugin],
        [*node, str(HERE / "extism.mjs"), str(PEERS), plugin],
        [str(PYTHON), str(HERE / "peer_wasmtime.py"), echo, ask],
        [*node, str(HERE / "jco.mjs"), str(PEERS), echo, ask],
        [*node, str(HERE / "jco-idle.mjs"), str(PEERS), echo],
    ]
    collect([[*command, *words] for command in commands], TARGET / "bench" / "peers.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
