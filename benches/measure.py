"""How what runs on Python is measured, ours and the peers' alike, and how the figures of programs are kept."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

ROUNDS, SECONDS, LEAST = 7, 0.3, 3
IDLE = 200
# How often a guest asks in one call.
QUESTIONS = 1000
SIZES = ((64, "64 B"), (65536, "64 KiB in and out"))


def wanted(name: str) -> bool:
    """Tell whether the words after the guest's path choose a figure; without words all are wanted."""
    return len(sys.argv) <= 2 or any(word in name for word in sys.argv[2:])  # noqa: PLR2004


def tell(name: str, unit: str, includes: str, rounds: list[float]) -> None:
    """Print a figure."""
    figure = {"name": name, "unit": unit, "median": statistics.median(rounds), "rounds": sorted(rounds)}
    print(json.dumps({**figure, "includes": includes}), flush=True)


def repeated(name: str, includes: str, operation: Callable[[], object], of: int = 1) -> None:
    """Measure the processor time of an operation that does ``of`` things, over all threads."""
    if not wanted(name):
        return
    began, times = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS / 4 or times < LEAST:
        operation()
        times += 1
    times = max(LEAST, int(times * SECONDS / (time.perf_counter() - began)))
    rounds = []
    for _ in range(ROUNDS):
        before = time.process_time_ns()
        for _ in range(times):
            operation()
        rounds.append((time.process_time_ns() - before) / times / of / 1000)
    tell(name, "us", includes, rounds)


def private_kib() -> int:
    """Memory that belongs to this process alone."""
    lines = pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def idle(name: str, make: Callable[[], object]) -> None:
    """Measure what an instance takes that was called once and is kept."""
    if not wanted(name):
        return
    kept = [make()]
    before = private_kib()
    kept += [make() for _ in range(IDLE)]
    tell(name, "KiB", f"each of {IDLE}, called once with 64 B", [(private_kib() - before) / IDLE])


def collect(commands: list[list[str]], file: pathlib.Path, environment: dict[str, str] | None = None) -> None:
    """Run programs that print figures, one after the other, show what they measured and keep it in ``file``."""
    figures = []
    path = os.pathsep.join([str(pathlib.Path(__file__).parent), *filter(None, [(environment or {}).get("PYTHONPATH")])])
    given = {**os.environ, **(environment or {}), "PYTHONPATH": path}
    for command in commands:
        output = subprocess.run(command, env=given, check=True, stdout=subprocess.PIPE, text=True).stdout
        for figure in map(json.loads, output.splitlines()):
            figures.append(figure)
            least, most = figure["rounds"][0], figure["rounds"][-1]
            spread = f"({least:.2f} … {most:.2f})"
            print(f"{figure['name']:<52} {figure['median']:>10.2f} {figure['unit']:<4} {spread}  {figure['includes']}")
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(figures, indent=2) + "\n")
