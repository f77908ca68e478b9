"""What a plugin's command asks of the config."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobreporter import BrokenReporter, ConfigError, Options, Secret, reporter_options


class Store(Options):
    """Options of a plugin that has a command."""

    url: Secret
    rows: int = 10


def write(folder: Path, text: str) -> Path:
    path = folder / "jobreporter.toml"
    path.write_text(text)
    return path


def test_a_command_gets_its_reporters_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the plugin would, from the file that is named or found; also where the reporter is off."""
    path = write(tmp_path, "[reporters.history]\nenabled = false\nurl = { env = 'STORE' }\nlane.timeout = 3\n")
    monkeypatch.setenv("STORE", "sqlite:///x\n")
    assert reporter_options("history", Store, path) == Store(url=Secret("sqlite:///x"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JOBREPORTER_CONFIG", raising=False)
    assert reporter_options("history", Store).rows == 10


def test_what_is_wrong_in_its_table_is_told(tmp_path: Path) -> None:
    """In one go, with file and line; what is wrong elsewhere doesn't count."""
    path = write(
        tmp_path, "[contxt]\n[reporters.history]\nrows = 'many'\nlane.timout = 3\n[reporters.log]\nenabled = 3\n"
    )
    with pytest.raises(ConfigError) as caught:
        reporter_options("history", Store, path)
    assert list(map(str, caught.value.faults)) == [
        f"{path}:4, [reporters.history.lane]: unknown key 'timout'. Did you mean 'timeout'?",
        f"{path}:2, [reporters.history]: option 'url' is missing: expected a secret",
        f"{path}:3, [reporters.history]: option 'rows': expected a whole number, found text",
    ]


def test_a_reference_that_leads_nowhere_is_told(tmp_path: Path) -> None:
    """As for a worker, that is no fault of the file."""
    path = write(tmp_path, "[reporters.history]\nurl = { env = 'NOWHERE' }\n")
    with pytest.raises(BrokenReporter) as caught:
        reporter_options("history", Store, path)
    assert (
        str(caught.value) == f"{path}:2, [reporters.history]: option 'url': the environment variable NOWHERE is not set"
    )
    assert caught.value.fault is not None
    assert caught.value.fault.line == 2


def test_a_table_that_is_missing_is_told_with_the_nearest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And with everything else that may be the reason."""
    path = write(tmp_path, "[reporter.history]\n[reporters.histry]\n")
    with pytest.raises(ConfigError) as caught:
        reporter_options("history", Store, path)
    assert list(map(str, caught.value.faults)) == [
        f"{path}:1: unknown table 'reporter'. Did you mean 'reporters'?",
        f"{path}: there is no [reporters.history]. Did you mean 'histry'?",
    ]
    path.unlink()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no \[reporters.history\], since there is no config"):
        reporter_options("history", Store)
