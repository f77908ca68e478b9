"""What a stream removes, and what it counts then."""

from __future__ import annotations

from jobreporter.streams import Retention
from jobreporter.testing._stream._base import (
    LONG,
    OTHER,
    PRODUCER,
    StreamCases,
    append,
    batch,
    fill,
    lease,
    read,
    settle,
)
from jobreporter.testing._stream._ledgers import ledger


def at_most(max_bytes: int) -> Retention:
    """A bound of bytes."""
    return Retention(max_age=1e6, max_bytes=max_bytes, forget_after=1e6)


class RetentionCases(StreamCases):
    """Trimming."""

    def test_what_every_reporter_has_settled_goes(self) -> None:
        """As far as whole entries go, and no further."""
        stream = self.stream()
        fill(stream, 2, 2, 2)
        stream.register({"log": "oldest", "sentry": "oldest"})
        settle(stream, lease(stream), 6)
        assert stream.trim(LONG).entries == 0
        settle(stream, lease(stream, "sentry"), 3)
        trimmed = stream.trim(LONG)
        assert (trimmed.entries, trimmed.expired, trimmed.more) == (1, {}, False)
        assert [entry.offset for entry in stream.read(0, 0, 10**6).entries] == [2, 4]
        assert stream.read(0, 0, 1).head == 6

    def test_offsets_go_on_when_all_is_gone(self) -> None:
        """An offset is never given out again."""
        stream = self.stream()
        fill(stream, 3)
        settle(stream, lease(stream), 3)
        assert stream.trim(LONG).entries == 1
        assert read(stream) == []
        assert stream.read(0, 0, 1).head == 3
        append(stream, b"next", first=1)
        assert [entry.offset for entry in stream.read(0, 3, 1).entries] == [3]

    def test_without_a_reporter_everything_waits(self) -> None:
        """For the first agent, within the bounds."""
        stream = self.stream()
        fill(stream, 2, 2)
        assert stream.trim(LONG).entries == 0

    def test_beyond_the_bound_of_bytes_the_oldest_go(self) -> None:
        """What a reporter had not settled has expired for it, to the event, also in the middle of an entry."""
        stream = self.stream()
        fill(stream, 2, 2, 2, bytes_each=100)
        stream.register({"log": "oldest", "sentry": "oldest"})
        held = lease(stream)
        settle(stream, held, 3)
        trimmed = stream.trim(at_most(250))
        assert (trimmed.entries, trimmed.expired) == (2, {"log": 1, "sentry": 4})
        assert (ledger(stream).position, ledger(stream).expired, ledger(stream).handled) == (4, 1, 3)
        assert (ledger(stream, "sentry").position, ledger(stream, "sentry").expired) == (4, 4)
        assert settle(stream, held, 5, begin=3) == "moved"
        assert settle(stream, held, 5, begin=4) == "settled"

    def test_the_bound_of_bytes_is_that_of_all_partitions(self) -> None:
        """The oldest entries go, wherever they are."""
        stream = self.stream()
        fill(stream, 1, 1, bytes_each=1000)
        fill(stream, 1, 1, bytes_each=1000, partition=1)
        stream.trim(at_most(2500))
        assert (len(read(stream, 0)), len(read(stream, 1))) == (0, 2)
        assert stream.trim(at_most(2500)).entries == 0

    def test_what_is_too_old_goes(self) -> None:
        """Whoever has not settled it."""
        stream = self.stream()
        fill(stream, 2, 1)
        stream.register({"log": "oldest"})
        trimmed = stream.trim(Retention(max_age=-60, max_bytes=10**9, forget_after=1e6))
        assert (trimmed.entries, trimmed.expired) == (2, {"log": 3})
        assert (ledger(stream).expired, ledger(stream).pending) == (3, 0)

    def test_a_reporter_that_nobody_runs_holds_nothing_up(self) -> None:
        """Beyond the time after which it is forgotten; its gap is counted."""
        stream = self.stream()
        fill(stream, 2)
        stream.register({"log": "oldest"})
        assert stream.trim(Retention(max_age=1e6, max_bytes=10**9, forget_after=-60)).entries == 0
        stream.register({"other": "oldest"})
        settle(stream, lease(stream, "other"), 2)
        assert stream.trim(LONG).entries == 0, "log is still counted"

    def test_one_call_removes_no_more_than_it_is_asked_to(self) -> None:
        """And says whether there is more."""
        stream = self.stream()
        fill(stream, *[1] * 7)
        settle(stream, lease(stream), 7)
        assert [(each.entries, each.more) for each in (stream.trim(LONG, most=3) for _ in range(3))] == [
            (3, True),
            (3, True),
            (1, False),
        ]

    def test_what_is_noted_of_processes_goes_too(self) -> None:
        """Signs of life, and executions declared lost, when they are older than the time after which they are forgotten."""
        stream = self.stream()
        stream.append(PRODUCER, [batch(1, b"a", begun=("a",), open={"a": b"a"})], beat=b"here")
        stream.trim(LONG)
        assert list(stream.beats()) == [PRODUCER]
        (execution,) = stream.open_executions()
        stream.lose(execution, b"failed", 1)
        stream.trim(Retention(max_age=1e6, max_bytes=10**9, forget_after=-60))
        assert stream.beats() == {}
        assert append(stream, b"ends", first=1, producer=OTHER, ended=("a",)).status == "stored"

    def test_an_idle_producer_that_lives_keeps_its_numbers(self) -> None:
        """It gives signs of life, and goes on where it was."""
        stream = self.stream()
        stream.append(PRODUCER, [batch(1, b"a", b"b")], beat=b"here")
        for _ in range(3):
            stream.beat(PRODUCER, b"here")
            stream.trim(LONG)
        assert append(stream, b"c", first=3).rolled_back == 0
