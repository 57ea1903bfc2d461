"""Runs the program's callbacks, never on a thread of the host and never inside a guest's call.

A plain function runs on a daemon thread. A coroutine function runs on an event loop: in an ``AsyncHost`` the loop that
opened it, in a ``Host`` a loop on a daemon thread of its own, made when first needed. Daemon threads, because a
callback that never answers must not keep the interpreter from ending.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import queue
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._native import thread_token
from ._notices import tell, tell_async
from .types import (
    ApprovalQuestion,
    ElicitQuestion,
    OnApproval,
    OnCheckpoint,
    OnElicit,
    OnLog,
    OnUplink,
    UplinkEvent,
)

if TYPE_CHECKING:
    from ._native import Notices, Reply

_QUESTIONS: dict[str, type[Any]] = {
    "elicit": ElicitQuestion,
    "approval": ApprovalQuestion,
    "uplink": UplinkEvent,
}
_IDLE_SECONDS = 10.0
# 3.12 starts no threads from the moment the main thread ends, before anybody hears of that; only these are known to
# start them still.
_LATE_THREADS = sys.version_info[:2] in {(3, 10), (3, 11), (3, 13)}


class Callbacks:
    """The callbacks of one host and the threads that run them."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None,
        *,
        on_elicit: OnElicit | None,
        on_approval: OnApproval | None,
        on_uplink: OnUplink | None,
        on_log: OnLog | None,
        on_checkpoint: OnCheckpoint | None,
    ) -> None:
        """Keep the callbacks; ``loop`` is the loop for coroutine functions, ``None`` for one of our own."""
        given = {
            "elicit": on_elicit,
            "approval": on_approval,
            "uplink": on_uplink,
            "log": on_log,
            "checkpoint": on_checkpoint,
        }
        for kind, handler in given.items():
            if handler is not None and not callable(handler):
                raise TypeError(f"on_{kind} must be callable, not {type(handler).__name__}")
        self._handlers: dict[str, Callable[[Any], Any]] = {k: h for k, h in given.items() if h is not None}
        self._context = contextvars.copy_context()
        self._threads = _Threads()
        self._loop = _Loop(loop)

    def kinds(self) -> list[str]:
        """Name what there is a callback for."""
        return list(self._handlers)

    def ask(self, kind: str, fields: dict[str, Any], reply: Reply) -> Callable[[], object] | None:
        """Start a callback; what it answers goes to ``reply``. Returns what withdraws the question, if anything can.

        Called by the host's own thread, so nothing here may wait.
        """
        handler = self._handlers[kind]
        question = _QUESTIONS[kind](**fields)
        if not _is_async(handler):
            self._threads.run(self._context.copy().run, self._answer, handler, question, reply)
            return None
        if reply.waits_on(self._loop.thread()):
            reply.would_block()
            return None
        return self._loop.run(self._answer_async(handler, question, reply), self._context)

    def tell(self, kind: str, notices: Notices) -> None:
        """Have a callback that answers nothing take what it has not been told yet.

        Called by the host's own thread, so nothing here may wait.
        """
        handler = self._handlers[kind]
        if not _is_async(handler):
            self._threads.run(self._context.copy().run, tell, kind, handler, notices)
        elif self._loop.run(tell_async(kind, handler, notices), self._context) is None:
            notices.close()

    def _answer(self, handler: Callable[[Any], Any], question: object, reply: Reply) -> None:
        try:
            answer = handler(question)
        except BaseException as error:  # noqa: BLE001 - it is raised again where the host was called
            reply.raised(error)
            return
        if not inspect.isawaitable(answer):
            reply.answer(answer)
        elif reply.waits_on(self._loop.thread()):
            if inspect.iscoroutine(answer):
                answer.close()
            reply.would_block()
        else:
            # A plain function that returns an awaitable, such as a partial or a lambda around a coroutine function.
            self._loop.run(self._settle(answer, reply), self._context)

    async def _answer_async(self, handler: Callable[[Any], Any], question: object, reply: Reply) -> None:
        try:
            answer = handler(question)
        except BaseException as error:  # noqa: BLE001 - see above
            reply.raised(error)
            return
        await self._settle(answer, reply)

    @staticmethod
    async def _settle(answer: Any, reply: Reply) -> None:
        try:
            reply.answer(await answer)
        except asyncio.CancelledError as error:
            # Whoever waits for the host was not cancelled, so this must not look to them as if they were.
            cancelled = RuntimeError("the callback's task was cancelled")
            cancelled.__cause__ = error
            reply.raised(cancelled)
        except BaseException as error:  # noqa: BLE001 - see above
            reply.raised(error)

    def stand_by(self) -> None:
        """Start the threads that the end of the interpreter will need, where none can be started then."""
        if _LATE_THREADS:
            return
        plain = [handler for handler in self._handlers.values() if not _is_async(handler)]
        self._threads.stand_by(len(plain))
        if len(plain) < len(self._handlers):
            self._loop.started()

    def close(self) -> None:
        """Let the threads end; a callback that is still running is not waited for."""
        self._threads.close()
        self._loop.close()


