"""What the cases share: handles that are closed after each test, and short ways to append, read and settle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from jobreporter.streams import Appended, Batch, Lease, Retention, Settled, Settlement, Stream

PRODUCER = b"producer"
OTHER = b"producr2"
AGENT = b"agent--1"
AGENT_2 = b"agent--2"
#: Keeps everything that somebody may need.
LONG = Retention(max_age=1e6, max_bytes=10**9, forget_after=1e6)


class StreamCases:
    """The base of all cases."""

    #: Cases that the engine doesn't fulfil, each with the reason.
    not_provided: ClassVar[dict[str, str]] = {}

    _opened: list[Stream]

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        for case in cls.not_provided:
            if not (case.startswith("test_") and hasattr(cls, case)):
                raise TypeError(f"{cls.__name__}.not_provided: there is no case {case!r}")
            setattr(cls, case, None)  # pytest collects what can be called

    def open(self, **settings: Any) -> Stream:
        """One more handle to the stream of this test. ``settings`` are fields of `StreamSettings`."""
        raise NotImplementedError(f"{type(self).__name__} has to say how its streams are opened")

    def setup_method(self) -> None:
        """Called by pytest before each test."""
        self._opened = []

    def teardown_method(self) -> None:
        """Called by pytest after each test."""
        for stream in self._opened:
            stream.close()

    def stream(self, **settings: Any) -> Stream:
        """A handle that is closed after the test."""
        stream = self.open(**{"partitions": 2, **settings})
        self._opened.append(stream)
        return stream


def batch(first: int, *data: bytes, partition: int = 0, last: int | None = None, **more: Any) -> Batch:
    """A batch with as many events as there are pieces of data. To a stream, data is but bytes."""
    return Batch(
        partition=partition,
        first=first,
        last=first + len(data) - 1 if last is None else last,
        events=len(data),
        data=b"|".join(data),
        **more,
    )


def append(stream: Stream, *data: bytes, first: int, producer: bytes = PRODUCER, **more: Any) -> Appended:
    """Append one batch."""
    (answer,) = stream.append(producer, [batch(first, *data, **more)])
    return answer


def fill(stream: Stream, *sizes: int, partition: int = 0, bytes_each: int = 10) -> None:
    """Append an entry for each number, of so many events, each of so many bytes."""
    for number, size in enumerate(sizes):
        append(
            stream, *[b"x" * bytes_each] * size, first=1, producer=b"%d/%d" % (number, partition), partition=partition
        )


def read(stream: Stream, partition: int = 0, position: int = 0) -> list[bytes]:
    """The data of all entries from a position on."""
    return [entry.data for entry in stream.read(partition, position, 10**8).entries]


def lease(stream: Stream, reporter: str = "log", partition: int = 0, owner: bytes = AGENT) -> Lease:
    """The lease, which must be to be had. The reporter begins at the oldest entry if it is new."""
    stream.register({reporter: "oldest"})
    got = stream.acquire(reporter, partition, owner, 10)
    assert got is not None
    return got


def settle(stream: Stream, held: Lease, end: int, *, begin: int | None = None, key: str = "", **counts: Any) -> Settled:
    """Settle up to an offset, all as handled unless other counts are given."""
    begin = held.position if begin is None else begin
    last = stream.read(held.partition, end - 1, 1).entries
    counts = counts or {"handled": end - begin}
    return stream.settle(held, Settlement(begin=begin, end=end, last_key=key or last[0].key, **counts))


@contextmanager
def mistaken() -> Iterator[None]:
    """Expects a ValueError: what the block does is a caller's own mistake."""
    try:
        yield
    except ValueError:
        return
    raise AssertionError("no ValueError was raised")
