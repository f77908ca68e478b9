"""``jobreporter plugins``: the real script, over real metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jobreporter._plugins.installed import scan
from jobreporter.testing import CommandLine

PAGER = """
from typing import Annotated, Literal
from msgspec import Meta
from jobreporter import Duration, Options, Secret, Size, hookimpl

print("imported")

class Retry(Options):
    times: Annotated[int, Meta(ge=0, le=9)] = 3
    pause: Duration = 0.5

class PagerOptions(Options):
    token: Annotated[Secret, Meta(description="Who pages,\\n and for whom.")]
    #: How loud it is. ``error`` wakes
    #: somebody.
    severity: Literal["error", "warning"] = "error"
    spare: Secret | None = None
    tags: list[str] = []
    limit: int = 10
    '''Pages at most.'''
    keep: Duration = "7d"
    room: Size | None = None
    retry: Retry = Retry()
    routes: dict[str, Retry] = {}

@hookimpl
async def reporter_start(options: PagerOptions):
    pass

@hookimpl
def handle_failure(job, state):
    pass
"""

EXPLODES = "raise RuntimeError('boom')"


@pytest.fixture
def project(tmp_path: Path) -> CommandLine:
    """A project with an outsider's reporter installed."""
    project = CommandLine(tmp_path)
    project.config("")
    project.module("pager", PAGER)
    project.install("outsider-pager", "1.2", "pager", "pager")
    return project


def listed(project: CommandLine, *words: str, **environ: str) -> dict[str, dict[str, Any]]:
    done = project.run("plugins", "--json", *words, **environ)
    assert (done.returncode, done.stderr.replace("imported\n", "")) == (0, "")
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_what_is_installed_is_available_and_not_imported(project: CommandLine) -> None:
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


def test_what_the_config_switches_on_is_enabled(project: CommandLine) -> None:
    """What its import prints is not in the way of who reads the list."""
    project.config("[reporters.pager]\ntoken = 'x'\n[reporters.log]\n")

    rows = listed(project)
    assert {name: rows[name]["status"] for name in ("log", "pager")} == {"log": "enabled", "pager": "enabled"}
    assert rows["log"]["distribution"] == "jobreporter"


def test_an_import_that_raises_is_broken_and_says_why(project: CommandLine) -> None:
    """The others are listed as ever."""
    project.config("[reporters.pager]\n[reporters.log]\n")
    project.module("pager", EXPLODES)

    rows = listed(project)
    assert rows["pager"]["status"] == "broken"
    assert "boom" in rows["pager"]["reason"]
    assert rows["log"]["status"] == "enabled"


def test_an_unset_secret_is_broken_and_says_which(project: CommandLine) -> None:
    """The variable is named."""
    project.config("[reporters.pager]\ntoken = { env = 'PAGER_KEY' }\n")

    rows = listed(project)
    assert rows["pager"]["status"] == "broken"
    assert "PAGER_KEY" in rows["pager"]["reason"]
    assert listed(project, PAGER_KEY="x")["pager"]["status"] == "enabled"


def test_a_wrong_option_is_broken_and_says_which(project: CommandLine) -> None:
    """With the nearest right name."""
    project.config("[reporters.pager]\ntoken = 'x'\nseverty = 'error'\n")

    rows = listed(project)
    assert rows["pager"]["status"] == "broken"
    assert "Did you mean 'severity'?" in rows["pager"]["reason"]


def test_a_reporter_that_is_not_installed_is_broken(project: CommandLine) -> None:
    """It is in the list, because the config wants it."""
    project.config("[reporters.pagre]\n")

    row = listed(project)["pagre"]
    assert (row["status"], row["distribution"]) == ("broken", None)
    assert "Did you mean 'pager'?" in row["reason"]


def test_what_is_switched_off_is_available(project: CommandLine) -> None:
    """And says what switched it off; it isn't imported."""
    project.module("pager", EXPLODES)
    project.config(
        "[reporters.pager]\nenabled = false\n[reporters.log]\n[reporters.own]\nuse = 'a:b'\nenabled = false\n"
    )

    rows = listed(project, JOBREPORTER_DISABLE="log")
    assert (rows["pager"]["status"], rows["pager"]["reason"]) == ("available", "switched off by the config")
    assert (rows["log"]["status"], rows["log"]["reason"]) == ("available", "switched off by JOBREPORTER_DISABLE")
    assert (rows["own"]["status"], rows["own"]["use"]) == ("available", "a:b")


def test_instances_under_other_names_and_app_local_code_are_listed(project: CommandLine) -> None:
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


def test_app_local_code_has_no_distribution(project: CommandLine) -> None:
    """It comes from the application itself."""
    project.module("shop", PAGER + "\nclass Local:\n    @hookimpl\n    def handle_failure(self): ...\n")
    project.config("[reporters.local]\nuse = 'shop:Local'\n")

    row = listed(project)["local"]
    assert (row["status"], row["use"], row["distribution"]) == ("enabled", "shop:Local", None)


def test_a_name_that_two_distributions_provide_is_broken(project: CommandLine) -> None:
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


def test_the_list_is_a_table_for_people(project: CommandLine) -> None:
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


def test_a_broken_config_is_told_and_what_is_installed_is_listed(project: CommandLine) -> None:
    """The exit code is 1."""
    project.config("[reporter.log]\n")
    done = project.run("plugins")

    assert done.returncode == 1
    assert "Did you mean 'reporters'?" in done.stderr
    assert ["pager", "available"] in [line.split()[:2] for line in done.stdout.splitlines()]


