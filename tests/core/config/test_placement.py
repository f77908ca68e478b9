"""What a plugin says of its options in the place where it runs: refusals, and remarks."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from jobreporter import Dispatcher, Options, Placement, Secret, hookimpl
from jobreporter._config.plugin_options import remarks_on
from jobreporter._dispatch.wiring import survey
from jobreporter.testing import CommandLine

from .configs import reporter
from .particular_options import faults_of

PARTICULAR = """
from jobreporter import Options, hookimpl

class HomelyOptions(Options):
    def check_placement(self, placement, /):
        if placement.place == "agent" and placement.agents == "share":
            raise ExceptionGroup("two", [ValueError("it can't be shared"), ValueError("and is shy")])
        yield f"it feels strange in a place such as {placement.place}"

class Homely:
    @hookimpl
    def reporter_start(self, options: HomelyOptions): pass
    @hookimpl
    def handle_success(self, meta): pass
"""
STREAM = '[stream]\nurl = "sqlite://{}/stream.db"\n'
TABLE = "[reporters.mine]\nuse = 'homely:Homely'\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the plugin and the config are."""
    (tmp_path / "homely.py").write_text(PARTICULAR)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def said(folder: Path, text: str, place: Literal["worker", "agent"] | None) -> tuple[list[str], list[str]]:
    """The faults and the remarks of the config."""
    path = folder / "jobreporter.toml"
    path.write_text(text)
    found = survey(path, place)
    assert all(note.doubtful for note in found.parsed.notes)
    remarks = [note.text.removeprefix(f"{path}:") for note in found.parsed.notes]
    return [str(fault).removeprefix(f"{path}:") for fault in found.faults], remarks


@pytest.mark.parametrize("place", ["agent", None])
def test_a_plugin_knows_that_it_runs_in_an_agent(place: Literal["agent"] | None, folder: Path) -> None:
    """And how many have it. Whoever looks at agents says so, `check` as well as the agent."""
    stream = STREAM.format(folder)
    assert said(folder, TABLE + stream, place) == (
        [],
        ["1, [reporters.mine]: it feels strange in a place such as agent"],
    )
    shared = f"{TABLE}lane.agents = 'share'\n{stream}"
    assert said(folder, shared, place) == (
        ["1, [reporters.mine]: it can't be shared", "1, [reporters.mine]: and is shy"],
        [],
    )


@pytest.mark.parametrize("place", ["worker", None])
def test_without_a_stream_or_by_its_own_word_it_runs_in_a_worker(place: Literal["worker"] | None, folder: Path) -> None:
    """What agents would share is then nobody's business."""
    remark = "1, [reporters.mine]: it feels strange in a place such as worker"
    for text in (
        f"{TABLE}lane.agents = 'share'\n",
        f"{TABLE}where = 'worker'\nlane.agents = 'share'\n{STREAM.format(folder)}",
    ):
        assert said(folder, text, place) == ([], [remark])


def test_a_worker_does_not_ask_for_an_agent(folder: Path) -> None:
    """It imports none of the plugins that agents run."""
    (folder / "homely.py").write_text("raise SystemExit")
    assert said(folder, f"{TABLE}lane.agents = 'share'\n{STREAM.format(folder)}", "worker") == ([], [])


def test_check_and_the_agent_tell_the_same(folder: Path) -> None:
    """A remark changes no exit code; a refusal keeps the agent from starting."""
    line = CommandLine(folder)
    line.config(TABLE)
    done = line.run("check", "--json", "--no-start")
    assert [note.partition(": ")[2] for note in json.loads(done.stdout)["notes"]] == [
        "it feels strange in a place such as worker"
    ]
    assert done.returncode == 0
    line.config(f"{TABLE}lane.agents = 'share'\n{STREAM.format(folder)}")
    for command in (["check", "--no-start"], ["agent", "--once"]):
        done = line.run(*command)
        assert done.returncode == 1
        assert "it can't be shared" in done.stdout + done.stderr


def test_a_remark_is_a_warning_in_the_log(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Of the process that runs the reporter."""
    path = folder / "jobreporter.toml"
    path.write_text(TABLE)
    with caplog.at_level(logging.WARNING), Dispatcher.from_config(path) as dispatcher:
        dispatcher.start()
        assert dispatcher.flush(20)
    assert "it feels strange in a place such as worker" in caplog.text


class GuardedOptions(Options):
    key: Secret | None = None
    level: int = 0

    def check_placement(self, placement: Placement, /) -> Iterator[str]:
        if self.level > 1:
            raise ValueError(f"level {self.level} is too high in a {placement.place}")
        if self.key is None:
            yield "without a key, nobody hears of it"
        elif self.level:
            yield f"it has the key {self.key.reveal()}"


def test_what_is_only_referred_to_counts_as_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable may be one of the worker's alone. What a remark needs is looked up, and no remark quotes a secret."""
    monkeypatch.setenv("KEY", "s3cr3t-and-long")
    assert remarks_on(GuardedOptions, reporter()) == [
        "jobreporter.toml, [reporters.x]: without a key, nobody hears of it"
    ]
    for key in ("KEY", "NOT_SET"):
        for level in (0, 1):
            assert remarks_on(GuardedOptions, reporter(key={"env": key}, level=level)) == []
    assert faults_of(GuardedOptions, key={"env": "NOT_SET"}, level=2) == ["level 2 is too high in a worker"]


class LoudOptions(Options):
    def check_placement(self, _placement: Placement, /) -> Iterable[str]:
        raise RuntimeError("no")


def test_whatever_it_raises_is_a_fault() -> None:
    """As with ``__post_init__``."""
    assert faults_of(LoudOptions) == ["RuntimeError: no"]


class WorkerOptions(Options):
    def check_placement(self, placement: Placement, /) -> Iterable[str]:
        if placement.place == "agent":
            raise ValueError("not in an agent")
        return ()


class Worker:
    @hookimpl
    def reporter_start(self, options: WorkerOptions) -> None: ...


def test_in_a_program_it_runs_in_the_program() -> None:
    """Whatever the program's config says of a stream: its reporters are objects there."""
    config = {"stream": {"url": "sqlite:///nowhere/stream.db"}}
    with Dispatcher({"mine": Worker}, config=config) as dispatcher:
        dispatcher.start()
        assert dispatcher.flush(20)
