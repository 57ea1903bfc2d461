"""Payloads, subscriptions, and a host that is closed."""

import threading
import warnings

import astrid_host
import pytest
from astrid_host import Host


@pytest.mark.parametrize(
    ("payload", "heard"),
    [
        (b"bytes", "bytes"),
        (bytearray(b"bytes"), "bytes"),
        (memoryview(b"bytes"), "bytes"),
        ("text, \u00e4\u20ac", "text, \u00e4\u20ac"),
        ({"a": [1, None, "\u00e4"]}, '{"a":[1,null,"\u00e4"]}'),
        ([], "[]"),
        (None, "null"),
        (3.5, "3.5"),
    ],
)
def test_payloads(load, payload, heard):
    assert load().trigger("echo", payload).json()["payload"] == heard


@pytest.mark.parametrize(("payload", "error"), [({1, 2}, TypeError), (float("nan"), ValueError)])
def test_what_json_has_not_is_refused(load, payload, error):
    with pytest.raises(error):
        load().trigger("echo", payload)


def test_no_payload_is_an_empty_one(load):
    assert load().trigger("echo").json()["payload"] == ""


def test_messages_are_iterated_until_closed(open_host):
    host = open_host()
    messages = host.subscribe("test.*")
    for n in range(3):
        host.publish("test.news", n)
    heard = []
    for message in messages:
        heard.append(message.json())
        assert (message.attribution, message.principal) == ("system", None)
        if len(heard) == 3:
            messages.close()
    assert heard == [0, 1, 2]
    assert messages.next() is None


def test_closing_wakes_who_waits_for_a_message(open_host):
    messages = open_host().subscribe("test.*")
    heard = []
    thread = threading.Thread(target=lambda: heard.extend([messages.next()]))
    thread.start()
    messages.close()
    thread.join(10)
    assert heard == [None]


def test_a_closed_host_says_so(open_host, folder):
    host = open_host()
    puppet = host.load(folder())
    host.close()
    host.close()
    assert host.closed
    for call in (
        lambda: puppet.trigger("echo"),
        lambda: host.load(folder("other")),
        lambda: host.publish("test.news", 1),
        lambda: host.subscribe("test.*"),
        lambda: host.usage("alice"),
        host.audit.entries,
    ):
        with pytest.raises(astrid_host.Closed):
            call()


def test_a_second_opener_is_told(open_host):
    open_host()
    with pytest.raises(astrid_host.HomeLocked):
        open_host()


def test_a_forgotten_host_warns(tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Host.open(tmp_path / "home")
    assert [warning.category for warning in caught] == [ResourceWarning]


def test_many_threads_share_a_host(load):
    puppet = load()
    answers = []

    def call(n):
        for _ in range(20):
            answers.append(puppet.trigger("echo", n, principal=f"p{n}").json()["payload"])

    threads = [threading.Thread(target=call, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == sorted(str(n) for n in range(4) for _ in range(20))
