"""What wakes the thread that waits for a command: other threads, and the signals that this process gets."""

from __future__ import annotations

import os
import select
import signal
import threading
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

#: What asks a command to end.
ENDING = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})

#: What is caught to be forwarded.
FORWARDED = ENDING | {signal.SIGUSR1, signal.SIGUSR2}

# The most that one wait may take: poll(2) counts milliseconds in 32 bits.
_LONGEST = 86_400.0


class Wakeups:
    """A pipe that one thread waits on. With ``signals``, those of `FORWARDED` are caught and arrive in it too.

    A signal that was ignored before stays ignored (as under ``nohup``). Only a main thread can catch signals; in
    another one none arrive. Leaving puts back what was there.
    """

    def __init__(self, *, signals: bool = False) -> None:
        self._catches = signals and threading.current_thread() is threading.main_thread()
        self._previous: dict[int, Any] = {}
        self._previous_pipe = -1
        # Other threads write while this one may be closing. No signal handler takes it.
        self._open = threading.Lock()

    def __enter__(self) -> Self:
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        os.set_blocking(writing, False)
        # File objects, because a late wake() must meet a closed file, not the next file that got the same number.
        self._reading = os.fdopen(reading, "rb", buffering=0)
        self._writing = os.fdopen(writing, "wb", buffering=0)
        self._poll = select.poll()
        self._poll.register(reading, select.POLLIN)
        if self._catches:
            self._catch(writing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._catches:
            for number, action in self._previous.items():
                signal.signal(number, action)
            signal.set_wakeup_fd(self._previous_pipe)
        with self._open:
            self._writing.close()
            self._reading.close()

    def _catch(self, pipe: int) -> None:
        # Python writes a caught signal's number into this pipe at once, in whichever thread the signal arrives.
        self._previous_pipe = signal.set_wakeup_fd(pipe, warn_on_full_buffer=False)
        for number in sorted(FORWARDED):
            action = signal.getsignal(number)
            # None: a handler that Python didn't install, and so couldn't put back.
            if action not in (signal.SIG_IGN, None):
                self._previous[number] = signal.signal(number, _caught)
        if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
            # Inherited from a careless parent: the kernel would throw the command's exit status away.
            self._previous[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)

    def wake(self) -> None:
        """Wake the thread that waits, or that waits next. Harmless once all is over."""
        with self._open, suppress(ValueError):  # closed
            self._writing.write(b"\0")

    def wait(self, seconds: float | None = None) -> list[int]:
        """Wait to be woken, for ``seconds`` at most. Returns the signals that came since the last wait."""
        self._poll.poll(None if seconds is None else max(0.0, min(seconds, _LONGEST)) * 1_000)
        numbers = self._reading.read(4_096) or b""
        return [number for number in numbers if number in self._previous and number != signal.SIGCHLD]


def _caught(number: int, frame: FrameType | None) -> None:
    """Nothing to do: the number is in the pipe."""
