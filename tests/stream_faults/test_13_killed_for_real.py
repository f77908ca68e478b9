"""Fault 13 with a process that is really killed, in the middle of a settlement."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from jobreporter.streams import DeadLetter, Settlement, Stream, StreamDown
from jobreporter.streams.sqlite._settling import Settling
from tests.stream_faults.fleet import Fleet, Vendor, assert_complete, executions

SENT = executions(40)


def killed_in_a_child(what: Callable[[], object]) -> None:
    """Has a forked child do it, which kills itself on the way."""
    child = os.fork()
    if child == 0:
        try:
            what()
        finally:
            os._exit(1)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL


def kill_oneself(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def settle(stream: Stream, partition: int) -> str:
    """Settles all of a partition, the first event as a dead letter. It is the agent's that had the lease."""
    lease = stream.acquire("log", partition, b"agent", 100)
    assert lease is not None
    window = stream.read(partition, 0, 10**9)
    letter = DeadLetter(reporter="log", partition=partition, offset=0, at=1.0, reason="poison", data=b"x")
    settlement = Settlement(
        begin=0, end=window.head, last_key=window.entries[-1].key, handled=window.head - 1, dead=(letter,)
    )
    return stream.settle(lease, settlement)


@pytest.mark.parametrize("when", ["before the letters", "before the commit", "after it"])
def test_13_a_settlement_is_there_as_a_whole_or_not_at_all(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Position, counts and letters are one write, also where the process ends between them."""
    fleet.producer().send(SENT)
    stream = fleet.stream()
    stream.register({"log": "oldest"})
    heads = {number: stream.read(number, 0, 1).head for number in range(stream.partitions)}
    partition = next(number for number, head in heads.items() if head)

    def settle_and_die() -> None:
        own = fleet.engine.open(fleet.url, fleet.stream_settings())
        if when == "before the letters":
            monkeypatch.setattr(Settling, "_keep", kill_oneself)
        elif when == "before the commit":
            keep = Settling._keep
            monkeypatch.setattr(Settling, "_keep", lambda *given: (keep(*given), kill_oneself()))
        settle(own, partition)
        kill_oneself()

    killed_in_a_child(settle_and_die)
    fleet.check_ledgers()
    (ledger,) = [each for each in stream.ledgers() if each.partition == partition]
    # On a server, the write is one script, which nobody interrupts.
    done = when == "after it" or not fleet.url.startswith("sqlite")
    assert (ledger.handled, ledger.dead) == ((heads[partition] - 1, 1) if done else (0, 0))
    assert len(stream.dead_letters()) == int(done)
    assert settle(stream, partition) == ("moved" if done else "settled")


def test_13_a_settlement_whose_answer_is_lost_counts(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was executed: nothing comes again, and nothing is counted twice."""
    vendor = Vendor()
    agent = fleet.agent(vendor=vendor)
    own = agent.feeder._stream
    executed = own.settle
    lost = []

    def without_an_answer(*given: Any) -> str:
        answer = executed(*given)
        if len(lost) < 3:
            lost.append(answer)
            raise StreamDown("the answer was lost")
        return answer

    monkeypatch.setattr(own, "settle", without_an_answer)
    fleet.producer().send(SENT)
    agent.until_settled()
    assert lost[0] == "settled"
    assert_complete(vendor.got, SENT)
    assert fleet.ledger("vendor").handled == len(SENT)
