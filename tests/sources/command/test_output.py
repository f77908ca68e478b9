"""A command's output on its way through."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator

import pytest

from jobreporter.sources.command import _output
from jobreporter.sources.command._output import KEPT, Output, write_all

MEGABYTE = 1_000_000


class Pipes:
    """Stands in for a command: what it writes to, what its output is passed on to, and how it ends."""

    def __init__(self) -> None:
        source, self.command = os.pipe()
        self.reader, self.target = os.pipe()
        ended, self.alive = os.pipe()
        self.done = threading.Event()
        self.output = Output("stdout", os.fdopen(source, "rb", buffering=0), self.target, ended, self.done.set)
        os.close(ended)
        self.open = {self.command, self.reader, self.target, self.alive}

    def close(self, descriptor: int) -> None:
        if descriptor in self.open:
            self.open.remove(descriptor)
            os.close(descriptor)

    def finish(self) -> None:
        assert self.done.wait(10)
        assert self.output.finished


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    pipes = Pipes()
    yield pipes
    for descriptor in list(pipes.open):
        pipes.close(descriptor)
    pipes.output._thread.join(10)


def test_each_piece_is_passed_on_at_once(pipes: Pipes) -> None:
    """Nothing waits for a newline or a full buffer."""
    pipes.output.start()
    for piece in (b"a", b"\xff\x00", b"c\n"):
        os.write(pipes.command, piece)
        assert os.read(pipes.reader, 100) == piece

    pipes.close(pipes.command)
    pipes.finish()
    assert pipes.output.problem is None


def test_a_slow_reader_slows_the_command_down(pipes: Pipes) -> None:
    """However slowly it is read, no more than one pipe and one piece are under way."""
    pipes.output.start()
    command = threading.Thread(target=write_all, args=(pipes.command, bytes(MEGABYTE)))
    command.start()
    read = 0
    while read < MEGABYTE:
        read += len(os.read(pipes.reader, 1_000))
        assert pipes.output._total - read <= 2 * 65_536

    command.join()
    pipes.close(pipes.command)
    pipes.finish()


def test_the_command_is_told_when_nobody_reads_any_more(pipes: Pipes) -> None:
    """Its pipe is closed, as the reader's is, so that its next write fails."""
    pipes.close(pipes.reader)
    pipes.output.start()
    os.write(pipes.command, b"lost")
    pipes.finish()

    with pytest.raises(BrokenPipeError):
        os.write(pipes.command, b"more")
    assert pipes.output.problem is not None
    assert pipes.output.problem.errno == errno.EPIPE


def test_what_was_written_before_the_end_is_passed_on_however_long_it_takes(
    pipes: Pipes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command's last words are not cut, though the time for stragglers is over."""
    monkeypatch.setattr(_output, "LINGER", 0.0)
    monkeypatch.setattr(_output, "_CHUNK", 1_000)
    os.write(pipes.command, b"x" * 50_000)
    pipes.close(pipes.alive)
    pipes.output.start()

    assert len(_read(pipes.reader, 50_000)) == 50_000
    pipes.finish()


def test_who_holds_the_pipe_in_silence_is_left_behind(pipes: Pipes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that outlives the command doesn't keep us."""
    monkeypatch.setattr(_output, "LINGER", 0.01)
    pipes.output.start()
    os.write(pipes.command, b"said")
    assert os.read(pipes.reader, 10) == b"said"
    pipes.close(pipes.alive)

    pipes.finish()


def test_who_goes_on_to_write_is_left_behind(pipes: Pipes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that outlives the command and never stops to write doesn't keep us either."""
    monkeypatch.setattr(_output, "LINGER", 0.05)
    pipes.output.start()
    pipes.close(pipes.alive)
    stopped = threading.Event()

    def chatter() -> None:
        try:
            while True:
                os.write(pipes.command, b"chatter")
        except BrokenPipeError:
            stopped.set()

    threads = [threading.Thread(target=chatter), threading.Thread(target=_drain, args=(pipes.reader,))]
    for thread in threads:
        thread.start()
    pipes.finish()
    assert stopped.wait(10)
    pipes.close(pipes.target)
    for thread in threads:
        thread.join(10)


def test_what_comes_within_a_moment_of_the_end_is_passed_on(pipes: Pipes) -> None:
    """The last stage of a pipeline may end a little later than the command."""
    pipes.close(pipes.alive)
    pipes.output.start()
    os.write(pipes.command, b"late")

    assert os.read(pipes.reader, 10) == b"late"
    pipes.close(pipes.command)
    pipes.finish()


@pytest.mark.parametrize(
    ("written", "tail"),
    [
        (b"", ""),
        (b"one\ntwo\n", "one\ntwo"),
        (b"no newline", "no newline"),
        (b"caf\xc3\xa9 \xff\n", "caf\u00e9 \ufffd"),
        (b"PK\x03\x04\x00\x00", "(6 bytes that are not text)"),
        (b"x" * KEPT + b"\nlast\n", "last"),
        (b"x" * 2 * KEPT, "x" * KEPT),
        (b"y\n" * 10_000, "\n".join(["y"] * 40)),
        (b"one\ntwo\n" + b"\n" * 100_000, "one\ntwo"),
        (b"one\n\n\ntwo\n", "one\n\n\ntwo"),
        (b"one\0two\n\0", "onetwo"),
        (b"\0" * 1_000_000, "(1000000 bytes that are not text)"),
        ("caf\u00e9".encode("utf-16"), "(10 bytes that are not text)"),
    ],
)
def test_the_end_is_kept_as_text(pipes: Pipes, written: bytes, tail: str) -> None:
    """Whole lines where there are any, a bounded number of them; what isn't text is counted."""
    pipes.output.start()
    command = threading.Thread(target=write_all, args=(pipes.command, written))
    command.start()
    assert _read(pipes.reader, len(written)) == written
    command.join()
    pipes.close(pipes.command)
    pipes.finish()

    assert pipes.output.tail() == tail


def test_a_full_disk_is_noted(pipes: Pipes) -> None:
    """The error that ended the passing on is kept."""
    with open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), pipes.target)
    pipes.output.start()
    os.write(pipes.command, b"data")
    pipes.finish()

    assert pipes.output.problem is not None
    assert pipes.output.problem.errno == errno.ENOSPC


def test_a_full_non_blocking_descriptor_is_waited_for() -> None:
    """Somebody may have made our stdout non-blocking; nothing is lost."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    writer = threading.Thread(target=write_all, args=(writing, bytes(MEGABYTE)))
    writer.start()

    assert len(_read(reading, MEGABYTE)) == MEGABYTE
    writer.join()
    os.close(reading)
    os.close(writing)


def _read(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += os.read(descriptor, 65_536)
    return data


def _drain(descriptor: int) -> None:
    while os.read(descriptor, 65_536):
        pass
