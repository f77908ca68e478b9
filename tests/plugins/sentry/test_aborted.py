"""What Sentry gets of aborted jobs: nothing, unless it is asked for."""

from __future__ import annotations

from jobreporter.testing import make_event, make_job

from .conftest import MakeDispatcher
from .fake_sentry import Kent


def test_aborted_jobs_are_no_business_of_sentrys(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """By default nothing is sent of an aborted job, and later events don't mention it."""
    dispatcher = make_dispatcher(dsn=kent.dsn)
    dispatcher.publish(make_event("aborted", reason="locked"))
    dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(10.0)
    assert "breadcrumbs" not in kent.only()


def test_an_aborted_job_may_be_a_message(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A message of level info, grouped by job and reason."""
    dispatcher = make_dispatcher(dsn=kent.dsn, aborted="message")
    dispatcher.publish(make_event("aborted", reason="locked", tags={"customer": "acme"}))
    assert dispatcher.flush(10.0)
    event = kent.only()
    assert event["message"] == "reports.nightly was aborted: locked"
    assert event["level"] == "info"
    assert event["transaction"] == "reports.nightly"
    assert event["fingerprint"] == ["jobreporter.aborted", "reports.nightly", "locked"]
    assert event["tags"]["customer"] == "acme"
    assert event["contexts"]["job"]["reason"] == "locked"
    assert "exception" not in event
    assert "final" not in event["tags"]


def test_reasons_of_a_jobs_own_make_one_group(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """A reason that only the job knows may be another one each time, so it does not divide the messages."""
    dispatcher = make_dispatcher(dsn=kent.dsn, aborted="message")
    for order in (1, 2):
        dispatcher.publish(make_event("aborted", reason=f"order {order} is gone"))
    assert dispatcher.flush(10.0)
    assert [event["fingerprint"][-1] for event in kent.items()] == ["other", "other"]


def test_an_aborted_job_may_be_a_breadcrumb(kent: Kent, make_dispatcher: MakeDispatcher) -> None:
    """It is sent along with the failures that follow, and only so many are kept."""
    dispatcher = make_dispatcher(dsn=kent.dsn, aborted="breadcrumb", max_breadcrumbs=2)
    for number in range(3):
        dispatcher.publish(make_event("aborted", at=float(number), reason="locked", job=make_job(id=str(number))))
    assert dispatcher.flush(10.0)
    assert kent.items() == []
    for _ in range(2):
        dispatcher.publish(make_event("failure"))
    assert dispatcher.flush(10.0)
    for event in kent.items():
        first, second = event["breadcrumbs"]["values"]
        assert (first["data"]["id"], second["data"]["id"]) == ("1", "2")
        assert first["message"] == "reports.nightly was aborted: locked"
        assert first["timestamp"] == "1970-01-01T00:00:01.000000Z"
