"""``jobreporter check -v``: every setting, and where it came from."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from jobreporter.testing import CommandLine

PAGER = """
import enum
from jobreporter import Duration, Options, Secret, Size, hookimpl

class Level(enum.Enum):
    LOW = "low"
    HIGH = "high"

class Retry(Options):
    times: int = 3
    pause: Duration = 0.5

class O(Options):
    token: Secret
    dsn: str
    url: str
    api_key: str
    headers: dict[str, str] = {}
    tags: list[str] = []
    severity: str = 'error'
    spare: Secret | None = None
    level: Level = Level.LOW
    timeout: Duration = 5.0
    room: Size = 1048576
    retry: Retry = Retry()
    share: float = 1.0
    odd: str = 'tab\\t "quoted" \\\\ \\x7f ä'

@hookimpl
def reporter_start(options: O): ...

@hookimpl
def handle_failure(): ...
"""

CONFIG = """
[context]
service = 'shop'
environment = { env = 'APP_ENV' }
[capture]
redact = ['iban']
[reporters.pager]
token = 'c4nary-1'
dsn = { file = 'dsn' }
url = 'https://user:c4nary-2@pager.test/?token=c4nary-3&room=7'
api_key = { env = 'KEY' }
headers = { Authorization = 'Basic c4nary-4', Accept = 'text/plain', Iban = 'c4nary-5' }
tags = ['a']
timeout = '1m 30s'
[reporters.pager.when]
events = ['failure']
[reporters.pager.lane]
capacity = 50
capacity_bytes = 1000
"""


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with a reporter that has an option of every kind."""
    project = CommandLine(tmp_path)
    (tmp_path / "dsn").write_text("sqlite:///calls\n")
    project.module("pager", PAGER)
    project.install("outsider-pager", "1.2", "pager", "pager")
    project.config(CONFIG)
    return project


ENVIRON = {"APP_ENV": "prod", "KEY": "c4nary-6"}


def toml_of(text: str) -> str:
    """The settings among what `check -v` says."""
    return text[text.index("\n[context]\n") :]


def test_the_settings_are_toml(project: CommandLine) -> None:
    """Defaults included, so that somebody may copy them; durations and sizes have their units."""
    done = project.run("check", "-v", **ENVIRON)
    assert done.returncode == 0
    tables = tomllib.loads(toml_of(done.stdout))

    assert tables["context"] == {"service": "shop", "environment": "prod"}
    assert tables["dispatcher"] == {"exit_timeout": "2s"}
    assert tables["capture"]["redact"] == ["iban"]
    pager = tables["reporters"]["pager"]
    assert pager["when"]["events"] == ["failure"]
    assert (pager["lane"]["capacity"], pager["lane"]["capacity_bytes"], pager["lane"]["timeout"]) == (50, "1KB", "10s")
    assert (pager["timeout"], pager["room"], pager["retry"]) == ("1m 30s", "1MiB", {"times": 3, "pause": 0.5})
    assert (pager["level"], pager["share"], pager["tags"]) == ("low", 1.0, ["a"])
    assert pager["odd"] == 'tab\t "quoted" \\ \x7f ä'
    assert "spare" not in pager


def test_each_value_is_shown_with_its_origin(project: CommandLine) -> None:
    """The line of the file, an environment variable, a file, or the default."""
    done = project.run("check", "-v", **ENVIRON)
    shown = [" ".join(line.split()) for line in toml_of(done.stdout).splitlines()]
    for line in (
        'service = "shop" # line 3',
        'environment = "prod" # line 4, env APP_ENV',
        "# release = # default, none",
        'exit_timeout = "2s" # default',
        'use = "pager" # default',
        f'dsn = "[redacted]" # line 9, file {project.folder / "dsn"}',
        'api_key = "[redacted]" # line 11, env KEY',
        "# spare = # default, none",
        'severity = "error" # default',
        'events = ["failure"] # line 16',
        "capacity = 50 # line 18",
    ):
        assert line in shown


def test_a_files_name_forges_no_line(project: CommandLine) -> None:
    """A folder may be called anything, and the settings stay TOML."""
    folder = project.folder / "evil\n[reporters.log]\x1b[31m"
    folder.mkdir()
    (folder / "dsn").write_text("sqlite:///calls\n")
    (folder / "jobreporter.toml").write_text(CONFIG)
    done = project.run("--config", str(folder / "jobreporter.toml"), "check", "-v", **ENVIRON)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert list(tomllib.loads(toml_of(done.stdout))["reporters"]) == ["pager"]


def test_no_secret_is_shown(project: CommandLine) -> None:
    """Declared as one, or by its name, also in a table, in a URL and in its query; to programs neither."""
    for words in (("-v",), ("--json",)):
        done = project.run("check", *words, **ENVIRON)
        assert done.returncode == 0
        assert "c4nary" not in done.stdout + done.stderr
        assert "text/plain" in done.stdout
        assert "pager.test/?token=[redacted]&room=7" in done.stdout


def test_programs_get_each_setting(project: CommandLine) -> None:
    """With its value, its origin and its line."""
    found: dict[str, Any] = json.loads(project.run("check", "--json", **ENVIRON).stdout)
    settings = {(each["table"], each["key"]): each for each in found["settings"]}
    assert settings["context", "environment"] == {
        "table": "context",
        "key": "environment",
        "value": "prod",
        "origin": "env APP_ENV",
        "line": 4,
        "problem": None,
    }
    assert settings["reporters.pager.lane", "capacity"]["line"] == 18
    assert settings["reporters.pager.lane", "timeout"]["origin"] == "default"
    assert settings["reporters.pager", "spare"]["value"] is None


def test_a_value_that_is_wrong_is_shown_as_such(project: CommandLine) -> None:
    """With what else there is of the reporter."""
    project.config(CONFIG.replace("tags = ['a']", "tags = 'a'").replace("token = 'c4nary-1'\n", ""))
    done = project.run("check", "-v", **ENVIRON)
    assert done.returncode == 1
    shown = [" ".join(line.split()) for line in toml_of(done.stdout).splitlines()]
    assert "# token = # missing: nowhere" in shown
    assert "# tags = # wrong: line 12" in shown
    tomllib.loads(toml_of(done.stdout))


def test_a_pyproject_is_read_too(project: CommandLine) -> None:
    """Its table is below another."""
    (project.folder / "jobreporter.toml").unlink()
    (project.folder / "pyproject.toml").write_text("\n[tool.jobreporter.context]\nservice = 'shop'\n")
    found = json.loads(project.run("check", "--json").stdout)
    setting = next(each for each in found["settings"] if each["key"] == "service")
    assert (setting["table"], setting["value"], setting["line"]) == ("tool.jobreporter.context", "shop", 3)
