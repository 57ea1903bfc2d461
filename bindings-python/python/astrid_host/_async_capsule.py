"""A loaded capsule, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native
from ._async_call import finish
from ._async_streams import AsyncCapsuleChanges
from ._loaded import Loaded
from ._payload import to_bytes
from .types import HookResult, Payload

if TYPE_CHECKING:
    from ._async_host import AsyncHost


class AsyncCapsule(Loaded):
    """A loaded capsule; see :class:`~astrid_host.Capsule`."""

    def __init__(self, host: AsyncHost, native: _native.Capsule) -> None:
        """Wrap a loaded capsule; use :meth:`AsyncHost.load`."""
        self._host = host
        self._native = native

    async def trigger(
        self,
        action: str,
        payload: Payload = b"",
        *,
        principal: str | None = None,
        timeout: float | None = None,
        traceparent: str | None = None,
    ) -> HookResult:
        """Call the capsule's hook; see :meth:`Capsule.trigger <astrid_host.Capsule.trigger>`."""
        return await finish(self._native.trigger(action, to_bytes(payload), principal, timeout, traceparent))

    async def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the run loop signals that it is ready; ``timeout`` in seconds, ``None`` for no limit."""
        await finish(self._native.wait_ready(timeout))

    async def static_file(self, path: str) -> bytes:
        """Read a file that the manifest declares; see :meth:`Capsule.static_file <astrid_host.Capsule.static_file>`."""
        return await finish(self._native.static_file(path))

    async def watch(self, *, reload: bool = False) -> AsyncCapsuleChanges:
        """Hear when the folder it was loaded from changes; see :meth:`Host.watch <astrid_host.Host.watch>`."""
        changes = await finish(self._native.watch(reload))
        return AsyncCapsuleChanges(self._host, changes)

    async def commit(self, *, principal: str) -> int:
        """Put what it changed into the workspace; see :meth:`Capsule.commit <astrid_host.Capsule.commit>`."""
        return await finish(self._native.commit(principal))

    async def rollback(self, *, principal: str) -> None:
        """Throw away what this capsule changed for a principal."""
        await finish(self._native.rollback(principal))

    async def reload(self) -> None:
        """Replace what runs by what lies there now; see :meth:`Host.reload <astrid_host.Host.reload>`."""
        await finish(self._native.reload())

    async def unload(self) -> None:
        """Stop the capsule and forget it; what it stored stays."""
        await finish(self._native.unload())
