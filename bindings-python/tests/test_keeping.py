"""Profiles, keys, copies of a home, and the audit log on its way out."""

import asyncio
import io
import json

import astrid_host
import pytest
from astrid_host import AsyncHost, Host

KEY, NEXT_KEY = bytes(range(32)), bytes(reversed(range(32)))


def test_a_profile_is_a_plain_dictionary_that_goes_both_ways(open_host):
    host = open_host(default_profile={"groups": ["guests"], "quotas": {"max_in_flight_calls": 2}})
    profile = host.profile("alice")
    assert (profile["groups"], profile["quotas"]["max_in_flight_calls"]) == (["guests"], 2)
    profile["quotas"]["max_storage_bytes"] = "unlimited"
    profile["enabled"] = False
    host.set_profile("alice", profile)
    assert host.profile("alice") == profile
    assert host.principals() == ["alice"]
    assert host.usage("alice").stored_bytes_limit == "unlimited"
    host.remove_principal("alice")
    assert host.principals() == []
    assert host.profile("alice")["enabled"]


def test_a_field_nobody_knows_is_a_warning_where_the_profile_was_given(open_host):
    host = open_host()
    with pytest.warns(UserWarning, match="revoke") as caught:
        host.set_profile("alice", {"revoke": ["audit:read_all"]})
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("profile", "error"),
    [
        ({"enabled": "yes"}, astrid_host.InvalidArgument),
        ({"quotas": {"max_storage_bytes": 0}}, astrid_host.InvalidArgument),
        ([], astrid_host.InvalidArgument),
        ({"groups": {1, 2}}, TypeError),
        ({"quotas": {"max_storage_bytes": float("nan")}}, ValueError),
    ],
)
def test_a_profile_that_is_none_is_refused(open_host, profile, error):
    with pytest.raises(error):
        open_host().set_profile("alice", profile)


@pytest.mark.parametrize(("key", "error"), [(b"short", ValueError), ("x" * 32, TypeError), (list(KEY), TypeError)])
def test_a_key_that_is_none_is_not_shown(open_host, key, error):
    with pytest.raises(error, match="secret_key") as caught:
        open_host(secret_key=key)
    assert "short" not in str(caught.value)
    assert "xxx" not in str(caught.value)


def test_a_home_whose_secrets_have_a_key_of_the_programs_own(open_host, folder, tmp_path):
    path = folder(grants=["[env.token]", 'type = "secret"'])
    read = {"calls": [{"op": "sys.get-config", "args": {"key": "token"}}]}
    with open_host(secret_key=KEY) as host:
        host.load(path)
        host.configure("main", "token", "hidden")
        with pytest.raises(astrid_host.InvalidArgument):
            host.rotate_keys()
        host.rotate_keys(secret_key=NEXT_KEY)
        host.backup(tmp_path / "copy")
        with pytest.raises(astrid_host.InvalidArgument):
            host.backup(tmp_path / "copy")
    with pytest.raises(astrid_host.HomeUnusable):
        Host.open(tmp_path / "copy", secret_key=KEY)
    with Host.open(tmp_path / "copy", secret_key=NEXT_KEY) as copy:
        assert copy.load(path).trigger("script", read).json()[0]["ok"] == "hidden"
        assert copy.audit.verify().intact


def test_an_overlay_is_committed_or_rolled_back(open_host, folder, tmp_path):
    (tmp_path / "work").mkdir()
    write = {"calls": [{"op": "fs.write-file", "args": {"path": "a.txt", "content": "hello"}}]}
    grants = ["[capabilities]", 'fs_write = ["*"]', 'fs_read = ["*"]']
    host = open_host(workspace=tmp_path / "work", workspace_mode="overlay")
    puppet = host.load(folder(grants=grants))
    puppet.trigger("script", write, principal="alice")
    puppet.rollback(principal="alice")
    assert puppet.commit(principal="alice") == 0
    puppet.trigger("script", write, principal="alice")
    assert not (tmp_path / "work" / "a.txt").exists()
    assert puppet.commit(principal="alice") == 1
    assert (tmp_path / "work" / "a.txt").read_text() == "hello"


