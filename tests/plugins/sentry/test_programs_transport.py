"""Without a dsn, where the program has a transport of its own, which may do what it likes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from jobreporter.testing import make_event, make_job
from tests.waiting import until

from .conftest import MakeDispatcher

TOLD = "has not come back from its flush within send_timeout = 0.05 s"


class Hanging(Transport):
    """Hangs where it is told to, until it is let go, and notes what it was given."""

    def __init__(self, hangs_in: str = "") -> None:
        super().__init__({"dsn": "http://public@127.0.0.1:9/1"})
        self.taken: list[Any] = []
        self.hangs_in = hangs_in
        self.calls = 0
        self.released = threading.Event()

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            if self.hangs_in == "capture":
                self.hangs_in = ""
                self.released.wait()
            self.taken.append(event["transaction"])

    def flush(self, timeout: float, callback: Any = None) -> None:
        self.calls += 1
        if self.hangs_in == "flush":
            self.released.wait()
        if self.hangs_in == "error":
            raise ConnectionError("the transport's own")


@pytest.fixture
def transport() -> Iterator[Hanging]:
    """The program's."""
    transport = Hanging()
    sentry_sdk.init(
        "http://public@127.0.0.1:9/1", transport=transport, default_integrations=False, auto_enabling_integrations=False
    )
    yield transport
    transport.released.set()


def test_a_flush_that_hangs_holds_nothing_up(
    transport: Hanging, make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """What is reported goes to the transport all the same, the lane is never taken for hanging, and it is told once."""
    transport.hangs_in = "flush"
    dispatcher = make_dispatcher(send_timeout=0.05)
    for number in range(3):
        dispatcher.publish(make_event("failure", job=make_job(name=f"job {number}", execution_id=str(number))))
        assert dispatcher.flush(10.0)

    assert transport.taken == ["job 0", "job 1", "job 2"]
    assert transport.calls == 1
    stats = dispatcher.stats()["sentry"]
    assert (stats.handled, stats.status, stats.restarts) == (3, "running", 0)
    assert caplog.text.count(TOLD) == 1
    assert "test_programs_transport.Hanging, has not" in caplog.text


def test_it_is_waited_for_again_once_it_has_come_back(
    transport: Hanging, make_dispatcher: MakeDispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    """And told again, if it hangs again."""
    dispatcher = make_dispatcher(send_timeout=0.05)
    for number in range(2):
        transport.released.clear()
        transport.hangs_in = "flush"
        publish(dispatcher, f"hangs {number}")
        transport.hangs_in = ""
        transport.released.set()
        until(no_flush_is_out)
        publish(dispatcher, f"works {number}")

    assert transport.calls == 4
    assert caplog.text.count(TOLD) == 2


def test_an_error_in_a_flush_is_the_reporters(transport: Hanging, make_dispatcher: MakeDispatcher) -> None:
    """As any other of its errors: the ledger says it, and the next event follows."""
    transport.hangs_in = "error"
    dispatcher = make_dispatcher(send_timeout=0.05)
    publish(dispatcher, "fails")
    transport.hangs_in = ""
    publish(dispatcher, "works")

    stats = dispatcher.stats()["sentry"]
    assert (stats.failed, stats.handled) == (1, 1)
    assert transport.taken == ["fails", "works"]


def test_an_event_that_the_transport_hangs_on_costs_the_next_ones_nothing(
    transport: Hanging, make_dispatcher: MakeDispatcher
) -> None:
    """The lane gets another thread, which goes past the one that hangs; and so does a fork."""
    transport.hangs_in = "capture"
    dispatcher = make_dispatcher(send_timeout=0.05, lane={"timeout": 1.5})
    publish(dispatcher, "hangs")
    for name in ("works", "goes on"):
        publish(dispatcher, name)
    assert transport.taken == ["works", "goes on"]
    assert dispatcher.stats()["sentry"].failed == 1
    child = os.fork()
    if child == 0:
        sentry_sdk.get_client().capture_event({"transaction": "of the child"})
        os._exit(len(transport.taken))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3


def no_flush_is_out() -> bool:
    return all(each.name != "jobreporter-sentry-flush" for each in threading.enumerate())


def publish(dispatcher: Any, name: str) -> None:
    dispatcher.publish(make_event("failure", job=make_job(name=name, execution_id=name)))
    dispatcher.flush(10.0)
