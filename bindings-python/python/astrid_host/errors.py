"""The errors of a host: one class for every kind, made from the table that every language shares.

Each class carries its stable code as ``kind``. Where Python has a builtin exception of the same meaning, the class is
one of those too, so ``except TimeoutError`` catches a :class:`Timeout`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from . import _native

_ALSO: dict[str, type[Exception]] = {
    "manifest_invalid": ValueError,
    "component_invalid": ValueError,
    "invalid_argument": ValueError,
    "not_found": FileNotFoundError,
    "principal_refused": PermissionError,
    "capability_denied": PermissionError,
    "timeout": TimeoutError,
}


class AstridError(Exception):
    """Whatever a host can answer instead of a result."""

    kind: ClassVar[str] = "internal"
    """The stable snake_case code, the same in every language."""

    message: str
    """What happened, without the code and the context."""

    context: dict[str, str]
    """Where it happened, for example ``{"capsule": "notes"}``."""

    guest_backtrace: str | None
    """The guest's own frames, one a line, if the guest trapped."""

    def __init__(
        self,
        message: str = "",
        *,
        context: Mapping[str, str] | None = None,
        guest_backtrace: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.context = dict(context or {})
        self.guest_backtrace = guest_backtrace

    def __str__(self) -> str:
        if not self.context:
            return self.message
        where = ", ".join(f"{key}={value}" for key, value in self.context.items())
        return f"{self.message} ({where})"


def _class_of(code: str, meaning: str) -> type[AstridError]:
    bases = (AstridError, _ALSO[code]) if code in _ALSO else (AstridError,)
    name = "".join(word.capitalize() for word in code.split("_"))
    return type(name, bases, {"__doc__": meaning, "__module__": __name__, "kind": code})


KINDS: dict[str, type[AstridError]] = {code: _class_of(code, meaning) for code, meaning in _native.ERROR_KINDS}
"""Every kind's code and its class, in the order of the kinds' numbers."""

globals().update({error.__name__: error for error in KINDS.values()})
__all__ = ["KINDS", "AstridError", *sorted(error.__name__ for error in KINDS.values())]  # noqa: PLE0604


def _make(
    code: str, message: str, context: dict[str, str], guest_backtrace: str | None, cause: BaseException | None
) -> AstridError:
    """Build the error that the native module raises."""
    error = KINDS[code](message, context=context, guest_backtrace=guest_backtrace)
    error.__cause__ = cause
    return error
