"""What `jobreporter check` notes by what is installed beside it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobreporter._cli import _advice
from jobreporter._cli._advice import about_spool, about_time
from jobreporter._cli._examination import examine
from jobreporter._cli._stream import stream_report
from jobreporter._config.load import load
from jobreporter._dispatch.wiring import survey
from jobreporter._plugins.installed import BUILT_IN, SOURCES, Installed
from jobreporter._stream.settings import resolve_stream

TICKING = """
from jobreporter import hookimpl

class Ticking:
    @hookimpl
    def reporter_tick(self): pass
    @hookimpl
    def handle_success(self, meta): pass
"""
QUEUES = BUILT_IN[SOURCES].keys() - {"command"}


@pytest.fixture
def config_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A config file with this text, in an environment without any job queue."""
    (tmp_path / "ticking.py").write_text(TICKING)
    monkeypatch.syspath_prepend(tmp_path)
    for queue in QUEUES:
        monkeypatch.setitem(sys.modules, queue, None)
    path = tmp_path / "jobreporter.toml"

    def written(text: str) -> Path:
        path.write_text(text.replace("{folder}", str(tmp_path)))
        return path

    return written


def told(path: Path) -> list[str]:
    return [note.text for note in about_time(survey(path))]


ONE = "[reporters.log]\n[reporters.keeper]\nuse = 'ticking:Ticking'\n"


def test_where_only_commands_run_somebody_has_to_do_things_by_time(config_of: Callable[[str], Path]) -> None:
    """And nothing but an agent lives there. It changes no exit code."""
    [note] = told(config_of(ONE))
    assert note == (
        "reporter 'keeper' does some of its work by time, and no job queue is installed here: where only jobreporter exec"
        " runs, as in a crontab, jobreporter agent does that, without a [stream] too"
    )
    report = examine(str(config_of(ONE)), [], start=False, send=())
    assert (report.ok, report.notes) == (True, [note])
    [note] = told(config_of(f"{ONE}[reporters.other]\nuse = 'ticking:Ticking'\n"))
    assert note.startswith("reporters 'keeper', 'other' do some of their work by time")


@pytest.mark.parametrize(
    "text",
    [
        "[reporters.log]\n",
        ONE.replace("'ticking:Ticking'", "'ticking:Ticking'\nenabled = false"),
        f"{ONE}[stream]\nurl = 'sqlite://{{folder}}/stream.db'\n",
    ],
    ids=["none does", "none is on", "agents do"],
)
def test_else_nobody_has_to(config_of: Callable[[str], Path], text: str) -> None:
    """A note that everybody gets is read by nobody."""
    assert told(config_of(text)) == []


def test_workers_do_it(config_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whatever queue is installed, those of other packages' sources too."""
    path = config_of(ONE)
    with monkeypatch.context() as with_celery:
        with_celery.delitem(sys.modules, "celery")
        assert told(path) == []
    found = {"theirs": (Installed("theirs", "theirs:attach", "jobreporter-theirs", "1.0"),)}
    monkeypatch.setattr(_advice, "scan", lambda _group: found)
    assert told(path) == []


@pytest.mark.parametrize(
    ("url", "rq", "reasons"),
    [
        ("redis://127.0.0.1:1", False, None),
        ("rediss://127.0.0.1:1", False, "connecting takes long over TLS"),
        ("redis://127.0.0.1:1", True, "each of RQ's work horses connects anew"),
        (
            "rediss://127.0.0.1:1",
            True,
            "connecting takes long over TLS, and each of RQ's work horses connects anew",
        ),
    ],
)
def test_a_spool_is_advised_where_it_pays(
    config_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, url: str, rq: bool, reasons: str | None
) -> None:
    """Whether or not the stream can be reached now. Who has one is told nothing."""
    if rq:
        monkeypatch.delitem(sys.modules, "rq")
    config = load(config_of(f"[stream]\nurl = '{url}'\n")).config
    notes = stream_report(config)[1]
    assert [note.text.rpartition(": ")[2] for note in notes] == ([] if reasons is None else [reasons])
    assert not any(note.doubtful for note in notes)
    spooled = load(config_of(f"[stream]\nurl = '{url}'\nspool = '{{folder}}/spool'\n")).config
    assert not list(about_spool(resolve_stream(spooled)))


def test_sqlite_has_one(config_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Always."""
    monkeypatch.delitem(sys.modules, "rq")
    config = load(config_of("[stream]\nurl = 'sqlite://{folder}/stream.db'\n")).config
    assert not list(about_spool(resolve_stream(config)))
