"""Many questions at once: all are answered, closing the host ends all, and what was approved can be taken back."""

import asyncio
import threading

import pytest
from astrid_host import AstridError, AsyncHost, Host
from conftest import BUY, decision

MANY = 1000
OPEN = 100


def test_a_thousand_questions_wait_at_once_and_are_answered_from_another_thread(tmp_path, folder):
    async def main():
        waiting = []
        all_wait = asyncio.Event()
        loop = asyncio.get_running_loop()

        async def on_approval(_):
            waiting.append(loop.create_future())
            if len(waiting) == MANY:
                all_wait.set()
            return await waiting[len(waiting) - 1]

        def answer():
            for question in waiting:
                loop.call_soon_threadsafe(question.set_result, "approve")

        async with await AsyncHost.open(tmp_path / "home", on_approval=on_approval, max_principals=2 * MANY) as host:
            puppet = await host.load(folder())
            calls = [asyncio.ensure_future(puppet.trigger("script", BUY, principal=f"p{n}")) for n in range(MANY)]
            await asyncio.wait_for(all_wait.wait(), 60)
            assert not any(call.done() for call in calls)
            threading.Thread(target=answer).start()
            results = await asyncio.wait_for(asyncio.gather(*calls), 60)
            assert [decision(result.json()) for result in results] == ["approved"] * MANY

    asyncio.run(main())


def test_closing_the_host_ends_a_hundred_open_questions(tmp_path, folder):
    async def main():
        asked, cancelled = 0, 0
        all_asked, all_cancelled = asyncio.Event(), asyncio.Event()

        async def on_approval(_):
            nonlocal asked, cancelled
            asked += 1
            if asked == OPEN:
                all_asked.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled += 1
                if cancelled == OPEN:
                    all_cancelled.set()

        host = await AsyncHost.open(tmp_path / "home", on_approval=on_approval)
        puppet = await host.load(folder())
        calls = [asyncio.ensure_future(puppet.trigger("script", BUY, principal=f"p{n}")) for n in range(OPEN)]
        await asyncio.wait_for(all_asked.wait(), 60)
        await asyncio.wait_for(host.close(), 60)
        ended = await asyncio.gather(*calls, return_exceptions=True)
        # Either the guest still sees the refusal and ends, or it is stopped first; nobody was permitted anything.
        for end in ended:
            if isinstance(end, BaseException):
                assert isinstance(end, AstridError)
                assert end.kind in ("closed", "cancelled")
            else:
                assert end.json()[0].get("ok", {}).get("decision") != "approved"
        await asyncio.wait_for(all_cancelled.wait(), 60)

    asyncio.run(main())


def test_plain_functions_that_block_are_let_go_when_the_host_is_closed(open_host, folder):
    opened = threading.Event()
    answer = threading.Event()

    def on_approval(_):
        opened.set()
        answer.wait()
        return "approve"

    host: Host = open_host(on_approval=on_approval)
    puppet = host.load(folder(), principal="alice")
    ends = []

    def trigger():
        try:
            ends.append(puppet.trigger("script", BUY).json()[0])
        except AstridError as error:
            ends.append(error.kind)

    calling = threading.Thread(target=trigger)
    calling.start()
    assert opened.wait(60)
    host.close()
    calling.join(60)
    answer.set()
    (end,) = ends
    assert end in ("closed", "cancelled") or end.get("ok", {}).get("decision") != "approved"


def test_what_was_approved_is_listed_and_taken_back(open_host, folder):
    answers = iter(["approve_session", "deny"])
    host = open_host(on_approval=lambda _: next(answers))
    puppet = host.load(folder(), principal="alice")
    assert decision(puppet.trigger("script", BUY, principal="alice").json()) == "approved-session"
    (kept,) = host.allowances("alice")
    assert (kept.principal, kept.capsule, kept.action, kept.resource) == ("alice", "main", "buy", "tea")
    assert kept.session_only and len(kept.artifact) == 64 and kept.created_ms > 0
    assert host.allowances("bob") == [] and not host.revoke_allowance("bob", kept.id)
    assert host.revoke_allowance("alice", kept.id) and not host.revoke_allowance("alice", kept.id)
    assert decision(puppet.trigger("script", BUY, principal="alice").json()) == "denied"
    with pytest.raises(AstridError):
        host.allowances("no such name!")
