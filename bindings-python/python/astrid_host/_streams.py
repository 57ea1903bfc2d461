"""What a host goes on telling: messages of the bus, and changes of capsules' folders."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from . import _native
from .types import BusMessage, CapsuleChange

if TYPE_CHECKING:
    from typing_extensions import Self

    from ._host import Host

T = TypeVar("T")


class Source(Protocol[T]):
    """The native side of a stream."""

    def next(self, timeout: float | None) -> _native.Call[T | None]:
        """Begin to wait for the next one."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Stream(Generic[T]):
    """What a host goes on telling: iterate, or ask for the :meth:`next`. Ends when it or the host is closed."""

    def __init__(self, host: Host, native: Source[T]) -> None:
        """Wrap a native stream of an open host."""
        self._host = host
        self._native = native

    def next(self, timeout: float | None = None) -> T | None:
        """Wait for the next one; ``None`` when there will be no more.

        Raises:
            Timeout: ``timeout`` seconds passed without one.

        """
        return self._native.next(timeout).wait()

    def close(self) -> None:
        """End it; whoever waits for the next one is woken."""
        self._native.close()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        told = self.next()
        if told is None:
            raise StopIteration
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Messages(Stream[BusMessage]):
    """The messages of a subscription; made by :meth:`Host.subscribe`."""


class CapsuleChanges(Stream[CapsuleChange]):
    """What changed in capsules' folders; made by :meth:`Host.watch`. At most 64 wait here, then the watch rests."""
