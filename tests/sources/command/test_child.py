"""A command as a child process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from workers import wait_for

from jobreporter.sources.command import _child, _output
from jobreporter.sources.command._child import Child, Ending
from jobreporter.sources.command._wakeups import Wakeups

# How long the commands of this test run sleep, unless they are ended: nobody else's sleep takes as long.
LONG = str(1_000_000 + os.getpid())

# Signals its parent, and names the signal that it gets itself.
SIGNALS_US = """
import os, signal, sys
number = signal.Signals[sys.argv[1]]
signal.pthread_sigmask(signal.SIG_BLOCK, {number})
os.kill(os.getppid(), number)
print(signal.Signals(signal.sigwait({number})).name)
"""

# A program that passes on the output of one command.
PASSES_ON = """
import sys
from jobreporter.sources.command._child import Child
from jobreporter.sources.command._wakeups import Wakeups
with Wakeups() as wakeups:
    Child(sys.argv[1:], wakeups).wait(None)
"""


def run(*command: str, timeout: float | None = None, grace: float = 5.0, signals: bool = False) -> Ending:
    with Wakeups(signals=signals) as wakeups:
        return Child(command, wakeups).wait(timeout, grace)


def sleepers() -> list[int]:
    """The processes that still sleep."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().split(b"\0")[:2] == [b"sleep", LONG.encode()]:
                found.append(int(path.parent.name))
        except OSError:
            pass  # it ended meanwhile
    return found


def wait_until_all_are_gone() -> None:
    """A process that was killed is there until somebody has taken note of it."""
    wait_for(lambda: not sleepers(), "all sleepers are gone")


@contextmanager
def stuck_stdout() -> Iterator[None]:
    """Our stdout is a pipe that nobody reads from."""
    reading, writing = os.pipe()
    kept = os.dup(1)
    os.dup2(writing, 1)
    os.close(writing)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(reading)


