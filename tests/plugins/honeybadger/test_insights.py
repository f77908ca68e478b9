"""Events for Insights: collected, and sent together at a flush."""

from __future__ import annotations

from typing import Any

import pytest

from jobreporter import ABORT_REASONS
from jobreporter.testing import Answer, make_error, make_event, make_job
from tests.waiting import until

from .conftest import MakeDispatcher
from .fake_honeybadger import FakeHoneybadger
from .sample import CONTEXT, FAILURE

ALL = ["started", "success", "aborted", "failure", "stopped"]
#: No flush but those that a test asks for.
LANE = {"flush_interval": 1e6}


def lines(honeybadger: FakeHoneybadger) -> list[Any]:
    return [line for request in honeybadger.of("/v1/events") for line in request.lines]


def test_nothing_goes_there_by_default(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Insights events cost money, so they are asked for."""
    dispatcher = dispatcher_of()
    for kind in ALL:
        dispatcher.publish(make_event(kind))
    assert dispatcher.flush(20)
    assert honeybadger.of("/v1/events") == []


def test_the_kinds_that_are_asked_for_go_there(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """In order, and no others."""
    dispatcher = dispatcher_of(insights=["success", "failure"])
    for kind in ALL:
        dispatcher.publish(make_event(kind))
    assert dispatcher.flush(20)
    assert [line["event_type"] for line in lines(honeybadger)] == ["job.success", "job.failure"]


def test_they_leave_together_with_a_flush(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """One request of one line each, and none where nothing waits."""
    dispatcher = dispatcher_of(insights=ALL, lane=LANE)
    for number in range(100):
        dispatcher.publish(make_event("success", job=make_job(id=str(number))))
    until(lambda: dispatcher.stats()["honeybadger"].unflushed == 100, "all events")
    assert honeybadger.requests == []
    assert dispatcher.flush(20)
    assert dispatcher.flush(20)
    [request] = honeybadger.requests
    assert [line["job_id"] for line in request.lines] == [str(number) for number in range(100)]
    assert request.headers["Content-Type"] == "application/x-ndjson"


def test_what_waits_at_the_end_is_sent(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Closing flushes."""
    dispatcher = dispatcher_of(insights=["success"], lane=LANE)
    dispatcher.publish(make_event("success"))
    assert dispatcher.close(20)
    assert len(lines(honeybadger)) == 1


def test_a_line_has_the_facts_of_its_event(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Flat, with durations in milliseconds, and without what isn't known."""
    dispatcher = dispatcher_of(context=CONTEXT, insights=ALL, hostname="web-3")
    common = {
        "job": "reports.nightly",
        "job_id": "7c1e",
        "execution_id": "7c1e:2",
        "source": "celery",
        "queue": "mail",
        "attempt": 2,
        "max_attempts": 5,
        "worker": "web-3:4711",
        "correlation_id": "req-91",
        "service": "shop",
        "environment": "production",
        "revision": "4f2a9c1",
        "hostname": "web-3",
    }
    fields: dict[str, Any] = {"job": FAILURE.job, "at": 1_700_000_000.25}
    dispatcher.publish(make_event("started", **fields))
    dispatcher.publish(make_event("success", **fields, duration=0.0125, queue_wait=1.5, tags={"customer": "acme"}))
    dispatcher.publish(make_event("aborted", **fields, duration=None, reason="expired", will_retry=False))
    dispatcher.publish(FAILURE)
    dispatcher.publish(make_event("stopped", **fields, duration=2.0, outcome="failure"))
    assert dispatcher.flush(20)
    at = {"ts": "2023-11-14T22:13:20.250Z"}
    assert lines(honeybadger) == [
        {**at, "event_type": "job.started", **common},
        {
            **at,
            "event_type": "job.success",
            **common,
            "queue_wait_ms": 1500.0,
            "duration_ms": 12.5,
            "tags": {"customer": "acme"},
        },
        {**at, "event_type": "job.aborted", **common, "reason": "expired", "will_retry": False},
        {
            "ts": "2023-11-14T22:13:22.500Z",
            "event_type": "job.failure",
            **common,
            "kind": "exception",
            "final": False,
            "will_retry": True,
            "error_class": "shop.errors.NotSent",
            "error_message": "no mail to ann@example.org",
            "queue_wait_ms": 1260.0,
            "duration_ms": 1240.0,
            "tags": {"customer": "acme"},
        },
        {**at, "event_type": "job.stopped", **common, "outcome": "failure", "duration_ms": 2000.0},
    ]


def test_any_reason_goes(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """One of jobreporter's, or a job's own."""
    dispatcher = dispatcher_of(insights=["aborted"])
    for reason in (*ABORT_REASONS, "half-moon"):
        dispatcher.publish(make_event("aborted", reason=reason))
    assert dispatcher.flush(20)
    assert [line["reason"] for line in lines(honeybadger)] == [*ABORT_REASONS, "half-moon"]


def test_a_full_batch_does_not_wait(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """No request is longer than Honeybadger allows (its stand-in minds), no line is lost, and few bytes wait."""
    dispatcher = dispatcher_of(insights=["success"], lane=LANE)
    tags = {f"tag{number}": "x" * 100 for number in range(10)}
    for number in range(500):
        dispatcher.publish(make_event("success", job=make_job(id=str(number)), tags=tags))
    until(lambda: dispatcher.stats()["honeybadger"].unflushed == 500, "all events")
    before_flush = len(lines(honeybadger))
    assert before_flush > 400
    assert dispatcher.flush(20)
    assert [line["job_id"] for line in lines(honeybadger)] == [str(number) for number in range(500)]
    assert all(len(request.body) > 80_000 for request in honeybadger.requests[:-1])


def test_a_line_is_bounded(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Whatever a job is called, says and is tagged with: one event can't fill a batch."""
    text = "\x01" * 50_000
    job = make_job(id=text, execution_id=text, name=text, queue=text, worker=text, correlation_id=text)
    tags = {f"{number}{text}": text for number in range(100)}
    dispatcher = dispatcher_of(insights=["failure"])
    dispatcher.publish(make_event("failure", job=job, error=make_error(message=text), tags={}))
    dispatcher.publish(make_event("failure", job=job, error=make_error(message="plain"), tags=tags))
    assert dispatcher.flush(20)
    [request] = honeybadger.of("/v1/events")
    first, second = request.lines
    assert first["error_message"] == "\x01" * 100 + "..."
    assert second["error_message"] == "plain"
    assert second["tags"] == {}
    assert all(len(line) <= 20_000 for line in request.body.splitlines())


def test_a_batch_that_is_refused_is_told_with_its_count(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """The flush did not go well, the ledger and the log say how many events are lost and why, and none is sent again."""
    honeybadger.next(Answer(422, b'{"error": "no such field"}'))
    dispatcher = dispatcher_of(insights=["success"], lane=LANE)
    for _ in range(3):
        dispatcher.publish(make_event("success"))
    assert not dispatcher.flush(20)
    until(lambda: "3 events that it had taken and not flushed are lost" in caplog.text, "the line of the log")
    assert "Honeybadger answered 422: no such field" in caplog.text
    assert dispatcher.stats()["honeybadger"].failed == 3
    dispatcher.publish(make_event("success"))
    assert dispatcher.flush(20)
    assert [len(request.lines) for request in honeybadger.of("/v1/events")] == [3, 1]


def test_a_notice_that_is_refused_costs_no_other(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """A notice is refused while events wait: it has failed alone, and they are sent together later."""
    honeybadger.next(Answer(422))
    dispatcher = dispatcher_of(insights=["success"], lane=LANE)
    for kind in ("success", "failure", "success"):
        dispatcher.publish(make_event(kind))
    assert dispatcher.flush(20)
    assert dispatcher.stats()["honeybadger"].failed == 1
    assert [len(request.lines) for request in honeybadger.of("/v1/events")] == [2]


def test_a_refused_key_loses_what_waits(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """What waits is tried once more, since the crash may have been about something else; then the ledger has its number."""
    dispatcher = dispatcher_of(insights=["success"], lane=LANE, api_key="hbp_wrong")
    for kind in ("success", "success", "failure"):
        dispatcher.publish(make_event(kind))
    until(lambda: dispatcher.stats()["honeybadger"].status == "broken", "the reporter's being broken")
    assert [request.path for request in honeybadger.requests] == ["/v1/notices", "/v1/events"]
    assert dispatcher.stats()["honeybadger"].failed == 3
    assert "Honeybadger refuses the api_key (403" in caplog.text


def test_a_key_that_is_refused_at_a_flush_breaks_the_reporter(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """As it does with a notice; and the reason stays that of the key."""
    dispatcher = dispatcher_of(insights=["success"], lane=LANE, api_key="hbp_wrong")
    dispatcher.publish(make_event("success"))
    assert not dispatcher.flush(20)
    until(lambda: dispatcher.stats()["honeybadger"].status == "broken", "the reporter's being broken")
    assert "Honeybadger refuses the api_key (403" in str(dispatcher.stats()["honeybadger"].reason)
    assert len(honeybadger.requests) == 1
