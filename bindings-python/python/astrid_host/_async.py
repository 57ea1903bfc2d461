"""The asyncio face: the same verbs as coroutines. Cancelling one cancels what it waits for and stops the guest."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from . import _native
from ._callbacks import Callbacks
from ._lifetime import Path, remember, shut
from ._payload import to_bytes
from .types import (
    AuditEntry,
    BusMessage,
    HookResult,
    HostOptions,
    Installed,
    OnApproval,
    OnElicit,
    OnUplink,
    Outcome,
    Payload,
    State,
    Usage,
    Verification,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

T = TypeVar("T")


async def _finish(call: _native.Call[T]) -> T:
    """Run a call of the host on the host's threads while the event loop goes on."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    running = call.start(loop, future)
    try:
        return await future
    finally:
        running.cancel()


def _settle(future: asyncio.Future[T], value: T, error: BaseException | None) -> None:
    """Give a call's end to whoever awaits it; called on the future's loop. A cancelled future wants to know nothing."""
    if future.done():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class AsyncHost:
    """Runs capsules for a program that uses asyncio. Open one with :meth:`open`; the verbs are those of ``Host``.

    Errors are those of :class:`~astrid_host.Host`. Its coroutines may be awaited on any loop; coroutine functions given
    as callbacks run on the loop that opened it, plain functions on threads.
    """

    def __init__(self, native: _native.Host, callbacks: Callbacks, home: Path) -> None:
        """Wrap an open host; use :meth:`open`."""
        self._native = native
        self._callbacks = callbacks
        self._home = os.fspath(home)
        remember(self)

    @classmethod
    async def open(
        cls,
        home: Path,
        *,
        workspace: Path | None = None,
        on_elicit: OnElicit | None = None,
        on_approval: OnApproval | None = None,
        on_uplink: OnUplink | None = None,
        **options: Unpack[HostOptions],
    ) -> Self:
        """Open the home folder; see :meth:`Host.open <astrid_host.Host.open>`."""
        callbacks = Callbacks(on_elicit, on_approval, on_uplink, asyncio.get_running_loop())
        native = await asyncio.to_thread(_native.Host.open, home, workspace, callbacks, options)
        return cls(native, callbacks, home)

    async def install(
        self, path: Path, *, principal: str | None = None, attenuate: Sequence[str] | None = None
    ) -> Installed:
        """Run a capsule's hook and pin its bytes; see :meth:`Host.install <astrid_host.Host.install>`."""
        return await _finish(self._native.install(path, principal, attenuate))

    async def load(
        self,
        path: Path,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> AsyncCapsule:
        """Load a capsule; see :meth:`Host.load <astrid_host.Host.load>`."""
        return AsyncCapsule(self, await _finish(self._native.load(path, principal, attenuate, shared)))

    async def load_all(self, folder: Path) -> list[AsyncCapsule]:
        """Load every capsule below a folder, providers before those who import from them."""
        return [AsyncCapsule(self, native) for native in await _finish(self._native.load_all(folder))]

    async def load_component(
        self,
        component: bytes,
        manifest: str,
        hash: str,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> AsyncCapsule:
        """Load a capsule from memory; see :meth:`Host.load_component <astrid_host.Host.load_component>`."""
        call = self._native.load_component(component, manifest, hash, principal, attenuate, shared)
        return AsyncCapsule(self, await _finish(call))

    async def configure(self, capsule: str, key: str, value: str, *, principal: str | None = None) -> None:
        """Set a value that a capsule's manifest declares under ``[env]``, for one principal or for all."""
        await _finish(self._native.configure(capsule, key, value, principal))

    async def publish(self, topic: str, payload: Payload = None, *, principal: str | None = None) -> Outcome:
        """Publish a message, and wait for what the handlers decide. The payload must be JSON."""
        return await _finish(self._native.publish(topic, to_bytes(payload), principal))

    def subscribe(self, pattern: str) -> AsyncMessages:
        """Hear every message whose topic fits; ``*`` at the end stands for one or more segments."""
        return AsyncMessages(self, self._native.subscribe(pattern))

    async def usage(self, principal: str) -> Usage:
        """Tell what a principal has used."""
        return await _finish(self._native.usage(principal))

    @property
    def audit(self) -> AsyncAudit:
        """The log of everything that happened."""
        return AsyncAudit(self._native)

    def capsules(self) -> list[AsyncCapsule]:
        """List the loaded capsules."""
        return [AsyncCapsule(self, native) for native in self._native.capsules()]

    def capsule(self, id: str) -> AsyncCapsule:
        """Find a loaded capsule. Raises :class:`~astrid_host.errors.NotFound`."""
        return AsyncCapsule(self, self._native.capsule(id))

    @property
    def closed(self) -> bool:
        """Whether the host was closed, or belongs to the parent of a fork."""
        return self._native.closed

    async def close(self) -> None:
        """Stop every guest, write everything down and give the home free. Closing twice does nothing."""
        # On a thread of our own: the host's threads, which run every other coroutine, end with it.
        await asyncio.to_thread(shut, self)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __del__(self) -> None:
        native: _native.Host | None = getattr(self, "_native", None)
        if native is not None and not native.closed:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
            self._callbacks.close()

    def __repr__(self) -> str:
        return f"<AsyncHost {self._home!r}{' closed' if self._native.closed else ''}>"


class AsyncCapsule:
    """A loaded capsule; see :class:`~astrid_host.Capsule`."""

    def __init__(self, host: AsyncHost, native: _native.Capsule) -> None:
        """Wrap a loaded capsule; use :meth:`AsyncHost.load`."""
        self._host = host
        self._native = native

    @property
    def id(self) -> str:
        """The package name of its manifest."""
        return self._native.id

    @property
    def version(self) -> str:
        """The version of its manifest."""
        return self._native.version

    @property
    def hash(self) -> str:
        """BLAKE3 of its component, 64 hexadecimal digits."""
        return self._native.hash

    @property
    def warnings(self) -> list[str]:
        """What its manifest says that this host does not know."""
        return self._native.warnings

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return State(self._native.state)

    async def trigger(
        self,
        action: str,
        payload: Payload = b"",
        *,
        principal: str | None = None,
        timeout: float | None = None,
    ) -> HookResult:
        """Call the capsule's hook; see :meth:`Capsule.trigger <astrid_host.Capsule.trigger>`."""
        return await _finish(self._native.trigger(action, to_bytes(payload), principal, timeout))

    async def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the run loop signals that it is ready; ``timeout`` in seconds, ``None`` for no limit."""
        await _finish(self._native.wait_ready(timeout))

    async def unload(self) -> None:
        """Stop the capsule and forget it; what it stored stays."""
        await _finish(self._native.unload())

    def __repr__(self) -> str:
        return f"<AsyncCapsule {self.id} {self.version}>"


class AsyncMessages:
    """The messages of a subscription: ``async for``, or await the :meth:`next`. Ends when it or the host is closed."""

    def __init__(self, host: AsyncHost, native: _native.Messages) -> None:
        """Wrap a subscription; use :meth:`AsyncHost.subscribe`."""
        self._host = host
        self._native = native

    async def next(self, timeout: float | None = None) -> BusMessage | None:
        """Wait for the next message; ``None`` when the subscription ended.

        Raises:
            Timeout: ``timeout`` seconds passed without one.

        """
        return await _finish(self._native.next(timeout))

    def close(self) -> None:
        """End the subscription; whoever waits for a message is woken."""
        self._native.close()

    def __aiter__(self) -> AsyncIterator[BusMessage]:
        return self

    async def __anext__(self) -> BusMessage:
        message = await self.next()
        if message is None:
            raise StopAsyncIteration
        return message

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class AsyncAudit:
    """The audit log; see :class:`~astrid_host.Audit`."""

    def __init__(self, native: _native.Host) -> None:
        """Wrap a host's log; use :attr:`AsyncHost.audit`."""
        self._native = native

    async def entries(
        self,
        *,
        principal: str | None = None,
        capsule: str | None = None,
        operation: str | None = None,
        outcome: str | None = None,
        since: int = 0,
        limit: int | None = None,
    ) -> list[AuditEntry]:
        """Read entries in their order; see :meth:`Audit.entries <astrid_host.Audit.entries>`."""
        return await _finish(self._native.audit_entries(principal, capsule, operation, outcome, since, limit))

    async def verify(self) -> Verification:
        """Check every hash of the chain and every signature."""
        return await _finish(self._native.audit_verify())

    async def export(self, path: Path) -> None:
        """Write the log to a file as JSON lines."""
        await _finish(self._native.audit_export(path))

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key (32 bytes) that the checkpoints are signed with."""
        return self._native.audit_public_key()
