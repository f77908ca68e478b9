"""``jobreporter plugins``: the real script, over real metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobreporter._discovery import scan

from .command_line import Project

PAGER = """
from typing import Literal
from jobreporter import Options, Secret, hookimpl

print("imported")

class PagerOptions(Options):
    token: Secret
    severity: Literal["error", "warning"] = "error"
    spare: Secret | None = None
    tags: list[str] = []
    limit: int = 10

@hookimpl
async def reporter_start(options: PagerOptions):
    pass

@hookimpl
def handle_failure(job, state):
    pass
"""

EXPLODES = "raise RuntimeError('boom')"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with an outsider's reporter installed."""
    project = Project(tmp_path)
    project.config("")
    project.module("pager", PAGER)
    project.install("outsider-pager", "1.2", "pager", "pager")
    return project


def listed(project: Project, *words: str, **environ: str) -> dict[str, dict[str, Any]]:
    done = project.run("plugins", "--json", *words, **environ)
    assert (done.returncode, done.stderr.replace("imported\n", "")) == (0, "")
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_what_is_installed_is_available_and_not_imported(project: Project) -> None:
    """An outsider's reporter is known from its metadata alone."""
    project.module("pager", EXPLODES)

    assert listed(project)["pager"] == {
        "name": "pager",
        "status": "available",
        "reason": None,
        "use": "pager",
        "distribution": "outsider-pager",
        "version": "1.2",
    }


def test_what_the_config_switches_on_is_enabled(project: Project) -> None:
    """What its import prints is not in the way of who reads the list."""
    project.config("[reporters.pager]\ntoken = 'x'\n[reporters.log]\n")

    rows = listed(project)
    assert {name: rows[name]["status"] for name in ("log", "pager")} == {"log": "enabled", "pager": "enabled"}
    assert rows["log"]["distribution"] == "jobreporter"


def test_an_import_that_raises_is_broken_and_says_why(project: Project) -> None:
    """The others are listed as ever."""
    project.config("[reporters.pager]\n[reporters.log]\n")
    project.module("pager", EXPLODES)

    rows = listed(project)
    assert rows["pager"]["status"] == "broken"
    assert "boom" in rows["pager"]["reason"]
    assert rows["log"]["status"] == "enabled"


def test_an_unset_secret_is_broken_and_says_which(project: Project) -> None:
    """The variable is named."""
    project.config("[reporters.pager]\ntoken = { env = 'PAGER_KEY' }\n")

    rows = listed(project)
    assert rows["pager"]["status"] == "broken"
    assert "PAGER_KEY" in rows["pager"]["reason"]
    assert listed(project, PAGER_KEY="x")["pager"]["status"] == "enabled"


def test_a_wrong_option_is_broken_and_says_which(project: Project) -> None:
    """With the nearest right name."""
    project.config("[reporters.pager]\ntoken = 'x'\nseverty = 'error'\n")

    rows = listed(project)
    assert rows["pager"]["status"] == "broken"
    assert "Did you mean 'severity'?" in rows["pager"]["reason"]


def test_a_reporter_that_is_not_installed_is_broken(project: Project) -> None:
    """It is in the list, because the config wants it."""
    project.config("[reporters.pagre]\n")

    row = listed(project)["pagre"]
    assert (row["status"], row["distribution"]) == ("broken", None)
    assert "Did you mean 'pager'?" in row["reason"]


def test_what_is_switched_off_is_available(project: Project) -> None:
    """And says what switched it off; it isn't imported."""
    project.module("pager", EXPLODES)
    project.config(
        "[reporters.pager]\nenabled = false\n[reporters.log]\n[reporters.own]\nuse = 'a:b'\nenabled = false\n"
    )

    rows = listed(project, JOBREPORTER_DISABLE="log")
    assert (rows["pager"]["status"], rows["pager"]["reason"]) == ("available", "switched off by the config")
    assert (rows["log"]["status"], rows["log"]["reason"]) == ("available", "switched off by JOBREPORTER_DISABLE")
    assert (rows["own"]["status"], rows["own"]["use"]) == ("available", "a:b")


def test_instances_under_other_names_and_app_local_code_are_listed(project: Project) -> None:
    """Each with what it uses; the plugin itself stays available."""
    project.module("shop", PAGER)
    project.config(
        "[reporters.night]\nuse = 'pager'\ntoken = 'x'\n[reporters.shop]\nuse = 'shop'\n".replace("'shop'", "'pager'")
    )

    rows = listed(project)
    assert (rows["night"]["status"], rows["night"]["use"]) == ("enabled", "pager")
    assert rows["night"]["distribution"] == "outsider-pager"
    assert rows["shop"]["status"] == "broken"
    assert rows["pager"]["status"] == "available"


def test_app_local_code_has_no_distribution(project: Project) -> None:
    """It comes from the application itself."""
    project.module("shop", PAGER + "\nclass Local:\n    @hookimpl\n    def handle_failure(self): ...\n")
    project.config("[reporters.local]\nuse = 'shop:Local'\n")

    row = listed(project)["local"]
    assert (row["status"], row["use"], row["distribution"]) == ("enabled", "shop:Local", None)


