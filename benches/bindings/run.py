"""Measures the bindings, built in the release profile, one after the other, and writes `target/bench/bindings.json`."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
HERE = ROOT / "benches" / "bindings"


def compiled() -> list[str]:
    """Compile the C program and give its command."""
    built = TARGET / "bench" / "c"
    built.mkdir(parents=True, exist_ok=True)
    subprocess.run([ROOT / "bindings-c/link.sh", TARGET / "release", built / "lib"], check=True)
    flags = ["-O2", "-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'bindings-c/include'}", "-pthread"]
    link = [f"-L{built / 'lib'}", "-lastrid_host", f"-Wl,-rpath,{built / 'lib'}"]
    subprocess.run(["gcc", *flags, HERE / "bench.c", "-o", built / "bench", *link], check=True)
    guests = json.loads((TARGET / "guests/index.json").read_text())
    named = [text for name in ("echo", "worker") for text in (str(ROOT / guests[name]["path"]), guests[name]["hash"])]
    return [str(built / "bench"), tempfile.mkdtemp(), *named]


def main() -> int:
    """Run every language, show its figures and keep them."""
    environment = {**os.environ, "PYTHONPATH": str(TARGET / "python")}
    commands = [compiled(), [sys.executable, str(HERE / "bench.py")], ["node", str(HERE / "bench.mjs")]]
    figures = []
    for command in commands:
        output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
        for figure in map(json.loads, output.splitlines()):
            figures.append(figure)
            least, most = figure["rounds"][0], figure["rounds"][-1]
            spread = f"({least:.2f} … {most:.2f})"
            print(f"{figure['name']:<52} {figure['median']:>10.2f} {figure['unit']:<4} {spread}  {figure['includes']}")
    (TARGET / "bench" / "bindings.json").write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
