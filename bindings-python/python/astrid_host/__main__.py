"""``python -m astrid_host``: what a component or a package is to this host, and what this machine offers."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from . import AstridError, ComponentReport, Diagnosis, Host, Inspection, __version__, inspect_component

_MAPS = pathlib.Path("/proc/sys/vm/max_map_count")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the answer is the status the process ends with: 0 if all is well, 1 if not."""
    parser = argparse.ArgumentParser(prog="astrid-host", description="Looks at capsules and at this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="what a component or a package is to this host")
    inspect.add_argument("path", type=pathlib.Path, help="a component, a folder with a Capsule.toml, or an archive")
    doctor = commands.add_parser("doctor", help="what this machine offers")
    for command in (inspect, doctor):
        command.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    try:
        return _inspect(given.path, given.json) if given.command == "inspect" else _doctor(given.json)
    except AstridError as error:
        print(f"{error.kind}: {error}", file=sys.stderr)
    except OSError as error:
        print(error, file=sys.stderr)
    return 1


def _inspect(path: pathlib.Path, as_json: bool) -> int:
    if path.suffix == ".wasm":
        report = inspect_component(path.read_bytes())
        _say(report, as_json, _component(report))
        return 0 if report.runnable else 1
    with tempfile.TemporaryDirectory() as home, Host.open(home) as host:
        package = host.inspect(path)
    _say(package, as_json, _package(package))
    return 0


def _doctor(as_json: bool) -> int:
    with tempfile.TemporaryDirectory() as home, Host.open(home) as host:
        diagnosis = host.diagnose()
        audit = host.audit.verify()
    _say(diagnosis, as_json, _machine(diagnosis, audit.intact))
    return 0 if audit.intact else 1


def _say(found: ComponentReport | Inspection | Diagnosis, as_json: bool, lines: list[str]) -> None:
    as_dict: dict[str, Any] = dataclasses.asdict(found)
    print(json.dumps(as_dict, indent=2, default=str) if as_json else "\n".join(lines))


def _component(report: ComponentReport) -> list[str]:
    lines = [f"hash     {report.hash}", f"size     {report.bytes} bytes"]
    for interface in report.imports:
        lines.append(f"imports  {interface.name}{'' if interface.offered else '  (not offered)'}")
        for function in interface.functions:
            needs = f"  needs {function.capability}" if function.capability else ""
            lines.append(f"           {function.name}{needs}")
    lines += [f"exports  {name}" for name in report.exports]
    lines += [f"needs    {name}" for name in report.capabilities]
    lines += [f"problem  {problem}" for problem in report.problems]
    return [*lines, f"runs here: {'yes' if report.runnable else 'no'}"]


def _package(package: Inspection) -> list[str]:
    lines = [f"capsule  {package.id} {package.version}", f"hash     {package.hash}"]
    lines += [f"asks for {capability}" for capability in package.changes.added]
    return lines + [f"warning  {warning}" for warning in package.warnings]


def _machine(diagnosis: Diagnosis, intact: bool) -> list[str]:
    lines = [
        f"astrid-host  {__version__}, Python {platform.python_version()}",
        f"machine      {platform.system()} {platform.machine()}, {os.cpu_count()} processors",
    ]
    if _MAPS.exists():
        lines.append(f"memory maps  {_MAPS.read_text().strip()} for each process, about six a run loop")
    lines.append(f"home         opens, locks and writes; its audit is {'intact' if intact else 'NOT intact'}")
    lines.append(f"programs     {f'by {diagnosis.sandbox}' if diagnosis.processes else 'cannot be started'}")
    lines += [f"  missing    {missing}" for missing in diagnosis.missing]
    return lines + [f"  {limit:<10} {by}" for limit, by in diagnosis.limits.items()]


if __name__ == "__main__":
    sys.exit(main())
