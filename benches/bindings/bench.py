"""What a call costs from Python: hooks, and questions that a callback answers. Prints a line of JSON a figure."""

import asyncio
import json
import pathlib
import struct
import sys
import tempfile

from astrid_host import AsyncHost, Capsule, Decision, Host
from measure import QUESTIONS, SIZES, private_kib, repeated, tell

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GUESTS = json.loads((ROOT / "target/guests/index.json").read_text())
# The worker's number for a question.
ASK = 8
WAITING = 1000
ENDLESS = 10**15
OPTIONS = {
    "quotas": {"max_cpu_fuel_per_sec": ENDLESS, "max_ipc_throughput_bytes": ENDLESS},
    "audit": {"entries_per_sec": ENDLESS, "bytes_per_sec": ENDLESS},
    "max_principals": 2 * WAITING,
}


def component(name: str) -> tuple[bytes, str, str]:
    """Give a guest's bytes, a manifest for it and its hash."""
    manifest = f'[package]\nname = "{name}"\nversion = "1.0.0"\n[[component]]\nfile = "guest.wasm"\n'
    return (ROOT / GUESTS[name]["path"]).read_bytes(), manifest, GUESTS[name]["hash"]


def triggers(echo: Capsule) -> None:
    """Measure hooks."""
    for size, said in SIZES:
        payload = b"a" * size

        def call(payload: bytes = payload) -> None:
            echo.trigger("echo", payload)

        repeated(f"trigger, {said}, from Python", "one entry", call)


def questions(kind: str, worker: Capsule) -> None:
    """Measure a question and its answer."""
    work = struct.pack("<4I", ASK, QUESTIONS, 0, 0)
    name = f"approval, answered in Python by {kind}"
    repeated(name, "two entries", lambda: worker.trigger("work", work, timeout=60), QUESTIONS)


async def waiting(home: str) -> None:
    """Measure what questions take that wait."""
    asked = 0
    reached = asyncio.Condition()

    async def on_approval(_: object) -> Decision:
        nonlocal asked
        asked += 1
        async with reached:
            reached.notify_all()
        await asyncio.Event().wait()
        return Decision.DENY

    async def until(count: int) -> None:
        async with reached:
            await reached.wait_for(lambda: asked >= count)

    host = await AsyncHost.open(home, on_approval=on_approval, **OPTIONS)
    worker = await host.load_component(*component("worker"))
    work = struct.pack("<4I", ASK, 1, 0, 0)

    def ask(n: int) -> "asyncio.Future[object]":
        return asyncio.ensure_future(worker.trigger("work", work, principal=f"p{n}"))

    calls = [ask(0)]
    await until(1)
    before = private_kib()
    calls += [ask(n) for n in range(1, WAITING)]
    await until(WAITING)
    each = (private_kib() - before) / (WAITING - 1)
    await host.close()
    await asyncio.gather(*calls, return_exceptions=True)
    tell(f"{WAITING} questions that wait in Python: each", "KiB", "a principal, its instance, a task", [each])


def main() -> None:
    """Measure all."""
    with tempfile.TemporaryDirectory() as home, Host.open(home, **OPTIONS) as host:
        triggers(host.load_component(*component("echo")))

    async def answer_later(_: object) -> Decision:
        return Decision.APPROVE

    for kind, on_approval in (("def", lambda _: Decision.APPROVE), ("async def", answer_later)):
        with tempfile.TemporaryDirectory() as home, Host.open(home, on_approval=on_approval, **OPTIONS) as host:
            questions(kind, host.load_component(*component("worker")))
    with tempfile.TemporaryDirectory() as home:
        asyncio.run(waiting(home))


if __name__ == "__main__":
    sys.exit(main())
