"""The documents say what is so: their code parses or runs, and their tables are those of the code."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from huey import MemoryHuey

import jobreporter.testing
from jobreporter import (
    ARGUMENTS,
    EVENTS,
    HANDLERS,
    Aborted,
    ConfigError,
    Context,
    Dispatcher,
    ErrorInfo,
    Frame,
    Job,
    JobReporterError,
    LaneStats,
    hookspecs,
)
from jobreporter._config import parse
from jobreporter._config.wording import expected
from jobreporter._settings import CaptureSettings, LaneSettings, When
from jobreporter._setup import from_file
from jobreporter.sources.huey import attach
from jobreporter.testing import make_event, make_job, read_calls
from tests.loopback import loopback

from .clean_environment import build_wheel
from .documents import DOCUMENTS, ROOT, Block, anchors, blocks, code_words, links, rows, section

README = ROOT / "README.md"
GUIDE = ROOT / "docs/writing-a-reporter.md"
CONFIG = ROOT / "docs/config.md"
PROMISES = ROOT / "docs/promises.md"

#: Seconds that closing may take here, where other things may keep the machine busy.
PATIENCE = 20.0

RECORDER = f"""
[dispatcher]
exit_timeout = {PATIENCE}

[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "calls"
"""

EVERY_BLOCK = [block for document in DOCUMENTS for block in blocks(document)]

#: The examples of what is wrong with a config, each with what is said of it.
WRONG = [(config, told) for config, told in pairwise(blocks(CONFIG)) if told.language == "text"]


def each(language: str) -> pytest.MarkDecorator:
    """Runs a test for every block in a language."""
    found = [block for block in EVERY_BLOCK if block.language == language]
    return pytest.mark.parametrize("block", found, ids=[block.place for block in found])


# Every block of every document.


@each("python")
def test_python_compiles(block: Block) -> None:
    """A block of Python is Python."""
    compile(block.text, block.place, "exec")


@each("toml")
def test_toml_is_understood(block: Block) -> None:
    """A block of TOML parses, and the real parser finds nothing wrong where it is a config and not there to be wrong."""
    table = tomllib.loads(block.text)
    config = table.get("tool", {}).get("jobreporter", table)
    if {"context", "reporters"} & set(config) and block not in [config for config, _ in WRONG]:
        parse.parse(config, where=block.place, environ={"APP_ENV": "test"})


@each("json")
def test_json_parses(block: Block) -> None:
    """A block of JSON is JSON."""
    assert json.loads(block.text)


@each("sh")
def test_shell_is_shell(block: Block) -> None:
    """A shell can read a block of shell."""
    done = subprocess.run(["sh", "-n"], input=block.text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_block_names_its_language() -> None:
    """No block escapes the tests above for want of a language."""
    assert [block.place for block in EVERY_BLOCK if not block.language] == []


def test_every_link_leads_somewhere() -> None:
    """A link inside the repository names a file that is there, and behind ``#`` one of its headings."""
    inside = [(document, link) for document in DOCUMENTS for link in links(document) if "://" not in link]
    assert inside
    assert [(document.name, link) for document, link in inside if not leads_somewhere(document, link)] == []


def leads_somewhere(document: Path, link: str) -> bool:
    """Whether a link in the document does."""
    target, _, heading = link.partition("#")
    path = document.parent / target if target else document
    return path.exists() and (not heading or heading in anchors(path))


# The README.


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory of a user, who can import what is in it; what was imported is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in {"pager", "jobreporter_pager", "beacon", "spool"} - before:
        sys.modules.pop(name, None)


def test_the_plugin_of_the_readme_runs(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by its entry point and enabled by the config of the README, it pages for what that lets through."""
    [plugin] = [block for block in blocks(README, "python") if block.file]
    entry_point, config = blocks(README, "toml")
    (project / str(plugin.file)).write_text(plugin.text)
    (project / "jobreporter.toml").write_text(config.text)
    install(project, tomllib.loads(entry_point.text)["project"]["entry-points"]["jobreporter.reporters"])
    monkeypatch.setenv("APP_ENV", "test")

    with Dispatcher.from_config() as dispatcher:
        for queue, error in (("bulk", OSError("a")), ("mail", TimeoutError("b")), ("mail", OSError("c"))):
            with suppress(OSError), dispatcher.begin("reports.nightly", queue=queue):
                raise error
        dispatcher.close(PATIENCE)

    assert capsys.readouterr().out == "[critical] reports.nightly failed: builtins.OSError: c\n"


def install(site: Path, reporters: dict[str, str]) -> None:
    """What pip leaves of a distribution that provides these reporters."""
    info = site / "pager-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pager\nVersion: 1\n")
    lines = [f"{name} = {value}" for name, value in reporters.items()]
    (info / "entry_points.txt").write_text("\n".join(["[jobreporter.reporters]", *lines]))


def test_jobs_are_reported_as_the_readme_does_it(project: Path) -> None:
    """The `with` block of the README reports an abort with a tag, and the decorator decorates."""
    [block] = [block for block in blocks(README, "python") if "dispatcher.begin(" in block.text]
    (project / "jobreporter.toml").write_text(RECORDER)
    exec(compile(block.text, block.place, "exec"), {"__name__": "__main__"})

    [event] = [call.meta for call in read_calls("calls") if isinstance(call.meta, Aborted)]
    assert (event.job.name, event.reason, event.tags) == ("reports.nightly", "skipped", {"customer": "acme"})


def test_huey_is_attached_as_the_readme_does_it() -> None:
    """The line of the README attaches, since another one is refused."""
    [block] = [block for block in blocks(README, "python") if "attach(huey)" in block.text]
    huey = MemoryHuey()
    exec(compile(block.text, block.place, "exec"), {"huey": huey})
    with pytest.raises(JobReporterError, match="twice"):
        attach(huey)


def test_the_event_table_of_the_readme_is_complete() -> None:
    """It has each event's hook, and what it has beside `job` and `at`."""
    found = {
        code_words(event)[0]: (code_words(hook), set(code_words(has))) for hook, event, _, has in rows(README, "hook")
    }
    properties = {kind: {name for name, value in vars(kind).items() if isinstance(value, property)} for kind in EVENTS}
    assert found == {
        kind.__name__: ([HANDLERS[kind]], {*kind.__struct_fields__, *properties[kind]} - {"job", "at"})
        for kind in EVENTS
    }


# The promises.


def test_the_ledger_of_the_promises_is_complete() -> None:
    """Its table has the fields of `LaneStats` that add up, which are all that come before `restarts`."""
    fields = [code_words(field)[0] for field, _ in rows(PROMISES, "field")]
    assert [*fields, "restarts"] == [*LaneStats.__struct_fields__[: len(fields) + 1]]


# Writing a reporter.


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every file of the guide, as somebody has it who copies them."""
    folder = tmp_path_factory.mktemp("guide")
    for block in blocks(GUIDE, "python"):
        (folder / str(block.file)).write_text(block.text)
    [pyproject] = [block for block in blocks(GUIDE, "toml") if "[build-system]" in block.text]
    (folder / "pyproject.toml").write_text(pyproject.text)
    return folder


@pytest.fixture(scope="module")
def wheel(guide: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The guide's project, built. A wheel on ``sys.path`` is found and imported like an installed one."""
    return build_wheel(guide, tmp_path_factory.mktemp("wheel"))


def test_the_tests_of_the_guide_pass(guide: Path) -> None:
    """Whoever copies the files and runs pytest sees them pass."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=guide, text=True, capture_output=True, check=False, timeout=60)
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_the_package_of_the_guide_is_found_and_pages(
    project: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built and installed, it is found by its entry point, takes the config of the guide, and sends."""
    [config] = [block for block in blocks(GUIDE, "toml") if "PAGER_TOKEN" in block.text]
    monkeypatch.syspath_prepend(wheel)
    monkeypatch.setenv("PAGER_TOKEN", "c4nary")
    with loopback() as server:
        (project / "jobreporter.toml").write_text(config.text.replace("https://pager.example.org", server.url))
        with Dispatcher.from_config() as dispatcher:
            for error in (OSError("a"), OSError("b")):
                with suppress(OSError), dispatcher.begin("reports.nightly"):
                    raise error
            dispatcher.close(PATIENCE)

    sent = {(request.path, request.headers["Authorization"]) for request in server.requests}
    assert sent == {("/v1/pages", "Bearer c4nary")}
    pages = "\n".join(request.body.decode() for request in server.requests)
    page = "[error] reports.nightly failed: builtins.OSError:"
    assert pages == f"{page} a\n{page} b"


def test_the_async_reporter_of_the_guide_runs(guide: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It opens its connection, writes a line for a failure, and closes."""
    monkeypatch.syspath_prepend(guide)
    beacon = import_module("beacon").Beacon
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = {"reporters": {"beacon": {"host": "127.0.0.1", "port": server.getsockname()[1]}}}
        with Dispatcher(reporters={"beacon": beacon}, config=config) as dispatcher:
            dispatcher.publish(make_event("failure", job=make_job(name="reports.nightly")))
            dispatcher.close(PATIENCE)
        connection, _ = server.accept()
        with connection, connection.makefile() as lines:
            assert lines.readlines() == ["reports.nightly\n"]


def test_options_of_the_guide_object_together(guide: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `__post_init__` raises is told as it is."""
    monkeypatch.syspath_prepend(guide)
    config = {"reporters": {"spool": {"folder": "here", "soft_limit": 2_000}}}
    with pytest.raises(ConfigError, match=r"\[reporters\.spool\]: 'soft_limit' must not be above 'hard_limit'"):
        Dispatcher(reporters={"spool": import_module("spool")}, config=config)


def test_the_hook_table_of_the_guide_is_the_specification() -> None:
    """It has every hook with its arguments, and says when it fires in the words of its docstring."""
    table = {
        code_words(hook)[0]: (fires, tuple(code_words(arguments))) for hook, fires, arguments in rows(GUIDE, "hook")
    }
    assert {hook: arguments for hook, (_, arguments) in table.items()} == ARGUMENTS
    for hook, (fires, _) in table.items():
        docstring = " ".join(str(getattr(hookspecs, hook).__doc__).split()).replace("``", "`")
        assert docstring.startswith(f"Fires {fires}.")


def test_the_records_of_the_guide_are_complete() -> None:
    """It has every field of what a hook is given."""
    records = (Job, ErrorInfo, Frame, Context)
    found = {code_words(record)[0]: tuple(code_words(fields)) for record, fields in rows(GUIDE, "record")}
    assert found == {record.__name__: record.__struct_fields__ for record in records}


def test_the_testing_kit_of_the_guide_exists() -> None:
    """Its names are those of `jobreporter.testing`, but for what comes with another."""
    names = [name for names, _ in rows(GUIDE, "name") for name in code_words(names)]
    assert sorted([*names, "Crash", "FileRecorderOptions"]) == sorted(jobreporter.testing.__all__)


# The config.

RECORDS: dict[str, type[msgspec.Struct]] = {
    "[context]": parse._Context,
    "[dispatcher]": parse._Dispatcher,
    "[capture]": CaptureSettings,
    "[reporters.NAME]": parse._Own,
    "[reporters.NAME.when]": When,
    "[reporters.NAME.lane]": LaneSettings,
}


@pytest.mark.parametrize("heading", RECORDS)
def test_every_key_of_the_config_is_documented(heading: str) -> None:
    """Each table has the keys, types and defaults of the record that the parser fills."""
    table = {code_words(key)[0]: (kind, default) for key, kind, default, _ in rows(section(CONFIG, heading), "key")}
    tables = {key: table.pop(key) for key in ("when", "lane") if key in table}
    fields = msgspec.structs.fields(RECORDS[heading])
    types = {field.name: expected(msgspec.inspect.type_info(field.type)) for field in fields}
    defaults = {field.name: [] if field.default == () else field.default for field in fields}

    assert {key: kind for key, (kind, _) in table.items()} == types
    assert {key: toml_value(default) for key, (_, default) in table.items()} == defaults
    assert [*table, *tables] == [*types, *(parse._OWN_TABLES if tables else ())]


def toml_value(default: str) -> Any:
    """What a cell says of a default: a value as TOML writes it, or none."""
    return None if default == "none" else tomllib.loads(f"value = {default.strip('`')}")["value"]


def test_every_table_of_the_config_is_documented() -> None:
    """There is none beside those of the test above."""
    tables = {heading.strip("[]").split(".")[0] for heading in RECORDS}
    assert tables == set(parse._SECTIONS)
    assert {heading.rpartition(".")[2].strip("]") for heading in RECORDS if "NAME." in heading} == set(
        parse._OWN_TABLES
    )


@pytest.mark.parametrize(("config", "told"), WRONG, ids=[config.place for config, _ in WRONG])
def test_what_is_wrong_is_told_as_documented(
    project: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, config: Block, told: Block
) -> None:
    """Each example of a wrong config, or of a broken reporter, leads to the message that stands below it."""
    monkeypatch.syspath_prepend(wheel)
    (project / "jobreporter.toml").write_text(config.text)
    with pytest.raises(JobReporterError) as caught:
        [recipe.prepare() for recipe in from_file(None).recipes]
    assert f"{caught.value}\n" == told.text