def test_both_streams_are_passed_on_byte_for_byte(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Each goes to its own place, whatever the bytes are, and the exit code is told."""
    ending = run("sh", "-c", r"printf 'out\377\000'; printf 'err\376\n' >&2; exit 7")

    assert capfdbinary.readouterr() == (b"out\xff\x00", b"err\xfe\n")
    assert (ending.returncode, ending.timed_out) == (7, False)
    assert [output.name for output in ending.outputs] == ["stdout", "stderr"]
    assert [output.tail() for output in ending.outputs] == ["(5 bytes that are not text)", "err\ufffd"]


def test_where_both_streams_go_to_one_place_their_order_is_kept() -> None:
    """Output and errors come out as they were written, because one pipe carries both."""
    script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
    done = subprocess.run(
        [sys.executable, "-c", PASSES_ON, "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        text=True,
    )

    assert done.stdout.splitlines() == [f"{kind} {i}" for i in range(500) for kind in ("out", "err")]


def test_standard_input_is_our_own() -> None:
    """What we are given on stdin, the command reads."""
    done = subprocess.run([sys.executable, "-c", PASSES_ON, "cat"], input=b"given\n", capture_output=True, check=True)

    assert done.stdout == b"given\n"


def test_a_descriptor_that_was_meant_for_the_command_reaches_it() -> None:
    """A lock that a caller holds for the command is held by the command."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    run(sys.executable, "-c", f"import os; os.write({writing}, b'inherited')")
    os.close(writing)

    with open(reading) as pipe:
        assert pipe.read() == "inherited"


def test_a_script_that_does_not_say_what_runs_it_is_the_shell_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is run as every shell runs it, by path or found on PATH."""
    script = tmp_path / "nightly-backup"
    script.write_text("echo $0 $1\nexit 4\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    for name in (str(script), script.name):
        assert run(name, "now").returncode == 4
        assert capfd.readouterr().out == f"{script} now\n"


def test_a_command_that_is_not_found_does_not_start() -> None:
    """The error is the system's own."""
    with pytest.raises(FileNotFoundError):
        run("/nonexistent/command")


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"])
def test_a_signal_is_forwarded(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """The command gets what we get, and decides by itself what it means."""
    ending = run(sys.executable, "-c", SIGNALS_US, name, signals=True)

    assert ending.returncode == 0
    assert capfd.readouterr().out == f"{name}\n"
    assert ending.asked == ({signal.Signals[name]} if not name.startswith("SIGUSR") else set())


def test_a_signal_that_came_before_the_command_is_forwarded_to_it() -> None:
    """Nothing is lost between the first handler and the start of the command."""
    with Wakeups(signals=True) as wakeups:
        os.kill(os.getpid(), signal.SIGTERM)
        ending = Child(["sleep", LONG], wakeups).wait(None)

    assert ending.returncode == -signal.SIGTERM
    assert ending.asked == {signal.SIGTERM}


def test_a_signal_that_comes_with_the_end_still_counts() -> None:
    """Who signals the whole group ends the command before we can forward anything."""
    with Wakeups(signals=True) as wakeups:
        child = Child(["sleep", LONG], wakeups)
        os.kill(child.pid, signal.SIGTERM)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        child._over.set()
        os.kill(os.getpid(), signal.SIGTERM)
        ending = child.wait(None)

    assert ending.asked == {signal.SIGTERM}


def test_when_the_time_is_up_the_whole_tree_gets_sigterm() -> None:
    """What a shell has started ends with it."""
    ending = run("sh", "-c", f"sh -c 'sleep {LONG}; :'; echo never", timeout=0.3)

    assert ending.timed_out
    assert ending.returncode == -signal.SIGTERM
    assert [output.tail() for output in ending.outputs] == ["", ""]
    wait_until_all_are_gone()


def test_who_ignores_sigterm_gets_sigkill() -> None:
    """After the grace the command and all that it started are killed."""
    ending = run("sh", "-c", f"trap '' TERM; (sleep {LONG}; :); :", timeout=1, grace=0.2)

    assert ending.timed_out
    assert ending.returncode == -signal.SIGKILL
    wait_until_all_are_gone()


def test_who_obeys_is_left_its_grace(capfd: pytest.CaptureFixture[str]) -> None:
    """A command that cleans up after SIGTERM is not disturbed, and its last words come through."""
    ending = run("sh", "-c", f"trap 'echo cleaned up; exit 0' TERM; echo ready; sleep {LONG}", timeout=1)

    assert ending.timed_out
    assert ending.returncode == 0
    assert capfd.readouterr().out == "ready\ncleaned up\n"


def test_a_stopped_command_is_ended_too() -> None:
    """SIGTERM waits until a stopped process continues, so it is continued."""
    ending = run("sh", "-c", "kill -STOP $$", timeout=0.3)

    assert ending.returncode == -signal.SIGTERM


def test_an_exception_that_interrupts_the_waiting_ends_the_command() -> None:
    """A time limit of the queue that runs us is no reason to leave the command behind."""

    class Limited(Wakeups):
        def wait(self, seconds: float | None = None) -> list[int]:
            if seconds is None:
                raise TimeoutError
            return super().wait(seconds)

    with Limited() as wakeups, pytest.raises(TimeoutError):
        Child(["sh", "-c", f"sleep {LONG}; :"], wakeups).wait(None)

    wait_until_all_are_gone()


def test_a_command_that_may_not_be_signalled_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that became somebody else, as sudo does, ends when it will; we end with our own deadline."""

    def refused(process: subprocess.Popen[bytes], number: int) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(subprocess.Popen, "send_signal", refused)
        patch.setattr(_child, "LINGER", 0.01)
        with Wakeups() as wakeups:
            child = Child(["sleep", LONG], wakeups)
            ending = child.wait(0.1, grace=0.1)

    assert ending.timed_out
    assert ending.returncode is None
    os.kill(child.pid, signal.SIGKILL)
    assert child._over.wait(10)


def test_what_it_leaves_in_the_background_does_not_keep_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grandchild that holds the pipe is left to itself, and alive."""
    monkeypatch.setattr(_output, "LINGER", 0.01)
    ending = run("sh", "-c", f"sleep {LONG} & exit 3")

    assert ending.returncode == 3
    (left,) = sleepers()
    os.kill(left, signal.SIGKILL)


def test_a_daemon_is_not_ended_by_a_timeout() -> None:
    """What was given up by its parent before the time was up survives, as a daemon should."""
    ending = run("sh", "-c", f"(sleep {LONG} >/dev/null 2>&1 & ); kill -STOP $$", timeout=1)

    assert ending.timed_out
    (left,) = sleepers()
    os.kill(left, signal.SIGKILL)


def test_a_stuck_reader_does_not_keep_us_after_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that nobody takes is given up a moment after the command was ended."""
    monkeypatch.setattr(_child, "LINGER", 0.05)
    with stuck_stdout():
        ending = run("yes", timeout=0.2)
        assert ending.timed_out
        assert not ending.outputs[0].finished

    ending.outputs[0]._thread.join(10)
    assert ending.outputs[0].finished


def test_asked_to_end_we_give_up_a_stuck_reader() -> None:
    """The command is gone, and only our own output is waited for: SIGTERM ends that."""
    with stuck_stdout(), Wakeups(signals=True) as wakeups:
        child = Child(["head", "-c", "100000", "/dev/zero"], wakeups)
        child._start_threads()
        child._run(None)
        os.kill(os.getpid(), signal.SIGTERM)
        child._finish_output(None)
        (output, _) = child._outputs
        assert not output.finished

    output._thread.join(10)
    assert output.finished
