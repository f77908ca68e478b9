"""A worker with a stream: one lane that hands every event on, and the reporters that stay with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobreporter import ConfigError, Dispatcher, Event
from jobreporter._stream.beat import decode_beat
from jobreporter._stream.decode import decode
from jobreporter._stream.frame import BEAT
from jobreporter._stream.outlets import SpoolOutlet
from jobreporter._stream.process import decode_process
from jobreporter._stream.spool_reader import SegmentReader, segments
from jobreporter.testing import make_event, make_job, read_calls

CONFIG = """
[context]
service = "shop"
[stream]
url = "sqlite://{folder}/stream.db"
[reporters.central]
use = "nowhere.installed:Reporter"
option = {{ env = "UNSET" }}
[reporters.local]
use = "jobreporter.testing:FileRecorder"
where = "worker"
path = "{folder}/local.jsonl"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "jobreporter.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    return path


def spooled(folder: Path) -> dict[bytes, list[Event]]:
    """The events in the spool by their producer."""
    found: dict[bytes, list[Event]] = {}
    for producer, files in segments(str(folder / "stream.db.d")).items():
        for segment in files:
            reader = SegmentReader(str(folder / "stream.db.d"), segment)
            for record in reader.read(held=True):
                if record.data[0] != BEAT:
                    events = decode(record.data).events
                    found.setdefault(producer, []).extend(each for each in events if isinstance(each, Event))
    return found


def run(program: str, config: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "JOBREPORTER_CONFIG": str(config)}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def test_a_flush_has_every_event_in_the_spool(config: Path, tmp_path: Path) -> None:
    """And the reporters that stay in the worker have had theirs; the agent's are neither looked up nor configured."""
    with Dispatcher.from_config(config) as dispatcher:
        with dispatcher.begin("a", kwargs={"b": 1}):
            pass
        assert dispatcher.flush(20)
        ((producer, events),) = spooled(tmp_path).items()
        assert len(producer) == 8
        assert [type(event).__name__ for event in events] == ["Started", "Success", "Stopped"]
        assert [call.meta for call in read_calls(tmp_path / "local.jsonl") if call.meta] == events
        assert set(dispatcher.stats()) == {"stream", "local"}
        assert dispatcher.stats()["stream"].handled == 3


def test_a_worker_never_imports_what_it_has_no_use_for(config: Path) -> None:
    """Neither sqlite3 nor redis, and without a stream nothing that has to do with one."""
    done = run(
        "import sys; from jobreporter import Dispatcher\n"
        "d = Dispatcher.from_config(); d.begin('a').stop(); assert d.flush(20); d.close()\n"
        "print([m for m in sys.modules if m in ('sqlite3', 'redis', 'click') or '_agent' in m])",
        config,
    )
    assert done.stdout == "[]\n", done.stderr
    config.write_text("[reporters.log]\n")
    done = run(
        "import sys; from jobreporter import Dispatcher\n"
        "d = Dispatcher.from_config(); d.begin('a').stop(); assert d.flush(20); d.close()\n"
        "print([m for m in sys.modules if 'stream' in m and m.startswith('jobreporter')])",
        config,
    )
    assert done.stdout == "[]\n", done.stderr


def test_a_forked_child_is_a_producer_of_its_own(config: Path, tmp_path: Path) -> None:
    """And takes nothing away from its parent."""
    with Dispatcher.from_config(config) as dispatcher:
        dispatcher.publish(make_event("started", job=make_job(id="parent")))
        assert dispatcher.flush(20)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                dispatcher.publish(make_event("started", job=make_job(id="child")))
                status = 0 if dispatcher.flush(20) else 2
                dispatcher.close(5)
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        dispatcher.publish(make_event("success", job=make_job(id="parent")))
        assert dispatcher.flush(20)
    found = sorted([[event.job.id for event in events] for events in spooled(tmp_path).values()])
    assert found == [["child"], ["parent", "parent"]]


