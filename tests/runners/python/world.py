"""What a scenario has opened, loaded and begun, and how its steps name it."""

from __future__ import annotations

import asyncio
import json
import pathlib
from typing import Any

import capsules
from astrid_host import AsyncCapsule, AsyncHost, AsyncMessages
from handlers import Handlers


class Failed(Exception):
    """A step did not do what the scenario says."""


class World:
    """A scenario in a folder of its own, in which nothing has happened yet."""

    def __init__(self, scenario: dict[str, Any], folder: pathlib.Path) -> None:
        self.scenario = scenario
        self.folder = folder
        self.home = folder / "home"
        self.handlers = Handlers(scenario.get("host", {}))
        self.host: AsyncHost | None = None
        self.others: list[AsyncHost] = []
        # The capsules as they were written last.
        self.written: dict[str, dict[str, Any]] = dict(scenario.get("capsules", {}))
        self.capsules: dict[str, AsyncCapsule] = {}
        self.calls: dict[str, asyncio.Task[Any]] = {}
        self.messages: dict[str, AsyncMessages] = {}

    @property
    def opened(self) -> AsyncHost:
        """The host, open or closed again."""
        if self.host is None:
            raise Failed("no host is open")
        return self.host

    def capsule(self, step: dict[str, Any]) -> AsyncCapsule:
        """Find the capsule that a step means."""
        if step["capsule"] not in self.capsules:
            raise Failed(f"{step['capsule']} is not loaded")
        return self.capsules[step["capsule"]]

    def path(self, step: dict[str, Any]) -> pathlib.Path:
        """Give what the host is told as the path of the capsule that a step means."""
        key = step["capsule"]
        return capsules.path_of(self.folder / key, self.written.get(key, {}))


def given(step: dict[str, Any], *names: str) -> dict[str, Any]:
    """Pick those fields that the step has."""
    return {name: step[name] for name in names if name in step}


def seconds(step: dict[str, Any]) -> float | None:
    """Give the step's time limit, if it has one."""
    return step["timeout_ms"] / 1000 if "timeout_ms" in step else None


def payload(step: dict[str, Any]) -> bytes:
    """Give what is sent: JSON, a text as it is, or nothing."""
    if "payload" in step:
        return json.dumps(step["payload"], ensure_ascii=False, separators=(",", ":")).encode()
    return str(step.get("text", "")).encode()


def parsed(text: str | None) -> Any:
    """Read a text as JSON; ``None`` where that cannot be."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None
