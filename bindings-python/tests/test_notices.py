"""The callbacks that answer nothing: what capsules log, and checkpoints of the audit."""

import asyncio
import contextvars
import gc
import sys
import threading
import weakref

import pytest
from astrid_host import AsyncHost, Host

WHO = contextvars.ContextVar("WHO", default="nobody")


def say(*messages):
    return {"calls": [{"op": "sys.log", "args": {"level": "warn", "message": message}} for message in messages]}


@pytest.fixture
def ignored(monkeypatch):
    """What nobody could catch: the exceptions, and the callbacks they came from."""
    caught = []
    monkeypatch.setattr(sys, "unraisablehook", lambda args: caught.append((args.exc_value, args.object)))
    return caught


def test_lines_come_in_order_on_a_thread_and_closing_waits_for_them(load, open_host):
    lines, threads, told = [], set(), threading.Event()

    def on_log(line):
        told.wait(10)
        lines.append(line)
        threads.add(threading.current_thread())

    puppet = load(on_log=on_log)
    puppet.trigger("script", say(*map(str, range(20))), principal="alice")
    # The guest did not wait for any of it.
    assert lines == []
    told.set()
    puppet._host.close()
    assert [line.message for line in lines] == [str(n) for n in range(20)]
    first = lines[0]
    assert (first.capsule, first.principal, first.level, first.lost) == ("main", "alice", "warn", 0)
    assert first.time_ns > 1_700_000_000_000_000_000
    (thread,) = threads
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_a_coroutine_function_hears_on_a_loop_of_the_hosts_own(load):
    heard = []
    WHO.set("ada")

    async def on_log(line):
        await asyncio.sleep(0)
        heard.append((line.message, asyncio.get_running_loop(), WHO.get()))

    puppet = load(on_log=on_log)
    WHO.set("bob")
    puppet.trigger("script", say("a", "b"))
    puppet._host.close()
    assert [message for message, _, _ in heard] == ["a", "b"]
    assert heard[0][1] is heard[1][1]
    assert {who for _, _, who in heard} == {"ada"}


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize("error", [LookupError, SystemExit])
def test_what_it_raises_is_unraisable_and_the_next_is_told(load, ignored, is_async, error):
    heard = []

    def on_log(line):
        heard.append(line.message)
        if line.message == "a":
            raise error("no room")

    async def on_log_async(line):
        on_log(line)

    callback = on_log_async if is_async else on_log
    puppet = load(on_log=callback)
    puppet.trigger("script", say("a", "b"))
    puppet._host.close()
    assert heard == ["a", "b"]
    ((raised, whose),) = ignored
    assert (type(raised), whose) == (error, callback)


def test_a_coroutine_that_nobody_awaits_is_named(load, ignored):
    async def hear(_):
        raise AssertionError("it was awaited")

    def on_log(line):
        return hear(line)

    puppet = load(on_log=on_log)
    puppet.trigger("script", say("a"))
    puppet._host.close()
    ((raised, _),) = ignored
    assert isinstance(raised, TypeError)
    assert "no coroutine function" in str(raised)


def test_one_that_never_returns_neither_stops_the_guest_nor_the_closing(load):
    begun, never = threading.Event(), threading.Event()

    def on_log(_):
        begun.set()
        never.wait(60)

    puppet = load(on_log=on_log)
    for _ in range(3):
        assert puppet.trigger("script", say(*"abc")).action
    assert begun.wait(10)
    puppet._host.close()
    assert puppet._host.closed
    never.set()


def test_what_comes_faster_than_it_is_taken_is_counted(load):
    lines, go_on = [], threading.Event()

    def on_log(line):
        go_on.wait(30)
        lines.append(line)

    puppet = load(on_log=on_log)
    long = {"op": "sys.log", "args": {"level": "info", "message": {"$repeat": ["x", 65_536]}}}
    puppet.trigger("script", {"calls": [{"op": "repeat", "times": 120, "last": True, "calls": [long]}]})
    go_on.set()
    puppet._host.close()
    lost = sum(line.lost for line in lines)
    assert 0 < lost < 120
    assert lost + sum(not line.lost for line in lines) == 120


def test_a_callback_may_call_the_host(load):
    used, told = [], threading.Event()

    def on_log(line):
        used.append(puppet._host.usage(line.principal).triggers)
        told.set()

    puppet = load(on_log=on_log)
    puppet.trigger("script", say("a"), principal="alice")
    assert told.wait(10)
    assert used == [1]


def test_every_checkpoint_is_told_the_last_at_closing(open_host):
    kept = []
    host = open_host(on_checkpoint=kept.append)
    signed = host.audit.checkpoint()
    host.publish("test.news", 1)
    host.close()
    assert kept[0] == signed
    assert kept[-1].entries > signed.entries
    assert kept[-1].public_key == signed.public_key
    assert (len(signed.head), len(signed.signature)) == (64, 128)
    last = {"entries": kept[-1].entries, "head": kept[-1].head}
    open_host(expected_checkpoint=last).close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("kind", ["on_log", "on_checkpoint"])
def test_a_host_that_only_its_callback_knows_is_collected(tmp_path, kind):
    class Listening:
        def __call__(self, _):
            pass

    listening = Listening()
    listening.host = Host.open(tmp_path / "home", **{kind: listening})
    gone = weakref.ref(listening)
    del listening
    gc.collect()
    assert gone() is None
    # The home is free again.
    Host.open(tmp_path / "home").close()


def test_async_host_tells_coroutine_functions_on_its_loop(tmp_path, folder):
    async def main():
        threads, kept = [], []

        async def on_log(line):
            threads.append((line.message, threading.get_ident()))

        async def on_checkpoint(checkpoint):
            kept.append(checkpoint)

        host = await AsyncHost.open(tmp_path / "home", on_log=on_log, on_checkpoint=on_checkpoint)
        puppet = await host.load(folder())
        await puppet.trigger("script", say("a", "b"))
        signed = await host.audit.checkpoint()
        await host.close()
        assert threads == [("a", threading.get_ident()), ("b", threading.get_ident())]
        assert kept[0] == signed

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_task_that_is_cancelled_ends_and_the_next_line_has_another(tmp_path, folder, ignored):
    async def main():
        heard, waiting = [], asyncio.Event()

        async def on_log(line):
            heard.append((line.message, asyncio.current_task()))
            waiting.set()
            if line.message == "a":
                await asyncio.Event().wait()

        async with await AsyncHost.open(tmp_path / "home", on_log=on_log) as host:
            puppet = await host.load(folder())
            await puppet.trigger("script", say("a"))
            await waiting.wait()
            heard[0][1].cancel()
            await asyncio.wait([heard[0][1]])
            waiting.clear()
            await puppet.trigger("script", say("b"))
            await waiting.wait()
        assert [message for message, _ in heard] == ["a", "b"]

    asyncio.run(asyncio.wait_for(main(), 20))
    assert ignored == []


def test_a_loop_that_is_closed_first_is_no_error(tmp_path, folder, capfd):
    async def on_log(_):
        raise AssertionError("there is no loop")

    async def begin():
        host = await AsyncHost.open(tmp_path / "home", on_log=on_log)
        return host, await host.load(folder())

    host, puppet = asyncio.run(begin())
    # On this thread, as no loop runs.
    puppet._native.trigger(
        "script", b'{"calls":[{"op":"sys.log","args":{"level":"warn","message":"a"}}]}', None, None, None
    ).wait()
    asyncio.run(host.close())
    assert capfd.readouterr().err == ""
