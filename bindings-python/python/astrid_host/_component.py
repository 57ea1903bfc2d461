"""What a component is to a host."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImportedFunction:
    """A function that a component imports."""

    name: str
    """Its name in the interface, ``kv-get`` or ``[method]subscription.recv``."""
    capability: str | None
    """The capability of the manifest that it needs, if any."""


@dataclass(frozen=True, slots=True)
class ImportedInterface:
    """An interface that a component imports."""

    name: str
    """Its name with its version, ``astrid:kv/host@1.0.0``."""
    offered: bool
    """Whether this host offers it, in exactly this version."""
    functions: list[ImportedFunction]
    """The functions of it that the component can call."""


@dataclass(frozen=True, slots=True)
class ComponentReport:
    """What a component is to this host."""

    hash: str
    """The BLAKE3 of its bytes, 64 hexadecimal digits: the ``hash`` of a manifest."""
    bytes: int
    """How many bytes it has."""
    runnable: bool
    """Whether this host can run it. Compiling it may still fail, by a limit of its size."""
    problems: list[str]
    """What stands in the way, in words."""
    imports: list[ImportedInterface]
    """What it imports, in its order."""
    exports: list[str]
    """The names of what it exports."""
    capabilities: list[str]
    """The capabilities that functions it imports need, by the names of the manifest."""
