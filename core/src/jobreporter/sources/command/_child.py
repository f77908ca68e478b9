"""A command as a child process: its output is passed on, signals reach it, and its time is limited.

It runs in this process's group, as it would without us: so Ctrl-C and Ctrl-Z work, it may read the terminal, and who
kills the whole group kills it too.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from jobreporter.sources.command._inherited import Inherited
from jobreporter.sources.command._orphans import LOOK as ORPHANS_LOOK
from jobreporter.sources.command._orphans import Orphans
from jobreporter.sources.command._output import LINGER, Output
from jobreporter.sources.command._process_tree import ProcessTree
from jobreporter.sources.command._wakeups import ENDING, Wakeups

#: Seconds between SIGTERM and SIGKILL once the time is up.
GRACE = 5.0

#: Seconds between two looks at whether the processes that a command left have ended.
_LOOK = 0.05


_NOTHING = Inherited()


class Ending(NamedTuple):
    """How a command ended."""

    #: Its exit code, or minus the signal that killed it. ``None``: not even SIGKILL has ended it yet.
    returncode: int | None
    timed_out: bool
    #: The signals that asked this process, and so the command, to end.
    asked: frozenset[int]
    outputs: tuple[Output, ...]


class Child:
    """A running command. ``OSError``: it couldn't be started."""

    def __init__(self, command: Sequence[str], wakeups: Wakeups, inherited: Inherited = _NOTHING) -> None:
        self._wakeups = wakeups
        self._over = threading.Event()
        self._asked: set[int] = set()
        self._outputs: tuple[Output, ...] = ()
        # Where both streams go to the same place, one pipe for both keeps the order of what is written to them.
        self._together = not {1, 2} & inherited.closed and os.path.sameopenfile(1, 2)
        # What came while there was no command yet to get it from the terminal or the group.
        self._early = wakeups.wait(0)
        self._process = _start(command, inherited, together=self._together)
        self._orphans = Orphans(self._process.pid) if os.getpid() == 1 else None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait(self, timeout: float | None, grace: float = GRACE) -> Ending:
        """Wait for the command's end and pass its output on.

        After ``timeout`` seconds it is ended: SIGTERM to it and to all that it started, and SIGKILL to what is left
        ``grace`` seconds later. An exception that interrupts the waiting (a job's own time limit, Ctrl-C where signals
        aren't forwarded) ends the command too, and propagates.
        """
        try:
            self._start_threads()
            self._run(timeout)
            timed_out = not self._over.is_set()
            if timed_out:
                self._end(grace)
            self._finish_output(2 * LINGER if timed_out else None)
        except BaseException:
            self._end(grace)
            raise
        return Ending(self._process.returncode, timed_out, frozenset(self._asked), self._outputs)

    def _start_threads(self) -> None:
        ended, ending = os.pipe()
        threading.Thread(target=self._await_exit, args=(ending,), name="jobreporter-child", daemon=True).start()
        streams = [
            ("output" if self._together else "stdout", self._process.stdout, 1),
            ("stderr", self._process.stderr, 2),
        ]
        self._outputs = tuple(
            Output(name, source, target, ended, self._wakeups.wake)
            for name, source, target in streams
            if source is not None
        )
        os.close(ended)
        for output in self._outputs:
            output.start()

    def _await_exit(self, ending: int) -> None:
        self._process.wait()
        self._over.set()
        os.close(ending)
        self._wakeups.wake()

    def _run(self, timeout: float | None) -> None:
        """Forward signals until the command has ended or its time is up."""
        deadline = None if timeout is None else time.monotonic() + timeout
        for number in self._note(self._early):
            self._send(number)
        while not self._over.is_set():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            if self._orphans is not None:
                self._orphans.reap()
                left = ORPHANS_LOOK if left is None else min(left, ORPHANS_LOOK)
            for number in self._note(self._wakeups.wait(left)):
                if not came_from_terminal(number):
                    self._send(number)
        # Who signals the whole group may have ended the command before it was our turn.
        self._note(self._wakeups.wait(0))

    def _note(self, signals: list[int]) -> list[int]:
        self._asked.update(ENDING.intersection(signals))
        return signals

    def _end(self, grace: float) -> None:
        """SIGTERM, and SIGKILL after ``grace`` seconds, to the command and to all that descends from it."""
        tree = ProcessTree(self.pid)
        self._hold(tree)
        self._signal(tree, signal.SIGTERM)
        self._signal(tree, signal.SIGCONT)  # a stopped process gets its SIGTERM when it continues
        deadline = time.monotonic() + grace
        while tree.alive() or not self._over.is_set():
            if time.monotonic() >= deadline:
                self._signal(tree, signal.SIGKILL)
                break
            self._wakeups.wait(_LOOK)
        # Not for ever: a process that waits for a dead disk can't be killed.
        self._over.wait(grace)

    def _hold(self, tree: ProcessTree) -> None:
        """Stop them all where they are. One that a shell started while it is being ended would be found by nobody."""
        held: set[int] = set()
        self._send(signal.SIGSTOP)
        while new := set(tree.alive()) - held:
            for pid in new:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGSTOP)
            held |= new

    def _signal(self, tree: ProcessTree, number: int) -> None:
        # Looked up first: once a parent is gone, nothing tells whose its children were. Sent to the parent first: a
        # shell must not go on with its next command.
        descendants = tree.alive()
        self._send(number)
        for pid in descendants:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _send(self, number: int) -> None:
        with suppress(PermissionError):  # it runs as somebody else by now
            self._process.send_signal(number)

    def _finish_output(self, patience: float | None) -> None:
        """Let the last of the output through, for ``patience`` seconds at most or until we are asked to end."""
        deadline = None if patience is None else time.monotonic() + patience
        while not all(output.finished for output in self._outputs):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            if ENDING.intersection(self._wakeups.wait(left)):
                break


