"""One class for every kind, and what an error carries."""

import pickle

import astrid_host
import pytest
from astrid_host import _native, errors
from conftest import LONG


@pytest.mark.parametrize(("code", "meaning"), _native.ERROR_KINDS)
def test_every_kind_has_a_class_of_its_own(code, meaning):
    error_class = errors.KINDS[code]
    name = "".join(word.capitalize() for word in code.split("_"))
    assert error_class.__name__ == name
    assert getattr(astrid_host, name) is error_class is getattr(errors, name)
    assert error_class.kind == code
    assert error_class.__doc__ == meaning

    error = errors._make(code, "what happened", {"capsule": "notes"}, "frame", ValueError("why"))
    assert type(error) is error_class
    assert isinstance(error, astrid_host.AstridError)
    assert str(error) == "what happened (capsule=notes)"
    assert (error.message, error.context, error.guest_backtrace) == ("what happened", {"capsule": "notes"}, "frame")
    assert str(error.__cause__) == "why"

    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.context, str(copy)) == (error_class, error.context, str(error))


def test_the_kinds_are_those_of_the_table():
    assert list(errors.KINDS) == [code for code, _ in _native.ERROR_KINDS]
    assert len(set(errors.KINDS.values())) == len(errors.KINDS)


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("Timeout", TimeoutError),
        ("CapabilityDenied", PermissionError),
        ("PrincipalRefused", PermissionError),
        ("NotFound", FileNotFoundError),
        ("InvalidArgument", ValueError),
        ("ManifestInvalid", ValueError),
        ("ComponentInvalid", ValueError),
    ],
)
def test_builtin_exceptions_of_the_same_meaning_catch_it(name, builtin):
    with pytest.raises(builtin):
        raise getattr(astrid_host, name)("no")


def test_a_trap_carries_the_guests_own_frames(load):
    puppet = load()
    with pytest.raises(astrid_host.GuestTrap) as caught:
        puppet.trigger("script", {"calls": [{"op": "trap"}]}, principal="alice")
    assert "puppet" in (caught.value.guest_backtrace or "")


def test_a_fault_is_a_trap_however_it_is_found(open_host, folder):
    capsule = folder(guest="stray")
    # The same home: compiled code of the one kind is never taken for the other's.
    for signal_traps in (True, False, True):
        with open_host(signal_traps=signal_traps) as host:
            stray = host.load(capsule)
            for _ in range(3):
                with pytest.raises(astrid_host.GuestTrap):
                    stray.trigger("go")


def test_a_guest_that_runs_past_its_time_is_stopped(load):
    with pytest.raises(TimeoutError) as caught:
        load("spin", quotas=LONG).trigger("go", principal="alice", timeout=0.1)
    assert caught.value.kind == "timeout"


def test_arguments_are_checked(open_host):
    host = open_host()
    with pytest.raises(astrid_host.InvalidArgument):
        host.usage("not a principal")
    with pytest.raises(astrid_host.NotFound):
        host.capsule("nobody")
    with pytest.raises(ValueError, match="outcome"):
        host.audit.entries(outcome="maybe")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"no_such_option": 1}, TypeError),
        ({"on_elicit": 3}, TypeError),
        ({"elicit_timeout": -1.0}, ValueError),
        ({"quotas": {"max_memory_bytes": 0}}, astrid_host.InvalidArgument),
        ({"quotas": {"no_such_quota": 1}}, astrid_host.InvalidArgument),
        ({"quotas": 7}, TypeError),
        ({"on_log": "stderr"}, TypeError),
        ({"workspace_mode": "copy"}, ValueError),
        ({"restart": {"frist": 1}}, TypeError),
        ({"restart": {"first": -1.0}}, ValueError),
        ({"instances": {"most": 0}}, astrid_host.InvalidArgument),
        ({"instances": {"most": "many"}}, TypeError),
        ({"audit": {"entries_per_sec": 0}}, astrid_host.InvalidArgument),
        ({"audit": {"off": True}}, TypeError),
        ({"network": {"local_egress": {"main": ["*:80"]}}}, astrid_host.InvalidArgument),
        ({"network": {"local_egress": ["127.0.0.1:80"]}}, TypeError),
        ({"network": {"public_binds": {"main": ["192.0.2.1"]}}}, astrid_host.InvalidArgument),
        ({"network": {"dns_servers": ["localhost:53"]}}, astrid_host.InvalidArgument),
        ({"network": {"tls_roots": "trust me"}}, astrid_host.InvalidArgument),
        ({"network": {"http_total": -1.0}}, ValueError),
        ({"network": {"airlock": False}}, TypeError),
        ({"processes": {"readable": ["etc"]}}, astrid_host.InvalidArgument),
        ({"processes": {"user": (0, 0)}}, astrid_host.InvalidArgument),
        ({"processes": {"limits": {"pids": 0}}}, astrid_host.InvalidArgument),
        ({"processes": {"limits": {"threads": 1}}}, TypeError),
        ({"processes": {"sandbox": False}}, TypeError),
        ({"authenticated_uplinks": "chat"}, TypeError),
        ({"default_profile": {"enabled": 1}}, astrid_host.InvalidArgument),
        ({"expected_checkpoint": {"entries": 1}}, TypeError),
        ({"expected_checkpoint": {"entries": 1, "head": "00"}}, astrid_host.InvalidArgument),
        ({"expected_checkpoint": {"entries": 1, "head": "00" * 32}}, astrid_host.AuditUnavailable),
    ],
)
def test_options_are_checked(open_host, options, error):
    with pytest.raises(error):
        open_host(**options)


