"""Plays the scenarios of tests/scenarios through the Python package.

PYTHONPATH=target/python target/debug/peers python3 tests/runners/python/run.py [--only TEXT]

`--only`, or the environment variable SCENARIO, plays only the scenarios whose area and name contain the text.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import sys
import tempfile
import traceback

from capsules import REPOSITORY
from player import Player
from world import Failed

SCENARIOS = pathlib.Path(os.environ.get("SCENARIOS", REPOSITORY / "tests/scenarios"))
REQUIRED = REPOSITORY / "target/conformance/required.json"
_TIMEOUT_MS = 30_000


def play(path: pathlib.Path) -> set[str]:
    """Play one scenario; returns the pairs it proved."""
    scenario = json.loads(path.read_text("utf-8"))
    with tempfile.TemporaryDirectory(prefix="astrid-") as folder:
        player = Player(scenario, pathlib.Path(folder))
        seconds = scenario.get("timeout_ms", _TIMEOUT_MS) / 1000
        asyncio.run(asyncio.wait_for(player.play(), seconds))
    return player.covered


def main() -> int:
    """Play all, say what failed and what is not covered."""
    parser = argparse.ArgumentParser(description="Plays the scenarios through the Python package.")
    parser.add_argument("--only", default=os.environ.get("SCENARIO", ""), metavar="TEXT")
    only = parser.parse_args().only
    passed = failed = 0
    covered: set[str] = set()
    for path in sorted(SCENARIOS.glob("*/*.json"), key=lambda path: path.relative_to(SCENARIOS).as_posix()):
        name = path.relative_to(SCENARIOS).with_suffix("").as_posix()
        if only not in name:
            continue
        try:
            covered |= play(path)
            passed += 1
        except (Failed, asyncio.TimeoutError) as failure:
            failed += 1
            print(f"failed: {name}: {failure or 'it took too long'}", flush=True)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001 - a panic is one too, and the next scenario must still be played
            failed += 1
            print(f"failed: {name}: {traceback.format_exc()}", flush=True)
    missing = [] if only else sorted(set(json.loads(REQUIRED.read_text("utf-8"))) - covered)
    for pair in missing:
        print(f"uncovered: {pair}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
