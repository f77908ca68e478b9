"""Fault 21 with a spool in front: the stream has no room for what waits there, and the way to room is what agents do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from jobreporter import Event
from jobreporter.streams import StreamFull
from jobreporter.testing import make_event, make_job
from tests.redis_servers import Server
from tests.stream_faults.fleet import FOREVER, Fleet, Vendor, assert_complete, executions
from tests.stream_faults.spooled import Spooled

#: What is full in a moment: the least that a config may say, and what SQLite keeps beside it.
LEAST = 1_000_000


@pytest.fixture
def full(fleet: Fleet, request: pytest.FixtureRequest) -> Any:
    """Fills the stream up to its bound. Returns the events that are in it."""
    sent: list[Event] = []
    producer = fleet.producer()

    def send_one() -> None:
        job = make_job(id=f"big-{len(sent)}", args=(os.urandom(400_000).hex(),))
        events = [make_event(kind, job=job) for kind in ("started", "success", "stopped")]
        producer.send(events)
        sent.extend(events)

    def fill_file() -> list[Event]:
        while len(sent) < 1000:
            try:
                send_one()
            except StreamFull:
                return sent
        raise AssertionError("it was never full")

    def fill_memory() -> list[Event]:
        for _ in range(10):
            send_one()
        server: Server = request.getfixturevalue("redis_server")
        with server.client() as client:
            used = client.info("memory")["used_memory"]  # type: ignore[index]  # no coroutine
            client.config_set("maxmemory", used - 1_000_000)
        request.addfinalizer(lambda: server.client().config_set("maxmemory", 0))
        with pytest.raises(StreamFull):
            fleet.producer().send(executions(1))
        return sent

    if fleet.url.startswith("sqlite"):
        fleet.settings["max_bytes"] = LEAST
        producer = fleet.producer()
        return fill_file
    return fill_memory


def test_21_what_waits_in_the_spool_holds_up_nothing_else(fleet: Fleet, tmp_path: Path, full: Any) -> None:
    """Reporters get what is in the stream, that is settled and trimmed, and then there is room for the rest."""
    spooled = Spooled(fleet, tmp_path / "spool")
    sent = full()
    more = executions(5)
    writer = spooled.writer()
    writer.append(spooled.record(more))
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor, spool=str(spooled.folder), retention=FOREVER)
    agent.until(lambda: len(vendor.got) >= len(sent) + len(more), "the spool's events")
    assert_complete(vendor.got, [*sent, *more])
    agent.until(lambda: agent.feeder.trouble is None, "the end of the trouble")
    writer.close()


def test_21_a_spool_that_can_not_be_read_holds_up_nothing_either(fleet: Fleet, tmp_path: Path) -> None:
    """It is told, and tried again; what workers elsewhere have appended arrives meanwhile."""
    (tmp_path / "file").touch()
    sent = executions(5)
    fleet.producer().send(sent)
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor, spool=str(tmp_path / "file" / "spool"))
    agent.until_settled()
    assert_complete(vendor.got, sent)
    assert "Not a directory" in str(agent.feeder.trouble)
