"""The verbs about the host: opening and closing, principals, keeping, and what happened."""

from __future__ import annotations

import dataclasses
from typing import Any

import workspace
from astrid_host import AsyncHost
from world import World

_SCALED = "_ms"


class HostVerbs(World):
    """Each method is a verb of that name."""

    async def open_main(self) -> None:
        """Open the scenario's own host."""
        self.host = await AsyncHost.open(self.home, **self.handlers.options(), **self._options())

    def _options(self) -> dict[str, Any]:
        host = self.scenario.get("host", {})
        return _in_seconds(host.get("options", {})) | workspace.options(host, self.folder)

    async def do_open(self, step: dict[str, Any]) -> dict[str, Any]:
        if "as" in step:
            self.others.append(await AsyncHost.open(self.home, **self._options()))
        else:
            await self.open_main()
        return {}

    async def do_close(self, _: dict[str, Any]) -> dict[str, Any]:
        await self.opened.close()
        return {}

    async def do_reopen(self, step: dict[str, Any]) -> dict[str, Any]:
        if "home" in step:
            self.home = self.folder / step["home"]
        await self.opened.close()
        self.capsules, self.messages, self.calls = {}, {}, {}
        await self.open_main()
        return {}

    async def do_profile(self, step: dict[str, Any]) -> dict[str, Any]:
        return dict(await self.opened.profile(step["principal"]))

    async def do_set_profile(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.opened.set_profile(step["principal"], step["profile"])
        return {}

    async def do_principals(self, _: dict[str, Any]) -> list[str]:
        return await self.opened.principals()

    async def do_remove_principal(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.opened.remove_principal(step["principal"])
        return {}

    async def do_allowances(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        return [dataclasses.asdict(one) for one in await self.opened.allowances(step["principal"])]

    async def do_revoke_allowance(self, step: dict[str, Any]) -> dict[str, Any]:
        who = step["principal"]
        which = step["id"] if "id" in step else (await self.opened.allowances(who))[step["nth"]].id
        return {"found": await self.opened.revoke_allowance(who, which)}

    async def do_backup(self, step: dict[str, Any]) -> dict[str, Any]:
        await self.opened.backup(self.folder / step["as"])
        return {}

    async def do_rotate_keys(self, _: dict[str, Any]) -> dict[str, Any]:
        await self.opened.rotate_keys()
        return {}

    async def do_metrics(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"text": await self.opened.metrics()}

    async def do_usage(self, step: dict[str, Any]) -> dict[str, Any]:
        return dataclasses.asdict(await self.opened.usage(step["principal"]))

    async def do_audit(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        entries = await self.opened.audit.entries(**step.get("filter", {}))
        return [dataclasses.asdict(entry) for entry in entries]

    async def do_verify(self, _: dict[str, Any]) -> dict[str, Any]:
        return dataclasses.asdict(await self.opened.audit.verify())

    async def do_asked(self, step: dict[str, Any]) -> list[dict[str, Any]]:
        return list(self.handlers.asked[step["of"]])


def _in_seconds(options: dict[str, Any]) -> dict[str, Any]:
    """Give the options as Python names them: what a scenario counts in milliseconds is in seconds, at every depth."""
    named = {}
    for name, value in options.items():
        if name.endswith(_SCALED):
            named[name.removesuffix(_SCALED)] = value / 1000
        else:
            named[name] = _in_seconds(value) if isinstance(value, dict) else value
    return named