def _is_async(handler: Callable[[Any], Any]) -> bool:
    return inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(
        getattr(handler, "__call__", None)  # noqa: B004 - an object whose call is a coroutine function
    )


class _Threads:
    """Daemon threads for plain functions: one for each callback that runs at the same time, kept while idle."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._all = 0
        self._stay = False

    def stand_by(self, count: int) -> None:
        """Have at least so many idle threads, and let none go for being idle any more."""
        with self._lock:
            self._stay = True
            more = max(0, count - self._idle)
            self._idle += more
            self._all += more
        for _ in range(more):
            self._start()

    def run(self, function: Callable[..., object], *arguments: object) -> None:
        with self._lock:
            spawn = self._idle == 0
            if spawn:
                self._all += 1
            else:
                self._idle -= 1
        self._work.put(lambda: function(*arguments))
        if spawn:
            self._start()

    def _start(self) -> None:
        threading.Thread(target=self._serve, name="astrid-callback", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=_IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    # Work that was promised to an idle thread may be on its way: then there is no idle thread to spare.
                    if self._idle == 0 or self._stay:
                        continue
                    self._idle -= 1
                    self._all -= 1
                    return
            if work is None:
                return
            work()
            del work
            with self._lock:
                self._idle += 1

    def close(self) -> None:
        with self._lock:
            threads, self._all, self._idle = self._all, 0, 0
        for _ in range(threads):
            self._work.put(None)


class _Loop:
    """The event loop for coroutine functions: the caller's, or one on a daemon thread of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop
        self._own = loop is None
        self._closed = False
        self._thread = None if self._own else thread_token()
        self._lock = threading.Lock()

    def thread(self) -> int | None:
        """Return the token of the thread that runs the loop; ``None`` while there is none."""
        return self._thread

    def run(self, coroutine: Any, context: contextvars.Context) -> Callable[[], object] | None:
        """Start a coroutine on the loop; returns what cancels it. A closed loop drops it, which counts as no answer."""
        loop = self.started()
        if loop is None:
            coroutine.close()
            return None
        task: asyncio.Task[None] | None = None
        withdrawn = False

        def start() -> None:
            nonlocal task
            if withdrawn:
                coroutine.close()
            else:
                task = loop.create_task(coroutine)

        def stop() -> None:
            nonlocal withdrawn
            withdrawn = True
            if task is not None:
                task.cancel()

        def withdraw() -> None:
            _post(loop, stop)

        if not _post(loop, start, context):
            coroutine.close()
            return None
        return withdraw

    def started(self) -> asyncio.AbstractEventLoop | None:
        """Give the loop, which runs from then on; ``None`` when it was closed."""
        with self._lock:
            if self._closed:
                return None
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._serve, args=(self._loop,), name="astrid-loop", daemon=True).start()
            return self._loop

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        self._thread = thread_token()
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        finally:
            loop.close()

    def close(self) -> None:
        with self._lock:
            loop, self._loop, self._closed = self._loop, None, True
        if self._own and loop is not None:
            _post(loop, loop.stop)


def _post(
    loop: asyncio.AbstractEventLoop,
    callback: Callable[[], object],
    context: contextvars.Context | None = None,
) -> bool:
    """Call something on a loop's thread; False if the loop is closed."""
    try:
        loop.call_soon_threadsafe(callback, context=context)
    except RuntimeError:
        return False
    return True
