"""The synchronous face: every verb waits on the caller's own thread, with the interpreter free for others."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

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


class Host:
    """Runs capsules for this program. Open one with :meth:`open`; it may be used from any thread.

    Every method raises a subclass of :class:`~astrid_host.errors.AstridError`; after :meth:`close`, and in a forked
    child, that is :class:`~astrid_host.errors.Closed`. Ctrl-C ends any wait and stops the guest that was waited for.
    """

    def __init__(self, native: _native.Host, callbacks: Callbacks, home: Path) -> None:
        """Wrap an open host; use :meth:`open`."""
        self._native = native
        self._callbacks = callbacks
        self._home = os.fspath(home)
        remember(self)

    @classmethod
    def open(
        cls,
        home: Path,
        *,
        workspace: Path | None = None,
        on_elicit: OnElicit | None = None,
        on_approval: OnApproval | None = None,
        on_uplink: OnUplink | None = None,
        **options: Unpack[HostOptions],
    ) -> Self:
        """Open the home folder, making it if it is new.

        Args:
            home: The folder that holds everything the host keeps. One host at a time may have it open.
            workspace: The folder that capsules know as their workspace.
            on_elicit: Answers the questions of install and upgrade hooks. Without it they are cancelled.
            on_approval: Decides what a capsule may do. Without it everything is denied.
            on_uplink: Takes the messages of chat platforms. Without it they are dropped.
            options: See :class:`~astrid_host.types.HostOptions`.

        A callback is a plain function, run on a thread of its own, or a coroutine function, run on an event loop on a
        thread of its own. If it raises, the capsule is refused, and the call that caused the question raises
        :class:`~astrid_host.errors.CallbackFailed` from that exception; a ``BaseException`` that is no ``Exception``
        comes out of that call as it is.

        Raises:
            HomeLocked: Another host has the home open.
            HomeUnusable: The home cannot be made, read or written, or has a newer format.
            InvalidArgument: An option breaks a rule.

        """
        callbacks = Callbacks(on_elicit, on_approval, on_uplink, None)
        return cls(_native.Host.open(home, workspace, callbacks, options), callbacks, home)

    def install(self, path: Path, *, principal: str | None = None, attenuate: Sequence[str] | None = None) -> Installed:
        """Run a capsule's install (or upgrade) hook and pin its bytes; it is not loaded by this.

        Args:
            path: A folder with a ``Capsule.toml``, or that file itself.
            principal: Whom the hook runs for.
            attenuate: The capabilities to keep of those the manifest asks for. Never widens.

        Raises:
            ManifestInvalid: The manifest breaks a rule; the message names table and field.
            ComponentInvalid: The file is no component.
            AbiMismatch: It imports what this host does not offer.
            InstallFailed: The hook failed; nothing was pinned.
            CallbackFailed: A callback raised or answered wrongly.

        """
        return self._native.install(path, principal, attenuate).wait()

    def load(
        self,
        path: Path,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> Capsule:
        """Load an installed capsule, or one whose manifest names its hash, and start its run loop if it has one.

        Args:
            path: A folder with a ``Capsule.toml``, or that file itself.
            principal: The owner of the run loop, whose messages it hears.
            attenuate: The capabilities to keep of those the manifest asks for. Never widens.
            shared: Whether the run loop serves every principal.

        Raises:
            NotInstalled: No hash is pinned.
            HashMismatch: The bytes are not those that were pinned.
            AlreadyLoaded: A capsule of this id is loaded.

        """
        return Capsule(self, self._native.load(path, principal, attenuate, shared).wait())

    def load_all(self, folder: Path) -> list[Capsule]:
        """Load every capsule below a folder, providers before those who import from them."""
        return [Capsule(self, native) for native in self._native.load_all(folder).wait()]

    def load_component(
        self,
        component: bytes,
        manifest: str,
        hash: str,
        *,
        principal: str | None = None,
        attenuate: Sequence[str] | None = None,
        shared: bool = False,
    ) -> Capsule:
        """Load a capsule from memory.

        Args:
            component: The component's bytes.
            manifest: The text of its ``Capsule.toml``.
            hash: BLAKE3 of the bytes, 64 hexadecimal digits.
            principal: As in :meth:`load`.
            attenuate: As in :meth:`load`.
            shared: As in :meth:`load`.

        """
        call = self._native.load_component(component, manifest, hash, principal, attenuate, shared)
        return Capsule(self, call.wait())

    def configure(self, capsule: str, key: str, value: str, *, principal: str | None = None) -> None:
        """Set a value that a capsule's manifest declares under ``[env]``, for one principal or for all."""
        self._native.configure(capsule, key, value, principal).wait()

    def publish(self, topic: str, payload: Payload = None, *, principal: str | None = None) -> Outcome:
        """Publish a message, and wait for what the handlers decide. The payload must be JSON."""
        return self._native.publish(topic, to_bytes(payload), principal).wait()

    def subscribe(self, pattern: str) -> Messages:
        """Hear every message whose topic fits; ``*`` at the end stands for one or more segments."""
        return Messages(self, self._native.subscribe(pattern))

    def usage(self, principal: str) -> Usage:
        """Tell what a principal has used."""
        return self._native.usage(principal).wait()

    @property
    def audit(self) -> Audit:
        """The log of everything that happened."""
        return Audit(self._native)

    def capsules(self) -> list[Capsule]:
        """List the loaded capsules."""
        return [Capsule(self, native) for native in self._native.capsules()]

    def capsule(self, id: str) -> Capsule:
        """Find a loaded capsule. Raises :class:`~astrid_host.errors.NotFound`."""
        return Capsule(self, self._native.capsule(id))

    @property
    def closed(self) -> bool:
        """Whether the host was closed, or belongs to the parent of a fork."""
        return self._native.closed

    def close(self) -> None:
        """Stop every guest, write everything down and give the home free. Closing twice does nothing."""
        shut(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        native: _native.Host | None = getattr(self, "_native", None)
        if native is not None and not native.closed:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, source=self, stacklevel=2)
            self._callbacks.close()

    def __repr__(self) -> str:
        return f"<Host {self._home!r}{' closed' if self._native.closed else ''}>"


