"""What the tests of Huey share: an instance in memory whose jobs run when the test says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import huey_app
import pytest
from reported import Events, Reported, recording

from jobreporter import Dispatcher
from jobreporter.sources.huey import attach

KINDS = pytest.mark.parametrize("kind", huey_app.Source.kinds)


class Bench(Reported):
    """A Huey in memory whose jobs run when the test says so, and what was reported of them."""

    def __init__(self, huey: Any, dispatcher: Dispatcher, events: Events) -> None:
        super().__init__(events)
        self.huey = huey
        self.dispatcher = dispatcher

    def work(self) -> None:
        """Do what a worker and the scheduler do, until nothing is left that is due."""
        while True:
            for due in self.huey.read_schedule():
                self.huey.enqueue(due)
            task = self.huey.dequeue()
            if task is None:
                return
            self.huey.execute(task)


@contextmanager
def bench_of(huey: Any) -> Iterator[Bench]:
    with recording() as (dispatcher, events):
        attach(huey, dispatcher)
        yield Bench(huey, dispatcher, events)
