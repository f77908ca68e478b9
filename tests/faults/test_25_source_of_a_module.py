"""Row 25: the lines of source for a failure's frames come from somebody else's code, or from a file that never answers."""

from __future__ import annotations

import codecs
import linecache
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, ModuleType
from typing import NoReturn

import pytest

from jobreporter import Dispatcher, Failure
from jobreporter.testing import Recorder
from tests.waiting import until


class Loader:
    """A module's loader, whose source can be asked for."""

    def __init__(self, answer: Callable[[], str]) -> None:
        self.asked = 0
        self.answer = answer

    def get_source(self, _name: str) -> str:
        self.asked += 1
        return self.answer()


def module(filename: str, loader: Loader | None = None) -> ModuleType:
    """A module whose function `job` raises, compiled under that file name."""
    made = ModuleType("loaded")
    made.__loader__ = loader  # type: ignore[assignment]  # it can only be asked for source
    code: CodeType = compile("def job():\n    raise ValueError('of the job')\n", filename, "exec")
    exec(code, made.__dict__)
    return made


def fails(dispatcher: Dispatcher, made: ModuleType) -> None:
    """The job of the module fails."""
    with pytest.raises(ValueError, match="of the job"), dispatcher.begin("loaded.job"):
        made.job()


def failures(recorder: Recorder) -> list[Failure]:
    return [event for event in recorder.events if isinstance(event, Failure)]


def raising() -> str:
    raise SystemExit("the loader's")


def hanging() -> str:
    threading.Event().wait()
    return ""


@pytest.mark.parametrize("answer", [raising, hanging])
def test_a_loader_is_never_asked(answer: Callable[[], str]) -> None:
    """Not even where a traceback that was printed has left it to linecache to ask: the failure has no line of source."""
    loader, recorder = Loader(answer), Recorder()
    made = module("/nowhere/loaded.py", loader)
    assert linecache.lazycache("/nowhere/loaded.py", {"__name__": "loaded", "__loader__": loader})
    try:
        dispatcher = Dispatcher({"recorder": recorder})
        fails(dispatcher, made)
        assert dispatcher.flush(20)
        fails(dispatcher, made)
        assert dispatcher.close(20)
    finally:
        linecache.cache.pop("/nowhere/loaded.py", None)
    assert loader.asked == 0
    assert [failure.error.frames[-1].line for failure in failures(recorder)] == [None, None]
    assert dispatcher.stats()["recorder"].handled == 6


@pytest.fixture
def slow_codec() -> Iterator[threading.Event]:
    """A codec that is found only once the event is set: as a file on a server that doesn't answer, it takes for ever."""
    found, asked = threading.Event(), []

    def search(name: str) -> codecs.CodecInfo | None:
        if name != "sluggish":
            return None
        asked.append(name)
        found.wait()
        return codecs.lookup("utf-8")

    codecs.register(search)
    yield found
    found.set()
    codecs.unregister(search)


def test_a_file_that_never_answers_holds_up_no_event(tmp_path: Path, slow_codec: threading.Event) -> None:
    """The pump goes on without the lines, and doesn't wait for that file again; once it was read they are there."""
    path, recorder = tmp_path / "sluggish.py", Recorder()
    path.write_text("# -*- coding: sluggish -*-\n    raise ValueError('of the job')\n")
    dispatcher = Dispatcher({"recorder": recorder})
    made = module(str(path))
    for _ in range(3):
        fails(dispatcher, made)
    assert dispatcher.flush(20)
    assert [failure.error.frames[-1].line for failure in failures(recorder)] == [None] * 3
    slow_codec.set()

    def line() -> str | None:
        fails(dispatcher, made)
        assert dispatcher.flush(20)
        return failures(recorder)[-1].error.frames[-1].line

    until(lambda: line() == "raise ValueError('of the job')", "the line of source")
    assert dispatcher.close(20)


def test_what_the_program_gave_linecache_is_used_as_it_is(tmp_path: Path) -> None:
    """Code that was never in a file has the lines that its maker left, and nonsense there is no lines."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    entries: list[object] = [(1, None, ["\n", "  raise it\n"], "<made>"), (1, None, "ab", "<made>"), (1,), "abcd", None]
    try:
        for entry in entries:
            linecache.cache["<made>"] = entry  # type: ignore[assignment]  # anybody may write there
            fails(dispatcher, module("<made>"))
            assert dispatcher.flush(20)
    finally:
        linecache.cache.pop("<made>", None)
    assert [failure.error.frames[-1].line for failure in failures(recorder)] == ["raise it", None, None, None, None]
    assert dispatcher.close(20)


class Refusing(dict[str, object]):
    """A cache of lines that raises whatever it is asked."""

    def refuse(self, *_: object) -> NoReturn:
        raise SystemExit("the cache's")

    get = __getitem__ = __contains__ = refuse  # type: ignore[assignment]


@pytest.mark.parametrize("cache", [Refusing({"/nowhere/a.py": (1, None, ["a\n", "b\n"], "")}), None, [1]])
def test_a_cache_of_lines_that_is_somebody_elses_is_not_asked(cache: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program puts in the place of linecache's own dict costs no event; of a dict, what it holds counts."""
    recorder = Recorder()
    dispatcher = Dispatcher({"recorder": recorder})
    monkeypatch.setattr(linecache, "cache", cache)
    fails(dispatcher, module("/nowhere/a.py"))
    assert dispatcher.close(20)
    monkeypatch.undo()  # pytest shows failures with it
    (failure,) = failures(recorder)
    assert failure.error.frames[-1].line == ("b" if isinstance(cache, dict) else None)
    assert dispatcher.stats()["recorder"].handled == 3
