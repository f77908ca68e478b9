"""The reporter `record`: a line for each event, whole, whoever shares the file."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import re
import resource
import signal
import stat
from pathlib import Path

import msgspec
import pytest

from jobreporter import Context, Dispatcher, kind_of
from jobreporter.recording import NotRecorded, from_lines, read_recording, to_line
from jobreporter.reporters.record import RecordOptions, RecordReporter
from jobreporter.testing import every_event, make_event, make_job


def dispatcher(path: Path, **context: str) -> Dispatcher:
    config = {"context": context, "reporters": {"record": {"path": str(path)}}}
    return Dispatcher({"record": RecordReporter}, config=config)


def test_what_was_recorded_is_read(tmp_path: Path) -> None:
    """Every event as it was, and where it came from; and the file is the worker's alone."""
    path = tmp_path / "events.jsonl"
    with dispatcher(path, service="shop") as recording:
        for event in every_event():
            recording.publish(event)
        assert recording.close(20)
    found = list(read_recording(path))
    # Compared as JSON, in which a tuple within arguments is a list.
    assert msgspec.json.encode([recorded.event for recorded in found]) == msgspec.json.encode(every_event())
    assert {(recorded.origin.service, recorded.origin.pid) for recorded in found} == {("shop", os.getpid())}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_processes_share_a_file(tmp_path: Path) -> None:
    """A forked child adds its events to those of its parent, and each line stays whole."""
    path = tmp_path / "events.jsonl"
    with dispatcher(path) as recording:
        recording.publish(make_event("started"))
        assert recording.flush(10)
        pid = os.fork()
        if pid == 0:
            for _ in range(100):
                recording.publish(make_event("failure", job=make_job(name="childs")))
            os._exit(0 if recording.close(10) else 1)
        for _ in range(100):
            recording.publish(make_event("failure"))
        assert recording.close(10)
    assert os.waitpid(pid, 0)[1] == 0
    names = [recorded.event.job.name for recorded in read_recording(path)]
    assert (len(names), names.count("childs")) == (201, 100)


def test_a_file_that_may_not_grow_keeps_events_waiting(tmp_path: Path) -> None:
    """A full disk costs no event, and no line is cut: what remained of one follows once there is room."""
    path = tmp_path / "events.jsonl"
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    recording = dispatcher(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
        for _ in range(20):
            recording.publish(make_event("failure"))
        assert not recording.flush(1)
        assert path.stat().st_size == 1_000
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert recording.close(40)
    assert len(list(read_recording(path))) == 20
    assert recording.stats()["record"].lost == 0


def test_a_path_that_leads_nowhere_breaks_it(tmp_path: Path) -> None:
    """It is told at the start, and not at the first flush."""
    with dispatcher(tmp_path / "missing" / "events.jsonl") as recording:
        recording.start()
        recording.publish(make_event("started"))
        recording.flush(2)
        stats = recording.stats()["record"]
        assert stats.status == "broken"
        assert "No such file or directory" in str(stats.reason)


def test_a_line_that_is_none_is_told_with_its_number() -> None:
    """Empty lines count and are passed over."""
    reporter = RecordReporter()
    reporter.kept = bytearray()
    reporter.keep(make_event("started"), Context(host="web-1", pid=1, version="0.1.0", stats=dict).origin)
    lines = from_lines([bytes(reporter.kept), b"\n", b"what?\n"], "a.jsonl")
    assert next(lines).event == make_event("started")
    with pytest.raises(NotRecorded, match=r"^a\.jsonl:3: no event of a recording: JSON is malformed") as raised:
        next(lines)
    assert raised.value.where == "a.jsonl:3"


def lines(count: int) -> bytes:
    origin = Context(host="web-1", pid=1, version="0.1.0", stats=dict).origin
    return b"".join(to_line(make_event("started", job=make_job(id=str(number))), origin) for number in range(count))


@pytest.mark.parametrize(
    "written",
    [
        gzip.compress(lines(3)),
        gzip.compress(lines(1)) + gzip.compress(lines(2)),
        lines(3).replace(b"\n", b"\r\n"),
        codecs.BOM_UTF8 + lines(3),
        lines(3).rstrip(),
    ],
)
def test_a_file_is_read_however_it_was_kept(tmp_path: Path, written: bytes) -> None:
    """Packed by gzip, in parts as well, or gone through an editor; as often as it is wanted."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(written)
    assert len(list(read_recording(path))) == 3
    with path.open("rb") as file:
        assert [len(list(read_recording(file, name="it"))) for _ in range(2)] == [3, 3]


@pytest.mark.parametrize(
    ("written", "problem", "unfinished"),
    [
        (lines(2)[:-30], "it:2: no event of a recording: Input data was truncated", True),
        (lines(2)[:-30] + b"\n", "it:2: no event of a recording: Input data was truncated", False),
        (
            gzip.compress(lines(2))[:-12],
            "it: no event of a recording: it is packed by gzip, and its end is missing",
            True,
        ),
        (gzip.compress(lines(2)) + b"x", "it: no event of a recording: it is packed by gzip, and damaged: ", False),
        (bz2.compress(lines(2)), "it: no event of a recording: it is packed by bzip2: unpack it first", False),
        (lzma.compress(lines(2)), "it: no event of a recording: it is packed by xz: unpack it first", False),
        (b"\x28\xb5\x2f\xfd\x04", "it: no event of a recording: it is packed by zstd: unpack it first", False),
        (
            lines(2).decode().encode("utf-16"),
            "it: no event of a recording: it is UTF-16, and a recording is UTF-8",
            False,
        ),
    ],
)
def test_a_file_that_can_not_be_read_is_told(written: bytes, problem: str, *, unfinished: bool) -> None:
    """And whether it is only its end that is missing."""
    with pytest.raises(NotRecorded) as caught:
        list(read_recording(io.BytesIO(written), name="it"))
    assert str(caught.value).startswith(problem)
    assert caught.value.unfinished is unfinished


def test_the_page_about_it_has_its_option_and_a_line() -> None:
    """The line of the documentation is one, and the table has each option."""
    page = (Path(__file__).parents[3] / "docs/reporters/record.md").read_text()
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(RecordOptions.__struct_fields__)
    [line] = re.findall(r"^```json\n(.*)\n```$", page, re.MULTILINE)
    [recorded] = from_lines([line.encode()], "record.md")
    assert (recorded.event.job.name, kind_of(recorded.event)) == ("reports.nightly", "stopped")
