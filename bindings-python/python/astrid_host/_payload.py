"""Turns what a caller passes as a payload into the bytes a capsule is given."""

from __future__ import annotations

import json

from .types import Payload


def to_bytes(payload: Payload) -> bytes:
    """Give bytes as they are, text as UTF-8, and anything else as JSON text."""
    if isinstance(payload, bytes):
        return payload
    if isinstance(payload, str):
        return payload.encode()
    if isinstance(payload, (bytearray, memoryview)):
        return bytes(payload)
    return json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
