"""The suite for engines of streams: it finds what an engine does wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jobreporter.streams import (
    Appended,
    Batch,
    Lease,
    OpenExecution,
    Settled,
    Settlement,
    Stream,
    StreamSettings,
    Window,
)
from jobreporter.streams.sqlite._stream import SqliteStream
from jobreporter.testing import StreamConformance


def passes(case: str, engine: type[SqliteStream], path: Path) -> bool:
    """Whether an engine passes a case."""

    class Suite(StreamConformance):
        def open(self, **settings: Any) -> Stream:
            return engine(str(path), StreamSettings(namespace="shop", **settings))

    suite = Suite()
    suite.setup_method()
    try:
        getattr(suite, case)()
    except AssertionError:
        return False
    finally:
        suite.teardown_method()
    return True


def cases(suite: type[StreamConformance]) -> list[str]:
    return [name for name in dir(suite) if name.startswith("test_") and callable(getattr(suite, name))]


class StoresTwice(SqliteStream):
    """Forgets the numbers."""

    def append(self, producer: bytes, batches: Sequence[Batch], beat: bytes | None = None) -> tuple[Appended, ...]:
        self._database.run("DELETE FROM producer")
        return super().append(producer, batches, beat)


class SettlesForAnybody(SqliteStream):
    """Doesn't look at the fence."""

    def settle(self, lease: Lease, settlement: Settlement) -> Settled:
        held = super().acquire(lease.reporter, lease.partition, b"thief", 1)
        found = self._database.row("SELECT fence, owner FROM lease WHERE name = ?", (lease.reporter,))
        assert found is not None
        fence, owner = found
        return super().settle(held or msgspec.structs.replace(lease, fence=fence, owner=owner), settlement)


class SettlesWhatIsGone(SqliteStream):
    """Doesn't look at the entry."""

    def settle(self, lease: Lease, settlement: Settlement) -> Settled:
        key = str(self._database.value("SELECT key FROM entry ORDER BY id DESC LIMIT 1"))
        return super().settle(lease, msgspec.structs.replace(settlement, last_key=key))


class LosesAnybodys(SqliteStream):
    """Doesn't look whose the execution is now."""

    def lose(self, execution: OpenExecution, data: bytes, events: int) -> bool:
        self._database.run("UPDATE open_execution SET producer = ?", (execution.producer,))
        return super().lose(execution, data, events)


class ReadsOneTooFew(SqliteStream):
    """Passes over the entry that holds the position in its middle."""

    def read(self, partition: int, position: int, max_bytes: int) -> Window:
        window = super().read(partition, position, max_bytes)
        entries = tuple(entry for entry in window.entries if entry.offset >= position)
        return msgspec.structs.replace(window, entries=entries)


class StartsAllNow(SqliteStream):
    """Has the first reporters begin at the head."""

    def register(self, reporters: Mapping[str, Any]) -> None:
        super().register({".": "now"})
        super().register(reporters)
        super().forget(".")


class MakesOneForWhoLooks(SqliteStream):
    """Doesn't look at what it was told."""

    def __init__(self, path: str, settings: StreamSettings) -> None:
        super().__init__(path, msgspec.structs.replace(settings, create=True))


@pytest.mark.parametrize(
    ("engine", "case"),
    [
        (MakesOneForWhoLooks, "test_who_only_looks_makes_no_stream"),
        (StoresTwice, "test_an_append_that_is_repeated_is_known"),
        (SettlesForAnybody, "test_a_lease_that_ran_out_can_be_taken"),
        (SettlesWhatIsGone, "test_an_entry_that_the_stream_does_not_have_is_not_settled"),
        (LosesAnybodys, "test_an_execution_that_is_somebody_elses_now_is_not_lost"),
        (ReadsOneTooFew, "test_a_window_begins_with_the_entry_that_holds_the_position"),
        (StartsAllNow, "test_the_first_reporters_begin_at_the_oldest_entry"),
    ],
)
def test_it_finds_what_an_engine_does_wrong(engine: type[SqliteStream], case: str, tmp_path: Path) -> None:
    """Each fault that costs events, or has them handed out twice, fails the case that is named after it."""
    assert not passes(case, engine, tmp_path / "faulty.db")
    assert passes(case, SqliteStream, tmp_path / "sound.db")


def test_what_is_not_provided_is_not_collected() -> None:
    """The case is gone from the class, and the reason stands there."""

    class Suite(StreamConformance):
        not_provided = {"test_a_lease_is_given_up": "it lasts until its end"}  # noqa: RUF012 - as an author writes it

    assert "test_a_lease_is_given_up" not in cases(Suite)
    assert len(cases(Suite)) == len(cases(StreamConformance)) - 1


@pytest.mark.parametrize("name", ["test_a_lease_is_given_upp", "open", "lease"])
def test_a_case_that_is_not_there_can_not_be_left_out(name: str) -> None:
    """A name that is written wrong, or that a later version has no more, is an error and not a silence."""
    with pytest.raises(TypeError, match=f"^Suite.not_provided: there is no case '{name}'$"):
        type("Suite", (StreamConformance,), {"not_provided": {name: "why"}})


def test_a_suite_says_how_streams_are_opened() -> None:
    """Or is told to."""
    suite = StreamConformance()
    suite.setup_method()
    with pytest.raises(NotImplementedError, match="StreamConformance has to say how its streams are opened"):
        suite.stream()
