"""Lays what was measured beside what is to be reached and what others take: python3 benches/table.py.

Reads what `core`, `bindings/run.py` and `peers/run.py` left in `target/bench`, writes `results.json`, `results.md` and
`results.svg` there, and prints the table. A ratio is the peer's figure by ours, both of this run.
"""

import json
import math
import os
import pathlib
import sys
from dataclasses import dataclass
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench"
EXTISM = {name: f"call, 64 B: Extism, {name}" for name in ("C", "Python", "Node", "Node, worker")}
LARGE = "call, 64 KiB in and out"


@dataclass(frozen=True)
class Goal:
    """A figure of ours, what it is to be at most, and whose figures stand beside it."""

    name: str
    most: float
    beside: tuple[str, ...] = ()


FLOOR = "floor: bare wasmtime call, 64 B"
GOALS = [
    Goal("trigger, 64 B", 1.6, (FLOOR,)),
    Goal("trigger, 64 B, from C", 1.7, (EXTISM["C"],)),
    Goal("trigger, 64 B, from Python", 2.1, (EXTISM["Python"], "call, 64 B: wasmtime-py")),
    Goal("trigger, 64 B, from Node, sync", 2.6, (EXTISM["Node"], "call, 64 B: jco, Node")),
    Goal("trigger, 64 B, from Node, async", 20, (EXTISM["Node, worker"],)),
    Goal("trigger, 64 KiB in and out, from Python", 10, (f"{LARGE}: Extism, Python", f"{LARGE}: wasmtime-py")),
    Goal("trigger, 64 KiB in and out, from Node, sync", 14, (f"{LARGE}: Extism, Node", f"{LARGE}: jco, Node")),
    Goal("kv-get, 64 B", 1.0, ("guest to host and back, 64 B: Extism, C",)),
    Goal("kv-set, 64 B, class of the process", 8),
    Goal("approval, answered in C", 4),
    Goal("approval, answered in Python by def", 6),
    Goal("approval, answered in Node, trigger", 25),
    Goal("publish to nobody, 10 capsules with handlers", 1.8),
    Goal("publish to nobody, 1000 capsules with handlers", 1.8),
    Goal("publish and recv, 1 B", 3.0),
    Goal("1000 capsules in recv: private memory of each", 28),
    Goal("10000 capsules in recv: processor while nothing happens", 1),
]


def measured() -> dict[str, dict[str, Any]]:
    """Read every figure by its name; what was not measured in this run is not there."""
    files = [BENCH / f"{name}.json" for name in ("core", "bindings", "peers")]
    return {figure["name"]: figure for file in files if file.exists() for figure in json.loads(file.read_text())}


def row(goal: Goal, figures: dict[str, dict[str, Any]]) -> str:
    """Give a line of the table."""
    figure = figures[goal.name]
    ours, least, most = figure["median"], figure["rounds"][0], figure["rounds"][-1]
    reached = "yes" if ours <= goal.most else f"no: {ours / goal.most:.1f} x"
    others = [
        f"{name} {figures[name]['median']:.2f} ({figures[name]['median'] / ours:.1f} x)"
        for name in goal.beside
        if name in figures
    ]
    figure_text = f"{ours:.2f} {figure['unit']} ({least:.2f} … {most:.2f})"
    return f"| {goal.name} | {figure['includes']} | {figure_text} | {goal.most} | {reached} | {'; '.join(others)} |"


def plot(figures: dict[str, dict[str, Any]]) -> str:
    """Draw what a call of 64 bytes takes with each, longest last; a bar's length is the logarithm of its figure."""
    names = [FLOOR, *(goal.name for goal in GOALS if goal.name.startswith("trigger, 64 B"))]
    names += [name for name in figures if name.startswith("call, 64 B")]
    bars = sorted((figures[name]["median"], name) for name in names if name in figures)
    lines = []
    for at, (value, name) in enumerate(bars):
        colour = "#888" if name.startswith("call") else "#c60"
        length = 100 * math.log10(1 + value * 10)
        y = 24 + at * 24
        lines.append(f'<rect x="300" y="{y - 12}" width="{length:.0f}" height="16" fill="{colour}"/>')
        lines.append(f'<text x="292" y="{y}" text-anchor="end">{name}</text>')
        lines.append(f'<text x="{306 + length:.0f}" y="{y}">{value:.2f} us</text>')
    size = f'width="860" height="{36 + len(bars) * 24}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">'
    return "\n".join([head, *lines, "</svg>"]) + "\n"


def main() -> int:
    """Write everything and show the table."""
    figures = measured()
    rows = [row(goal, figures) for goal in GOALS if goal.name in figures]
    head = [
        "| operation | includes | median (least … most) | at most | reached | beside |",
        "|---|---|---|---|---|---|",
    ]
    table = "\n".join([*head, *rows]) + "\n"
    (BENCH / "results.json").write_text(json.dumps(list(figures.values()), indent=2) + "\n")
    (BENCH / "results.md").write_text(table)
    (BENCH / "results.svg").write_text(plot(figures))
    print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
