"""What each answer of the server means, and that no trouble outlasts its budget."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import Answer, break_off, garbage, hang, hang_up, make_event
from jobreporter_honeybadger import _delivery
from tests.waiting import until

from . import fake_honeybadger as fake
from .conftest import MakeDispatcher
from .fake_honeybadger import FakeHoneybadger


def fail(dispatcher: Dispatcher, count: int = 1) -> None:
    """Report failures, and wait until they are dealt with."""
    for _ in range(count):
        dispatcher.publish(make_event("failure"))
    dispatcher.flush(20)


def stats(dispatcher: Dispatcher) -> Any:
    return dispatcher.stats()["honeybadger"]


def test_a_notice_that_is_taken_is_handled(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """201: done, with one request and nothing lost."""
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.path for request in honeybadger.requests] == ["/v1/notices"]


def test_the_connection_is_kept(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """Many notices, errors of the server among them, go over one connection."""
    honeybadger.next(Answer(500, b"x" * 500), Answer(429))
    dispatcher = dispatcher_of()
    fail(dispatcher, 10)
    assert len(honeybadger.requests) == 12
    assert honeybadger.connections == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_a_passing_trouble_is_tried_again(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, status: int
) -> None:
    """After a busy or broken server the same notice is sent again, by jobreporter's own backoff, and nothing is lost."""
    honeybadger.next(*[Answer(status)] * 2)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost, stats(dispatcher).retries) == (1, 0, 2)
    assert len({request.body for request in honeybadger.requests}) == 1, "with the same token"


@pytest.mark.parametrize("header", ["1", "date"])
def test_the_pause_that_is_asked_for_is_kept_to(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, header: str
) -> None:
    """In seconds, or as the date on which it ends."""
    until_then = formatdate(time.time() + 2, usegmt=True) if header == "date" else header
    honeybadger.next(Answer(503, headers={"Retry-After": until_then}))
    dispatcher = dispatcher_of()
    began = time.monotonic()
    fail(dispatcher)
    assert time.monotonic() - began >= 0.9
    assert (stats(dispatcher).handled, stats(dispatcher).lost, len(honeybadger.requests)) == (1, 0, 2)


@pytest.mark.parametrize(
    "lose",
    [hang_up, break_off, garbage],
    ids=["without an answer", "in the middle of the status", "after nonsense"],
)
def test_a_lost_connection_is_made_again(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, lose: fake.Misbehaviour
) -> None:
    """If the server hangs up before it has answered, the notice goes over a new connection."""
    honeybadger.next(lose)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


@pytest.mark.parametrize(
    "lose",
    [fake.break_off_headers, fake.break_off_body],
    ids=["in the middle of the headers", "in the middle of the body"],
)
def test_a_connection_lost_after_the_status_is_an_answer(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, lose: fake.Misbehaviour
) -> None:
    """201 and then nothing: the notice was taken, and is not sent again."""
    honeybadger.next(lose)
    dispatcher = dispatcher_of()
    fail(dispatcher, 2)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


