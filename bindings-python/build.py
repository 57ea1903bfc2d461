"""Puts the package together for tests: the Python sources and the native module that cargo built.

    python3 bindings-python/build.py [--profile dev] [--built]

builds the workspace (a part of it would resolve other features, and compile every dependency again) and leaves
`target/python/astrid_host`, to be imported with `PYTHONPATH=target/python`. It wants nothing but cargo, and links to
the sources, so an edited Python file needs no new build. Maturin makes wheels instead.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
LIBRARY = {"darwin": "lib_native.dylib", "win32": "_native.dll"}.get(sys.platform, "lib_native.so")
EXTENSION = "_native.pyd" if sys.platform == "win32" else "_native.abi3.so"


def main() -> None:
    """Build, then lay the package."""
    parser = argparse.ArgumentParser(description="Build the Python package for tests.")
    parser.add_argument("--profile", default="dev", help="the cargo profile (dev)")
    parser.add_argument("--built", action="store_true", help="take what cargo has built already")
    arguments = parser.parse_args()
    profile = arguments.profile
    if not arguments.built:
        command = ["cargo", "build", "--quiet", "--locked", "--workspace", "--lib", "--bins", "--examples"]
        subprocess.run([*command, "--profile", profile], cwd=HERE.parent, check=True)
    package = TARGET / "python" / "astrid_host"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for source in (HERE / "python" / "astrid_host").iterdir():
        if source.suffix in {".py", ".pyi", ".typed"} or source.name == "py.typed":
            (package / source.name).symlink_to(source)
    built = TARGET / ("debug" if profile == "dev" else profile) / LIBRARY
    # A copy under a new name: a running interpreter keeps the old one mapped.
    fresh = package / f"{EXTENSION}.new"
    shutil.copyfile(built, fresh)
    fresh.replace(package / EXTENSION)


if __name__ == "__main__":
    main()
