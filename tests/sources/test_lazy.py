"""The dispatcher that a source builds for itself: when, from what, and what happens when that can't be done."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest
from tests.waiting import until

from jobreporter import ConfigError, Dispatcher
from jobreporter.sourcekit import LazyDispatcher
from jobreporter.testing import Recorder, read_calls


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the recorder that the config enables writes its calls."""
    config = tmp_path / "jobreporter.toml"
    path = tmp_path / "calls.jsonl"
    config.write_text(f'[reporters.recorder]\nuse = "jobreporter.testing:FileRecorder"\npath = "{path}"\n')
    monkeypatch.setenv("JOBREPORTER_CONFIG", str(config))
    return path


@pytest.fixture
def bad_config(calls: Path) -> None:
    """A config that can't be used."""
    (calls.parent / "jobreporter.toml").write_text("[reporters.recorder]\nuse = 7\n")


def hooks(path: Path) -> list[str]:
    return [call.hook for call in read_calls(path)]


def test_nothing_is_built_before_it_is_needed(bad_config: None) -> None:
    """To attach costs nothing and can't fail: a web process may have a config that isn't for it."""
    LazyDispatcher().end()


def test_preparing_starts_nothing(calls: Path) -> None:
    """A worker may still fork, so no thread runs and no reporter was called."""
    threads = threading.active_count()
    lazy = LazyDispatcher()
    lazy.prepare()

    assert threading.active_count() == threads
    assert hooks(calls) == []


def test_a_worker_starts_and_ends_the_reporters(calls: Path) -> None:
    """Reporters are started with the worker, not with its first job, and stopped at its end."""
    lazy = LazyDispatcher()
    lazy.prepare()
    lazy.start()
    lazy.start()  # each of the worker's threads says so
    lazy.end()

    assert hooks(calls) == ["reporter_start", "reporter_flush", "reporter_stop"]


def test_without_a_workers_start_the_first_job_builds_it(calls: Path) -> None:
    """One dispatcher, from then on the same."""
    lazy = LazyDispatcher()
    dispatcher = lazy.get()

    assert dispatcher is not None
    assert lazy.get() is dispatcher
    lazy.prepare()
    assert lazy.get() is dispatcher
    lazy.end()


def test_a_bad_config_is_raised_where_a_worker_starts(bad_config: None) -> None:
    """The source ends the worker with it; whoever starts again is told again."""
    lazy = LazyDispatcher()
    with pytest.raises(ConfigError, match=r"\[reporters\.recorder\]"):
        lazy.prepare()
    with pytest.raises(ConfigError, match=r"\[reporters\.recorder\]"):
        lazy.prepare()


def test_a_bad_config_is_raised_by_a_start_that_nobody_prepared(bad_config: None) -> None:
    """A worker's start is early enough to tell, too."""
    with pytest.raises(ConfigError, match=r"\[reporters\.recorder\]"):
        LazyDispatcher().start()


def test_a_bad_config_never_stops_a_job(bad_config: None, caplog: pytest.LogCaptureFixture) -> None:
    """Where a job runs already it is logged, once, and the jobs run without reports."""
    lazy = LazyDispatcher()

    assert lazy.get() is None
    assert lazy.get() is None
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "[reporters.recorder]" in record.getMessage()


def test_any_other_trouble_never_stops_a_worker(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only what is wrong with the config may end a worker; a fault of ours is logged, and the worker works."""

    def fail() -> Dispatcher:
        raise OSError("a fault of ours")

    monkeypatch.setattr(Dispatcher, "from_config", fail)
    lazy = LazyDispatcher()
    lazy.prepare()
    lazy.start()

    assert lazy.get() is None
    lazy.end()
    assert "could not be set up" in caplog.text


def test_after_the_end_nothing_is_built(calls: Path) -> None:
    """A job that a thread still finishes then gets the closed dispatcher, which counts what comes too late."""
    before = set(threading.enumerate())
    lazy = LazyDispatcher()
    dispatcher = lazy.get()
    assert dispatcher is not None
    lazy.end()

    assert lazy.get() is dispatcher
    until(lambda: set(threading.enumerate()) <= before, "the end of its threads")
    assert dispatcher.stats()["recorder"].status == "closed"


def test_another_worker_in_the_same_process_gets_another_dispatcher(calls: Path) -> None:
    """A program may run one worker after the other."""
    lazy = LazyDispatcher()
    first = lazy.get()
    lazy.end()
    lazy.prepare()

    assert lazy.get() is not first
    lazy.start()
    lazy.end()
    assert hooks(calls).count("reporter_start") == 1


def test_a_dispatcher_that_was_passed_stays_its_owners(bad_config: None) -> None:
    """No config is read, and at the worker's end it is flushed and goes on."""
    recorder = Recorder()
    with Dispatcher(reporters={"recorder": recorder}) as dispatcher:
        lazy = LazyDispatcher(dispatcher)
        lazy.prepare()
        lazy.start()
        assert lazy.get() is dispatcher
        with dispatcher.begin("a"):
            pass
        lazy.end()

        assert recorder.names()[-1] == "reporter_flush"
    assert recorder.names()[-1] == "reporter_stop"


def test_a_dispatcher_that_was_passed_is_closed_in_a_forked_worker() -> None:
    """The process ends without atexit, and its copy has no other owner there."""
    recorder = Recorder()
    dispatcher = Dispatcher(reporters={"recorder": recorder})
    lazy = LazyDispatcher(dispatcher)
    lazy.start()
    lazy.end(forked=True)

    assert recorder.names()[-1] == "reporter_stop"
