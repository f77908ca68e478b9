"""What a command gets of what its starter was given, where Python has changed that or the system doesn't tell."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from jobreporter.sources.command._inherited import inherited


def proc(folder: Path, environment: bytes) -> Path:
    """A folder as ``/proc``, as far as this process's own is looked at there."""
    (folder / "self").mkdir()
    (folder / "self" / "environ").write_bytes(environment)
    return folder


def test_the_environment_is_what_was_passed(tmp_path: Path) -> None:
    """Not what this process has now: to the byte, and of two with one name the first."""
    found = inherited(proc=proc(tmp_path, b"A=1\0B=\xff\0A=2\0nothing\0C=\0")).environment

    assert found == {b"A": b"1", b"B": b"\xff", b"C": b""}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"LC_CTYPE": "C.UTF-8"}, False),
        ({"LC_CTYPE": "UTF-8"}, False),
        ({"LC_CTYPE": "C.UTF-8", "LANG": "C"}, True),
        ({"LC_CTYPE": "C.UTF-8", "LC_ALL": "C"}, True),
        ({"LC_CTYPE": "de_DE.UTF-8"}, True),
    ],
    ids=str,
)
def test_where_nobody_tells_what_python_adds_is_taken_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], kept: bool
) -> None:
    """Python names a language where nobody has, and ``sed`` and ``wc`` would count otherwise for it."""
    for name in ("LC_CTYPE", "LANG", "LC_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    found = inherited(proc=tmp_path / "none").environment

    assert found is not None
    assert (b"LC_CTYPE" in found) is kept
    assert {name: value for name, value in found.items() if name != b"LC_CTYPE"} == {
        name: value for name, value in os.environb.items() if name != b"LC_CTYPE"
    }


@pytest.mark.parametrize(
    ("service", "ignored"), [(os.getpid(), {signal.SIGPIPE}), (1, set())], ids=["own", "another's"]
)
def test_a_service_of_systemd_s_ignores_a_broken_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: int, ignored: set[int]
) -> None:
    """If it is this very process: its children have the variable too."""
    monkeypatch.setenv("SYSTEMD_EXEC_PID", str(service))

    assert inherited(proc=tmp_path).ignored == ignored
