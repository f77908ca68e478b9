"""What was reported in the test's own process, and what the tests of the queues ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from in_jobs import RECORDS
from scenarios import summary

from jobreporter import Dispatcher
from jobreporter.testing import Recorder

#: Tells all that was reported so far.
Events = Callable[[], list[Any]]


class Reported:
    """The events of a test, as it asks for them."""

    def __init__(self, events: Events) -> None:
        self._events = events

    @property
    def events(self) -> list[Any]:
        return self._events()

    @property
    def story(self) -> list[str]:
        """All events, as the scenarios put them."""
        return [summary(event) for event in self.events]

    def all(self, kind: type, name: str | None = None) -> list[Any]:
        """The events of a kind, of all jobs or of those with a name."""
        return [event for event in self.events if isinstance(event, kind) and name in (None, event.job.name)]

    def only(self, kind: type, name: str | None = None) -> Any:
        """The one event of a kind, of all jobs or of those with a name."""
        (event,) = self.all(kind, name)
        return event


@contextmanager
def recording(config: Mapping[str, object] | None = None) -> Iterator[tuple[Dispatcher, Events]]:
    """A dispatcher, and what tells the events that it has delivered."""
    recorder = Recorder()
    with Dispatcher(reporters={"recorder": recorder}, config=config) as dispatcher:

        def events() -> list[Any]:
            assert dispatcher.flush(10)
            return list(recorder.events)

        yield dispatcher, events


def use_config(folder: Path, monkeypatch: pytest.MonkeyPatch, config: str) -> None:
    """Have this process, and those that it forks, read their config from the folder. Their records are kept there."""
    (folder / "jobreporter.toml").write_text(config.format(path=folder / RECORDS))
    monkeypatch.setenv("JOBREPORTER_CONFIG", str(folder / "jobreporter.toml"))


def bug(*_args: object, **_kwargs: object) -> None:
    """Stands in for code of ours with an error in it."""
    raise RuntimeError("a bug of ours")


def times_logged(caplog: pytest.LogCaptureFixture, words: str) -> int:
    """How often the log says it."""
    return sum(words in record.getMessage() for record in caplog.records)
