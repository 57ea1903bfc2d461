"""What is done very often leaves no memory behind: from a tenth of a run to its end at most five in a hundred."""

import gc
import itertools
import pathlib
import shutil
import tempfile

from astrid_host import Host

TRIGGERS, SUBSCRIPTIONS, HOSTS = 100_000, 10_000, 10_000
# A home that lies in memory opens thirty times as fast as one on a disk.
IN_MEMORY = "/dev/shm"
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

    def test_hosts_and_their_callbacks(self):
        with tempfile.TemporaryDirectory(dir=IN_MEMORY) as home:
            numbers = itertools.count(1)

            def open_and_close():
                # What a host keeps of its home grows with the home's log, which is not what is asked here.
                if next(numbers) % 100 == 0:
                    shutil.rmtree(home)
                names = ("elicit", "approval", "uplink", "log", "checkpoint")
                with Host.open(home, **{f"on_{name}": lambda _: None for name in names}):
                    pass

            repeat(HOSTS, open_and_close)
