"""How a coroutine waits for a call of the host."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from . import _native

T = TypeVar("T")


async def finish(call: _native.Call[T]) -> T:
    """Run a call of the host on the host's threads while the event loop goes on; cancelled with whoever awaits it."""
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
