"""The verbs that call capsules and exchange messages, at once or begun and joined or cancelled later."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
from typing import Any

from astrid_host import Timeout
from world import Failed, World, given, parsed, payload, seconds

_NEXT_MS = 5000


class CallVerbs(World):
    """Each method is a verb of that name."""

    async def do_install(self, step: dict[str, Any]) -> dict[str, Any]:
        path = self.path(step)
        if self.handlers.would_block():
            native = self.opened._native.install(path, step.get("principal"), step.get("attenuate"), None, False)
            return dataclasses.asdict(_wait_here(native))
        wanted = given(step, "principal", "attenuate", "hash", "accept_new_capabilities")
        return dataclasses.asdict(await self.opened.install(path, **wanted))

    async def do_trigger(self, step: dict[str, Any]) -> dict[str, Any]:
        capsule, action = self.capsule(step), step.get("action", "script")
        if self.handlers.would_block():
            native = capsule._native.trigger(action, payload(step), step.get("principal"), seconds(step), None)
            result = _wait_here(native)
        else:
            wanted = given(step, "principal", "traceparent")
            result = await capsule.trigger(action, payload(step), timeout=seconds(step), **wanted)
        return {"action": result.action, "data": result.data, "json": parsed(result.data)}

    async def do_dial(self, step: dict[str, Any]) -> Any:
        described = json.dumps(step, ensure_ascii=False)
        client = await asyncio.create_subprocess_exec(
            os.environ["DIAL"], self.home, described, stdout=asyncio.subprocess.PIPE
        )
        told, _ = await client.communicate()
        if client.returncode:
            raise Failed("the client of the local socket failed")
        return json.loads(told)

    async def do_start(self, step: dict[str, Any]) -> dict[str, Any]:
        verb = getattr(self, f"do_{step.get('what', 'trigger')}")
        self.calls[step["as"]] = asyncio.create_task(verb(step))
        # One turn of the loop, in which the task begins.
        await asyncio.sleep(0)
        return {}

    async def do_join(self, step: dict[str, Any]) -> Any:
        call = self.calls.pop(step["call"])
        if step.get("any"):
            await asyncio.wait([call])
            if not call.cancelled():
                call.exception()
            return {}
        return await call

    async def do_cancel(self, step: dict[str, Any]) -> dict[str, Any]:
        call = self.calls.pop(step["call"])
        call.cancel()
        await asyncio.wait([call])
        if not call.cancelled():
            raise Failed("the call had ended otherwise")
        return {}

    async def do_publish(self, step: dict[str, Any]) -> dict[str, Any]:
        wanted = given(step, "principal", "fan_out")
        return dataclasses.asdict(await self.opened.publish(step["topic"], payload(step), **wanted))

    async def do_subscribe(self, step: dict[str, Any]) -> dict[str, Any]:
        self.messages[step["as"]] = self.opened.subscribe(step["pattern"])
        return {}

    async def do_unsubscribe(self, step: dict[str, Any]) -> dict[str, Any]:
        self.messages[step["of"]].close()
        return {}

    async def do_next(self, step: dict[str, Any]) -> dict[str, Any]:
        try:
            message = await self.messages[step["of"]].next(step.get("timeout_ms", _NEXT_MS) / 1000)
        except Timeout:
            return {"nothing": True}
        if message is None:
            return {"closed": True}
        return {**dataclasses.asdict(message), "json": parsed(message.payload)}


def _wait_here(call: Any) -> Any:
    """Wait on the event loop's own thread, which a handler needs: a program must not, and `AsyncHost` never does."""
    return call.wait()
