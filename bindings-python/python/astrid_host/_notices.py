"""Calls the callbacks that answer nothing: in order, and one at a time.

Nobody catches what they raise, so it goes to :func:`sys.unraisablehook`, as with a ``__del__`` that raises.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .types import Checkpoint, LogLine

if TYPE_CHECKING:
    from ._native import Notices

_NOTICES: dict[str, type[Any]] = {"log": LogLine, "checkpoint": Checkpoint}


def tell(kind: str, handler: Callable[[Any], Any], notices: Notices) -> None:
    """Call a plain function with every notice, until there is none."""
    while (fields := notices.take()) is not None:
        try:
            said = handler(_NOTICES[kind](**fields))
            if inspect.iscoroutine(said):
                said.close()
                raise TypeError(f"on_{kind} made a coroutine, but is no coroutine function")
        except BaseException as error:  # noqa: BLE001 - nobody is there to catch it, and the next notice must be told
            notices.raised(error, handler)


async def tell_async(kind: str, handler: Callable[[Any], Any], notices: Notices) -> None:
    """Call a coroutine function with every notice, until there is none."""
    while (fields := notices.take()) is not None:
        try:
            await handler(_NOTICES[kind](**fields))
        except asyncio.CancelledError:
            # The loop ends, or somebody cancelled this task; whoever is told next has a task of their own.
            notices.leave()
            raise
        except BaseException as error:  # noqa: BLE001 - see above
            notices.raised(error, handler)