def test_an_export_goes_to_a_path_or_to_an_open_file(open_host, tmp_path):
    host = open_host()
    for n in range(3):
        host.publish("test.news", n, principal="alice")
    host.audit.checkpoint()
    host.audit.export(tmp_path / "log.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["record"] for line in lines].count("checkpoint") == 1
    out = io.BytesIO()
    host.audit.export(out, operation="host.publish", limit=2)
    assert [json.loads(line)["seq"] for line in out.getvalue().splitlines()] == [
        entry.seq for entry in host.audit.entries(operation="host.publish", limit=2)
    ]
    assert not out.closed


def test_a_file_that_cannot_be_written_raises_its_own_error(open_host, tmp_path):
    class Full:
        def write(self, data):
            raise OSError(28, "no space")

    host = open_host()
    with pytest.raises(OSError, match="no space"):
        host.audit.export(Full())
    with pytest.raises(FileNotFoundError):
        host.audit.export(tmp_path / "absent" / "log.jsonl")
    with pytest.raises(TypeError, match="color"):
        host.audit.export(Full(), color="red")
    host.close()
    with pytest.raises(astrid_host.Closed):
        host.audit.export(tmp_path / "late.jsonl")
    assert not (tmp_path / "late.jsonl").exists()


def test_the_same_verbs_are_coroutines(tmp_path, folder):
    async def main():
        path = folder(grants=["[package.metadata]"], files={"README.md": "hello"})
        async with await AsyncHost.open(tmp_path / "home") as host:
            inspection = await host.inspect(path)
            assert (inspection.id, inspection.installed) == ("main", None)
            assert inspection.manifest["package"]["name"] == "main"
            installed = await host.install(path, principal="alice", hash=inspection.hash)
            assert (await host.inspect(path)).installed.hash == installed.hash
            discovery = await host.discover([tmp_path])
            assert [(found.id, found.path) for found in discovery.found] == [("main", path)]
            puppet = await host.load(path, principal="alice")
            assert (puppet.generation, puppet.restarts, puppet.failure) == (1, 0, None)
            assert puppet.manifest == inspection.manifest
            with pytest.raises(astrid_host.NotFound):
                await puppet.static_file("README.md")
            await puppet.reload()
            assert (await host.reload("main")).generation == puppet.generation == 3
            parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            assert (await puppet.trigger("echo", traceparent=parent)).action
            with pytest.raises(astrid_host.InvalidArgument):
                await puppet.trigger("echo", traceparent="what")
            await host.set_profile("bob", {"enabled": False})
            assert not (await host.profile("bob"))["enabled"]
            assert await host.principals() == ["alice", "bob"]
            await host.remove_principal("bob")
            assert "astrid_capsules" in await host.metrics()
            assert (await host.diagnose()).processes
            ada = await host.create_user("Ada", principal="bob")
            await host.link_account(ada.id, "chat", "42", method="code")
            assert [link.platform_user_id for link in await host.links(ada.id)] == ["42"]
            await host.unlink_account("chat", "42")
            assert await host.users() == [ada]
            assert await host.remove_user(ada.id)
            assert (await host.audit.checkpoint()).entries > 0
            await host.rotate_keys()
            await host.backup(tmp_path / "copy")
            await host.audit.export(tmp_path / "log.jsonl", operation="capsule.install")
            assert (tmp_path / "log.jsonl").read_text().count("\n") == 1
            await host.uninstall("main")
            assert host.capsules() == []
        async with await AsyncHost.open(tmp_path / "copy") as copy:
            assert (await copy.audit.verify()).intact

    asyncio.run(asyncio.wait_for(main(), 60))


def test_cancelling_an_export_ends_it(tmp_path):
    async def main():
        class Stuck:
            def __init__(self):
                self.loop, self.writing = asyncio.get_running_loop(), asyncio.Event()

            def write(self, data):
                self.loop.call_soon_threadsafe(self.writing.set)

        async with await AsyncHost.open(tmp_path / "home") as host:
            out = Stuck()
            export = asyncio.create_task(host.audit.export(out))
            await out.writing.wait()
            export.cancel()
            await asyncio.wait([export])
            assert (await host.audit.verify()).intact

    asyncio.run(asyncio.wait_for(main(), 20))