def test_a_diagnosis_tells_whether_programs_can_run(open_host):
    host = open_host()
    found = host.diagnose()
    host.close()
    assert (found.processes, found.missing) == (True, [])
    assert (found.limits["cpu"], found.limits["files"]) == ("rlimit", "rlimit")
    assert {found.limits["memory"], found.limits["pids"]} <= {"cgroup", "rlimit"}
    without = open_host(processes={"bubblewrap": "/nowhere/bwrap"}).diagnose()
    assert not without.processes
    assert "bubblewrap" in without.missing[0]


def test_every_option_is_taken(open_host):
    host = open_host(
        restart={"enabled": True, "first": 0.1, "most": 1, "attempts": 3, "recovery": 10},
        instances={"warm": 1, "most": 2, "idle": 0.5},
        audit={"power_operations": ["kv.*"], "entries_per_sec": 10, "bytes_per_sec": 4096, "merge_within": 1},
        default_profile={"groups": ["guests"]},
        processes={
            "bubblewrap": "/usr/bin/bwrap",
            "readable": ["/opt"],
            "host_network": ["main"],
            "user": (1000, 1000),
            "scratch_bytes": 1 << 20,
            "limits": {"memory_bytes": None, "cpu_secs": 60, "pids": 16, "open_files": 64},
        },
        network={
            "local_egress": {"main": ["127.0.0.1:5432", "db.local:*"]},
            "public_binds": {"main": ["192.0.2.1:80"]},
            "dns_servers": ["127.0.0.1:53", "[::1]:53"],
            "http_connect": 1,
            "http_first_byte": 2.5,
            "http_between_bytes": 2.5,
            "http_total": 30,
        },
        authenticated_uplinks=["chat"],
        expected_checkpoint=None,
        secret_key=bytes(32),
        code_cache=False,
        ready_within=0.25,
    )
    assert host.profile("alice")["groups"] == ["guests"]


def test_users_and_their_accounts(open_host):
    host = open_host()
    ada = host.create_user("Ada", principal="ada")
    other = host.create_user()
    assert (ada.principal, ada.display_name, other.display_name) == ("ada", "Ada", None)
    assert other.principal.startswith("user-")
    host.link_account(ada.id, " Chat ", "42", method="code")
    host.link_account(ada.id, "chat", "42", method="again")
    (link,) = host.links(ada.id)
    assert (link.platform, link.platform_user_id, link.user, link.method) == ("chat", "42", ada.id, "again")
    with pytest.raises(astrid_host.InvalidArgument, match="another user"):
        host.link_account(other.id, "chat", "42", method="code")
    with pytest.raises(astrid_host.InvalidArgument):
        host.links("ada")
    with pytest.raises(astrid_host.NotFound):
        host.unlink_account("chat", "43")
    assert {user.id for user in host.users()} == {ada.id, other.id}
    host.remove_principal("ada")
    assert host.users() == [other]
    assert host.remove_user(other.id)
    assert not host.remove_user(other.id)
    made = [entry.operation for entry in host.audit.entries(outcome="allowed")]
    assert made.count("host.create-user") == 2
