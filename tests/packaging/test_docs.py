"""Every code block and every link of every document, and the README: what stands there is so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from celery import Celery

from jobreporter import EVENTS, HANDLERS, Aborted, Dispatcher, JobReporterError, LaneStats
from jobreporter.sources.celery import attach
from jobreporter.testing import read_calls

from .documents import (
    DOCUMENTS,
    PATIENCE,
    ROOT,
    Block,
    anchors,
    blocks,
    code_words,
    links,
    rows,
)

README = ROOT / "README.md"
PROMISES = ROOT / "docs/promises.md"

EVERY_BLOCK = [block for document in DOCUMENTS for block in blocks(document)]

RECORDER = f"""
[dispatcher]
exit_timeout = {PATIENCE}

[reporters.recorder]
use = "jobreporter.testing:FileRecorder"
path = "calls"
"""


def each(language: str) -> pytest.MarkDecorator:
    """Runs a test for every block in a language."""
    found = [block for block in EVERY_BLOCK if block.language == language]
    return pytest.mark.parametrize("block", found, ids=[block.place for block in found])


@each("python")
def test_python_compiles(block: Block) -> None:
    """A block of Python is Python."""
    compile(block.text, block.place, "exec")


@each("toml")
def test_toml_parses(block: Block) -> None:
    """A block of TOML is TOML."""
    assert tomllib.loads(block.text)


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


def test_the_index_has_every_document() -> None:
    """Whoever looks for a page finds it there: those of docs/, and of each plugin."""
    index = ROOT / "docs/README.md"
    linked = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    pages = [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/*/*.md"), *ROOT.glob("plugins/*/README.md")]
    covered = [page for page in pages if page.resolve() in linked or page.parent.resolve() in linked or page == index]
    assert [str(page.relative_to(ROOT)) for page in pages if page not in covered] == []


def leads_somewhere(document: Path, link: str) -> bool:
    """Whether a link in the document does."""
    target, _, heading = link.partition("#")
    path = document.parent / target if target else document
    return path.exists() and (not heading or heading in anchors(path))


def test_the_plugin_of_the_readme_runs(
    app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by its entry point and enabled by the config of the README, it pages for what that lets through."""
    [plugin] = [block for block in blocks(README, "python") if block.file]
    _, entry_point, config = blocks(README, "toml")
    (app / str(plugin.file)).write_text(plugin.text)
    (app / "jobreporter.toml").write_text(config.text)
    install(app, tomllib.loads(entry_point.text)["project"]["entry-points"]["jobreporter.reporters"])
    monkeypatch.setenv("APP_ENV", "test")

    with Dispatcher.from_config() as dispatcher:
        for queue, error in (("bulk", OSError("a")), ("mail", TimeoutError("b")), ("mail", OSError("c"))):
            with suppress(OSError), dispatcher.begin("reports.nightly", queue=queue):
                raise error
        dispatcher.close(PATIENCE)

    assert capsys.readouterr().out == "[critical] reports.nightly failed: builtins.OSError: c\n"


@pytest.mark.parametrize("document", [README, ROOT / "core/README.md"], ids=["README", "core/README"])
def test_the_plugin_of_the_readme_runs_as_it_stands(tmp_path: Path, document: Path) -> None:
    """Copied with the config beside it, it pages for a command that fails. Nothing is installed, and no path is set."""
    [plugin] = [block for block in blocks(document, "python") if block.file]
    [config] = [block for block in blocks(document, "toml") if "use = " in block.text and "pager:Pager" in block.text]
    (tmp_path / str(plugin.file)).write_text(plugin.text)
    (tmp_path / "jobreporter.toml").write_text(config.text)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [str(Path(sys.executable).with_name("jobreporter")), "exec", "--name", "backup", "--", "false"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    told = "[critical] backup failed: jobreporter.sources.command.CommandFailed: exited with code 1"
    assert (done.returncode, done.stdout) == (1, f"{told}\n")
    assert document != README or f"`{told}`" in document.read_text()


def install(site: Path, reporters: dict[str, str]) -> None:
    """What pip leaves of a distribution that provides these reporters."""
    info = site / "pager-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pager\nVersion: 1\n")
    lines = [f"{name} = {value}" for name, value in reporters.items()]
    (info / "entry_points.txt").write_text("\n".join(["[jobreporter.reporters]", *lines]))


def test_jobs_are_reported_as_the_readme_does_it(app: Path) -> None:
    """The `with` block of the README reports an abort with a tag, and the decorator takes its function."""
    [block] = [block for block in blocks(README, "python") if "dispatcher.begin(" in block.text]
    (app / "jobreporter.toml").write_text(RECORDER)
    exec(compile(block.text, block.place, "exec"), {"__name__": "__main__"})

    [event] = [call.meta for call in read_calls("calls") if isinstance(call.meta, Aborted)]
    assert (event.job.name, event.reason, event.tags) == ("reports.nightly", "skipped", {"customer": "acme"})


def test_an_app_is_attached_as_the_readme_does_it() -> None:
    """The line of the README attaches, since another one is refused."""
    [block] = [block for block in blocks(README, "python") if "attach(app)" in block.text]
    app = Celery("shop", set_as_current=False)
    exec(compile(block.text, block.place, "exec"), {"app": app})
    with pytest.raises(JobReporterError, match="twice"):
        attach(app)


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


def test_the_ledger_of_the_promises_is_complete() -> None:
    """Its table has the fields of `LaneStats` that add up, which are all that come before `restarts`."""
    fields = [code_words(field)[0] for field, _ in rows(PROMISES, "field")]
    assert [*fields, "restarts"] == [*LaneStats.__struct_fields__[: len(fields) + 1]]
