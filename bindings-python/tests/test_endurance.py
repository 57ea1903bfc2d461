"""What is done very often leaves no memory behind: from a tenth of a run to its end at most five in a hundred."""

import gc
import pathlib

from astrid_host import Host

TRIGGERS, SUBSCRIPTIONS, HOSTS = 100_000, 10_000, 100
# Nothing that is measured here is ended by a quota.
ENDLESS = {
    "quotas": {"max_cpu_fuel_per_sec": "unlimited"},
    "audit": {"entries_per_sec": 10**9, "bytes_per_sec": 10**12},
}


def resident_kib():
    """What the process holds in memory."""
    gc.collect()
    status = pathlib.Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def repeat(times, once):
    for _ in range(times // 10):
        once()
    early = resident_kib()
    for _ in range(times - times // 10):
        once()
    late = resident_kib()
    assert late <= early * 1.05, f"{early} KiB after a tenth, {late} KiB in the end"


class TestEndurance:
    def test_triggers(self, load):
        echo = load(guest="echo", **ENDLESS)
        repeat(TRIGGERS, lambda: echo.trigger("echo", b"x" * 64))

    def test_subscriptions(self, open_host):
        host = open_host()

        def subscribe():
            with host.subscribe("test.news") as messages:
                host.publish("test.news", 1)
                assert messages.next().json() == 1

        repeat(SUBSCRIPTIONS, subscribe)

    def test_hosts_and_their_callbacks(self, tmp_path):
        def open_and_close():
            callbacks = {f"on_{name}": lambda _: None for name in ("elicit", "approval", "uplink", "log", "checkpoint")}
            with Host.open(tmp_path / "home", **callbacks):
                pass

        repeat(HOSTS, open_and_close)
