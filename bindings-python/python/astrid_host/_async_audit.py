"""The audit log, for asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from . import _native
from ._async_call import finish
from ._audit import Writable, opened
from ._lifetime import Path
from .options import EntryFilter
from .types import AuditEntry, Checkpoint, Verification

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncAudit:
    """The audit log; see :class:`~astrid_host.Audit`."""

    def __init__(self, native: _native.Host) -> None:
        """Wrap a host's log; use :attr:`AsyncHost.audit`."""
        self._native = native

    async def entries(self, **wanted: Unpack[EntryFilter]) -> list[AuditEntry]:
        """Read the entries that match, in their order; see :class:`~astrid_host.options.EntryFilter`."""
        return await finish(self._native.audit_entries(wanted))

    async def verify(self) -> Verification:
        """Check every hash of the chain and every signature."""
        return await finish(self._native.audit_verify())

    async def checkpoint(self) -> Checkpoint:
        """Sign the chain so far, to be kept elsewhere; returns when the disk has it."""
        return await finish(self._native.audit_checkpoint())

    async def export(self, target: Path | Writable, **wanted: Unpack[EntryFilter]) -> None:
        """Write the log as lines of JSON, on a thread; see :meth:`Audit.export <astrid_host.Audit.export>`."""
        export = self._native.audit_export(wanted)
        with await asyncio.to_thread(opened, target) as out:
            while (piece := await finish(export.next())) is not None:
                await asyncio.to_thread(out.write, piece)

    @property
    def public_key(self) -> bytes:
        """The Ed25519 key (32 bytes) that the log was first signed with; the chain itself names those after it."""
        return self._native.audit_public_key()
