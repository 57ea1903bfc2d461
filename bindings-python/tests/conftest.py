"""What the tests share: a puppet that does whatever host calls its payload lists."""

import pathlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from astrid_host import Capsule, Decision, Host

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests/runners/python"))

import capsules

BUY = {"calls": [{"op": "approval.request-approval", "args": {"action": "buy", "target-resource": "tea"}}]}

MAY_SPEAK = ["[publish]", '"test.*" = "opaque"']
# Enough fuel that a guest spins until somebody stops it.
LONG = {"max_cpu_fuel_per_sec": 400_000_000_000}
SPIN = {"calls": [{"op": "ipc.publish", "args": {"topic": "test.spinning", "payload": "1"}}, {"op": "spin"}]}


def say_when_it_spins(host: Host) -> None:
    """Prints a word once the guest is about to spin."""
    messages = host.subscribe("test.spinning")

    def say() -> None:
        if messages.next():
            print("spinning", flush=True)

    threading.Thread(target=say, daemon=True).start()


def decision(data: Any) -> str:
    """The guest's view of the answer to BUY."""
    answer: str = data[0]["ok"]["decision"]
    return answer


def bought(home: str, capsule: str) -> str:
    """Opens a host that approves of everything, in whatever process this is, and tells what a guest heard of that."""
    with Host.open(home, on_approval=lambda _: Decision.APPROVE) as host:
        return decision(host.load(capsule).trigger("script", BUY).json())


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Callable[..., pathlib.Path]:
    """Lays a capsule on the disk and gives its folder."""

    def lay(key: str = "main", guest: str = "puppet", **more: Any) -> pathlib.Path:
        capsules.write(tmp_path / key, key, {"guest": guest, **more})
        return tmp_path / key

    return lay


@pytest.fixture
def open_host(tmp_path: pathlib.Path) -> Iterator[Callable[..., Host]]:
    """Opens hosts on the test's home, and closes them when it ends."""
    opened: list[Host] = []

    def open_it(**arguments: Any) -> Host:
        opened.append(Host.open(tmp_path / "home", **arguments))
        return opened[-1]

    yield open_it
    for host in opened:
        host.close()


@pytest.fixture
def load(open_host: Callable[..., Host], folder: Callable[..., pathlib.Path]) -> Callable[..., Capsule]:
    """Opens a host and loads a guest."""

    def load_it(guest: str = "puppet", grants: list[str] | None = None, **arguments: Any) -> Capsule:
        return open_host(**arguments).load(folder(guest=guest, grants=grants or []), principal="alice")

    return load_it
