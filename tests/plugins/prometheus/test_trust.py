"""What else may lie in a directory: nothing of it is followed, waited for or believed, and no scrape fails of it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from jobreporter import BrokenReporter
from jobreporter_prometheus import PrometheusOptions, PrometheusReporter
from jobreporter_prometheus._directory.directory import TOTAL
from jobreporter_prometheus._figures.page import metrics
from jobreporter_prometheus._figures.saved import VERSION
from tests.ports import free_port

from .helping import make_context, number, page_of, started
from .processes import Process, finished, names

#: How a process could be called.
SOMEBODY = "4711-0123abcd"


def link(path: Path) -> None:
    """A link to a file of somebody else's."""
    path.symlink_to(path.parent.parent / "precious")


def dangling(path: Path) -> None:
    """A link to nothing."""
    path.symlink_to(path.parent.parent / "nowhere")


def folder(path: Path) -> None:
    """A folder with something in it."""
    path.mkdir()
    (path / "kept").write_text("kept")


def server(path: Path) -> None:
    """The socket of a server that is gone."""
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has to be short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def endless(path: Path) -> None:
    """A file that is larger than any of ours."""
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD: list[Callable[[Path], None]] = [link, dangling, folder, os.mkfifo, server, endless]
#: Names that processes, the total, locks and what is half written have, or could have.
NAMES = (
    f"{SOMEBODY}.live",
    f"{SOMEBODY}.json",
    TOTAL,
    "total.new",
    "turn",
    "port-{port}",
    "x.live",
    "../x.live"[3:],
    "lock",
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory beside a file that nobody may touch."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "precious").chmod(0o444)
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
def test_no_odd_file_stops_a_scrape(odd: Callable[[Path], None], name: str, place: Path) -> None:
    """Whatever stands at whichever name, the process counts, is scraped, ends, and counts on; nothing outside is touched."""
    port = free_port()
    odd(place / name.format(port=port))
    options = PrometheusOptions(mode="multiprocess", directory=str(place), port=port)
    with started(options) as reporter:
        process = Process(place)
        process.finish()
        process.member.leave()
        assert number(page_of(reporter), "jobreporter_jobs_finished_total", outcome="success") == 1
        reporter.reporter_tick()
    assert finished(Process(place).member.read()) == 1
    assert (place.parent / "precious").read_text() == "precious"
    assert {path.name for path in place.parent.iterdir()} == {"precious", "shared"}
    assert all(path.read_text() == "kept" for path in place.rglob("kept"))
    assert len(list(place.rglob("kept"))) == (odd is folder)


@pytest.mark.parametrize("mode", ["push", "textfile"])
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
def test_whose_turn_it_is_is_told_by_a_file_of_ours(odd: Callable[[Path], None], mode: str, place: Path) -> None:
    """The lock of those that write one file, or push, gives way to nothing that stands in its place."""
    odd(place / "turn")
    process = Process(place)
    with process.member.turn():
        assert process.member._try_turn() is None
    assert (place.parent / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    "added", ["../precious", "/etc/passwd", "..", "", "total", f"{SOMEBODY}/../../precious", "x" * 5_000]
)
def test_the_total_can_not_have_other_files_removed(added: str, place: Path) -> None:
    """Names in the total that no process has are no files to be removed."""
    process = Process(place)
    process.finish()
    process.member.leave()
    Process(place).member.read()
    for suffix in ("json", "new", "live"):
        (place.parent / f"precious.{suffix}").write_text("precious")
    total = json.loads((place / TOTAL).read_text())
    total["added"] = [added]
    (place / TOTAL).write_text(json.dumps(total))
    assert finished(Process(place).member.read()) == 1
    assert {path.name for path in place.parent.iterdir()} == {
        "precious",
        "precious.json",
        "precious.new",
        "precious.live",
        "shared",
    }
    assert (place / TOTAL).exists()


def test_a_path_that_somebody_else_can_turn_is_refused(tmp_path: Path) -> None:
    """A link of another user's on the way could lead anywhere; one's own, and root's, are how paths are made."""
    (tmp_path / "real").mkdir()
    (tmp_path / "own").symlink_to("real")
    (tmp_path / "foreign").symlink_to("real")
    if os.geteuid() == 0:
        os.lchown(tmp_path / "foreign", 12_345, 12_345)
    with started(PrometheusOptions(mode="textfile", path=str(tmp_path / "own/jobs.prom"))):
        assert (tmp_path / "real/jobs.prom").exists()
    if os.geteuid() == 0:
        for path in ("foreign", "foreign/deeper"):
            options = PrometheusOptions(mode="multiprocess", directory=str(tmp_path / path), port=free_port())
            with pytest.raises(BrokenReporter, match=f"it is a symbolic link of another user .*{tmp_path / 'foreign'}"):
                PrometheusReporter().reporter_start(options, make_context())


#: A right file, to be made wrong in one place.
RIGHT: dict[str, Any] = {
    "version": VERSION,
    "frame": {"buckets": {}, "max_label_sets": 500, "running_limit": 86_400.0},
    "admitted": {},
    "counters": [[["jobreporter_jobs_started", "", "", "a", "b", "c"], 1.0]],
    "examples": [],
    "gauges": [],
    "histograms": [],
    "runs": [],
    "ended": [],
    "added": [],
}
HISTOGRAM = ["jobreporter_job_duration_seconds", "", "", "a", "b", "c"]
COUNTER = RIGHT["counters"][0][0]
WRONG: dict[str, Any] = {
    "nothing": "",
    "a list": "[]",
    "no text": b"\x00\xff",
    "half": json.dumps(RIGHT)[:100],
    "deep": "[" * 100_000,
    "another version": {"version": VERSION + 1},
    "an older version": {"version": VERSION - 1},
    "no frame": {"frame": None},
    "a number for a list": {"admitted": 7},
    "no number": json.dumps(RIGHT).replace("1.0", "NaN"),
    "infinity": json.dumps(RIGHT).replace("1.0", "Infinity"),
    "beyond infinity": json.dumps(RIGHT).replace("1.0", "1e999"),
    "a very long number": json.dumps(RIGHT).replace("1.0", "1" + "0" * 400),
    "a number that makes sums infinite": json.dumps(RIGHT).replace("1.0", "1.7e308"),
    "a negative count": {"counters": [[COUNTER, -1.0]]},
    "half a character": json.dumps(RIGHT).replace('"a"', '"\\ud800"'),
    "half a histogram": {"histograms": [[HISTOGRAM, {"bounds": [1.0], "counts": [1], "total": 1.0}]]},
    "falling bounds": {"histograms": [[HISTOGRAM, {"bounds": [2.0, 1.0], "counts": [1, 1, 1], "total": 1.0}]]},
    "no bounds": {"histograms": [[HISTOGRAM, {"bounds": [], "counts": [1], "total": 1.0}]]},
    "an example of no bucket": {
        "histograms": [
            [HISTOGRAM, {"bounds": [1.0], "counts": [1, 1], "total": 1.0, "examples": {"7": ["x", 1.0, 1.0]}}]
        ]
    },
    "a long example": {"examples": [[COUNTER, ["x" * 1_000, 1.0, 1.0]]]},
    "many that run": {"runs": [[str(each), [["", "", "a", "b", "c"], 1.0]] for each in range(10_001)]},
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_what_can_not_be_true_counts_as_nothing(content: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of processes that live and that have ended, and of the total: the file is told of, and takes nothing else with it."""
    if isinstance(content, dict):
        content = json.dumps({**RIGHT, **content})
    raw = content if isinstance(content, bytes) else content.encode()
    reader, living, ended = Process(tmp_path), Process(tmp_path), Process(tmp_path)
    reader.finish()
    living.file().write_bytes(raw)
    ended.file().write_bytes(raw)
    ended.die()
    (tmp_path / TOTAL).write_bytes(raw)
    figures = reader.member.read()
    assert finished(figures) == 1
    assert "a" not in {part for key in figures.counters for part in key}
    assert caplog.text.count("can't be read and counts as nothing") == 3
    # What can't be read of the total is not overwritten: somebody may have it mended.
    [aside] = tmp_path.glob("total.json.*.odd")
    assert aside.read_bytes() == raw


def test_what_belongs_to_no_metric_is_left_out(tmp_path: Path) -> None:
    """A counter that is none, a metric of another kind, and one with too few labels are not on the page, and break none."""
    reader, living = Process(tmp_path), Process(tmp_path)
    reader.finish()
    rows = [
        [["jobreporter_new", "x"], 1.0],
        [["jobreporter_jobs_started", "a"], 1.0],
        [["jobreporter_jobs_running", "", "", "a", "b", "c"], 1.0],
        [[], 1.0],
        [HISTOGRAM, 1.0],
    ]
    living.file().write_text(json.dumps({**RIGHT, "counters": rows, "runs": [["one", [["a"], 1.0]]]}))
    figures = reader.member.read()
    assert {metric.name for metric in metrics(figures, 0.0) if metric.samples} >= {"jobreporter_jobs_finished"}
    assert "a" not in {part for key in (*figures.counters, *figures.gauges, *figures.histograms) for part in key}
    assert not figures.running.runs


FOREIGN = """
import os, sys
from jobreporter_prometheus import PrometheusOptions
from tests.plugins.prometheus.helping import started, tell
from jobreporter.testing import make_event
os.setgid(12345)
os.setuid(12345)
with started(PrometheusOptions(mode="textfile", path=sys.argv[1], directory=sys.argv[2])) as reporter:
    tell(reporter, make_event("success"))
    reporter.reporter_flush()
"""


@pytest.fixture
def for_all() -> Iterator[Path]:
    """A folder that other users can reach."""
    if os.geteuid() != 0:
        pytest.skip("only root can take the place of another user")
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        yield Path(path)


def test_what_root_counts_is_read_by_the_directorys_owner(for_all: Path) -> None:
    """A command of root's that shares an application's directory leaves files that the application can read and replace."""
    shared = for_all / "shared"
    for path in (shared, for_all / "textfiles"):
        path.mkdir()
        os.chown(path, 12_345, 12_345)
    root = Process(shared)
    root.finish()
    root.member.leave()
    Process(shared).member.leave()
    for turn in (2, 3):
        prom = for_all / "textfiles" / "jobs.prom"
        ran = subprocess.run([sys.executable, "-c", FOREIGN, prom, shared], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert number(prom.read_text(), "jobreporter_jobs_finished_total", outcome="success") == turn
    assert finished(root.directory.read()) == 3


def test_what_can_not_be_read_is_not_lost(for_all: Path) -> None:
    """Where another user may not read the total, it says so, and doesn't write one of its own in its place."""
    shared = for_all / "shared"
    for path in (shared, for_all / "textfiles"):
        path.mkdir()
        path.chmod(0o777)
    for _ in range(2):
        root = Process(shared)
        root.finish()
        root.member.leave()
    Process(shared).member.leave()
    before = (shared / TOTAL).read_bytes()
    prom = for_all / "textfiles" / "jobs.prom"
    ran = subprocess.run([sys.executable, "-c", FOREIGN, prom, shared], capture_output=True, text=True, check=False)
    assert "Permission denied" in ran.stderr
    assert (shared / TOTAL).read_bytes() == before
    assert finished(root.directory.read()) == 2


def test_a_group_may_share_a_directory(tmp_path: Path) -> None:
    """In a directory that its group may write into, the files are the group's as well, whatever the umask is."""
    tmp_path.chmod(0o2770)
    before = os.umask(0o077)
    try:
        process = Process(tmp_path)
        with process.member.turn():
            process.finish()
        process.member.leave()
        Process(tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o660}
    assert TOTAL in names(tmp_path)


def test_a_full_disk_takes_nothing_from_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be written, what was counted is shown all the same, and nothing twice when there is room again."""
    reader, ended = Process(tmp_path), Process(tmp_path)
    ended.finish()
    ended.member.leave()
    reader.finish()

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("jobreporter_prometheus._directory.folder.Folder.replace", full)
        for _ in range(2):
            assert finished(reader.member.read()) == 2
        with pytest.raises(OSError, match="No space left"):
            reader.member.write()
    assert finished(reader.member.read()) == 2
    reader.member.leave()
    assert finished(Process(tmp_path).member.read()) == 2
