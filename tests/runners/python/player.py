"""Plays one scenario."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import capsules
import workspace
from astrid_host import AstridError
from call_verbs import CallVerbs
from capsule_verbs import CapsuleVerbs
from host_verbs import HostVerbs
from matching import mismatch, short
from world import Failed

_OBSERVE_SECONDS = 0.01


class Player(HostVerbs, CapsuleVerbs, CallVerbs):
    """A scenario being played: its verbs are the methods `do_VERB`."""

    def __init__(self, scenario: dict[str, Any], folder: pathlib.Path) -> None:
        super().__init__(scenario, folder)
        self.covered: set[str] = set()

    async def play(self) -> None:
        """Do every step; raises at the first that fails."""
        for key, capsule in self.written.items():
            capsules.write(self.folder / key, key, capsule)
        workspace.make(self.scenario.get("host", {}), self.folder)
        if self.scenario.get("home") == "file":
            self.home.write_text("a file")
        try:
            if self.scenario.get("open", True):
                await self.open_main()
            for number, step in enumerate(self.scenario["steps"], 1):
                try:
                    await self._step(step)
                except Failed as failure:
                    raise Failed(f"step {number} ({step['do']}): {failure}") from failure.__cause__
        finally:
            await self._end()

    async def _end(self) -> None:
        for call in self.calls.values():
            call.cancel()
        await asyncio.gather(*self.calls.values(), return_exceptions=True)
        for host in [*self.others, self.host]:
            if host is not None:
                await host.close()

    async def _step(self, step: dict[str, Any]) -> None:
        until = asyncio.get_running_loop().time() + step.get("within_ms", 0) / 1000
        while True:
            wrong, result = await self._attempt(step)
            if wrong is None:
                break
            if asyncio.get_running_loop().time() >= until:
                raise Failed(wrong) from (result if isinstance(result, AstridError) else None)
            await asyncio.sleep(_OBSERVE_SECONDS)
        self.covered.update(step.get("covers", ()))
        if "expect" in step and step["do"] in {"trigger", "join", "next"}:
            _collect(result.get("json"), self.covered)

    async def _attempt(self, step: dict[str, Any]) -> tuple[str | None, Any]:
        """Do the step once: what is wrong, if anything, and the result."""
        expected = step.get("expect_error")
        try:
            result = await getattr(self, f"do_{step['do']}")(step)
        except AstridError as error:
            return (f"{error.kind}: {error}" if expected is None else _wrong_error(expected, error)), error
        if expected is not None:
            return f"it should have failed with {expected['kind']}, and gave {short(result)}", result
        return (mismatch(step["expect"], result) if "expect" in step else None), result


def _wrong_error(expected: dict[str, Any], error: AstridError) -> str | None:
    if error.kind != expected["kind"]:
        return f"{error.kind}, not {expected['kind']}: {error}"
    for key, text in (
        ("contains", str(error)),
        ("cause_contains", str(error.__cause__ or "")),
        ("backtrace_contains", error.guest_backtrace or ""),
    ):
        if expected.get(key, "") not in text:
            return f"{key} {expected[key]!r}, but it is {text!r}"
    return None


def _collect(found: Any, covered: set[str]) -> None:
    """Note every pair of a function and its arm that a guest reports, at any depth."""
    if isinstance(found, list):
        for item in found:
            _collect(item, covered)
    elif isinstance(found, dict):
        if isinstance(found.get("op"), str):
            if "ok" in found:
                covered.add(f"{found['op']}/ok")
            elif isinstance(found.get("err"), str):
                covered.add(f"{found['op']}/{found['err']}")
        for item in found.values():
            _collect(item, covered)
