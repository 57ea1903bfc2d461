"""The audit log."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Protocol

from . import _native
from ._lifetime import Path
from .options import EntryFilter
from .types import AuditEntry, Checkpoint, Verification

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Writable(Protocol):
    """A binary file, or anything that takes all the bytes it is given."""

    def write(self, data: bytes, /) -> object:
        """Write all of it."""
        ...


def opened(target: Path | Writable) -> contextlib.AbstractContextManager[Writable]:
    """Open a path for writing; what was open already is left open."""
    if isinstance(target, (str, os.PathLike)):
        return open(target, "wb")
    return contextlib.nullcontext(target)


class Audit:
    """The audit log: hash-chained, signed at checkpoints, one entry for every call of a capsule that matters."""

    def __init__(self, native: _native.Host) -> None:
        """Wrap a host's log; use :attr:`Host.audit`."""
        self._native = native

    def entries(self, **wanted: Unpack[EntryFilter]) -> list[AuditEntry]:
        """Read the entries that match, in their order; see :class:`~astrid_host.options.EntryFilter`.

        >>> concierge.trigger("greet", principal="bob").data
        'Hello friend! That makes 1.'
        >>> [entry.outcome for entry in host.audit.entries(operation="capsule.trigger", principal="bob")]
        ['allowed']
        """
        return self._native.audit_entries(wanted).wait()

    def verify(self) -> Verification:
        """Check every hash of the chain and every signature.

        >>> host.audit.verify().intact
        True
        """
        return self._native.audit_verify().wait()

    def checkpoint(self) -> Checkpoint:
        """Sign the chain so far, to be kept elsewhere; returns when the disk has it."""
        return self._native.audit_checkpoint().wait()

    def export(self, target: Path | Writable, **wanted: Unpack[EntryFilter]) -> None:
        """Write every entry, checkpoint and change of key as a line of JSON, a piece of at most 64 KiB at a time.

        Args:
            target: A file's path, which is written anew, or an open binary file, which stays open.
            wanted: Only entries that match; see :class:`~astrid_host.options.EntryFilter`.

        Raises:
            OSError: The file cannot be written; whatever else ``target.write`` raises comes out as it is.

        """
        export = self._native.audit_export(wanted)
        with opened(target) as out:
            while (piece := export.next().wait()) is not None:
                out.write(piece)

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key (32 bytes) that the log was first signed with; the chain itself names those after it."""
        return self._native.audit_public_key()
