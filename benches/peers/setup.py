"""Installs what the peers need into `target/peers`. Does nothing where it is there already."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PEERS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target")).resolve() / "peers"
PYTHON = PEERS / "venv/bin/python"
LISTS = ("requirements.txt", "package.json", "package-lock.json")


def main() -> int:
    """Install, and keep what was asked for, so that the next run can tell whether it is still the same."""
    asked = "".join((HERE / name).read_text() for name in LISTS)
    installed = PEERS / "installed"
    if installed.exists() and installed.read_text() == asked:
        return 0
    PEERS.mkdir(parents=True, exist_ok=True)
    for name in LISTS:
        shutil.copy(HERE / name, PEERS)
    subprocess.run([sys.executable, "-m", "venv", "--clear", PYTHON.parent.parent], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", "requirements.txt"], cwd=PEERS, check=True)
    subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=PEERS, check=True)
    installed.write_text(asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
