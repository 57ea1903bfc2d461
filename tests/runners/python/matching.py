"""Whether a result is what a scenario expects."""

from __future__ import annotations

import json
from typing import Any

_SHORT = 600


def mismatch(expected: Any, actual: Any, path: str = "result") -> str | None:
    """Say where the result is not as expected; ``None`` if it is."""
    if isinstance(expected, dict):
        if len(expected) == 1 and next(iter(expected)).startswith("$"):
            ((operator, argument),) = expected.items()
            return (
                None if _OPERATORS[operator](argument, actual) else f"{path}: {short(actual)} is not {short(expected)}"
            )
        if not isinstance(actual, dict):
            return f"{path}: {short(actual)} is no object"
        return _first(mismatch(value, actual.get(key), f"{path}.{key}") for key, value in expected.items())
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return f"{path}: {short(actual)} is not an array of {len(expected)}"
        return _first(mismatch(e, a, f"{path}[{n}]") for n, (e, a) in enumerate(zip(expected, actual, strict=True)))
    return None if _same(expected, actual) else f"{path}: {short(actual)} is not {short(expected)}"


def short(value: Any) -> str:
    """Show a value in one line."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHORT else text[:_SHORT] + "…"


def _first(findings: Any) -> str | None:
    return next((finding for finding in findings if finding), None)


def _same(expected: Any, actual: Any) -> bool:
    # To Python true equals 1; to JSON it does not.
    return isinstance(expected, bool) == isinstance(actual, bool) and expected == actual


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _matches(expected: Any, actual: Any) -> bool:
    return mismatch(expected, actual) is None


def _parsed(expected: Any, actual: Any) -> bool:
    try:
        return _matches(expected, json.loads(actual))
    except (TypeError, ValueError):
        return False


def _has(expected: Any, actual: Any) -> bool:
    if not isinstance(actual, list):
        return False
    items = iter(actual)
    return all(any(_matches(one, item) for item in items) for one in expected)


def _some(expected: Any, actual: Any) -> bool:
    return isinstance(actual, list) and all(any(_matches(one, item) for item in actual) for one in expected)


def _none(expected: Any, actual: Any) -> bool:
    return isinstance(actual, list) and not any(_matches(one, item) for one in expected for item in actual)


_OPERATORS: dict[str, Any] = {
    "$any": lambda _, __: True,
    "$absent": lambda _, actual: actual is None,
    "$not": lambda expected, actual: not _matches(expected, actual),
    "$gte": lambda least, actual: _number(actual) and actual >= least,
    "$lte": lambda most, actual: _number(actual) and actual <= most,
    "$contains": lambda text, actual: isinstance(actual, str) and text in actual,
    "$parsed": _parsed,
    "$length": lambda length, actual: isinstance(actual, list) and len(actual) == length,
    "$has": _has,
    "$some": _some,
    "$none": _none,
}
