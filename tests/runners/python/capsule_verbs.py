"""The verbs about packages and loaded capsules."""

from __future__ import annotations

import dataclasses
import shutil
from typing import Any

import capsules
from astrid_host import AsyncCapsule
from world import World, given, seconds

_LOADING = ("principal", "attenuate", "shared")


class CapsuleVerbs(World):
    """Each method is a verb of that name."""

    async def do_inspect(self, step: dict[str, Any]) -> dict[str, Any]:
        return dataclasses.asdict(await self.opened.inspect(self.path(step)))

    async def do_discover(self, _: dict[str, Any]) -> dict[str, Any]:
        discovery = await self.opened.discover([self.folder])
        found = [{"id": one.id, "version": one.version} for one in discovery.found]
        return {"found": found, "warnings": discovery.warnings}

    async def do_load(self, step: dict[str, Any]) -> dict[str, Any]:
        return self._loaded(step["capsule"], await self.opened.load(self.path(step), **given(step, *_LOADING)))

    async def do_load_all(self, _: dict[str, Any]) -> list[dict[str, Any]]:
        return [self._loaded(capsule.id, capsule) for capsule in await self.opened.load_all(self.folder)]

    async def do_load_component(self, step: dict[str, Any]) -> dict[str, Any]:
        key, folder = step["capsule"], self.folder / step["capsule"]
        component = (folder / "guest.wasm").read_bytes()
        manifest = (folder / "Capsule.toml").read_text("utf-8")
        hashed = capsules.fill_in(step.get("hash", "{{hash}}"), self.written[key].get("guest"))
        loading = self.opened.load_component(component, manifest, hashed, **given(step, *_LOADING))
        return self._loaded(key, await loading)

    def _loaded(self, key: str, capsule: AsyncCapsule) -> dict[str, Any]:
        self.capsules[key] = capsule
        return _told(capsule)

    async def do_rewrite(self, step: dict[str, Any]) -> dict[str, Any]:
        key = step["capsule"]
        shutil.rmtree(self.folder / key, ignore_errors=True)
        capsules.write(self.folder / key, key, step)
        self.written[key] = step
        return {}

    async def do_static_file(self, step: dict[str, Any]) -> dict[str, Any]:
        return {"text": (await self.capsule(step).static_file(step["file"])).decode(errors="replace")}

    async def do_reload(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.capsule(step).reload()
        return _told(self.capsule(step))

    async def do_commit(self, step: dict[str, Any]) -> dict[str, Any]:
        return {"changes": await self.capsule(step).commit(principal=step.get("principal", "default"))}

    async def do_rollback(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.capsule(step).rollback(principal=step.get("principal", "default"))
        return {}

    async def do_uninstall(self, step: dict[str, Any]) -> dict[str, Any]:
        key = step["capsule"]
        await self.opened.uninstall(self.scenario["capsules"][key].get("name", key))
        return {}

    async def do_wait_ready(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.capsule(step).wait_ready(seconds(step))
        return {}

    async def do_state(self, step: dict[str, Any]) -> dict[str, Any]:
        capsule = self.capsule(step)
        return {name: getattr(capsule, name) for name in ("state", "generation", "restarts", "failure")}

    async def do_warnings(self, step: dict[str, Any]) -> list[str]:
        return self.capsule(step).warnings

    async def do_configure(self, step: dict[str, Any]) -> dict[str, Any]:
        wanted = given(step, "principal")
        await self.opened.configure(self.capsule(step).id, step["key"], step["value"], **wanted)
        return {}

    async def do_unload(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.capsule(step).unload()
        return {}


def _told(capsule: AsyncCapsule) -> dict[str, Any]:
    return {name: getattr(capsule, name) for name in ("id", "version", "hash", "state", "warnings")}
