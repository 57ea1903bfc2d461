"""Ctrl-C, fork, and the end of the interpreter, each in a process of its own."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest
from conftest import MAY_SPEAK

TESTS = pathlib.Path(__file__).resolve().parent


# A background job inherits an ignored SIGINT, and Python would leave it ignored.
PRELUDE = f"""
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {str(TESTS)!r})
"""


def start(code, *arguments):
    code = PRELUDE + textwrap.dedent(code)
    command = [sys.executable, "-X", "dev", "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.split()


def test_ctrl_c_ends_a_long_trigger_and_stops_the_guest(tmp_path, folder):
    process = start(
        """
        from conftest import LONG, SPIN, say_when_it_spins
        from astrid_host import Host
        with Host.open(sys.argv[1], quotas=LONG) as host:
            puppet = host.load(sys.argv[2])
            say_when_it_spins(host)
            try:
                puppet.trigger("script", SPIN)
            except KeyboardInterrupt:
                print("interrupted")
            entries = []
            while not entries:
                entries = host.audit.entries(operation="capsule.trigger")
            print(entries[0].outcome)
        """,
        tmp_path / "home",
        folder(grants=MAY_SPEAK),
    )
    assert process.stdout.readline() == "spinning\n"
    process.send_signal(signal.SIGINT)
    assert ended(process) == ["interrupted", "cancelled"]


def test_a_forked_child_has_a_closed_host_and_can_open_another(tmp_path, folder):
    process = start(
        """
        import os, warnings
        import astrid_host
        from conftest import LONG
        from astrid_host import Host
        warnings.simplefilter("ignore", DeprecationWarning)
        host = Host.open(sys.argv[1])
        spin = host.load(sys.argv[3])
        child = os.fork()
        if child == 0:
            try:
                spin.trigger("go")
            except astrid_host.Closed:
                print("closed", host.closed, flush=True)
            host.close()
            with Host.open(sys.argv[2], quotas=LONG) as own:
                try:
                    own.load(sys.argv[3]).trigger("go", timeout=0.1)
                except TimeoutError:
                    print("stopped", flush=True)
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        print(status, host.closed, host.audit.verify().intact)
        host.close()
        """,
        tmp_path / "home",
        tmp_path / "other",
        folder(guest="spin"),
    )
    assert ended(process) == ["closed", "True", "stopped", "0", "False", "True"]


def test_the_interpreter_ends_with_a_host_left_open(tmp_path, folder):
    process = start(
        """
        import threading
        from conftest import BUY
        from astrid_host import Host
        asked = threading.Event()
        def on_approval(_):
            asked.set()
            threading.Event().wait()
        host = Host.open(sys.argv[1], on_approval=on_approval)
        puppet = host.load(sys.argv[2])
        def call():
            try:
                puppet.trigger("script", BUY)
            except Exception as error:
                print(type(error).__name__, flush=True)
        threading.Thread(target=call, daemon=True).start()
        asked.wait()
        print("ending", flush=True)
        """,
        tmp_path / "home",
        folder(),
    )
    assert ended(process)[0] == "ending"


def test_the_interpreter_ends_with_guests_running(tmp_path, folder):
    process = start(
        """
        import threading
        from conftest import LONG, SPIN
        from astrid_host import Host
        host = Host.open(sys.argv[1], quotas=LONG)
        puppet = host.load(sys.argv[2], principal="alice")
        messages = host.subscribe("test.spinning")
        for _ in range(4):
            threading.Thread(target=puppet.trigger, args=("script", SPIN), daemon=True).start()
        for _ in range(4):
            messages.next()
        print("ending", flush=True)
        """,
        tmp_path / "home",
        folder(grants=MAY_SPEAK),
    )
    assert ended(process) == ["ending"]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_the_processes_of_multiprocessing_have_hosts_of_their_own(method, tmp_path, folder):
    process = start(
        """
        import multiprocessing, warnings
        from conftest import bought
        from astrid_host import Host
        warnings.simplefilter("ignore", DeprecationWarning)
        home, capsule, method = sys.argv[1:]
        with Host.open(home) as host:
            host.load(capsule)
            with multiprocessing.get_context(method).Pool(2) as pool:
                print(*pool.starmap(bought, [(f"{home}-1", capsule), (f"{home}-2", capsule)]))
            print(host.closed, host.audit.verify().intact)
        """,
        tmp_path / "home",
        folder(),
        method,
    )
    assert ended(process) == ["approved", "approved", "False", "True"]


def test_a_subinterpreter_is_refused_and_the_main_one_goes_on(tmp_path, folder):
    process = start(
        """
        try:
            import _xxsubinterpreters as interpreters
        except ImportError:
            import _interpreters as interpreters
        from conftest import bought
        code = (
            "try:\\n import astrid_host\\n"
            "except ImportError as error:\\n print('refused' if 'subinterpreter' in str(error) else error, flush=True)"
        )
        interpreters.run_string(interpreters.create(), f"import sys\\nsys.path = {sys.path!r}\\n{code}")
        print(bought(*sys.argv[1:]))
        """,
        tmp_path / "home",
        folder(),
    )
    assert ended(process) == ["refused", "approved"]


def test_the_interpreter_ends_with_an_async_host_left_open(tmp_path, folder):
    process = start(
        """
        import asyncio
        from astrid_host import AsyncHost
        SLEEP = {"calls": [{"op": "sys.sleep-ns", "args": {"duration-ns": 60_000_000_000}}]}
        async def main():
            global host
            host = await AsyncHost.open(sys.argv[1])
            puppet = await host.load(sys.argv[2])
            asyncio.ensure_future(puppet.trigger("script", SLEEP))
            await asyncio.sleep(0.05)
            print("ending", flush=True)
        asyncio.run(main())
        """,
        tmp_path / "home",
        folder(),
    )
    assert ended(process) == ["ending"]


def test_the_interpreter_ends_when_a_line_is_never_taken(tmp_path, folder):
    process = start(
        """
        import threading
        from astrid_host import Host
        SAY = {"calls": [{"op": "sys.log", "args": {"level": "warn", "message": "a"}}]}
        taken = threading.Event()
        def on_log(_):
            taken.set()
            threading.Event().wait()
        host = Host.open(sys.argv[1], on_log=on_log)
        host.load(sys.argv[2]).trigger("script", SAY)
        taken.wait()
        print("ending", flush=True)
        """,
        tmp_path / "home",
        folder(),
    )
    assert ended(process) == ["ending"]


def test_what_a_host_left_open_has_to_tell_is_told_when_the_interpreter_ends(tmp_path, folder):
    process = start(
        """
        import os
        from astrid_host import Host
        SAY = {"calls": [{"op": "sys.log", "args": {"level": "warn", "message": "line"}}]}
        # Two threads tell at once, and `print` writes its line break apart from its line.
        say = lambda what: os.write(1, f"{what}\\n".encode())
        host = Host.open(
            sys.argv[1],
            on_log=lambda line: say(line.message),
            on_checkpoint=lambda checkpoint: say("checkpoint"),
        )
        host.load(sys.argv[2]).trigger("script", SAY)
        """,
        tmp_path / "home",
        folder(),
    )
    assert sorted(ended(process)) == ["checkpoint", "line"]


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_happens_only_when_the_interpreter_ends_is_told(kind, tmp_path):
    process = start(
        """
        import os
        from astrid_host import Host
        def told(checkpoint):
            os.write(1, b"checkpoint")
        async def told_later(checkpoint):
            told(checkpoint)
        host = Host.open(sys.argv[1], on_checkpoint=told if sys.argv[2] == "def" else told_later)
        """,
        tmp_path / "home",
        kind,
    )
    assert ended(process) == ["checkpoint"]


def test_signals_reach_other_handlers_too(tmp_path, folder):
    process = start(
        """
        import os, signal
        from conftest import LONG, SPIN, say_when_it_spins
        from astrid_host import Host
        class Enough(Exception): pass
        def enough(*_): raise Enough
        signal.signal(signal.SIGTERM, enough)
        with Host.open(sys.argv[1], quotas=LONG) as host:
            puppet = host.load(sys.argv[2])
            say_when_it_spins(host)
            try:
                puppet.trigger("script", SPIN)
            except Enough:
                print("enough")
        """,
        tmp_path / "home",
        folder(grants=MAY_SPEAK),
    )
    assert process.stdout.readline() == "spinning\n"
    os.kill(process.pid, signal.SIGTERM)
    assert ended(process) == ["enough"]
