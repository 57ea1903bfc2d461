"""What a call costs with Extism from Python: peer_extism.py GUEST [WORD …]. Prints a line of JSON a figure."""

import pathlib
import struct
import sys

import extism
from extism.extism import CompiledPlugin
from measure import QUESTIONS, SIZES, idle, repeated

PEER = "Extism, Python"
SMALL = b"a" * 64


@extism.host_fn()
def answer(asked: bytes) -> bytes:
    """Answer a question of the guest."""
    return asked


def main() -> None:
    """Measure all."""
    compiled = CompiledPlugin(pathlib.Path(sys.argv[1]).read_bytes())

    def make() -> extism.Plugin:
        plugin = extism.Plugin(compiled)
        assert plugin.call("echo", SMALL) == SMALL
        return plugin

    # First of all, while nothing that is measured later has left memory behind.
    idle(f"idle instance: {PEER}", make)
    plugin = make()
    for size, said in SIZES:
        payload = b"a" * size
        assert plugin.call("echo", payload) == payload

        def call(payload: bytes = payload) -> None:
            plugin.call("echo", payload)

        repeated(f"call, {said}: {PEER}", "no audit; copied through the kernel as the Rust PDK does", call)
    repeated(f"new instance: {PEER}", "from a compiled plugin, its first call, freed", make)
    # A plugin of its own: one that was called with 64 KiB asks more slowly ever after.
    fresh, times = make(), struct.pack("<I", QUESTIONS)
    name = f"guest to host and back, 64 B: {PEER}"
    repeated(name, "bytes in and out of a host_fn", lambda: fresh.call("ask", times), QUESTIONS)


if __name__ == "__main__":
    main()
