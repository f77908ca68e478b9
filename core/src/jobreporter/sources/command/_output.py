"""A command's output on its way through: passed on byte for byte, with its end kept."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import termios
import threading
import time
from collections.abc import Callable, Iterator
from typing import IO

from jobreporter.sources.command._terminal import lines_shown

#: Bytes, or characters, that are reported of each stream's end.
KEPT = 4_096

# Bytes that are held, so that what is reported does not begin within a secret.
_HELD = 2 * KEPT
_WORD = re.compile(r"\S*+")

# However much of it a command writes at its end, it says nothing. So much of that is kept.
_BLANK = b" \t\r\n\v\f\0"
_KEPT_BLANK = 256

# Of a text with NULs in it, at most so much is neither printed nor meant for the terminal.
_STRANGE_IN_TEXT = 0.2
_STRANGE = re.compile("[\x00-\x06\x0e-\x1a\x1c-\x1f\x7f\ufffd]")

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
        #: Whether it once began earlier.
        self._cut = False
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

    @property
    def is_text(self) -> bool:
        """Whether its end is something to read. What isn't has NULs in it, but so may a text have."""
        if b"\0" not in self._kept:
            return True
        text = self._kept.rstrip(_BLANK)[-KEPT:].decode(errors="replace")
        return 0 < len(text) * _STRANGE_IN_TEXT >= len(_STRANGE.findall(text))

    def tail(self, hide: Callable[[str], str] = str) -> str:
        """The last lines, as a terminal would show them, without the one that was cut; what isn't text is only counted.

        hide: takes out what is secret, before anything is cut: of half a secret nobody can tell what it is.
        """
        if not self.is_text:
            return f"({self._total} bytes that are not text)"
        text = hide("\n".join(lines_shown(self._whole_words())).strip("\n"))
        if len(text) > KEPT or self._cut:
            text = _whole_lines(text)
        return "\n".join(text.splitlines()[-LINES:])

    def _whole_words(self) -> str:
        """What was kept as text, without the word that its beginning may have cut in two."""
        text = self._kept.decode(errors="replace")
        cut = _WORD.match(text) if self._cut else None
        return text[cut.end() :] if cut is not None and len(text) - cut.end() >= KEPT else text

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
        said = chunk.rstrip(_BLANK)
        kept = self._kept + said if said else self._kept
        blank = len(kept) - len(kept.rstrip(_BLANK))
        kept += chunk[len(said) :][: max(0, _KEPT_BLANK - blank)]
        self._cut = self._cut or len(kept) > _HELD
        self._kept = kept[-_HELD:]

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


def _whole_lines(text: str) -> str:
    """The end of a text, without the line that this cuts, unless there is no other."""
    cut, _, whole = text[-KEPT:].partition("\n")
    return whole or cut


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
