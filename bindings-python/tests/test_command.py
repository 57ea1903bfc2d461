"""What a component is, and the command that says so."""

import json
import subprocess
import sys

import astrid_host
import capsules
import pytest
from astrid_host import ComponentInvalid, inspect_component
from astrid_host.__main__ import main


def bytes_of(guest):
    return capsules.guest_bytes(guest)


def test_a_component_is_described():
    report = inspect_component(bytes_of("puppet"))
    assert report.runnable and report.problems == []
    names = [interface.name for interface in report.imports]
    assert {"astrid:kv/host@1.0.0", "astrid:process/host@1.1.0"} < set(names)
    assert {"host_process", "uplink"} <= set(report.capabilities)
    assert "astrid-hook-trigger" in report.exports
    functions = {one.name: one.capability for interface in report.imports for one in interface.functions}
    assert functions["kv-get"] is None and functions["spawn"] == "host_process"
    assert report.bytes == len(bytes_of("puppet")) and len(report.hash) == 64


def test_one_that_cannot_run_says_why():
    report = inspect_component(bytes_of("wasi-import"))
    assert not report.runnable
    assert "capsules may import astrid:* only" in report.problems[0]
    with pytest.raises(ComponentInvalid):
        inspect_component(b"PK")


def test_the_command_inspects_components_and_packages(folder, capsys):
    path = folder(grants=["[capabilities]", 'host_process = ["git"]'])
    assert main(["inspect", str(path / "guest.wasm")]) == 0
    told = capsys.readouterr().out
    assert "imports  astrid:kv/host@1.0.0" in told and told.endswith("runs here: yes\n")
    assert main(["inspect", str(path)]) == 0
    assert "asks for host_process: git" in capsys.readouterr().out
    assert main(["inspect", "--json", str(path / "guest.wasm")]) == 0
    assert json.loads(capsys.readouterr().out)["runnable"] is True
    assert main(["inspect", str(path / "nothing.wasm")]) == 1
    assert "nothing.wasm" in capsys.readouterr().err


def test_the_command_examines_the_machine():
    told = subprocess.run([sys.executable, "-m", "astrid_host", "doctor"], check=True, capture_output=True, text=True)
    assert told.stdout.startswith(f"astrid-host  {astrid_host.__version__}")
    assert "its audit is intact" in told.stdout and "programs" in told.stdout
