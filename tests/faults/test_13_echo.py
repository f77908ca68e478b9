"""Row 13: a reporter logs, and a logging handler publishes what is logged."""

from __future__ import annotations

import logging

from jobreporter import Dispatcher, Event, hookimpl
from jobreporter.testing import make_error, make_event

logger = logging.getLogger("shop")


class Talkative:
    """Logs each event that it gets, and then crashes on it, which jobreporter logs as well."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @hookimpl
    def handle_failure(self, meta: Event) -> None:
        self.events.append(meta)
        logger.error("got %s", meta)
        raise ValueError("and crashed")

    @hookimpl
    def reporter_flush(self) -> None:
        logger.error("flushing")


class Publishing(logging.Handler):
    """Reports each line of the log as a failure."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        super().__init__()
        self._dispatcher = dispatcher
        self.published = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.published += 1
        self._dispatcher.publish(make_event("failure", error=make_error(message=record.getMessage())))


def test_an_echo_is_counted_and_not_delivered() -> None:
    """One event stays one event, however much is logged over it; each echo is counted."""
    talkative = Talkative()
    dispatcher = Dispatcher({"talkative": talkative})
    publishing = Publishing(dispatcher)
    logging.getLogger().addHandler(publishing)
    try:
        dispatcher.publish(make_event("failure"))
        assert dispatcher.flush(20)
        assert len(talkative.events) == 1
        stats = dispatcher.stats()["talkative"]
        assert publishing.published >= 3, "two lines of the reporter's, one of jobreporter's"
        assert stats.dropped == {"echo": publishing.published}
        assert stats.accepted == 1 + publishing.published
        logger.error("of the job")
        assert dispatcher.flush(20)
        assert [event.error.message for event in talkative.events] == ["boom", "of the job"]  # type: ignore[attr-defined]
    finally:
        logging.getLogger().removeHandler(publishing)
        dispatcher.close(20)
