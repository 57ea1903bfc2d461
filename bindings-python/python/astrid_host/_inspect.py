"""What a component is to this host, found out without compiling or running it."""

from __future__ import annotations

from ._native import inspect_component as _inspect_component
from .types import ComponentReport


def inspect_component(component: bytes) -> ComponentReport:
    """Say what a component imports and exports, what it needs to be granted, and whether this host can run it.

    Nothing is compiled or run, and no host has to be open.

    Args:
        component: The bytes of the component.

    Raises:
        ComponentInvalid: The bytes are no valid component. One that is valid and cannot run here is no error: the
            report says why.

    """
    return _inspect_component(component)
