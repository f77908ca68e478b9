"""What each answer of the server means, and that no trouble outlasts its budget."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Any

import pytest

from jobreporter import Dispatcher
from jobreporter.testing import make_event
from jobreporter_honeybadger import HoneybadgerReporter, _delivery
from tests.core.waiting import until

from . import fake_honeybadger as fake
from .conftest import MakeDispatcher
from .fake_honeybadger import Answer, FakeHoneybadger
from .stepped import SteppedClock


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
    honeybadger.script.extend([Answer(500, b"x" * 500), Answer(429)])
    dispatcher = dispatcher_of()
    fail(dispatcher, 10)
    assert len(honeybadger.requests) == 12
    assert honeybadger.connections == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_a_passing_trouble_is_tried_again(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock, status: int
) -> None:
    """After a busy or broken server the same notice is sent again, each time after twice as long."""
    honeybadger.script.extend([Answer(status)] * 4)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert clock.slept == [0.25, 0.5, 1.0, 2.0]
    assert len({request.body for request in honeybadger.requests}) == 1, "with the same token"


def test_the_backoff_has_jitter(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """Half of each wait is chance."""
    honeybadger.script.extend([Answer(500)] * 3)
    clock.dice = 0.0
    fail(dispatcher_of())
    assert clock.slept == [0.125, 0.25, 0.5]


@pytest.mark.parametrize(
    "lose",
    [fake.hang_up, fake.break_off_early, fake.talk_nonsense],
    ids=["without an answer", "in the middle of the status", "after nonsense"],
)
def test_a_lost_connection_is_made_again(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, lose: fake.Misbehaviour
) -> None:
    """If the server hangs up before it has answered, the notice goes over a new connection."""
    honeybadger.script.append(lose)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


@pytest.mark.parametrize(
    "lose", [fake.break_off_headers, fake.break_off], ids=["in the middle of the headers", "in the middle of the body"]
)
def test_a_connection_lost_after_the_status_is_an_answer(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock, lose: fake.Misbehaviour
) -> None:
    """201 and then nothing: the notice was taken, and is not sent again."""
    honeybadger.script.append(lose)
    dispatcher = dispatcher_of()
    fail(dispatcher, 2)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]
    assert clock.slept == []


def test_a_server_that_hangs_after_the_status_has_answered(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """The rest is waited for as long as an attempt may last, and then it does not matter."""
    honeybadger.script.append(fake.hang_in_the_body)
    dispatcher = dispatcher_of(send_timeout=0.4)
    fail(dispatcher, 2)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]
    assert clock.slept == []


def test_a_connection_closed_between_requests_is_noticed(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """A kept connection that the server has closed meanwhile costs no attempt."""
    honeybadger.script.append(fake.answer_and_hang_up)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    until(lambda: honeybadger.closed == 1, "the server's hanging up")
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]
    assert clock.slept == []


def test_a_connection_closed_under_a_request_is_made_again(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """The server closes a kept connection at the moment of the next request: that is one attempt."""
    dispatcher = dispatcher_of()
    fail(dispatcher)
    honeybadger.script.append(fake.hang_up)
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (2, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 1, 2]
    assert clock.slept == [0.25]


@pytest.mark.parametrize("hang", [fake.hang, fake.dribble], ids=["says nothing", "says a byte now and then"])
def test_a_hanging_server_costs_half_of_the_budget(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, hang: fake.Misbehaviour
) -> None:
    """An attempt ends when half of the budget is over, however the server hangs; the next one may still succeed."""
    honeybadger.script.append(hang)
    dispatcher = dispatcher_of(send_timeout=0.8)
    began = time.monotonic()
    fail(dispatcher)
    assert 0.4 <= time.monotonic() - began < 5
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]


def test_a_hanging_server_leaves_time_for_another_attempt(honeybadger: FakeHoneybadger) -> None:
    """By the real clock: the first attempt takes half of the budget, and what is left is enough for the second."""
    honeybadger.script.append(fake.hang)
    options = {"api_key": fake.KEY, "endpoint": honeybadger.url, "send_timeout": 2.0}
    with Dispatcher({"honeybadger": HoneybadgerReporter}, config={"reporters": {"honeybadger": options}}) as dispatcher:
        fail(dispatcher)
        assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)


@pytest.mark.parametrize("ramble", [fake.ramble, fake.ramble_and_hang], ids=["never stops", "stops in the middle"])
def test_an_endless_body_is_not_read(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock, ramble: fake.Misbehaviour
) -> None:
    """Only the beginning of what a server says is read; the rest goes with its connection, and costs no attempt."""
    honeybadger.script.append(ramble)
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)
    assert [request.connection for request in honeybadger.requests] == [1, 2]
    assert clock.slept == [0.25]


def test_the_budget_bounds_all_attempts(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """A server that stays broken is given up when the next wait would exceed the budget; the event failed."""
    honeybadger.script.extend([Answer(500)] * 20)
    dispatcher = dispatcher_of(send_timeout=8.0)
    dispatcher.publish(make_event("failure"))
    until(lambda: stats(dispatcher).failed == 1, "the event's failing")
    assert clock.slept == [0.25, 0.5, 1.0, 2.0, 4.0]


def test_retry_after_in_seconds(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """A server that asks for a pause within the budget gets it, to the second."""
    honeybadger.script.append(Answer(429, headers={"Retry-After": "3"}))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert clock.slept == [3.0]
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)


def test_retry_after_as_a_date(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """The pause may be given as the date on which it ends."""
    honeybadger.script.append(Answer(503, headers={"Retry-After": formatdate(clock.began + 5, usegmt=True)}))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert clock.slept == [5.0]
    assert (stats(dispatcher).handled, stats(dispatcher).lost) == (1, 0)


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


def test_a_shorter_retry_after_does_not_shorten_the_backoff(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock
) -> None:
    """The server's wish is the least that is waited."""
    honeybadger.script.append(Answer(429, headers={"Retry-After": "0"}))
    fail(dispatcher_of())
    assert clock.slept == [0.25]


