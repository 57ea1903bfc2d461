"""What both faces say of a loaded capsule without waiting."""

from __future__ import annotations

from typing import Any

from . import _native
from .types import State


class Loaded:
    """A loaded capsule. It follows the capsule through upgrades, reloads and restarts until it is unloaded."""

    _native: _native.Capsule

    @property
    def id(self) -> str:
        """The package name of its manifest."""
        return self._native.id

    @property
    def version(self) -> str:
        """The version of its manifest."""
        return self._native.version

    @property
    def hash(self) -> str:
        """BLAKE3 of its component, 64 hexadecimal digits."""
        return self._native.hash

    @property
    def manifest(self) -> dict[str, Any]:
        """Its manifest, with the capabilities of its components merged."""
        return self._native.manifest

    @property
    def warnings(self) -> list[str]:
        """What its manifest says that this host does not know."""
        return self._native.warnings

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return State(self._native.state)

    @property
    def generation(self) -> int:
        """What serves now: 1 when it was loaded, one more with every upgrade, reload and restart."""
        return self._native.generation

    @property
    def restarts(self) -> int:
        """How often its run loop was restarted since it was loaded."""
        return self._native.restarts

    @property
    def failure(self) -> str | None:
        """Why its run loop failed last since it was loaded; ``None`` if it never did."""
        return self._native.failure

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.version}>"
