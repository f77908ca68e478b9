"""Fault 41: the server's clock is set forward, and an agent comes after that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobreporter.streams import Batch, Moment, Retention, StreamSettings
from jobreporter_redis import _stream, engine
from tests.redis_servers import Server

DAY = 86_400.0
#: Everything is too old, and for a thousand seconds an advance counts.
SHORT = Retention(max_age=-1.0, max_bytes=10**9, forget_after=1000.0)


@pytest.fixture
def expired(server: Server, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """What an agent that has just come finds too old, so many seconds after the first by its machine's own time.

    Nobody sets the server's clock: that it is ahead by so many seconds is seen by the machine's being as much behind.
    """

    def found(seconds: float, ahead: float = 0.0, boot: str = "boot") -> int:
        monkeypatch.setattr(_stream, "machine_time", lambda: Moment(boot, 10 * DAY + seconds - ahead))
        stream = engine.open(server.url, StreamSettings(namespace="x", partitions=1))
        stream.register({"log": "oldest"})
        number = 1 + sum(each.head for each in stream.ledgers())
        stream.append(b"%d" % number, [Batch(partition=0, first=1, last=1, events=1, data=b"x")])
        count = stream.trim(SHORT).expired.get("log", 0)
        stream.close()
        return count

    return found


def test_41_who_comes_after_a_clock_was_set_forward_knows_of_it(expired: Callable[..., int]) -> None:
    """Though the agent that asked before has ended; on whichever machine it runs, and after a restart of that one."""
    assert expired(0) == 1
    assert expired(0, ahead=DAY) == 0
    assert expired(0, ahead=DAY, boot="another machine") == 0
    assert expired(0, ahead=5 * DAY, boot="a third") == 0


def test_41_it_is_no_matter_how_the_clock_is_put_right(expired: Callable[..., int], server: Server) -> None:
    """It is as long ago as before, and counts no longer than events are kept."""
    assert expired(0) == 1
    assert expired(0, ahead=DAY) == 0
    assert expired(0, ahead=DAY - 90) == 0
    with server.client() as client:
        at = int(client.hget("{jr:x}:m", "advanced_at"))  # type: ignore[arg-type]  # no coroutine
        client.hset("{jr:x}:m", "advanced_at", at - 900_000)
        assert expired(0, ahead=DAY - 90) == 0
        client.hset("{jr:x}:m", "advanced_at", at - 1_100_000)
    assert expired(0, ahead=DAY - 90) == 4


def test_41_time_that_has_passed_is_no_advance(expired: Callable[..., int], server: Server) -> None:
    """Nor is a clock that is put right by seconds, or set back, nor the word of a machine that has not asked before."""
    assert expired(0) == 1
    assert expired(0, ahead=59) == 1
    assert expired(0, ahead=-DAY) == 1
    assert expired(0, ahead=DAY, boot="another") == 1
    assert expired(0, ahead=3 * DAY, boot="") == 1
    assert expired(0, ahead=9 * DAY, boot="") == 1, "a machine that can't say which it is"
    with server.client() as client:
        assert client.hget("{jr:x}:m", "advanced_at") is None
