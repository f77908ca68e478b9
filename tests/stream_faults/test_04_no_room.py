"""Faults 4 and 5: the disk is full, or the spool's bound is reached, since no agent runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobreporter import Dispatcher, Event
from jobreporter._stream.encode import Header, encode
from jobreporter._stream.spool_reader import SegmentReader, segments
from jobreporter._stream.spool_writer import SpoolWriter
from jobreporter.streams import StreamFull
from jobreporter.streams.sqlite import engine as sqlite
from jobreporter.testing import make_event, make_job
from tests.stream_faults.fleet import ORIGIN, Fleet, Vendor, assert_complete, execution, executions, ids
from tests.stream_faults.spooled import PRODUCER, Spooled


@contextmanager
def disk_of(size: str, folder: Path) -> Iterator[Path]:
    """A file system of that size."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    with disk_of("200k", tmp_path / "disk") as folder:
        yield folder


def test_04_on_a_full_disk_no_record_is_there_in_part(fleet: Fleet, small_disk: Path) -> None:
    """The append is refused, the file is as it was before, and with room again everything goes on."""
    spooled = Spooled(fleet, small_disk / "spool")
    writer = spooled.writer()
    writer.append(spooled.record(execution("job-0")))
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    ((_, (segment,)),) = segments(str(spooled.folder)).items()
    path = spooled.folder / segment.name
    records = [spooled.record(execution(f"job-{number}")) for number in range(1, 60)]
    stored = 1
    for record in records:
        before = path.stat().st_size
        try:
            writer.append(record)
        except StreamFull:
            assert path.stat().st_size == before
            break
        stored += 1
    else:
        raise AssertionError("the disk was never full")
    with pytest.raises(StreamFull, match=r"No space left on device|no room for a whole record"):
        writer.append(records[stored - 1])
    ballast.unlink()
    for record in records[stored - 1 :]:
        writer.append(record)
    writer.close()
    ingest = spooled.ingest()
    ingest.turn()
    assert sorted(ids(spooled.stored())) == sorted(ids(executions(60)))
    assert (ingest.total.torn, ingest.total.damaged) == (0, 0)


def test_04_workers_leave_the_room_that_agents_need(tmp_path: Path) -> None:
    """Were the disk full of what waits in the spool, no agent could ever take it in, or remove what was settled."""
    with disk_of("60m", tmp_path / "disk") as folder:
        fleet = Fleet(sqlite, f"sqlite://{folder}/stream.db")
        sent, complaint = fill(SpoolWriter(str(folder / "spool"), PRODUCER, max_bytes=256_000_000))
        assert "the disk is nearly full, and agents need the rest" in complaint
        vendor = Vendor()
        agent = fleet.agent(vendor=vendor, spool=str(folder / "spool"))
        agent.until(lambda: len(vendor.got) >= len(sent), "everything")
        assert_complete(vendor.got, sent)
        fleet.close()


def test_04_what_others_fill_the_disk_with_holds_up_no_settling(tmp_path: Path) -> None:
    """Nothing is appended any more while there is just enough left to settle, to remove, and so to make room."""
    with disk_of("60m", tmp_path / "disk") as folder:
        fleet = Fleet(sqlite, f"sqlite://{folder}/stream.db")
        producer, sent = fleet.producer(), executions(20)
        producer.send(sent)
        (folder / "ballast").write_bytes(bytes(60_000_000))
        with pytest.raises(StreamFull, match="the disk is nearly full, and settling needs the rest"):
            producer.send(executions(1, "more"))
        vendor = Vendor()
        agent = fleet.agent(vendor=vendor)
        agent.until_settled()
        assert_complete(vendor.got, sent)
        (folder / "ballast").unlink()
        producer.send(executions(1, "later"))
        agent.until_settled()
        fleet.close()


def fill(writer: SpoolWriter) -> tuple[list[Event], str]:
    """Write until there is no room. Returns what was written, and what was said."""
    sent: list[Event] = []
    while len(sent) < 10_000:
        job = make_job(id=str(len(sent)), args=(os.urandom(50_000).hex(),))
        events = [make_event(kind, job=job) for kind in ("started", "success", "stopped")]
        try:
            writer.append(encode(Header(PRODUCER, len(sent) + 1, ORIGIN), events).data)
        except StreamFull as error:
            writer.close()
            return sent, str(error)
        sent += events
    raise AssertionError("the disk was never full")


def test_05_without_an_agent_no_job_is_slower(tmp_path: Path) -> None:
    """The spool fills up to its bound, then the lane's buffer; `publish` doesn't notice, and what is lost is counted."""
    config = tmp_path / "jobreporter.toml"
    config.write_text(f'[stream]\nurl = "sqlite://{tmp_path}/s.db"\nspool_max_bytes = 4000000\n')
    dispatcher = Dispatcher.from_config(config)
    # Of jobs of their own, since a batch has each job once.
    events = [make_event("started", job=make_job(id=str(n), args=(os.urandom(20_000).hex(),))) for n in range(200)]

    def publish(count: int) -> float:
        took = []
        for event in events[:count]:
            began = time.perf_counter()
            dispatcher.publish(event)
            took.append(time.perf_counter() - began)
        return sorted(took)[len(took) // 2]

    publish(100)
    assert dispatcher.flush(20)
    roomy = publish(200)
    dispatcher.flush(5)
    stats = dispatcher.stats()["stream"]
    assert stats.status == "backing_off"
    assert "wait in the spool" in str(stats.reason)
    full = publish(200)
    assert full < 20 * roomy + 0.0005
    assert dispatcher.stats()["stream"].pending > 0
    dispatcher.close(0.5)
    stats = dispatcher.stats()["stream"]
    lost = stats.failed + sum(stats.dropped.values())
    assert lost == stats.accepted - stats.handled > 0
    ((_, files),) = segments(str(tmp_path / "s.db.d")).items()
    held = sum((tmp_path / "s.db.d" / each.name).stat().st_size for each in files)
    assert held <= 4_000_000
    assert SegmentReader(str(tmp_path / "s.db.d"), files[0]).read(held=True)