class Capsule:
    """A loaded capsule."""

    def __init__(self, host: Host, native: _native.Capsule) -> None:
        """Wrap a loaded capsule; use :meth:`Host.load`."""
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

    def trigger(
        self,
        action: str,
        payload: Payload = b"",
        *,
        principal: str | None = None,
        timeout: float | None = None,
    ) -> HookResult:
        """Call the capsule's hook, and wait for its answer.

        Args:
            action: What the hook is asked to do.
            payload: Bytes, text, or any JSON value; at most 16 MiB.
            principal: Whom it is done for.
            timeout: Seconds of the guest's time; waiting for a person does not count.

        Raises:
            Timeout: The guest ran past its time and was stopped.
            FuelExhausted: It burned more than its fuel.
            MemoryExceeded: It needed more memory than its ceiling.
            GuestTrap: It trapped; ``guest_backtrace`` says where.
            QuotaExceeded: A quota of the principal is used up.
            PrincipalRefused: The principal is unknown or disabled.
            CallbackFailed: A callback raised or answered wrongly.

        """
        return self._native.trigger(action, to_bytes(payload), principal, timeout).wait()

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the run loop signals that it is ready; ``timeout`` in seconds, ``None`` for no limit.

        Raises:
            NotReady: The time passed, or the run loop ended without the signal.

        """
        self._native.wait_ready(timeout).wait()

    def unload(self) -> None:
        """Stop the capsule and forget it; what it stored stays."""
        self._native.unload().wait()

    def __repr__(self) -> str:
        return f"<Capsule {self.id} {self.version}>"


class Messages:
    """The messages of a subscription: iterate, or ask for the :meth:`next`. Ends when it or the host is closed."""

    def __init__(self, host: Host, native: _native.Messages) -> None:
        """Wrap a subscription; use :meth:`Host.subscribe`."""
        self._host = host
        self._native = native

    def next(self, timeout: float | None = None) -> BusMessage | None:
        """Wait for the next message; ``None`` when the subscription ended.

        Raises:
            Timeout: ``timeout`` seconds passed without one.

        """
        return self._native.next(timeout).wait()

    def close(self) -> None:
        """End the subscription; whoever waits for a message is woken."""
        self._native.close()

    def __iter__(self) -> Iterator[BusMessage]:
        return self

    def __next__(self) -> BusMessage:
        message = self.next()
        if message is None:
            raise StopIteration
        return message

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Audit:
    """The audit log: hash-chained, signed at checkpoints, one entry for every call of a capsule that matters."""

    def __init__(self, native: _native.Host) -> None:
        """Wrap a host's log; use :attr:`Host.audit`."""
        self._native = native

    def entries(
        self,
        *,
        principal: str | None = None,
        capsule: str | None = None,
        operation: str | None = None,
        outcome: str | None = None,
        since: int = 0,
        limit: int | None = None,
    ) -> list[AuditEntry]:
        """Read entries in their order.

        Args:
            principal: Only those of this principal.
            capsule: Only those of this capsule.
            operation: Only this operation, for example ``kv.kv-set``.
            outcome: Only ``allowed``, ``denied``, ``failed`` or ``cancelled`` ones.
            since: Only those from this ``seq`` on.
            limit: At most so many.

        """
        return self._native.audit_entries(principal, capsule, operation, outcome, since, limit).wait()

    def verify(self) -> Verification:
        """Check every hash of the chain and every signature."""
        return self._native.audit_verify().wait()

    def export(self, path: Path) -> None:
        """Write the log to a file as JSON lines."""
        self._native.audit_export(path).wait()

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key (32 bytes) that the checkpoints are signed with."""
        return self._native.audit_public_key()
