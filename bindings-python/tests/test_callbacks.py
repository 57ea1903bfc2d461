"""Who answers, on which thread, and what becomes of a callback that does not."""

import asyncio
import contextvars
import gc
import threading
import weakref

import pytest
from astrid_host import AsyncHost, CallbackFailed, Decision, Host
from conftest import BUY, decision

WHO = contextvars.ContextVar("WHO", default="nobody")


def buy(capsule):
    return capsule.trigger("script", BUY, principal="alice")


def test_a_plain_function_answers_on_a_thread_of_its_own(load):
    threads = []

    def on_approval(question):
        threads.append(threading.current_thread())
        assert (question.principal, question.action, question.resource) == ("alice", "buy", "tea")
        assert 0 < question.timeout <= 60
        return Decision.APPROVE

    assert decision(buy(load(on_approval=on_approval)).json()) == "approved"
    assert threads[0] is not threading.current_thread()
    assert threads[0].daemon


def test_a_coroutine_function_answers_on_a_loop_of_the_hosts_own(load):
    loops = []

    async def on_approval(question):
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return "approve"

    puppet = load(on_approval=on_approval)
    assert [decision(buy(puppet).json()) for _ in range(2)] == ["approved", "approved"]
    assert loops[0] is loops[1]


def test_the_context_of_opening_is_the_callbacks(load):
    seen = []
    WHO.set("ada")
    puppet = load(on_approval=lambda _: seen.append(WHO.get()) or "deny")
    WHO.set("bob")
    assert decision(buy(puppet).json()) == "denied"
    assert seen == ["ada"]


@pytest.mark.parametrize("is_async", [False, True])
def test_what_it_raises_is_the_cause(load, is_async):
    def on_approval(_):
        raise LookupError("no terminal")

    async def on_approval_async(_):
        raise LookupError("no terminal")

    with pytest.raises(CallbackFailed) as caught:
        buy(load(on_approval=on_approval_async if is_async else on_approval))
    assert isinstance(caught.value.__cause__, LookupError)
    assert caught.value.context["fault"] == "raised"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_is_no_exception_comes_out_unchanged(load, error):
    raised = error("enough")

    def on_approval(_):
        raise raised

    with pytest.raises(error) as caught:
        buy(load(on_approval=on_approval))
    assert caught.value is raised


@pytest.mark.parametrize("answer", [True, None, "yes", 7, ["approve"]])
def test_a_wrong_answer_is_named(load, answer):
    with pytest.raises(CallbackFailed, match=f"answered {type(answer).__name__}") as caught:
        buy(load(on_approval=lambda _: answer))
    assert caught.value.context["fault"] == "wrong_answer"


def test_one_that_never_answers_is_a_refusal_and_its_coroutine_is_cancelled(load):
    cancelled = threading.Event()

    async def on_approval(_):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    puppet = load(on_approval=on_approval, approval_timeout=0.05)
    assert buy(puppet).json()[0]["err"] == "timeout"
    assert cancelled.wait(10)


def test_one_that_needs_the_waiting_thread_fails_at_once(load):
    puppet = None

    async def on_approval(_):
        # Waits on the loop's thread for a question that only this loop could answer.
        return decision(buy(puppet).json())

    puppet = load(on_approval=on_approval)
    with pytest.raises(CallbackFailed) as caught:
        buy(puppet)
    assert isinstance(caught.value.__cause__, CallbackFailed)
    assert caught.value.__cause__.context["fault"] == "would_block_caller"


def test_a_plain_function_may_call_the_host(load):
    puppet = None

    def on_approval(question):
        if question.resource == "tea":
            nested = {"calls": [{**BUY["calls"][0], "args": {"action": "buy", "target-resource": "milk"}}]}
            return "approve" if decision(puppet.trigger("script", nested).json()) == "approved" else "deny"
        return "approve"

    puppet = load(on_approval=on_approval)
    assert decision(buy(puppet).json()) == "approved"


def test_secrets_do_not_reach_the_audit(open_host, folder):
    script = {"calls": [{"op": "elicit.elicit", "args": {"kind": "secret", "key": "token"}}]}
    host = open_host(on_elicit=lambda question: "hunter2" if question.kind == "secret" else None)
    assert host.install(folder(scripts={"install": script}), principal="alice").version == "1.0.0"
    entries = host.audit.entries(operation="elicit.elicit")
    assert [entry.outcome for entry in entries] == ["allowed"]
    assert "hunter2" not in repr(host.audit.entries())


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_host_that_only_its_callback_knows_is_collected(tmp_path):
    class Answering:
        def __call__(self, _):
            return "deny"

    answering = Answering()
    answering.host = Host.open(tmp_path / "home", on_approval=answering)
    gone = weakref.ref(answering)
    del answering
    gc.collect()
    assert gone() is None
    # The home is free again.
    Host.open(tmp_path / "home").close()


def test_async_host_runs_coroutine_functions_on_its_loop_and_functions_beside_it(tmp_path, folder):
    async def main():
        threads = []

        async def on_approval(_):
            threads.append(threading.get_ident())
            return "approve"

        def on_uplink(event):
            threads.append(threading.get_ident())
            return "delivered"

        async with await AsyncHost.open(tmp_path / "home", on_approval=on_approval, on_uplink=on_uplink) as host:
            puppet = await host.load(folder(grants=["[capabilities]", "uplink = true"]))
            result = await puppet.trigger("script", BUY)
            assert decision(result.json()) == "approved"
            register = {"op": "uplink.uplink-register", "as": "u"}
            register["args"] = {"name": "main", "platform": "chat", "profile": "chat"}
            send = {"op": "uplink.uplink-send"}
            send["args"] = {"uplink-id": {"$value": "u"}, "platform-user-id": "ann", "content": "hi"}
            sent = await puppet.trigger("script", {"calls": [register, send]})
            assert sent.json()[1]["ok"] is True
        assert threads[0] == threading.get_ident()
        assert threading.get_ident() not in threads[1:]

    asyncio.run(main())