def test_a_refused_notice_is_counted_with_the_servers_words(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, clock: SteppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    """422: that event failed, the log has what the server objects to, and the next event is handled at once."""
    honeybadger.script.append(Answer(422, b'{"errors": "error.class can\'t be\\nblank"}'))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    fail(dispatcher)
    assert (stats(dispatcher).failed, stats(dispatcher).handled, stats(dispatcher).status) == (1, 1, "running")
    assert len(honeybadger.requests) == 2
    assert clock.slept == []
    assert r"Honeybadger answered 422: error.class can't be\nblank" in caplog.text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "Honeybadger answered 400 "),
        (b"plain text", "answered 400: plain text "),
        (b'{"error": "why"}', "answered 400: why "),
        (b'{"message": "why"}', "answered 400: why "),
        (b'{"other": 1}', """answered 400: {"other": 1} """),
        (b'["a", "b"]', """answered 400: ["a", "b"] """),
        (b"[" * 10_000, "answered 400: [[[["),
        (b"\xff\xfe\x1b[31m", r"answered 400: " + "\ufffd\ufffd" + r"\x1b[31m "),
        (fake.KEY.encode() + b" is wrong", "answered 400: [api_key] is wrong "),
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
    honeybadger.script.append(Answer(400, body))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert words in caplog.text
    assert fake.KEY not in caplog.text
    assert stats(dispatcher).failed == 1


def test_a_redirect_is_not_followed(
    honeybadger: FakeHoneybadger, dispatcher_of: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """The key goes to the endpoint alone."""
    honeybadger.script.append(Answer(301, headers={"Location": f"{honeybadger.url}/elsewhere"}))
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
    honeybadger.script.append(Answer(413))
    dispatcher = dispatcher_of()
    fail(dispatcher)
    assert (stats(dispatcher).failed, len(honeybadger.requests)) == (1, 1)
