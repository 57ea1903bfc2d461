"""What a call costs with wasmtime-py: peer_wasmtime.py ECHO ASK [WORD …]. Prints a line of JSON a figure."""

import pathlib
import sys

from measure import QUESTIONS, SIZES, idle, repeated
from wasmtime import Engine, Store, StoreContext
from wasmtime.component import Component, Func, Linker

PEER = "wasmtime-py"
SMALL = b"a" * 64


def answer(_: StoreContext, asked: bytes) -> bytes:
    """Answer a question of the guest."""
    return asked


def instance(engine: Engine, linker: Linker, component: Component, export: str) -> tuple[Store, Func]:
    """Make an instance in a store of its own."""
    store = Store(engine)
    func = linker.instantiate(store, component).get_func(store, export)
    assert func is not None
    return store, func


def ask(engine: Engine, wasm: bytes) -> None:
    """Measure questions of a guest."""
    linker = Linker(engine)
    with linker.root() as root:
        root.add_func("answer", answer)
    store, func = instance(engine, linker, Component(engine, wasm), "ask")

    def call() -> None:
        func(store, QUESTIONS)

    repeated(f"guest to host and back, 64 B: {PEER}", "list<u8> in and out of a function", call, QUESTIONS)


def main() -> None:
    """Measure all."""
    engine = Engine()
    linker = Linker(engine)
    echo, asks = (pathlib.Path(path).read_bytes() for path in (sys.argv[1], sys.argv.pop(2)))
    component = Component(engine, echo)

    def make() -> tuple[Store, Func]:
        store, hook = instance(engine, linker, component, "astrid-hook-trigger")
        hook(store, "echo", SMALL)
        return store, hook

    # First of all, while nothing that is measured later has left memory behind.
    idle(f"idle instance: {PEER}", make)
    store, hook = make()
    for size, said in SIZES:
        payload = b"a" * size
        assert len(hook(store, "echo", payload).data) == size

        def call(payload: bytes = payload) -> None:
            hook(store, "echo", payload)

        repeated(f"call, {said}: {PEER}", "our echo, the same bytes; no audit, no limits", call)
    repeated(f"new instance: {PEER}", "a store, the instance, its first call, freed", make)
    ask(engine, asks)


if __name__ == "__main__":
    main()
