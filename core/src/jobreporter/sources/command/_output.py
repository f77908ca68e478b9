"""A command's output on its way through: passed on byte for byte, with its end kept."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

#: Bytes that are kept of each stream's end.
KEPT = 4_096

#: How many lines of that are reported.
LINES = 40

#: Seconds that whoever still holds the pipe has to finish, once the command itself has ended.
LINGER = 1.0

_CHUNK = 65_536


class Output:
    """One stream: a thread reads what the command writes, and writes it to ``target`` before it reads on.

    So memory is constant, and a slow reader slows the command down as it would without us. If nobody reads any more,
    the pipe is closed, and the command gets the SIGPIPE that it would have got.

    name: what it is called in a report. source: the reading end of the command's pipe, closed in the end. target: the
    descriptor that the command would have written to. ended: the reading end of a pipe that is closed once the command
    has ended. done: called last, on the thread.
    """

    def __init__(self, name: str, source: IO[bytes], target: int, ended: int, done: Callable[[], None]) -> None:
        self.name = name
        #: What came first when ``target`` couldn't be written to, if anything did.
        self.problem: OSError | None = None
        #: Whether all is written that will be.
        self.finished = False
        self._kept = b""
        self._total = 0
        self._source = source
        self._target = target
        # Its own, because the caller may go before a thread that is stuck in a write.
        self._ended = os.dup(ended)
        self._done = done
        self._thread = threading.Thread(target=self._run, name=f"jobreporter-{name}", daemon=True)

    def start(self) -> None:
        """Begin to pass on."""
        self._thread.start()

    def tail(self) -> str:
        """The last lines as text, without the one that was cut; what isn't text is only counted."""
        kept = self._kept
        if b"\0" in kept:
            return f"({self._total} bytes that are not text)"
        if self._total > len(kept):
            cut, _, whole = kept.partition(b"\n")
            kept = whole or cut
        return "\n".join(kept.decode(errors="replace").splitlines()[-LINES:])

    def _run(self) -> None:
        try:
            for chunk in self._chunks():
                self._keep(chunk)
                write_all(self._target, chunk)
        except OSError as error:
            self.problem = error
        finally:
            self._source.close()
            os.close(self._ended)
            self.finished = True
            self._done()

    def _keep(self, chunk: bytes) -> None:
        self._total += len(chunk)
        self._kept = (self._kept + chunk[-KEPT:])[-KEPT:]

    def _chunks(self) -> Iterator[bytes]:
        """What is read, as it comes, until all who may write have closed the pipe.

        A process that the command left behind may hold it for ever. So once the command has ended, what was in the pipe
        by then is read in any case, and what comes later only while `LINGER` lasts.
        """
        source = self._source.fileno()
        poll = select.poll()
        poll.register(source, select.POLLIN)
        poll.register(self._ended, select.POLLIN)
        while self._ended not in dict(poll.poll()):
            chunk = os.read(source, _CHUNK)
            if not chunk:
                return
            yield chunk
        poll.unregister(self._ended)
        owed = _waiting_bytes(source)
        until = time.monotonic() + LINGER
        while owed > 0 or time.monotonic() < until:
            if not poll.poll(max(0.0, until - time.monotonic()) * 1_000):
                return
            chunk = os.read(source, _CHUNK)
            if not chunk:
                return
            owed -= len(chunk)
            yield chunk


def _waiting_bytes(pipe: int) -> int:
    """How much can be read at once."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)


def write_all(target: int, data: bytes) -> None:
    """Write everything, waiting where the descriptor is non-blocking (its other users may have made it so)."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(target, rest) :]
        except BlockingIOError:
            poll = select.poll()
            poll.register(target, select.POLLOUT)
            poll.poll()
