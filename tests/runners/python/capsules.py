"""Lays the capsules of a scenario on the disk."""

from __future__ import annotations

import json
import pathlib
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
    """Replace the placeholders for the component's file and hash."""
    text = text.replace("{{component}}", "guest.wasm")
    return text.replace("{{hash}}", _INDEX[guest]["hash"]) if isinstance(guest, str) else text


def write(folder: pathlib.Path, key: str, capsule: dict[str, Any]) -> None:
    """Write a capsule's folder: manifest, component, further files."""
    folder.mkdir()
    guest = capsule.get("guest")
    component = guest_bytes(guest)
    if component is not None:
        (folder / "guest.wasm").write_bytes(component)
    if "manifest" in capsule:
        lines = capsule["manifest"]
    else:
        names = {"name": capsule.get("name", key), "version": capsule.get("version", "1.0.0")}
        lines = [line.format(**names) for line in _HEAD] + ["", *capsule.get("grants", [])]
    if lines is not None:
        for name, script in capsule.get("scripts", {}).items():
            text = json.dumps(script, ensure_ascii=False, separators=(",", ":"))
            lines = [*lines, "", f"[env.{name}]", 'type = "text"', f"default = '{text}'"]
        (folder / "Capsule.toml").write_text(fill_in("\n".join(lines), guest), "utf-8")
    for path, text in capsule.get("files", {}).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
