"""Every row of the table of transitions once more, with the sums in both databases: from events to the log that is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from jobreporter import Event, Origin
from jobreporter_history.store import Store

from .conftest import Read, Run
from .executions import NOW, ORIGIN, failed, succeeded
from .sessions import Running

HOUR, DAY = 3600.0, 86_400.0
OLDER, NEWER = (
    Origin(service="shop", environment="production", release=release, host="web-1", pid=7, version="0.1.0")
    for release in ("1.0", "2.0")
)


class Story:
    """What happens to one job, and what the keeper makes of it."""

    def __init__(self, running: Running, store: Store) -> None:
        self.running = running
        self.store = store
        running.tick(10)

    def fail(self, times: int = 1, *, retried: bool = False, at: float | None = None, origin: Origin = ORIGIN) -> None:
        """So many failures, a little later unless a time is given."""
        self.running.now += 1
        event = {"will_retry": retried}
        self._write([each for _ in range(times) for each in failed(at or self.running.now, event=event)], origin)

    def succeed(self, times: int = 1) -> None:
        """So many successes, a little later."""
        self.running.now += 1
        self._write([each for _ in range(times) for each in succeeded(self.running.now)], ORIGIN)

    def wait(self, seconds: float) -> None:
        """Time passes, and the keeper ticks at its end."""
        self.running.tick(seconds)

    @property
    def log(self) -> list[str]:
        """What was logged; in brackets what people are not told."""
        found = self.store.incident(1)
        rows = reversed(found.log) if found else ()
        texts = (f"{row.happening}: {row.cause}" if row.cause else row.happening for row in rows)
        return (
            [f"({text})" if row.quiet else text for text, row in zip(texts, reversed(found.log), strict=True)]
            if found
            else []
        )

    def _write(self, events: list[Event], origin: Origin) -> None:
        self.running.take(events, origin)
        assert self.running.write()


def pending_opens(story: Story) -> list[str]:
    story.fail(4, retried=True)
    story.wait(5)
    assert story.log == []
    story.fail(retried=True)
    story.wait(5)
    return ["opened"]


def open_is_over_after_successes(story: Story) -> list[str]:
    story.fail()
    story.wait(5)
    story.succeed()
    story.wait(880)
    assert story.log == ["opened"]
    story.wait(20)
    return ["opened", "resolved: succeeded"]


def open_is_over_after_a_quiet_day(story: Story) -> list[str]:
    story.succeed(300)
    story.fail()
    story.wait(5)
    # It runs, too seldom for what so many successes before it say.
    story.wait(HOUR)
    story.succeed(100)
    story.wait(DAY - HOUR - 60)
    assert story.log == ["opened"]
    story.wait(120)
    return ["opened", "resolved: quiet"]


def open_is_over_by_hand(story: Story) -> list[str]:
    story.fail(origin=OLDER)
    story.wait(5)
    story.store.resolve(1, release="2.0")
    story.wait(5)
    story.fail(origin=OLDER)
    story.wait(5)
    assert story.log == ["opened", "resolved: by hand"]
    story.fail(origin=NEWER)
    story.wait(5)
    return ["opened", "resolved: by hand", "regressed"]


def open_gets_worse(story: Story) -> list[str]:
    story.fail()
    story.wait(5)
    for failures in (1, 1, 15, 20):
        story.wait(HOUR)
        story.fail(failures)
    story.wait(600)
    story.wait(HOUR - 600)
    return ["opened", "worse"]


def resolved_comes_back(story: Story) -> list[str]:
    story.fail()
    story.wait(5)
    story.store.resolve(1)
    story.wait(5)
    resolved_at = story.running.now
    story.fail(at=resolved_at - 3)
    story.fail(retried=True)
    story.wait(5)
    assert story.log == ["opened", "resolved: by hand"]
    story.fail()
    story.wait(5)
    return ["opened", "resolved: by hand", "regressed"]


def resolved_flaps_and_is_calm(story: Story) -> list[str]:
    told = []
    for _ in range(2):
        story.fail()
        story.wait(5)
        story.store.resolve(1)
        story.wait(5)
        told += ["regressed" if told else "opened", "resolved: by hand"]
    story.fail()
    story.wait(5)
    story.wait(1790)
    assert story.log == [*told, "(flapping)"]
    story.wait(10)
    return [*told, "(flapping)", "(calm)"]


def any_is_silenced(story: Story) -> list[str]:
    story.fail()
    story.wait(5)
    story.store.silence(1, story.running.now + HOUR)
    story.wait(5)
    story.succeed()
    story.wait(900)
    story.wait(HOUR)
    story.fail()
    story.wait(5)
    return ["opened", "(silenced: by hand)", "(resolved: succeeded)", "(unsilenced)", "regressed"]


def people_are_reminded(story: Story) -> list[str]:
    story.store.outbox("somebody", repeat=6 * HOUR).claim()
    story.fail()
    story.wait(5)
    for _ in range(7):
        story.wait(HOUR)
        story.fail()
        story.wait(5)
    return ["opened", "reminded"]


TELLERS = [
    pending_opens,
    open_is_over_after_successes,
    open_is_over_after_a_quiet_day,
    open_is_over_by_hand,
    open_gets_worse,
    resolved_comes_back,
    resolved_flaps_and_is_calm,
    any_is_silenced,
    people_are_reminded,
]


@pytest.mark.parametrize("tell", TELLERS, ids=lambda tell: tell.__name__)
def test_every_transition(tell: Callable[[Story], list[str]], url: str, run: Run, read: Read) -> None:
    """Each leads to the log that the table says; looked at again, nothing more is logged."""
    running = run(url, now=NOW // 600 * 600)
    story = Story(running, read(url, clock=lambda: running.now))
    expected = tell(story)
    assert story.log == expected
    story.running.tick()
    assert story.log == expected
