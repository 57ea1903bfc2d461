"""A loaded capsule, synchronously."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _native
from ._loaded import Loaded
from ._payload import to_bytes
from ._streams import CapsuleChanges
from .types import HookResult, Payload

if TYPE_CHECKING:
    from ._host import Host


class Capsule(Loaded):
    """A loaded capsule. It follows the capsule through upgrades, reloads and restarts until it is unloaded."""

    def __init__(self, host: Host, native: _native.Capsule) -> None:
        """Wrap a loaded capsule; use :meth:`Host.load`."""
        self._host = host
        self._native = native

    def trigger(
        self,
        action: str,
        payload: Payload = b"",
        *,
        principal: str | None = None,
        timeout: float | None = None,
        traceparent: str | None = None,
    ) -> HookResult:
        """Call the capsule's hook, and wait for its answer.

        Args:
            action: What the hook is asked to do.
            payload: Bytes, text, or any JSON value; at most 16 MiB.
            principal: Whom it is done for; the capsule's owner if not given.
            timeout: Seconds of the guest's time; waiting for a person does not count.
            traceparent: The W3C trace context this call is part of, as the header spells it. What is published during
                the call inherits it.

        Raises:
            Timeout: The guest ran past its time and was stopped.
            FuelExhausted: It burned more than its fuel.
            MemoryExceeded: It needed more memory than its ceiling.
            GuestTrap: It trapped; ``guest_backtrace`` says where.
            QuotaExceeded: A quota of the principal is used up.
            PrincipalRefused: The principal is unknown or disabled.
            CallbackFailed: A callback raised or answered wrongly.
            InvalidArgument: The ``traceparent`` is malformed.

        >>> concierge.trigger("buy", {"item": "yacht"}, principal="bob").data
        'refused'

        """
        return self._native.trigger(action, to_bytes(payload), principal, timeout, traceparent).wait()

    def wait_ready(self, timeout: float | None = None) -> None:
        """Wait until the run loop signals that it is ready; ``timeout`` in seconds, ``None`` for no limit.

        Raises:
            NotReady: The time passed, or the run loop ended without the signal.

        """
        self._native.wait_ready(timeout).wait()

    def static_file(self, path: str) -> bytes:
        """Read a file that the manifest declares, by its path there, as it is now: only components are pinned.

        Raises:
            NotFound: The manifest does not declare it, or it is not there.
            InvalidArgument: It is a link, lies outside the capsule's folder, or is too large.

        """
        return self._native.static_file(path).wait()

    def watch(self, *, reload: bool = False) -> CapsuleChanges:
        """Hear when the folder it was loaded from changes; see :meth:`Host.watch`.

        Raises:
            InvalidArgument: It was not loaded from a folder.

        """
        return CapsuleChanges(self._host, self._native.watch(reload).wait())

    def commit(self, *, principal: str) -> int:
        """Put what this capsule changed for a principal into the workspace; tells how many files and folders.

        Where the workspace changed as well, the overlay wins. Files that are open in the overlay are closed.

        Raises:
            InvalidArgument: The host was not opened with ``workspace_mode="overlay"``.
            StoreUnavailable: Something could not be written: it is still in the overlay, to be committed again.

        """
        return self._native.commit(principal).wait()

    def rollback(self, *, principal: str) -> None:
        """Throw away what this capsule changed for a principal. Raises as :meth:`commit`."""
        self._native.rollback(principal).wait()

    def reload(self) -> None:
        """Replace what runs by what lies where the capsule came from now; see :meth:`Host.reload`."""
        self._native.reload().wait()

    def unload(self) -> None:
        """Stop the capsule and forget it; what it stored stays."""
        self._native.unload().wait()
