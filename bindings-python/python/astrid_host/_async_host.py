"""The asyncio face: the same verbs as coroutines. Cancelling one cancels what it waits for and stops the guest."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _native
from ._async_audit import AsyncAudit
from ._async_call import finish
from ._async_capsule import AsyncCapsule
from ._async_streams import AsyncCapsuleChanges, AsyncMessages
from ._callbacks import Callbacks
from ._lifetime import Path, remember, shut
from ._payload import to_bytes
from .options import HostOptions, Profile, WorkspaceMode
from .types import (
    AccountLink,
    Allowance,
    Diagnosis,
    Discovery,
    Inspection,
    Installed,
    OnApproval,
    OnCheckpoint,
    OnElicit,
    OnLog,
    OnUplink,
    Outcome,
    Payload,
    Usage,
    User,
)

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


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
        workspace_mode: WorkspaceMode = "direct",
        on_elicit: OnElicit | None = None,
        on_approval: OnApproval | None = None,
        on_uplink: OnUplink | None = None,
        on_log: OnLog | None = None,
        on_checkpoint: OnCheckpoint | None = None,
        **options: Unpack[HostOptions],
    ) -> Self:
        """Open the home folder; see :meth:`Host.open <astrid_host.Host.open>`."""
        callbacks = Callbacks(
            asyncio.get_running_loop(),
            on_elicit=on_elicit,
            on_approval=on_approval,
            on_uplink=on_uplink,
            on_log=on_log,
            on_checkpoint=on_checkpoint,
        )
        native = await asyncio.to_thread(_native.Host.open, home, workspace, workspace_mode, callbacks, options)
        return cls(native, callbacks, home)

    async def inspect(self, path: Path) -> Inspection:
        """Say what a package is without running it; see :meth:`Host.inspect <astrid_host.Host.inspect>`."""
        return await finish(self._native.inspect(path))

    async def discover(self, folders: Sequence[Path]) -> Discovery:
        """Find the capsules in folders; see :meth:`Host.discover <astrid_host.Host.discover>`."""
        return await finish(self._native.discover(folders))

    async def install(
        self,
        path: Path,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        hash: str | None = None,
        accept_new_capabilities: bool = False,
    ) -> Installed:
        """Run a capsule's hook and pin its bytes; see :meth:`Host.install <astrid_host.Host.install>`."""
        return await finish(self._native.install(path, principal, attenuate, hash, accept_new_capabilities))

    async def load(
        self,
        path: Path,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> AsyncCapsule:
        """Load a capsule; see :meth:`Host.load <astrid_host.Host.load>`."""
        return AsyncCapsule(self, await finish(self._native.load(path, principal, attenuate, shared)))

    async def load_all(self, folder: Path) -> list[AsyncCapsule]:
        """Load every capsule of a folder or none; see :meth:`Host.load_all <astrid_host.Host.load_all>`."""
        return [AsyncCapsule(self, native) for native in await finish(self._native.load_all(folder))]

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
        return AsyncCapsule(self, await finish(call))

    async def reload(self, id: str) -> AsyncCapsule:
        """Replace what runs by what lies there now; see :meth:`Host.reload <astrid_host.Host.reload>`."""
        return AsyncCapsule(self, await finish(self._native.reload(id)))

    async def watch(self, folder: Path, *, reload: bool = False) -> AsyncCapsuleChanges:
        """Hear when capsules' folders change; see :meth:`Host.watch <astrid_host.Host.watch>`."""
        changes = await finish(self._native.watch(folder, reload))
        return AsyncCapsuleChanges(self, changes)

    async def uninstall(self, id: str) -> None:
        """Remove a capsule for good; see :meth:`Host.uninstall <astrid_host.Host.uninstall>`."""
        await finish(self._native.uninstall(id))

    async def configure(self, capsule: str, key: str, value: str, *, principal: str | None = None) -> None:
        """Set a value that a capsule's manifest declares under ``[env]``, for one principal or for all."""
        await finish(self._native.configure(capsule, key, value, principal))

    async def publish(
        self, topic: str, payload: Payload = None, *, principal: str | None = None, fan_out: int | None = None
    ) -> Outcome:
        """Publish a message; see :meth:`Host.publish <astrid_host.Host.publish>`."""
        return await finish(self._native.publish(topic, to_bytes(payload), principal, fan_out))

    def subscribe(self, pattern: str) -> AsyncMessages:
        """Hear every message whose topic fits; ``*`` at the end stands for one or more segments."""
        return AsyncMessages(self, self._native.subscribe(pattern))

    async def profile(self, principal: str) -> Profile:
        """Read the profile in force for a principal, with every field."""
        return await finish(self._native.profile(principal))

    async def set_profile(self, principal: str, profile: Profile) -> None:
        """Give a principal a profile of its own; see :meth:`Host.set_profile <astrid_host.Host.set_profile>`."""
        await finish(self._native.set_profile(principal, profile))

    async def principals(self) -> list[str]:
        """List the principals that were named since the host was opened, or have a profile of their own; sorted."""
        return await finish(self._native.principals())

    async def remove_principal(self, principal: str) -> None:
        """Erase a principal; see :meth:`Host.remove_principal <astrid_host.Host.remove_principal>`."""
        await finish(self._native.remove_principal(principal))

    async def allowances(self, principal: str) -> list[Allowance]:
        """List what was approved for a principal, for good or until the host is closed, oldest first."""
        return await finish(self._native.allowances(principal))

    async def revoke_allowance(self, principal: str, id: str) -> bool:
        """Take back what was approved and tell whether it was there: the same request is asked about again."""
        return await finish(self._native.revoke_allowance(principal, id))

    async def users(self) -> list[User]:
        """List the users of outside platforms that this host knows, by id."""
        return await finish(self._native.users())

    async def create_user(self, display_name: str | None = None, *, principal: str | None = None) -> User:
        """Create a user, who is this principal in the host, or a new one that nobody else is."""
        return await finish(self._native.create_user(display_name, principal))

    async def remove_user(self, user: str) -> bool:
        """Remove a user with all linked accounts and tell whether there was one. The principal stays."""
        return await finish(self._native.remove_user(user))

    async def links(self, user: str) -> list[AccountLink]:
        """List the accounts that are linked to a user."""
        return await finish(self._native.links(user))

    async def link_account(self, user: str, platform: str, account: str, *, method: str) -> None:
        """Link an account of a platform to a user; ``method`` says how that was established."""
        await finish(self._native.link_account(user, platform, account, method))

    async def unlink_account(self, platform: str, account: str) -> None:
        """End the link of an account."""
        await finish(self._native.unlink_account(platform, account))

    async def usage(self, principal: str) -> Usage:
        """Tell what a principal has used."""
        return await finish(self._native.usage(principal))

    async def metrics(self) -> str:
        """Count everything, in the text format that Prometheus reads; ``docs/observability.md`` names what there is."""
        return await finish(self._native.metrics())

    async def diagnose(self) -> Diagnosis:
        """Find out by trying what works on this machine; see :meth:`Host.diagnose <astrid_host.Host.diagnose>`."""
        return await finish(self._native.diagnose())

    async def backup(self, target: Path) -> None:
        """Copy the home into a new folder; see :meth:`Host.backup <astrid_host.Host.backup>`."""
        await finish(self._native.backup(target))

    async def rotate_keys(self, *, secret_key: bytes | None = None) -> None:
        """Make new keys; see :meth:`Host.rotate_keys <astrid_host.Host.rotate_keys>`."""
        await finish(self._native.rotate_keys(secret_key))

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
