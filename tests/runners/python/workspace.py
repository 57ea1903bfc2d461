"""The workspace of a scenario, and how it is named to the host."""

from __future__ import annotations

import pathlib
from typing import Any

_FOLDER = "workspace"


def make(host: dict[str, Any], folder: pathlib.Path) -> None:
    """Make the folder with what is in it, if the scenario has one."""
    wanted = host.get("workspace")
    if wanted is None:
        return
    root = folder / _FOLDER
    root.mkdir()
    # Programs that capsules start are nobody when the host is root.
    folder.chmod(0o711)
    root.chmod(0o777)
    for name in wanted.get("folders", ()):
        (root / name).mkdir(parents=True, exist_ok=True)
    for name, text in wanted.get("files", {}).items():
        _below(root, name).write_text(text, "utf-8")
    for name, target in wanted.get("links", {}).items():
        _below(root, name).symlink_to(target)


def _below(root: pathlib.Path, name: str) -> pathlib.Path:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    return root / name


def options(host: dict[str, Any], folder: pathlib.Path) -> dict[str, Any]:
    """Give the arguments of `open` that are about the workspace."""
    wanted = host.get("workspace")
    if wanted is None:
        return {}
    return {"workspace": folder / _FOLDER, "workspace_mode": "overlay" if wanted.get("overlay") else "direct"}