def test_a_server_that_hangs_after_the_status_has_answered(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """The rest is waited for as long as an attempt may last, and then it does not matter."""
    honeybadger.next(fake.hang_in_the_body)
    dispatcher = dispatcher_of(send_timeout=0.4)
    fail(dispatcher, 2)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


def test_a_connection_closed_between_requests_is_noticed(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """A kept connection that the server has closed meanwhile costs no attempt."""
    honeybadger.next(fake.answer_and_hang_up)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    until(lambda: honeybadger.closed == 1, "the server's hanging up")
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


def test_a_connection_closed_under_a_request_is_made_again(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """The server closes a kept connection at the moment of the next request: that is one attempt."""
    dispatcher = dispatcher_of()
    fail(dispatcher)
    honeybadger.next(hang_up)
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 1, 2]


@pytest.mark.parametrize("hanging", [hang, fake.dribble], ids=["says nothing", "says a byte now and then"])
def test_a_hanging_server_costs_half_of_the_budget(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, hanging: fake.Misbehaviour
) -> None:
    """An attempt ends when half of the budget is over, however the server hangs; the next one may still succeed."""
    honeybadger.next(hanging)
    dispatcher = dispatcher_of(send_timeout=0.8)
    began = time.monotonic()
    fail(dispatcher)
    assert 0.4 <= time.monotonic() - began < 5
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


@pytest.mark.parametrize("ramble", [fake.ramble, fake.ramble_and_hang], ids=["never stops", "stops in the middle"])
def test_an_endless_body_is_not_read(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, ramble: fake.Misbehaviour
) -> None:
    """Only the beginning of what a server says is read; the rest goes with its connection, and costs no attempt."""
    honeybadger.next(ramble)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        ("-5", 0.0),
        ("1000000", 3600.0),
        ("9" * 5000, None),
        ("9" * 400, None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("nan", None),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("Fri, 14 Nov 2053 22:00:00 GMT", 3600.0),
        ("Tue, 14 Nov 99999 22:00:00 GMT", None),
    ],
)
def test_what_retry_after_means(header: str | None, seconds: float | None) -> None:
    """A number or a date, from now to an hour; anything else means nothing."""
    assert _delivery.seconds_of(header, 1_700_000_000.0) == seconds


def test_a_refused_notice_is_counted_with_the_servers_words(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """422: that event failed, the log has what the server objects to, and the next event is handled at once."""
    honeybadger.next(Answer(422, b'{"errors": "error.class can\'t be\\nblank"}'))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    fail(dispatcher)
    assert (stats(dispatcher).failed, stats(dispatcher).handled, stats(dispatcher).status) == (1, 1, "running")
    assert len(honeybadger.requests) == 2
    assert r"Honeybadger answered 422: error.class can't be\nblank" in caplog.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Honeybadger answered 400\n"),
        (b"plain text", "answered 400: plain text\n"),
        (b'{"error": "why"}', "answered 400: why\n"),
        (b'{"message": "why"}', "answered 400: why\n"),
        (b'{"other": 1}', 'answered 400: {"other": 1}\n'),
        (b'["a", "b"]', 'answered 400: ["a", "b"]\n'),
        (b"[" * 10_000, "answered 400: [[[["),
        (b"\xff\xfe\x1b[31m", r"answered 400: " + "\ufffd\ufffd" + r"\x1b[31m" + "\n"),
        (fake.KEY.encode() + b" is wrong", "answered 400: [api_key] is wrong\n"),
    ],
)
def test_what_the_server_says_is_told(
    honeybadger: FakeHoneybadger,
    dispatcher_of: MakeDispatcher,
    caplog: pytest.LogCaptureFixture,
    body: bytes,
    words: str,
) -> None:
    """In JSON or not, on one line, bounded, and never with the key."""
    honeybadger.next(Answer(400, body))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert words in caplog.text
    assert fake.KEY not in caplog.text
    assert stats(dispatcher).failed == 1


def test_a_redirect_is_not_followed(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """The key goes to the endpoint alone."""
    honeybadger.next(Answer(301, headers={"Location": f"{honeybadger.url}/elsewhere"}))
    fail(dispatcher_of())
    assert [request.path for request in honeybadger.requests] == ["/v1/notices"]
    assert "Honeybadger answered 301" in caplog.text


def test_a_notice_that_is_too_large_is_sent_once_more_at_half_its_size(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher
) -> None:
    """413: the server's limit may be lower than the one that is documented."""
    honeybadger.most_bytes = 150_000
    dispatcher = dispatcher_of()
    dispatcher.publish(make_event("failure", tags={f"tag{number}": "x" * 3000 for number in range(60)}))
    dispatcher.flush(20)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    first, second = honeybadger.of("/v1/notices")
    assert len(second.body) <= len(first.body) / 2
    assert second.json["request"]["context"]["trimmed"]
    assert second.json["error"]["token"] == first.json["error"]["token"]


def test_a_notice_that_is_still_too_large_failed(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """413 twice: there is no third time."""
    honeybadger.most_bytes = 100
    dispatcher = dispatcher_of()
    dispatcher.publish(make_event("failure", tags={f"tag{number}": "x" * 3000 for number in range(60)}))
    dispatcher.flush(20)
    assert (stats(dispatcher).failed, len(honeybadger.requests)) == (1, 2)


def test_a_small_notice_that_is_too_large_failed(honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher) -> None:
    """One that can't be trimmed any further is not sent again."""
    honeybadger.next(Answer(413))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).failed, len(honeybadger.requests)) == (1, 1)
