"""Row 33: a job has thousands of tags, or enormous ones."""

from __future__ import annotations

import threading
import tracemalloc

from jobreporter import Dispatcher, Success
from jobreporter._publish.execution import LONGEST_NAME, LONGEST_TEXT, MOST_TAGS
from jobreporter.testing import Recorder

#: What the lane may hold, in bytes.
ROOM = 200_000
JOBS = 50


def test_what_waits_stays_within_the_lanes_bytes() -> None:
    """While a reporter hangs, fifty jobs with 2,000 tags each take no more memory than the lane may hold."""
    release = threading.Event()
    recorder = Recorder(effect=lambda call: release.wait(60) if call.hook == "handle_started" else None)
    config = {"reporters": {"recorder": {"lane": {"capacity_bytes": ROOM, "timeout": 60}}}}
    with Dispatcher({"recorder": recorder}, config=config) as dispatcher:
        dispatcher.start()
        tracemalloc.start()
        try:
            for job in range(JOBS):
                with dispatcher.begin("a") as running:
                    running.tag(**{f"name {job} {number}": "y" * 400 for number in range(2_000)})
                dispatcher.flush(0.001)  # what was published has been taken by then, or is soon
            took, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        dropped = dispatcher.stats()["recorder"].dropped
        release.set()
        assert dispatcher.flush(20)

    assert took < 5 * ROOM
    assert dropped["capacity"] > 2 * JOBS


def test_a_tag_is_cut_and_there_are_no_more_than_fifty() -> None:
    """The first that were put on stay, and say that they were cut."""
    recorder = Recorder()
    with Dispatcher({"recorder": recorder}) as dispatcher:
        with dispatcher.begin("a") as running:
            for number in range(2_000):
                running.tag(**{f"name {number}" + "x" * 1_000: "y" * 100_000})
        assert dispatcher.flush(20)

    [tags] = [event.tags for event in recorder.events if isinstance(event, Success)]
    assert len(tags) == MOST_TAGS
    assert all(len(name) <= LONGEST_NAME + 30 and len(text) <= LONGEST_TEXT + 30 for name, text in tags.items())