def described(project: CommandLine) -> dict[str, Any]:
    done = project.run("plugins", "pager", "--json")
    assert done.returncode == 0
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_one_plugin_is_shown_with_its_hooks_and_options(project: CommandLine) -> None:
    """It is loaded for that, enabled or not, and not started. Programs get the values themselves."""
    found = described(project)
    options = {option["name"]: option for option in found.pop("options")}
    assert found == {
        "name": "pager",
        "status": "available",
        "reason": None,
        "use": "pager",
        "distribution": "outsider-pager",
        "version": "1.2",
        "description": None,
        "hooks": ["reporter_start", "handle_failure"],
        "asynchronous": True,
    }
    assert options["token"] == {
        "name": "token",
        "type": "a secret",
        "toml_type": "secret string",
        "description": "Who pages, and for whom.",
        "required": True,
        "secret": True,
        "default": None,
        "default_toml": None,
    }
    assert {
        name: (option["toml_type"], option["default"], option["default_toml"]) for name, option in options.items()
    } == {
        "token": ("secret string", None, None),
        "severity": ('"error" or "warning"', "error", '"error"'),
        "spare": ("secret string", None, None),
        "tags": ("array of strings", [], "[]"),
        "limit": ("integer", 10, "10"),
        "keep": ("duration", 604_800.0, '"1w"'),
        "room": ("size", None, None),
        "retry": ("table", {"times": 3, "pause": 0.5}, "{ times = 3, pause = 0.5 }"),
        "retry.times": ("integer from 0 to 9", 3, "3"),
        "retry.pause": ("duration", 0.5, '"500ms"'),
        "routes": ("table of tables", {}, "{}"),
        "routes.NAME.times": ("integer from 0 to 9", 3, "3"),
        "routes.NAME.pause": ("duration", 0.5, '"500ms"'),
    }
    assert options["severity"]["description"] == "How loud it is. `error` wakes somebody."
    assert options["limit"]["description"] == "Pages at most."


def test_one_plugin_is_shown_as_text(project: CommandLine) -> None:
    """What it is from, and each option with what it takes, its default, and what it is for."""
    project.module("pager", PAGER + '\n__doc__ = "Pages people.\\n\\nAnd so on."\n')
    done = project.run("plugins", "pager")

    assert done.returncode == 0
    assert [line.rstrip() for line in done.stdout.splitlines()] == [
        "pager",
        "  Pages people.",
        "  from    outsider-pager 1.2",
        "  status  available",
        "  hooks   reporter_start, handle_failure",
        "  async   yes",
        "",
        "  token: secret string, required",
        "      Who pages, and for whom.",
        '  severity: "error" or "warning", default "error"',
        "      How loud it is. `error` wakes somebody.",
        "  spare: secret string",
        "  tags: array of strings, default []",
        "  limit: integer, default 10",
        "      Pages at most.",
        '  keep: duration, default "1w"',
        "  room: size",
        "  retry: table",
        "  retry.times: integer from 0 to 9, default 3",
        '  retry.pause: duration, default "500ms"',
        "  routes: table of tables",
        "  routes.NAME.times: integer from 0 to 9, default 3",
        '  routes.NAME.pause: duration, default "500ms"',
    ]


def test_every_fault_of_a_reporter_is_in_its_line(project: CommandLine) -> None:
    """Several are one text, without an escape between them."""
    project.config("[reporters.pager]\nseverty = 'error'\nlimt = 3\n")
    done = project.run("plugins", "pager")
    (status,) = [line for line in done.stdout.splitlines() if line.startswith("  status")]
    assert "\\n" not in status
    assert "Did you mean 'severity'?; " in status
    assert "Did you mean 'limit'?" in status


def test_a_reporter_of_the_config_is_shown_under_its_own_name(project: CommandLine) -> None:
    """With its status in this config."""
    project.config("[reporters.night]\nuse = 'pager'\n")
    done = project.run("plugins", "night")

    assert done.returncode == 0
    assert "  from    outsider-pager 1.2 (pager)\n" in done.stdout
    assert "  status  broken: " in done.stdout
    assert "token" in done.stdout


def test_a_plugin_without_options_says_so(project: CommandLine) -> None:
    """There may be nothing to configure."""
    project.module("pager", "from jobreporter import hookimpl\n@hookimpl\ndef handle_failure(): ...\n")

    assert "  It has no options.\n" in project.run("plugins", "pager").stdout


def test_a_default_that_raises_is_shown_as_such(project: CommandLine) -> None:
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
    assert (option["default"], option["default_toml"]) == (None, "(LookupError)")


def test_a_plugin_that_can_not_be_loaded_says_why(project: CommandLine) -> None:
    """The exit code is 1."""
    project.module("pager", "from jobreporter import hookimpl\n@hookimpl\ndef handle_failre(): ...\n")
    done = project.run("plugins", "pager")

    assert done.returncode == 1
    assert "outsider-pager 1.2" in done.stderr
    assert "handle_failure" in done.stderr


def test_an_unknown_name_is_told_with_the_nearest_right_one(project: CommandLine) -> None:
    """The exit code is 1."""
    done = project.run("plugins", "pagr")

    assert done.returncode == 1
    assert done.stderr == "Error: there is no reporter 'pagr'. Did you mean 'pager'?\n"
