"""Faults 4 and 5: the disk is full, or the spool's bound is reached, since no agent runs."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobreporter import Dispatcher
from jobreporter._stream.spool_reader import SegmentReader, segments
from jobreporter.streams import StreamFull
from jobreporter.testing import make_event, make_job
from tests.stream_faults.fleet import Fleet, execution, executions, ids
from tests.stream_faults.spooled import Spooled


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


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
