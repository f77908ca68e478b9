"""An outsider's reporters in a clean environment: what the command line says of them, and what is imported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .clean_environment import CleanEnvironment

#: A program with one job, which tells afterwards how many of its events each reporter handled.
ONE_JOB = """
from jobreporter import Dispatcher

with Dispatcher.from_config() as dispatcher:
    with dispatcher.begin("till.open"):
        pass
    dispatcher.close(20.0)
print({name: stats.handled for name, stats in dispatcher.stats().items()})
"""

JOURNAL = """
[reporters.journal]
path = "journal.jsonl"
token = "c4nary"
"""


def one_paragraph(text: str) -> str:
    """The text without its line ends, which depend on how wide a terminal is."""
    return " ".join(text.split())


class Project:
    """A working directory of somebody who has the outsider's reporters installed."""

    def __init__(self, clean: CleanEnvironment, folder: Path) -> None:
        self._clean = clean
        self._folder = folder
        #: What the reporter `shy` leaves where it is imported.
        self.trace_of_import = folder / "shy was imported"

    def config(self, text: str) -> None:
        """Write ``jobreporter.toml``."""
        (self._folder / "jobreporter.toml").write_text(text)

    def listed(self) -> dict[str, tuple[str, str | None]]:
        """Status and reason of every reporter, as ``jobreporter plugins`` has them."""
        done = self._clean.run(self._folder, "jobreporter", "plugins", "--json")
        assert done.returncode == 0
        return {row["name"]: (row["status"], row["reason"]) for row in json.loads(done.stdout)}

    def check(self) -> tuple[int, str]:
        """Exit code and output of ``jobreporter check``."""
        done = self._clean.run(self._folder, "jobreporter", "check")
        return done.returncode, done.stdout

    def one_job(self, **environ: str) -> tuple[str, str]:
        """What the program with one job says of its reporters, and its log."""
        done = self._clean.run(self._folder, "python", "-c", ONE_JOB, **environ)
        assert done.returncode == 0
        return done.stdout.strip(), done.stderr


@pytest.fixture
def project(clean: CleanEnvironment, tmp_path: Path) -> Project:
    """A project without reporters."""
    project = Project(clean, tmp_path)
    project.config("")
    return project


def test_the_environment_is_clean(clean: CleanEnvironment, tmp_path: Path) -> None:
    """Core and the outsider's reporters are those that pip installed there, and what runs the tests is not there."""
    for package in ("jobreporter", "outsider_reporters"):
        place = clean.run(tmp_path, "python", "-c", f"import {package}; print(*{package}.__path__)").stdout.strip()
        assert Path(place).is_relative_to(clean.folder)
    assert clean.run(tmp_path, "python", "-c", "import pytest").returncode == 1


def test_what_is_installed_is_available(clean: CleanEnvironment, project: Project, tmp_path: Path) -> None:
    """An outsider's reporter stands in the same list as a built-in one, with its distribution and version."""
    done = clean.run(tmp_path, "jobreporter", "plugins")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert ["log", "available", "jobreporter", "0.1.0"] in rows
    assert ["journal", "available", "outsider-reporters", "4.2"] in rows


def test_one_table_enables_it(project: Project) -> None:
    """Nothing but the table is needed, and it gets the events."""
    project.config(JOURNAL)
    assert project.listed()["journal"] == ("enabled", None)
    assert project.one_job() == ("{'journal': 3}", "")


@pytest.mark.parametrize(
    ("config", "environ"),
    [
        ("", {}),
        ("[reporters.shy]\nenabled = false\n", {}),
        ("[reporters.shy]\n", {"JOBREPORTER_DISABLE": "shy"}),
    ],
    ids=["no table", "switched off", "kill switch"],
)
def test_what_is_not_enabled_is_not_imported(project: Project, config: str, environ: dict[str, str]) -> None:
    """Not by a worker, which imports it as soon as it is enabled."""
    project.config(JOURNAL + config)
    project.one_job(**environ)
    assert not project.trace_of_import.exists()

    project.config(JOURNAL + "[reporters.shy]\n")
    project.one_job()
    assert project.trace_of_import.exists()


def test_the_command_line_imports_only_what_is_enabled(project: Project) -> None:
    """Neither of the two commands that list reporters imports one that is off."""
    project.config("[reporters.shy]\nenabled = false\n")
    assert project.listed()["shy"] == ("available", "switched off by the config")
    assert project.check()[0] == 0
    assert not project.trace_of_import.exists()


def test_an_import_that_raises_leaves_the_rest_working(project: Project) -> None:
    """The reporter is broken, and the command line and the log say why; the other one gets the events."""
    project.config(JOURNAL + "[reporters.explosive]\n")
    why = "can't import 'outsider_reporters.explosive' of outsider-reporters 4.2: RuntimeError: no driver for this database"

    listed = project.listed()
    assert listed["journal"] == ("enabled", None)
    status, reason = listed["explosive"]
    assert status == "broken"
    assert reason is not None
    assert f"[reporters.explosive]: {why} (" in reason
    assert reason.endswith("explosive.py:5)")

    code, shown = project.check()
    assert code == 1
    assert why in one_paragraph(shown)

    handled, log = project.one_job()
    assert handled == "{'journal': 3, 'explosive': 0}"
    assert "reporter 'explosive' is broken" in log
    assert "no driver for this database" in log


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("misspelt-hook", "unknown hook 'handle_sucess': did you mean 'handle_success'?"),
        ("misspelt-argument", "handle_failure takes 'eror' (did you mean 'error'?), but this version of jobreporter"),
    ],
)
def test_a_misspelt_plugin_is_told_with_the_nearest_right_name(project: Project, name: str, told: str) -> None:
    """It is broken, by its name, distribution and version, rather than silent; the other reporter works."""
    project.config(f"{JOURNAL}[reporters.{name}]\n")
    told = f"reporter {name!r} (outsider-reporters 4.2): {told}"

    status, reason = project.listed()[name]
    assert status == "broken"
    assert reason is not None
    assert told.partition("): ")[2] in reason

    code, shown = project.check()
    assert code == 1
    assert told.partition("): ")[2] in one_paragraph(shown)
    assert "started, flushed and stopped" in shown


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (f"{JOURNAL}posion = 'x'\n", "[reporters.journal]: unknown option 'posion'. Did you mean 'poison'?"),
        ("[reporters.jurnal]\n", "[reporters.jurnal]: no reporter 'jurnal' is installed. Did you mean 'journal'?"),
        (f"{JOURNAL}lane.capcity = 9\n", "[reporters.journal.lane]: unknown key 'capcity'. Did you mean 'capacity'?"),
        ("[context]\nservce = 'shop'\n", "[context]: unknown key 'servce'. Did you mean 'service'?"),
        ("[reportrs.journal]\n", "unknown table 'reportrs'. Did you mean 'reporters'?"),
    ],
    ids=["option", "reporter", "key of a reporter", "key", "table"],
)
def test_a_misspelt_config_is_told_with_the_nearest_right_name(project: Project, config: str, told: str) -> None:
    """`check` says so in a line, and exits with 1."""
    project.config(config)
    code, shown = project.check()
    assert code == 1
    assert told in one_paragraph(shown)
    assert shown.startswith("wrong: ")