def _start(command: Sequence[str], inherited: Inherited, *, together: bool) -> subprocess.Popen[bytes]:
    if not command[0]:
        # As execvp(3) has it. Python goes through the PATH for it, and comes upon its folders.
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    try:
        return _popen(command, inherited, together=together)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script that doesn't say what runs it is the shell's, as it is for every shell and for execvp(3).
        script = ["/bin/sh", shutil.which(command[0]) or command[0], *command[1:]]
        return _popen(script, inherited, together=together)


def _popen(command: Sequence[str], inherited: Inherited, *, together: bool) -> subprocess.Popen[bytes]:
    # What was closed stays closed: the file that we have in its place is not passed on.
    stdout, stderr = (None if stream in inherited.closed else subprocess.PIPE for stream in (1, 2))
    with _signals_as(inherited) as restored:
        return subprocess.Popen(  # noqa: S603 - running what the user asked for is the purpose
            command,
            stdout=stdout,
            stderr=subprocess.STDOUT if together else stderr,
            bufsize=0,
            # What we were given, such as the descriptor of a lock, is meant for the command.
            close_fds=False,
            env=inherited.environment,
            restore_signals=restored,
        )


@contextmanager
def _signals_as(inherited: Inherited) -> Iterator[bool]:
    """Have a command ignore what was ignored before. Says whether all that Python ignores goes back to its default.

    Only a main thread may do more than that. While it does, no other thread may write to what nobody reads any more, so
    that SIGPIPE stays ignored in this process, and an ignored SIGXFSZ alone is not passed on.
    """
    if signal.SIGPIPE not in inherited.ignored or threading.current_thread() is not threading.main_thread():
        yield True
    elif signal.SIGXFSZ in inherited.ignored:
        yield False
    else:
        former = signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        try:
            yield False
        finally:
            signal.signal(signal.SIGXFSZ, former)


def came_from_terminal(number: int) -> bool:
    """Whether the terminal sent this signal, to the command as well as to us: then it isn't forwarded again.

    Ctrl-C and Ctrl-\\ go to the whole foreground group. Python doesn't tell who sent a signal, so in the foreground of
    a terminal every SIGINT and SIGQUIT counts as typed.
    """
    if number not in (signal.SIGINT, signal.SIGQUIT):
        return False
    try:
        with open("/dev/tty", "rb", buffering=0) as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False  # there is none
