"""Lays the capsules of a scenario on the disk."""

from __future__ import annotations

import json
import pathlib
import re
from typing import Any

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
_INDEX: dict[str, dict[str, str]] = json.loads((REPOSITORY / "target/guests/index.json").read_text("utf-8"))
_HEAD = ["[package]", 'name = "{name}"', 'version = "{version}"', "", "[[component]]", 'id = "{name}"']
_HEAD += ['file = "{{{{component}}}}"', 'hash = "{{{{hash}}}}"']


def guest_bytes(guest: Any) -> bytes | None:
    """Give the bytes of a guest as a scenario writes it down."""
    if isinstance(guest, str):
        return (REPOSITORY / _INDEX[guest]["path"]).read_bytes()
    if guest is None:
        return None
    if "bytes_hex" in guest:
        return bytes.fromhex(guest["bytes_hex"])
    if "text" in guest:
        return str(guest["text"]).encode()
    name, count = guest["truncate"]
    return (REPOSITORY / _INDEX[name]["path"]).read_bytes()[:count]


def fill_in(text: str, guest: Any) -> str:
    """Replace the placeholders for the component's file and hash, and for the hashes of other guests."""
    text = text.replace("{{component}}", "guest.wasm")
    if isinstance(guest, str):
        text = text.replace("{{hash}}", _INDEX[guest]["hash"])
    return re.sub(r"\{\{hash:(.*?)\}\}", lambda named: _INDEX[named[1]]["hash"], text)


def path_of(folder: pathlib.Path, capsule: dict[str, Any]) -> pathlib.Path:
    """Give what the host is told as a capsule's path: its folder, or the archive beside where that would be."""
    return folder.with_name(f"{folder.name}.capsule") if "archive" in capsule else folder


def write(folder: pathlib.Path, key: str, capsule: dict[str, Any]) -> None:
    """Write a capsule's folder, with manifest, component and further files, or its archive."""
    if "archive" in capsule:
        path_of(folder, capsule).write_bytes(guest_bytes(capsule["archive"]) or b"")
        return
    folder.mkdir()
    guest = capsule.get("guest")
    component = guest_bytes(guest)
    if component is not None:
        (folder / "guest.wasm").write_bytes(component)
    manifest = _manifest(key, capsule)
    if manifest is not None:
        (folder / "Capsule.toml").write_text(fill_in(manifest, guest), "utf-8")
    for path, file in capsule.get("files", {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        content = file.encode() if isinstance(file, str) else guest_bytes(file["guest"])
        (folder / path).write_bytes(content or b"")


def _manifest(key: str, capsule: dict[str, Any]) -> str | None:
    if "manifest" in capsule:
        lines = capsule["manifest"]
    else:
        names = {"name": capsule.get("name", key), "version": capsule.get("version", "1.0.0")}
        lines = [line.format(**names) for line in _HEAD] + ["", *capsule.get("grants", [])]
    if lines is None:
        return None
    for name, script in capsule.get("scripts", {}).items():
        text = json.dumps(script, ensure_ascii=False, separators=(",", ":"))
        lines = [*lines, "", f"[env.{name}]", 'type = "text"', f"default = '{text}'"]
    return "".join(f"{line}\n" for line in lines)
