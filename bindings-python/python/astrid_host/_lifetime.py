"""Which hosts are open, so that none outlives the interpreter."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from typing import Protocol

from . import _native
from ._callbacks import Callbacks
from .errors import AstridError

Path = str | os.PathLike[str]


class _Open(Protocol):
    _native: _native.Host
    _callbacks: Callbacks


_hosts: weakref.WeakSet[_Open] = weakref.WeakSet()


def remember(host: _Open) -> None:
    """Close this host when the interpreter ends, unless it is closed before."""
    _hosts.add(host)
    host._callbacks.stand_by()


def shut(host: _Open) -> None:
    """Close a host on this thread; a closed one, or one of a fork's parent, is left alone."""
    if not host._native.closed:
        host._native.close().wait()
        host._native.stop()
        host._callbacks.close()


@atexit.register
def _shut_all() -> None:
    # Now, while threads may still run: later a callback could neither be asked nor answer.
    for host in list(_hosts):
        with contextlib.suppress(AstridError):
            shut(host)
