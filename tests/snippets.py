"""Runs the programs in the guides, so that none of them promises what is not: python3 tests/snippets.py.

A fenced block of Python, JavaScript or C in the guide of a language is a whole program, and so is the README's in
Rust, which is `examples/rust/first.rs`. Those of one guide run one after the other in a folder of their own, in which
only the example's capsule lies. What a comment behind a line that prints says, the program must have printed.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
GUIDES = {
    "python": "bindings-python/README.md",
    "js": "bindings-node/README.md",
    "c": "bindings-c/README.md",
    "rust": "README.md",
}
PRINTED = re.compile(r"(?:print|console\.log|printf)\(.*\);?\s+(?:#|//|/\*)\s*(?P<text>.*?)(?:\s*\*/)?$", re.MULTILINE)


def programs(language: str, guide: str) -> list[str]:
    """Give the fenced blocks of a language in a guide."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / guide).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def room(place: pathlib.Path, language: str) -> pathlib.Path:
    """Lay out what a program of this language finds around it."""
    (place / "examples").mkdir(parents=True)
    (place / "examples" / "capsules").symlink_to(ROOT / "examples" / "capsules")
    if language == "js":
        (place / "node_modules").mkdir()
        (place / "node_modules" / "astrid-host").symlink_to(ROOT / "bindings-node")
    if language == "c":
        subprocess.run([ROOT / "bindings-c/link.sh", TARGET / "debug", place / "lib"], check=True)
    return place


def command(language: str, program: str, place: pathlib.Path) -> list[str | pathlib.Path]:
    """Write a program down, compile it where that is due, and give the command that runs it."""
    source = place / {"python": "program.py", "js": "program.mjs", "c": "program.c", "rust": "program.rs"}[language]
    source.write_text(program, "utf-8")
    if language == "python":
        return [sys.executable, "-X", "dev", "-W", "error", source]
    if language == "js":
        return ["node", "--preserve-symlinks", source]
    if language == "rust":
        if program != (ROOT / "examples/rust/first.rs").read_text("utf-8"):
            raise ValueError("the README's program is not the one of examples/rust/first.rs")
        return [TARGET / "debug/examples/first"]
    warnings = ["-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    library = [f"-I{ROOT / 'bindings-c/include'}", f"-L{place / 'lib'}", "-lastrid_host", f"-Wl,-rpath,{place / 'lib'}"]
    subprocess.run(["gcc", *warnings, source, "-o", place / "program", *library], check=True)
    return [place / "program"]


def problem(language: str, program: str, place: pathlib.Path) -> str | None:
    """Run a program and say what is wrong with it."""
    environment = {**os.environ, "PYTHONPATH": str(TARGET / "python")}
    try:
        ready = command(language, program, place)
        ran = subprocess.run(
            ready, cwd=place, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    except (subprocess.SubprocessError, ValueError) as error:
        return str(error)
    if ran.returncode != 0 or not ran.stdout:
        return f"status {ran.returncode}\n{ran.stdout}{ran.stderr}"
    missing = [text for text in PRINTED.findall(program) if text not in ran.stdout]
    return f"{json.dumps(missing)} is not in what it printed:\n{ran.stdout}" if missing else None


def main() -> int:
    """Run every program of every guide and count."""
    passed = failed = 0
    for language, guide in GUIDES.items():
        found = programs(language, guide)
        if not found:
            print(f"FAILED {guide} has no program in {language}")
            failed += 1
        with tempfile.TemporaryDirectory() as folder:
            place = room(pathlib.Path(folder, language), language)
            for number, program in enumerate(found, 1):
                wrong = problem(language, program, place)
                if wrong:
                    print(f"FAILED {guide}, program {number} in {language}: {wrong}")
                    failed += 1
                else:
                    passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
