"""Every command line of `jobreporter` in the documents: it is taken as it stands there, and does what is said of it."""

from __future__ import annotations

import configparser
import gzip
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from jobreporter import HANDLERS, LaneStats
from jobreporter._config.places import Place
from jobreporter._config.records import Config, ReporterConfig
from jobreporter._dispatch.announcement import announcement
from jobreporter._dispatch.dispatcher_log import _losses as losses
from jobreporter._dispatch.wiring import Wiring
from jobreporter._plugins.factory import ReporterFactory
from jobreporter._plugins.plugin import Plugin
from jobreporter.testing import corpus

from .documents import DOCUMENTS, ROOT, Block, blocks

SCRIPT = Path(sys.executable).with_name("jobreporter")
CLI = ROOT / "docs/cli.md"
DEPLOYMENT = ROOT / "docs/deployment.md"
TROUBLESHOOTING = ROOT / "docs/troubleshooting.md"

# The application that the documents speak of: an app that is attached, its errors, and a reporter that filters.
SHOP = """
from celery import Celery
from jobreporter.sources.celery import attach

app = Celery("shop", broker="memory://")
attach(app)
"""
ERRORS = "class Declined(Exception): ...\n"
PAGER = "from jobreporter import hookimpl\nclass Pager:\n" + "".join(
    f"    @hookimpl\n    def {hook}(self): ...\n" for hook in HANDLERS.values()
)
CONFIG = """
[reporters.log]

[reporters.pager]
use = "pager:Pager"
when.events = ["failure"]
when.ignore = ["TimeoutError"]

[reporters.history]
store = "sqlite://{folder}/history.db"
"""


class Command(NamedTuple):
    """One command line, and where it stands."""

    place: str
    words: list[str]


def commands() -> Iterator[Command]:
    """Every line of a block that runs `jobreporter`: at a prompt, in a script, a unit, an image or a crontab."""
    for document in DOCUMENTS:
        if document.name in ELSEWHERE:
            continue
        for block in blocks(document):
            for line in block.text.splitlines():
                found = re.match(r"(?:\$ |ExecStart(?:Pre)?=|.*&& )?(\S*\bjobreporter )(.*)", line)
                if found and not line.startswith(("# ", "jobreporter 0.", "  ")) and block.language in LANGUAGES:
                    yield Command(block.place, shlex.split(found[2]))


