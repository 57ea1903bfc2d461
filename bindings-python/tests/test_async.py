"""The asyncio face: cancelling, closing, and loops that end first."""

import asyncio
import contextlib

import astrid_host
import pytest
from astrid_host import AsyncHost, State
from conftest import LONG

SLEEP = {"calls": [{"op": "sys.sleep-ns", "args": {"duration-ns": 60_000_000_000}}]}


def test_every_verb_is_a_coroutine(tmp_path, folder):
    async def main():
        async with await AsyncHost.open(tmp_path / "home") as host:
            installed = await host.install(folder(), principal="alice")
            assert (installed.id, installed.upgraded_from) == ("main", None)
            puppet = await host.load(tmp_path / "main", principal="alice")
            assert (puppet.id, puppet.hash) == ("main", installed.hash)
            await puppet.wait_ready(5)
            assert puppet.state in {State.READY, State.RUNNING, State.COMPLETED}
            assert (await puppet.trigger("echo", "hello", principal="alice")).json()["payload"] == "hello"
            assert (await host.usage("alice")).triggers == 1
            assert (await host.publish("test.news", {"n": 1})).decision == "continue"
            assert [capsule.id for capsule in host.capsules()] == [host.capsule("main").id] == ["main"]
            await puppet.unload()
            assert puppet.state == "unloaded"
            assert (await host.load_all(tmp_path))[0].id == "main"
            assert len(await host.audit.entries(operation="capsule.trigger", principal="alice")) == 1
            verification = await host.audit.verify()
            assert verification.intact
            assert len(host.audit.public_key) == 32
            await host.audit.export(tmp_path / "log.jsonl")
            assert len((tmp_path / "log.jsonl").read_text().splitlines()) >= verification.entries
        assert host.closed
        await host.close()

    asyncio.run(main())


def test_cancelling_the_task_stops_the_guest(tmp_path, folder):
    async def main():
        async with await AsyncHost.open(tmp_path / "home") as host:
            puppet = await host.load(folder())
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(puppet.trigger("script", SLEEP), 0.05)
            cancelled = []
            while not cancelled:
                await asyncio.sleep(0.01)
                cancelled = await host.audit.entries(operation="sys.sleep-ns", outcome="cancelled")

    asyncio.run(asyncio.wait_for(main(), 20))


def test_closing_ends_what_is_awaited(tmp_path, folder):
    async def main():
        host = await AsyncHost.open(tmp_path / "home", quotas=LONG)
        spin = await host.load(folder(guest="spin"))
        messages = host.subscribe("test.*")
        waiting = [asyncio.create_task(spin.trigger("go")), asyncio.create_task(messages.next())]
        await asyncio.sleep(0.05)
        await host.close()
        trigger, message = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(trigger, (astrid_host.Cancelled, astrid_host.Closed))
        assert message is None or isinstance(message, astrid_host.Closed)
        assert await messages.next(timeout=1) is None
        for call in (spin.trigger("go"), host.install(tmp_path), host.usage("alice"), host.audit.verify()):
            with pytest.raises(astrid_host.Closed):
                await call

    asyncio.run(asyncio.wait_for(main(), 20))


def test_a_loop_that_is_closed_first_is_no_error(tmp_path, folder, capfd):
    async def begin():
        host = await AsyncHost.open(tmp_path / "home")
        puppet = await host.load(folder())
        call = puppet._native.trigger("echo", b"", None, None, None)
        future = asyncio.get_running_loop().create_future()
        return host, call, future

    loop = asyncio.new_event_loop()
    host, call, future = loop.run_until_complete(begin())
    call.start(loop, future)
    loop.close()
    asyncio.run(host.close())
    assert capfd.readouterr().err == ""
    assert not future.done()


def test_a_callback_that_raises_past_exception_ends_the_task(tmp_path, folder):
    class Enough(BaseException):
        pass

    async def on_elicit(_):
        raise Enough

    async def main():
        script = {"calls": [{"op": "elicit.elicit", "args": {"kind": "text", "key": "name"}}]}
        async with await AsyncHost.open(tmp_path / "home", on_elicit=on_elicit) as host:
            with contextlib.suppress(Enough):
                await host.install(folder(scripts={"install": script}))
                raise AssertionError("it should not have been installed")

    asyncio.run(main())


def test_async_iteration(tmp_path):
    async def main():
        async with await AsyncHost.open(tmp_path / "home") as host:
            async with host.subscribe("test.*") as messages:
                for n in range(3):
                    await host.publish("test.news", {"n": n}, principal="alice")
                heard = []
                async for message in messages:
                    heard.append((message.topic, message.json()["n"], message.principal, message.attribution))
                    if len(heard) == 3:
                        messages.close()
                assert heard == [("test.news", n, "alice", "verified") for n in range(3)]
            with pytest.raises(TimeoutError):
                await host.subscribe("test.*").next(timeout=0.01)

    asyncio.run(asyncio.wait_for(main(), 20))
