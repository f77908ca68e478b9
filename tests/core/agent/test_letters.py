"""Another try for dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobreporter._agent.letters import Unretried, retry
from jobreporter._stream.decode import decode
from jobreporter._stream.encode import encode
from jobreporter.streams import DeadLetter, Settlement, StreamDown, StreamFull, StreamSettings
from jobreporter.streams.sqlite import engine
from jobreporter.streams.sqlite._stream import SqliteStream
from tests.core.stream.examples import HEADER, execution


class Interrupted(SqliteStream):
    """Fails at one call, before or after it was executed."""

    fails_before: str | None = None
    fails_after: str | None = None
    error: type[Exception] = StreamDown

    def append(self, *arguments: Any, **more: Any) -> Any:
        return self._called("append", super().append, *arguments, **more)

    def drop_letter(self, *arguments: Any) -> Any:
        return self._called("drop_letter", super().drop_letter, *arguments)

    def leave(self, *arguments: Any) -> Any:
        return self._called("leave", super().leave, *arguments)

    def _called(self, name: str, call: Any, *arguments: Any, **more: Any) -> Any:
        if self.fails_before == name:
            raise self.error
        answer = call(*arguments, **more)
        if self.fails_after == name:
            raise self.error
        return answer


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Interrupted]:
    """With a letter of one event, and no entry that is not settled."""
    stream = Interrupted(str(tmp_path / "stream.db"), StreamSettings(namespace="shop"))
    other = engine.open(f"sqlite://{tmp_path}/stream.db", StreamSettings(namespace="shop"))
    encoded = encode(HEADER, execution(1)[:1])
    stream.register({"log": "oldest"})
    held = stream.acquire("log", 0, b"agent", 600)
    assert held is not None
    retry(other, DeadLetter(reporter="log", partition=0, offset=0, at=0.5, reason="r", data=encoded.data))
    key = stream.read(0, 0, 1).entries[0].key
    letter = DeadLetter(reporter="log", partition=0, offset=0, at=1.5, reason="r", data=encoded.data)
    assert stream.settle(held, Settlement(begin=0, end=1, last_key=key, dead=(letter,))) == "settled"
    yield stream
    stream.close()
    other.close()


def waiting(stream: Interrupted) -> int:
    """Events that are handed to the reporter once more."""
    return sum(len(decode(entry.data).events) for entry in stream.read(0, 1, 10**6).entries)


@pytest.mark.parametrize("when", ["fails_before", "fails_after"])
@pytest.mark.parametrize("call", ["append", "drop_letter", "leave"])
def test_a_letter_is_there_or_its_event_is(stream: Interrupted, when: str, call: str) -> None:
    """Wherever the command is interrupted; and tried again, the event is not there twice."""
    (letter,) = stream.dead_letters()
    setattr(stream, when, call)
    with pytest.raises(StreamDown):
        retry(stream, letter)
    assert waiting(stream) + len(stream.dead_letters()) >= 1
    setattr(stream, when, None)
    for again in stream.dead_letters():
        assert retry(stream, again)
    assert (waiting(stream), list(stream.dead_letters())) == (1, [])


def test_without_room_for_it_the_letter_stays(stream: Interrupted) -> None:
    """A stream that is full takes nothing."""
    (letter,) = stream.dead_letters()
    stream.fails_before, stream.error = "append", StreamFull
    with pytest.raises(StreamFull):
        retry(stream, letter)
    assert list(stream.dead_letters()) == [letter]


def test_one_that_dies_again_can_be_tried_again(stream: Interrupted) -> None:
    """It is another letter, also where it is of the same event at the same place, after a rewind."""
    (letter,) = stream.dead_letters()
    assert retry(stream, letter)
    later = DeadLetter(reporter="log", partition=0, offset=0, at=2.5, reason="r", data=letter.data)
    retry(stream, later)
    assert waiting(stream) == 2


def test_what_nobody_can_read_is_not_tried(stream: Interrupted) -> None:
    """It stays, and the others are none the worse for it."""
    letter = DeadLetter(reporter="log", partition=0, offset=7, at=1.5, reason="r", data=b"damaged")
    with pytest.raises(Unretried, match=r"the dead letter 0\.7 can't be tried again"):
        retry(stream, letter)
