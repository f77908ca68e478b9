"""Commands that can't be started end as the system's own ``nice`` has it, which gives a command to execvp(3)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from reported import Reported, recording

from jobreporter import Failure
from jobreporter.sources.command import run

#: What stands in a folder of its own.
FILES = {
    "a-text": ("exit 3\n", 0o644),
    "without-interpreter": ("#!/nonexistent/python\n", 0o755),
    "interpreted-by-a-folder": ("#!/usr\n", 0o755),
    "a-script": ("exit 3\n", 0o755),
    "an-empty-one": ("", 0o755),
}


@pytest.mark.parametrize(
    "program",
    [
        "",
        " ",
        "/",
        ".",
        "folder",
        "./folder",
        "./folder/",
        *(f"./{name}" for name in FILES),
        *FILES,
        "./a-text/under-a-file",
        "nowhere",
        "./nowhere",
        "./goes-round",
        "name=value",
        "x" * 300,
        "./" + "x" * 300,
        "./" + "x/" * 3000,
    ],
)
def test_it_ends_as_without_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """With the same exit code, and the same words of the system's about why."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "goes-round").symlink_to("goes-round")
    for name, (text, mode) in FILES.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"/usr/bin:/bin:{tmp_path}")
    alone = subprocess.run(["nice", "-n", "0", program], capture_output=True, text=True, check=False)

    code, failures = end_of(program)
    assert code == alone.returncode
    if said := alone.stderr.strip():
        (failure,) = failures
        assert failure.error.matches("jobreporter.sources.command.CommandNotStarted")
        assert failure.error.message.rpartition(": ")[2] == said.rpartition(": ")[2]


def test_an_empty_name_is_shown() -> None:
    """A line that begins with a colon would say nothing."""
    _, (failure,) = end_of("")

    assert failure.error.message == "'': No such file or directory"


def test_too_many_words_are_126() -> None:
    """As a shell has it: the program was found."""
    code, (failure,) = end_of("true", "x" * 3_000_000)

    assert (code, failure.error.message) == (126, "true: Argument list too long")


def end_of(*command: str) -> tuple[int, list[Failure]]:
    """Its exit code, and how it has failed."""
    with recording() as (dispatcher, events):
        return run(dispatcher, command), Reported(events).all(Failure)
