"""Plays one scenario."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import pathlib
from typing import Any

import capsules
from astrid_host import AstridError, AsyncCapsule, AsyncHost, AsyncMessages, Timeout
from handlers import Handlers
from matching import mismatch, short

_OBSERVE_SECONDS = 0.01
_SECONDS_OF = ("elicit_timeout", "approval_timeout", "uplink_timeout")


class Failed(Exception):
    """A step did not do what the scenario says."""


class Player:
    """A scenario being played in a folder of its own."""

    def __init__(self, scenario: dict[str, Any], folder: pathlib.Path) -> None:
        self.scenario = scenario
        self.covered: set[str] = set()
        self._folder = folder
        self._home = folder / "home"
        self._handlers = Handlers(scenario.get("host", {}))
        self._host: AsyncHost | None = None
        self._others: list[AsyncHost] = []
        self._capsules: dict[str, AsyncCapsule] = {}
        self._calls: dict[str, asyncio.Task[Any]] = {}
        self._messages: dict[str, AsyncMessages] = {}

    async def play(self) -> None:
        """Do every step; raises at the first that fails."""
        for key, capsule in self.scenario.get("capsules", {}).items():
            capsules.write(self._folder / key, key, capsule)
        if self.scenario.get("home") == "file":
            self._home.write_text("a file")
        try:
            if self.scenario.get("open", True):
                await self._open()
            for number, step in enumerate(self.scenario["steps"], 1):
                try:
                    await self._step(step)
                except Failed as failure:
                    raise Failed(f"step {number} ({step['do']}): {failure}") from failure.__cause__
        finally:
            await self._end()

    async def _end(self) -> None:
        for call in self._calls.values():
            call.cancel()
        await asyncio.gather(*self._calls.values(), return_exceptions=True)
        for host in [*self._others, self._host]:
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
            result = await getattr(self, f"_do_{step['do']}")(step)
        except AstridError as error:
            return (f"{error.kind}: {error}" if expected is None else _wrong_error(expected, error)), error
        if expected is not None:
            return f"it should have failed with {expected['kind']}, and gave {short(result)}", result
        return (mismatch(step["expect"], result) if "expect" in step else None), result

    # ---- the host

    async def _open(self) -> None:
        options = dict(self.scenario.get("host", {}).get("options", {}))
        for name in _SECONDS_OF:
            if f"{name}_ms" in options:
                options[name] = options.pop(f"{name}_ms") / 1000
        self._host = await AsyncHost.open(self._home, **self._handlers.options(), **options)

    async def _do_open(self, step: dict[str, Any]) -> dict[str, Any]:
        if "as" in step:
            self._others.append(await AsyncHost.open(self._home))
        else:
            await self._open()
        return {}

    async def _do_close(self, _: dict[str, Any]) -> dict[str, Any]:
        await self._opened.close()
        return {}

    async def _do_reopen(self, _: dict[str, Any]) -> dict[str, Any]:
        await self._opened.close()
        self._capsules, self._messages = {}, {}
        await self._open()
        return {}

    @property
    def _opened(self) -> AsyncHost:
        if self._host is None:
            raise Failed("no host is open")
        return self._host

    # ---- capsules

    async def _do_install(self, step: dict[str, Any]) -> dict[str, Any]:
        folder, given = self._folder / step["capsule"], _given(step, "principal", "attenuate")
        if self._handlers.would_block():
            native = self._opened._native.install(folder, given.get("principal"), given.get("attenuate"))
            return dataclasses.asdict(_wait_here(native))
        return dataclasses.asdict(await self._opened.install(folder, **given))

    async def _do_load(self, step: dict[str, Any]) -> dict[str, Any]:
        given = _given(step, "principal", "attenuate", "shared")
        return self._loaded(step, await self._opened.load(self._folder / step["capsule"], **given))

    async def _do_load_component(self, step: dict[str, Any]) -> dict[str, Any]:
        folder = self._folder / step["capsule"]
        guest = self.scenario["capsules"][step["capsule"]].get("guest")
        component = (folder / "guest.wasm").read_bytes()
        manifest = (folder / "Capsule.toml").read_text("utf-8")
        hashed = capsules.fill_in(step.get("hash", "{{hash}}"), guest)
        given = _given(step, "principal", "attenuate", "shared")
        return self._loaded(step, await self._opened.load_component(component, manifest, hashed, **given))

    def _loaded(self, step: dict[str, Any], capsule: AsyncCapsule) -> dict[str, Any]:
        self._capsules[step["capsule"]] = capsule
        names = ("id", "version", "hash", "state", "warnings")
        return {name: getattr(capsule, name) for name in names}

    async def _do_wait_ready(self, step: dict[str, Any]) -> dict[str, Any]:
        await self._capsule(step).wait_ready(_seconds(step))
        return {}

    async def _do_state(self, step: dict[str, Any]) -> dict[str, Any]:
        return {"state": self._capsule(step).state}

    async def _do_warnings(self, step: dict[str, Any]) -> list[str]:
        return self._capsule(step).warnings

    async def _do_configure(self, step: dict[str, Any]) -> dict[str, Any]:
        given = _given(step, "principal")
        await self._opened.configure(self._capsule(step).id, step["key"], step["value"], **given)
        return {}

    async def _do_unload(self, step: dict[str, Any]) -> dict[str, Any]:
        await self._capsule(step).unload()
        return {}

    def _capsule(self, step: dict[str, Any]) -> AsyncCapsule:
        if step["capsule"] not in self._capsules:
            raise Failed(f"{step['capsule']} is not loaded")
        return self._capsules[step["capsule"]]

    # ---- calls

    async def _do_trigger(self, step: dict[str, Any]) -> dict[str, Any]:
        capsule, action, payload = self._capsule(step), step.get("action", "script"), _payload(step)
        principal, timeout = step.get("principal"), _seconds(step)
        if self._handlers.would_block():
            result = _wait_here(capsule._native.trigger(action, payload, principal, timeout))
        else:
            result = await capsule.trigger(action, payload, principal=principal, timeout=timeout)
        return {"action": result.action, "data": result.data, "json": _parsed(result.data)}

    async def _do_start(self, step: dict[str, Any]) -> dict[str, Any]:
        verb = getattr(self, f"_do_{step.get('what', 'trigger')}")
        self._calls[step["as"]] = asyncio.create_task(verb(step))
        # One turn of the loop, in which the task begins.
        await asyncio.sleep(0)
        return {}

    async def _do_join(self, step: dict[str, Any]) -> Any:
        call = self._calls.pop(step["call"])
        if step.get("any"):
            await asyncio.wait([call])
            if not call.cancelled():
                call.exception()
            return {}
        return await call

    async def _do_cancel(self, step: dict[str, Any]) -> dict[str, Any]:
        call = self._calls.pop(step["call"])
        call.cancel()
        await asyncio.wait([call])
        if not call.cancelled():
            raise Failed("the call had ended otherwise")
        return {}

    # ---- the bus

    async def _do_publish(self, step: dict[str, Any]) -> dict[str, Any]:
        outcome = await self._opened.publish(step["topic"], _payload(step), **_given(step, "principal"))
        return dataclasses.asdict(outcome)

    async def _do_subscribe(self, step: dict[str, Any]) -> dict[str, Any]:
        self._messages[step["as"]] = self._opened.subscribe(step["pattern"])
        return {}

    async def _do_unsubscribe(self, step: dict[str, Any]) -> dict[str, Any]:
        self._messages[step["of"]].close()
        return {}

    async def _do_next(self, step: dict[str, Any]) -> dict[str, Any]:
        try:
            message = await self._messages[step["of"]].next(step.get("timeout_ms", 5000) / 1000)
        except Timeout:
            return {"nothing": True}
        if message is None:
            return {"closed": True}
        return {**dataclasses.asdict(message), "json": _parsed(message.payload)}

    # ---- what happened

    async def _do_usage(self, step: dict[str, Any]) -> dict[str, Any]:
        return dataclasses.asdict(await self._opened.usage(step["principal"]))

    async def _do_audit(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        entries = await self._opened.audit.entries(**step.get("filter", {}))
        return [dataclasses.asdict(entry) for entry in entries]

    async def _do_verify(self, _: dict[str, Any]) -> dict[str, Any]:
        return dataclasses.asdict(await self._opened.audit.verify())

    async def _do_asked(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self._handlers.asked[step["of"]])


def _given(step: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: step[name] for name in names if name in step}


def _seconds(step: dict[str, Any]) -> float | None:
    return step["timeout_ms"] / 1000 if "timeout_ms" in step else None


def _payload(step: dict[str, Any]) -> bytes:
    if "payload" in step:
        return json.dumps(step["payload"], ensure_ascii=False, separators=(",", ":")).encode()
    return str(step.get("text", "")).encode()


def _parsed(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return None


def _wait_here(call: Any) -> Any:
    """Wait on the event loop's own thread, which a handler needs: a program must not, and `AsyncHost` never does."""
    return call.wait()


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