def test_a_name_that_two_distributions_provide_is_broken(project: Project) -> None:
    """Both are listed, switched on or not."""
    project.install("another-pager", "3.0", "pager", "pager")
    done = project.run("plugins", "--json")
    rows = [row for row in json.loads(done.stdout) if row["name"] == "pager"]
    assert [(row["distribution"], row["status"]) for row in rows] == [
        ("another-pager", "broken"),
        ("outsider-pager", "broken"),
    ]

    for config in ("[reporters.pager]\ntoken = 'x'\n", "[reporters.pager]\nenabled = false\n"):
        project.config(config)
        rows = [row for row in json.loads(project.run("plugins", "--json").stdout) if row["name"] == "pager"]
        assert [row["status"] for row in rows] == ["broken", "broken"]
        assert "more than once" in rows[0]["reason"]


def test_the_list_is_a_table_for_people(project: Project) -> None:
    """One line each, the columns aligned."""
    project.config(
        "[reporters.log]\n[reporters.night]\nuse = 'pager'\ntoken = 'x'\n[reporters.local]\nuse = 'no:thing'\n"
    )
    done = project.run("plugins")

    assert done.returncode == 0
    installed = {name for name in scan() if name not in {"log", "pager"}}  # plugins that are here to be tested too
    lines = [line for line in done.stdout.splitlines() if line.split()[0] not in installed]
    assert [line.split()[:2] for line in lines] == [
        ["NAME", "STATUS"],
        ["local", "broken"],
        ["log", "enabled"],
        ["night", "enabled"],
        ["pager", "available"],
    ]
    column = lines[0].index("FROM")
    assert lines[1][column:].startswith("no:thing  ")
    assert lines[3][column:] == "outsider-pager 1.2 (pager)"
    assert lines[4][column:] == "outsider-pager 1.2"


def test_a_broken_config_is_told_and_what_is_installed_is_listed(project: Project) -> None:
    """The exit code is 1."""
    project.config("[reporter.log]\n")
    done = project.run("plugins")

    assert done.returncode == 1
    assert "Did you mean 'reporters'?" in done.stderr
    assert ["pager", "available"] in [line.split()[:2] for line in done.stdout.splitlines()]


def test_one_plugin_is_shown_with_its_hooks_and_options(project: Project) -> None:
    """It is loaded for that, enabled or not, and not started."""
    done = project.run("plugins", "pager", "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "name": "pager",
        "status": "available",
        "reason": None,
        "use": "pager",
        "distribution": "outsider-pager",
        "version": "1.2",
        "hooks": ["reporter_start", "handle_failure"],
        "asynchronous": True,
        "options": [
            {"name": "token", "type": "a secret", "required": True, "secret": True, "default": None},
            {
                "name": "severity",
                "type": "'error' or 'warning'",
                "required": False,
                "secret": False,
                "default": "'error'",
            },
            {"name": "spare", "type": "a secret", "required": False, "secret": True, "default": "None"},
            {"name": "tags", "type": "a list", "required": False, "secret": False, "default": "[]"},
            {"name": "limit", "type": "a whole number", "required": False, "secret": False, "default": "10"},
        ],
    }


def test_one_plugin_is_shown_as_text(project: Project) -> None:
    """Aligned, with what is required marked."""
    done = project.run("plugins", "pager")

    assert done.returncode == 0
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "pager",
        "  from    outsider-pager 1.2",
        "  status  available",
        "  hooks   reporter_start, handle_failure",
        "  async   yes",
        "",
        "  OPTION    TYPE                  DEFAULT",
        "  token     a secret              (required)",
        "  severity  'error' or 'warning'  'error'",
        "  spare     a secret              None",
        "  tags      a list                []",
        "  limit     a whole number        10",
    ]


def test_a_reporter_of_the_config_is_shown_under_its_own_name(project: Project) -> None:
    """With its status in this config."""
    project.config("[reporters.night]\nuse = 'pager'\n")
    done = project.run("plugins", "night")

    assert done.returncode == 0
    assert "  from    outsider-pager 1.2 (pager)\n" in done.stdout
    assert "  status  broken: " in done.stdout
    assert "token" in done.stdout


def test_a_plugin_without_options_says_so(project: Project) -> None:
    """There may be nothing to configure."""
    project.module("pager", "from jobreporter import hookimpl\n@hookimpl\ndef handle_failure(): ...\n")

    assert "  It has no options.\n" in project.run("plugins", "pager").stdout


def test_a_default_that_raises_is_shown_as_such(project: Project) -> None:
    """A plugin's own code can't break the command."""
    project.module(
        "pager",
        "import msgspec\n"
        "from jobreporter import Options, hookimpl\n"
        "def fails(): raise LookupError('no')\n"
        "class O(Options):\n"
        "    where: str = msgspec.field(default_factory=fails)\n"
        "@hookimpl\n"
        "def reporter_start(options: O): ...\n",
    )

    (option,) = json.loads(project.run("plugins", "pager", "--json").stdout)["options"]
    assert option["default"] == "(LookupError)"


def test_a_plugin_that_can_not_be_loaded_says_why(project: Project) -> None:
    """The exit code is 1."""
    project.module("pager", "from jobreporter import hookimpl\n@hookimpl\ndef handle_failre(): ...\n")
    done = project.run("plugins", "pager")

    assert done.returncode == 1
    assert "outsider-pager 1.2" in done.stderr
    assert "handle_failure" in done.stderr


def test_an_unknown_name_is_told_with_the_nearest_right_one(project: Project) -> None:
    """The exit code is 1."""
    done = project.run("plugins", "pagr")

    assert done.returncode == 1
    assert done.stderr == "Error: there is no reporter 'pagr'. Did you mean 'pager'?\n"