# Commands that need agents and streams, and those in a project of the reader's: their own tests run them.
ELSEWHERE = ("stream.md", "reporter.md")
LANGUAGES = ("console", "sh", "ini", "crontab")
# The page and an agent serve until they are stopped, the screen wants a terminal, and a stream has to be there: their own
# tests run them.
SERVING = {"web", "top", "agent", "stream"}
COMMANDS = [
    command
    for command in commands()
    if command.words and command.words[0] != "0.1.0" and not SERVING & set(command.words)
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The application, with its config and what its commands call."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text(SHOP)
    (folder / "shop" / "errors.py").write_text(ERRORS)
    (folder / "pager.py").write_text(PAGER)
    (folder / "jobreporter.toml").write_text(CONFIG.lstrip().format(folder=folder))
    (folder / "bin").mkdir()
    for program in (folder / "bin" / "pg_dump", folder / "backup.sh", folder / "empty-queue.sh"):
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
    recorded = next(path for path in corpus() if path.stem == "dramatiq").read_bytes()
    (folder / "events.jsonl").write_bytes(recorded)
    (folder / "events.jsonl.1.gz").write_bytes(gzip.compress(recorded))
    # A first job, so that there is a history.
    subprocess.run([SCRIPT, "exec", "--", "true"], cwd=folder, check=True, capture_output=True)
    return folder


def run(shop: Path, words: list[str]) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "JOBREPORTER_CONFIG")
    }
    environment["PATH"] = f"{shop / 'bin'}:{environment['PATH']}"
    return subprocess.run(
        [str(SCRIPT), *words], cwd=shop, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


def test_there_are_commands() -> None:
    """The documents show each of core's commands."""
    assert {command.words[0] for command in COMMANDS} >= {"check", "exec", "explain", "plugins", "replay", "sources"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.place} {command.words[0]}")
def test_a_command_runs_as_it_stands(shop: Path, command: Command) -> None:
    """In an application as the documents have it, with its config where they say."""
    words = [str(shop / "jobreporter.toml") if word == "/etc/shop/jobreporter.toml" else word for word in command.words]
    done = run(shop, words)
    fails = words[0] == "exec" and words[-1] == "false"
    assert done.returncode == (1 if fails else 0), done.stdout + done.stderr


def test_the_table_of_explain_is_what_comes(shop: Path) -> None:
    """But for the blanks at the ends of lines."""
    [block] = [block for block in blocks(CLI, "console") if "explain" in block.text]
    line, *shown = block.text.splitlines()
    done = run(shop, shlex.split(line)[2:])
    rows = [row.rstrip() for row in done.stdout.splitlines()]
    assert [row for row in rows if not row.startswith("history ")] == [row for row in shown if row]


def test_the_table_of_replay_is_what_comes(shop: Path) -> None:
    """But for how long it took, and for the history, which the page leaves out."""
    [block] = [block for block in blocks(CLI, "console") if "replay\n" in block.text]
    _, *shown = re.sub(r"\d+\.\d+ s", "0 s", block.text).splitlines()
    rows = re.sub(r"\d+\.\d+ s", "0 s", run(shop, ["replay"]).stdout).splitlines()
    assert [row.split() for row in rows if not row.startswith("history ")] == [row.split() for row in shown]


def test_each_option_is_documented() -> None:
    """With its table on the page, and no other is."""
    text = CLI.read_text()
    for command in ("exec", "check", "explain", "plugins", "replay", "sources"):
        own = text.split(f"## `jobreporter {command}`", 1)[1].split("\n## ", 1)[0]
        usage = subprocess.run([str(SCRIPT), command, "--help"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", usage, re.MULTILINE)) - {"--help"}
        shown = set(re.findall(r"`(?:-\w`, `)?(--[a-z-]+)", own))
        assert options <= shown, command
        listed = {
            option
            for row in re.findall(r"^\| (`-.*?) \|", own, re.MULTILINE)
            for option in re.findall(r"--[a-z-]+", row)
        }
        assert listed <= options, command


def test_units_are_well_formed() -> None:
    """systemd reads such files as sections of keys."""
    units = blocks(DEPLOYMENT, "ini")
    assert len(units) == 3
    for unit in units:
        parser = configparser.ConfigParser(interpolation=None)
        parser.read_string(unit.text)
        assert parser["Service"]["ExecStart"].startswith("/")


def test_the_crontab_is_well_formed() -> None:
    """Variables, and a line of five fields and a command without a percent sign, which cron would take for a newline."""
    [crontab] = blocks(DEPLOYMENT, "crontab")
    *variables, job = filter(None, crontab.text.splitlines())
    assert all(re.fullmatch(r"[A-Z_]+=\S+", line) for line in variables)
    assert re.match(r"(\S+ ){5} *cd /srv/shop && ", job)
    assert "%" not in job


def lines_of_config(block: Block) -> str:
    """The config in a ConfigMap."""
    inside = block.text.split("jobreporter.toml: |\n")[1].split("\n---")[0]
    return "\n".join(line.removeprefix("    ") for line in inside.splitlines())


def test_the_config_map_has_a_config(shop: Path, tmp_path: Path) -> None:
    """It is right, though its secrets aren't here."""
    manifest, _sidecar = blocks(DEPLOYMENT, "yaml")
    path = tmp_path / "jobreporter.toml"
    path.write_text(lines_of_config(manifest).replace("reporters.sentry", "reporters.log").replace("dsn", "# dsn"))
    assert run(shop, ["--config", str(path), "check", "--no-start"]).returncode == 0


def test_the_lines_of_the_log_are_those_that_come() -> None:
    """The one of a worker that starts, and the one of what was lost."""
    on, lost = (block.text for block in blocks(TROUBLESHOOTING, "text"))
    place = Place("config")
    reporters = [ReporterConfig(name=name, use=name, place=place) for name in ("log", "sentry")]
    off = ReporterConfig(name="pager", use="pager", place=place, enabled=False, disabled_by="JOBREPORTER_DISABLE")
    config = Config(path=Path("/srv/shop/jobreporter.toml"), reporters=(*reporters, off))
    factories = tuple(ReporterFactory(reporter, loading_nothing) for reporter in reporters)
    assert f"{announcement(Wiring(config, factories), 'celery')}\n" == on
    stats = LaneStats(accepted=40, handled=37, failed=1, dropped={"capacity": 2})
    assert [f"{line}\n" for line in losses("pager", stats)] == [lost]


def loading_nothing() -> Plugin:
    """What no line of the log needs."""
    raise AssertionError
