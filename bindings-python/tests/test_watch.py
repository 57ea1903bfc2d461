"""Watching the folders of capsules."""

import asyncio
import threading

import astrid_host
import pytest
from astrid_host import AsyncHost


def test_a_change_is_told_and_what_is_loaded_from_there_is_reloaded(open_host, folder, tmp_path):
    host = open_host()
    path = folder()
    puppet = host.load(path)
    with host.watch(tmp_path, reload=True) as changes:
        (path / "notes.txt").write_text("new")
        change = changes.next(timeout=20)
    assert (change.folder, change.gone, change.id) == (path, False, "main")
    assert (change.reloaded, change.error, puppet.generation) == (True, None, 2)


def test_why_it_was_not_reloaded_is_told(open_host, folder):
    host = open_host()
    path = folder()
    puppet = host.load(path)
    changes = puppet.watch(reload=True)
    (path / "guest.wasm").write_bytes(b"something else")
    change = changes.next(timeout=20)
    assert not change.reloaded
    assert isinstance(change.error, astrid_host.HashMismatch)
    assert puppet.generation == 1


def test_a_folder_that_is_not_there_cannot_be_watched(open_host, tmp_path):
    with pytest.raises(astrid_host.NotFound):
        open_host().watch(tmp_path / "absent")


def test_closing_wakes_who_waits_for_a_change(open_host, tmp_path):
    host = open_host()
    changes = host.watch(tmp_path)
    with pytest.raises(TimeoutError):
        changes.next(timeout=0.01)
    heard = []
    thread = threading.Thread(target=lambda: heard.extend([changes.next()]))
    thread.start()
    changes.close()
    thread.join(10)
    assert heard == [None]
    assert list(changes) == []
    later = host.watch(tmp_path)
    host.close()
    assert later.next() is None


def test_async_iteration(tmp_path, folder):
    async def main():
        path = folder()
        async with await AsyncHost.open(tmp_path / "home") as host:
            puppet = await host.load(path)
            async with await puppet.watch() as changes:
                (path / "notes.txt").write_text("new")
                async for change in changes:
                    assert (change.id, change.reloaded, change.error) == ("main", False, None)
                    changes.close()
            waiting = asyncio.create_task((await host.watch(tmp_path)).next())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(asyncio.wait_for(main(), 60))
