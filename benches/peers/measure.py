"""How the Python peers measure: as `benches/bindings/bench.py` does."""

import json
import pathlib
import statistics
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
