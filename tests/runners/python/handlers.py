"""The handlers of a scenario's host: they record each question and give the answers that stand in the scenario."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

QUESTIONS = ("elicit", "approval", "uplink")
NOTICES = ("log", "checkpoint")
_TOLD = {
    "elicit": ("principal", "capsule", "phase", "key", "kind", "description", "options", "default"),
    "approval": ("principal", "capsule", "action", "resource", "risk"),
    "uplink": ("event", "capsule", "uplink_id", "platform", "user", "content", "principal"),
    "log": ("capsule", "principal", "level", "message"),
    "checkpoint": ("sequence", "entries", "head", "public_key", "signature"),
}


class Handlers:
    """What is answered, and what has been asked or told."""

    def __init__(self, host: dict[str, Any]) -> None:
        self._answers = {kind: list(host[kind]) for kind in QUESTIONS if kind in host}
        self._heard = [kind for kind in NOTICES if host.get(kind)]
        self.asked: dict[str, list[dict[str, Any]]] = {kind: [] for kind in (*QUESTIONS, *NOTICES)}

    def options(self) -> dict[str, Callable[[Any], Any]]:
        """Give the handlers as arguments of `open`."""
        answering = {f"on_{kind}": self._handler(kind) for kind in self._answers}
        return answering | {f"on_{kind}": self._listener(kind) for kind in self._heard}

    def would_block(self) -> bool:
        """Tell whether some answer needs the thread that waits for it."""
        return any("would_block" in answer for answers in self._answers.values() for answer in answers)

    def _handler(self, kind: str) -> Callable[[Any], Any]:
        def handler(question: Any) -> Any:
            told = _told(question, kind)
            if kind == "uplink":
                told["principal"] = question.resolved
            self.asked[kind].append(told)
            if kind == "uplink" and question.event != "message":
                return "delivered"
            left = self._answers[kind]
            return _give(left.pop(0) if len(left) > 1 else left[0])

        return handler

    def _listener(self, kind: str) -> Callable[[Any], None]:
        return lambda notice: self.asked[kind].append(_told(notice, kind))


def _told(record: Any, kind: str) -> dict[str, Any]:
    return {key: getattr(record, key) for key in _TOLD[kind]}


def _give(answer: Any) -> Any:
    """Answer on this thread, or with a coroutine that runs on the event loop."""
    if isinstance(answer, str):
        return answer
    ((how, what), *rest) = answer.items()
    match how:
        case "text" | "list":
            return what
        case "cancelled":
            return None
        case "raise":
            raise RuntimeError(what)
        case "wrong_type":
            return object()
        case "never":
            return asyncio.Event().wait()
        case "twice":
            return _give(what)
        case "late_ms":
            time.sleep(what / 1000)
            return _give(rest[0][1])
        case "would_block":
            # A coroutine needs the event loop, and the player waits for the host on the event loop's own thread.
            return asyncio.sleep(0)
        case _:
            raise ValueError(f"the scenario answers with {how}")