def test_what_was_flushed_outlives_the_worker(config: Path, tmp_path: Path) -> None:
    """Killed at once, it leaves all of it."""
    done = run(
        "import os, signal; from jobreporter import Dispatcher\n"
        "d = Dispatcher.from_config()\n"
        "for n in range(100): d.begin('a').stop()\n"
        "assert d.flush(20); os.kill(os.getpid(), signal.SIGKILL)",
        config,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert [len(events) for events in spooled(tmp_path).values()] == [300]


def test_where_the_spool_cannot_be_written_events_wait(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the lane, with the reason in the log and in the ledger; as soon as it can, they are all there, in order."""
    monkeypatch.setattr("jobreporter._stream.reporter.REFUSED_FOR", 0.2)
    (tmp_path / "stream.db.d").touch()
    with Dispatcher.from_config(config) as dispatcher:
        for number in range(3):
            dispatcher.publish(make_event("started", job=make_job(id=str(number))))
        assert not dispatcher.flush(0.5)
        stats = dispatcher.stats()["stream"]
        assert (stats.handled, stats.pending, stats.status) == (0, 3, "backing_off")
        assert "is no folder" in str(stats.reason)
        (tmp_path / "stream.db.d").unlink()
        assert dispatcher.close(40)
    assert [[event.job.id for event in events] for events in spooled(tmp_path).values()] == [["0", "1", "2"]]


def test_a_lane_that_is_started_again_is_the_same_producer(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the executions that began before would be taken for those of a process that is gone."""
    flush, fails = SpoolOutlet.flush, iter([False, True])

    def fails_once(outlet: SpoolOutlet) -> None:
        if next(fails, False):
            raise RuntimeError("a slip of ours")
        flush(outlet)

    monkeypatch.setattr(SpoolOutlet, "flush", fails_once)
    with Dispatcher.from_config(config) as dispatcher:
        for number in range(4):
            dispatcher.publish(make_event("started", job=make_job(id=str(number))))
            dispatcher.flush(20)
        assert dispatcher.stats()["stream"].restarts == 1
    ((producer, files),) = segments(str(tmp_path / "stream.db.d")).items()
    assert [each.number for each in files] == [1, 2]
    ((name, events),) = spooled(tmp_path).items()
    assert name == producer
    assert [event.job.id for event in events] == ["0", "2", "3"]
    assert dispatcher.stats()["stream"].failed == 1


def test_an_event_that_fits_into_no_batch_is_lost_alone(config: Path, tmp_path: Path) -> None:
    """It is counted as lost by the lane's reporter, by its reason."""
    with Dispatcher.from_config(config) as dispatcher:
        for size in (1, 1_200_000, 1):
            dispatcher.publish(make_event("started", job=make_job(args=("x" * size,))))
        assert dispatcher.flush(20)
        assert dispatcher.stats()["stream"].lost_by_reporter == {"too_big": 1}
    assert [len(events) for events in spooled(tmp_path).values()] == [2]


def test_a_sign_of_life_says_what_the_worker_is(config: Path, tmp_path: Path) -> None:
    """Its origin and its ledger."""
    dispatcher = Dispatcher.from_config(config)
    dispatcher.publish(make_event("started"))
    assert dispatcher.flush(20)
    assert dispatcher.close(20)
    ((_, files),) = segments(str(tmp_path / "stream.db.d")).items()
    records = SegmentReader(str(tmp_path / "stream.db.d"), files[0]).read(held=False)
    (beat,) = [decode_process(decode_beat(each.data).data) for each in records if each.data[0] == BEAT]
    assert beat is not None
    assert (beat.origin.service, beat.origin.pid) == ("shop", os.getpid())
    assert set(beat.ledger) == {"stream", "local"}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('url = "sqlite://stream.db"', "option 'url': expected an absolute path after sqlite://"),
        ('url = "stream.db"', "option 'url': expected a URL, as in sqlite:///var/lib/shop/stream.db"),
        ('url = "sqlit:///s.db"', "option 'url': no engine opens sqlit://. Did you mean 'sqlite'?"),
        ('url = "kafka://host"', "option 'url': no engine opens kafka://"),
        ('url = "sqlite:///s.db"\nurls = 1', "unknown option 'urls'"),
        ('url = "sqlite:///s.db"\nmax_age = "soon"', "option 'max_age'"),
        ("partitions = 4", "option 'url' is missing"),
    ],
)
def test_a_table_that_is_wrong_stops_the_worker(config: Path, table: str, problem: str) -> None:
    """In one sentence, as for a reporter's table."""
    config.write_text(f"[stream]\n{table}\n")
    with pytest.raises(ConfigError) as raised:
        Dispatcher.from_config(config)
    (fault,) = raised.value.faults
    assert "[stream]" in fault.where
    assert problem in fault.problem


def test_with_a_stream_its_name_is_taken(config: Path) -> None:
    """A reporter called stream would be mistaken for the lane to it."""
    config.write_text('[stream]\nurl = "sqlite:///s.db"\n[reporters.stream]\nuse = "log"\n')
    with pytest.raises(ConfigError, match=r"with \[stream\], the name 'stream' is that of the lane to it"):
        Dispatcher.from_config(config)


def test_without_a_stream_where_has_no_effect(config: Path, tmp_path: Path) -> None:
    """But it is checked."""
    config.write_text(
        f'[reporters.r]\nuse = "jobreporter.testing:FileRecorder"\nwhere = "agent"\npath = "{tmp_path}/r.jsonl"\n'
    )
    with Dispatcher.from_config(config) as dispatcher:
        dispatcher.publish(make_event("started"))
    assert "handle_started" in [call.hook for call in read_calls(tmp_path / "r.jsonl")]
    config.write_text('[reporters.r]\nwhere = "elsewhere"\n')
    with pytest.raises(ConfigError, match="'where'"):
        Dispatcher.from_config(config)
