"""Row 35: two workers run in one process, and one of them ends."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from jobreporter.sourcekit import LazyDispatcher
from jobreporter.testing import read_calls


class Worker:
    """Stands for one: the sources keep their dispatchers by such an object."""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path, config = tmp_path / "calls.jsonl", tmp_path / "jobreporter.toml"
    config.write_text(f'[reporters.recorder]\nuse = "jobreporter.testing:FileRecorder"\npath = "{path}"\n')
    monkeypatch.setenv("JOBREPORTER_CONFIG", str(config))
    return path


def hooks(path: Path) -> list[str]:
    return [call.hook for call in read_calls(path)]


@pytest.mark.parametrize("sources", [1, 2], ids=["of one source", "of two sources"])
def test_the_others_jobs_are_still_reported(calls: Path, sources: int) -> None:
    """A job that runs while the first worker ends is told to its end; the reporters stop with the last worker."""
    lazy = [LazyDispatcher(source="queue") for _ in range(sources)]
    first, second = Worker(), Worker()
    running, ended = threading.Event(), threading.Event()

    def work() -> None:
        dispatcher = lazy[-1].get()
        assert dispatcher is not None
        with dispatcher.begin("long"):
            running.set()
            assert ended.wait(20)

    lazy[0].prepare(first)
    lazy[0].start(first)
    lazy[-1].prepare(second)
    lazy[-1].start(second)
    thread = threading.Thread(target=work)
    thread.start()
    assert running.wait(20)
    lazy[0].end([first])
    assert "reporter_stop" not in hooks(calls)
    ended.set()
    thread.join()
    lazy[-1].end([second])

    assert [hook for hook in hooks(calls) if hook != "reporter_flush"] == [
        "reporter_start",
        "handle_started",
        "handle_success",
        "handle_stopped",
        "reporter_stop",
    ]
