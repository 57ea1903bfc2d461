"""What a host goes on telling, for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Generic, TypeVar

from ._async_call import finish
from ._streams import Source
from .types import BusMessage, CapsuleChange

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._async_host import AsyncHost

T = TypeVar("T")


class AsyncStream(Generic[T]):
    """What a host goes on telling: ``async for``, or await the :meth:`next`. Ends when it or the host is closed."""

    def __init__(self, host: AsyncHost, native: Source[T]) -> None:
        """Wrap a native stream of an open host."""
        self._host = host
        self._native = native

    async def next(self, timeout: float | None = None) -> T | None:
        """Wait for the next one; ``None`` when there will be no more.

        Raises:
            Timeout: ``timeout`` seconds passed without one.

        """
        return await finish(self._native.next(timeout))

    def close(self) -> None:
        """End it; whoever waits for the next one is woken."""
        self._native.close()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        told = await self.next()
        if told is None:
            raise StopAsyncIteration
        return told

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class AsyncMessages(AsyncStream[BusMessage]):
    """The messages of a subscription; made by :meth:`AsyncHost.subscribe`."""


class AsyncCapsuleChanges(AsyncStream[CapsuleChange]):
    """What changed in capsules' folders; made by :meth:`AsyncHost.watch`. At most 64 wait here."""
