"""Faults 2, 3, 7 and 8: what is in a spool when its producer dies, when a byte flips, when it is read meanwhile, twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jobreporter._stream.spool_folder import Segment
from tests.stream_faults.fleet import Fleet, execution, executions, ids
from tests.stream_faults.spooled import PRODUCER, Spooled

KILLED = """
import os, signal, sys
from jobreporter._stream import spool_writer
from tests.stream_faults.fleet import ORIGIN, execution
from jobreporter._stream.encode import Header, encode
folder, cut = sys.argv[1], int(sys.argv[2])
producer = bytes.fromhex("0102030405060708")
writer = spool_writer.SpoolWriter(folder, producer, max_bytes=10_000_000)
records = [encode(Header(producer, 1 + 3 * n, ORIGIN), execution(f"job-{n}")).data for n in range(3)]
writer.append(records[0])
writer.append(records[1])
write = os.write
def dies(descriptor, data):
    write(descriptor, data[:cut])
    write(1, b"torn\\n")
    sys.stdin.read() if len(sys.argv) > 3 else None
    os.kill(os.getpid(), signal.SIGKILL)
os.write = dies
writer.append(records[2])
"""


@pytest.fixture
def spooled(fleet: Fleet, tmp_path: Path) -> Spooled:
    return Spooled(fleet, tmp_path / "spool")


@pytest.mark.parametrize("cut", [0, 1, 4, 30, 10_000])
def test_02_before_within_and_after_the_write(spooled: Spooled, cut: int) -> None:
    """What was written to the end is there, what wasn't is not: it was never acknowledged."""
    command = [sys.executable, "-c", KILLED, str(spooled.folder), str(cut)]
    done = subprocess.run(command, check=False, timeout=60, stdout=subprocess.PIPE)
    assert done.returncode == -signal.SIGKILL
    ingest = spooled.ingest()
    ingest.turn()
    count = 3 if cut == 10_000 else 2
    assert sorted(ids(spooled.stored())) == sorted(ids(executions(count)))
    assert ingest.total.torn == (cut if count == 2 else 0)
    assert list(spooled.folder.iterdir()) == []


def test_02_a_torn_tail_waits_while_its_producer_lives(spooled: Spooled) -> None:
    """It may be in the middle of the write; once it is dead, the tail is dropped and counted."""
    command = [sys.executable, "-c", KILLED, str(spooled.folder), "30", "waits"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"torn\n"
    ingest = spooled.ingest()
    for _ in range(3):
        ingest.turn()
    assert (len(spooled.stored()), ingest.total.torn) == (6, 0)
    worker.communicate()
    ingest.turn()
    assert (len(spooled.stored()), ingest.total.torn) == (6, 30)


def test_03_a_flipped_byte_costs_one_record(spooled: Spooled) -> None:
    """It is kept aside, the gap in the numbers is counted, and what follows is stored."""
    writer = spooled.writer()
    for number in range(3):
        writer.append(spooled.record(execution(f"job-{number}")))
    writer.close()
    path = spooled.folder / Segment(PRODUCER, 1).name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    ingest = spooled.ingest()
    ingest.turn()
    assert {event.job.id for event in spooled.stored()} == {"job-0", "job-2"}
    assert ingest.total.damaged == 1
    assert ingest.total.outcome.rolled_back == 3 * spooled.stream.partitions
    assert len(list((spooled.folder / "damaged").iterdir())) == 1


def test_03_a_flipped_byte_in_the_store_is_a_dead_letter(fleet: Fleet) -> None:
    """Of the whole entry, for each reporter; the entries after it are handed out."""
    from tests.stream_faults.fleet import Vendor

    vendor = Vendor()
    producer = fleet.producer()
    (part,) = producer.parts(execution("damaged"))
    damaged = bytearray(part.encoded.data)
    damaged[-3] ^= 1
    part = part._replace(encoded=part.encoded._replace(data=bytes(damaged)))
    producer.stream.append(producer.name, [part.batch()])
    producer.send(executions(5))
    agent = fleet.agent(vendor=vendor)
    agent.until_settled()
    assert len(vendor.got) == 15
    assert fleet.ledger("vendor").dead == 3
    (letter,) = agent.feeder._stream.dead_letters()
    assert (letter.events, letter.data, letter.reason) == (
        3,
        bytes(damaged),
        "the entry can't be read: its checksum is wrong",
    )


def test_07_a_segment_rolls_while_it_is_read(spooled: Spooled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its lock and the reading: everything is read, in order."""
    monkeypatch.setattr("jobreporter._stream.spool_writer.SEGMENT", 2000)
    writer = spooled.writer()
    sent = [f"job-{number}" for number in range(60)]
    remaining = iter(sent)
    from jobreporter._stream import spool_reader

    looks = spool_reader.SegmentReader.is_held

    def rolls_meanwhile(reader: spool_reader.SegmentReader) -> bool:
        held = reader.segment.number == writer.number  # what another process would see
        for name in [name for _, name in zip(range(10), remaining, strict=False)]:
            writer.append(spooled.record(execution(name)))
        return held

    writer.append(spooled.record(execution("first")))
    monkeypatch.setattr(spool_reader.SegmentReader, "is_held", rolls_meanwhile)
    ingest = spooled.ingest()
    for _ in range(12):
        ingest.turn()
    writer.close()
    monkeypatch.setattr(spool_reader.SegmentReader, "is_held", looks)
    ingest.turn()
    stored = [event.job.id for event in spooled.stored()]
    assert sorted(set(stored)) == sorted(["first", *sent])
    assert len(stored) == 3 * 61
    assert ingest.total.outcome.rolled_back == 0


def test_08_two_ingesters_store_nothing_twice(spooled: Spooled) -> None:
    """One was stopped for longer than its lease, and both are at the same files."""
    writer = spooled.writer()
    for number in range(200):
        writer.append(spooled.record(execution(f"job-{number}")))
    writer.close()
    ingests = [spooled.ingest(spooled.fleet.stream()) for _ in range(2)]
    together = threading.Barrier(2)

    def run(ingest_number: int) -> None:
        together.wait(30)
        for _ in range(3):
            ingests[ingest_number].turn()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ids(spooled.stored())) == sorted(ids(executions(200)))


def test_06_an_ingester_that_is_killed_before_it_removes_the_file(spooled: Spooled) -> None:
    """The events are in the stream, the file is still there: the next one stores nothing twice, and removes it."""
    writer = spooled.writer()
    for number in range(5):
        writer.append(spooled.record(execution(f"job-{number}")))
    writer.close()
    pid = os.fork()
    if pid == 0:
        os.unlink = lambda _path: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        spooled.ingest(spooled.fleet.stream()).turn()
        os._exit(1)
    assert os.waitpid(pid, 0)[1] == signal.SIGKILL
    assert len(list(spooled.folder.iterdir())) == 1
    spooled.ingest().turn()
    assert sorted(ids(spooled.stored())) == sorted(ids(executions(5)))
    assert list(spooled.folder.iterdir()) == []
