"""The programs of the documents, each with what it needs around it: they run as they stand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from jobreporter.testing import corpus
from tests.packaging.documents import DOCUMENTS, ROOT, Block, blocks

#: Documents whose programs other tests run.
ELSEWHERE = {
    "README.md": "tests/packaging/test_docs.py",
    "core/README.md": "tests/packaging/test_docs.py",
    "docs/config.md": "tests/packaging/test_docs_config.py",
    "docs/writing-a-reporter.md": "tests/packaging/test_docs_guide.py",
    "docs/writing-a-source.md": "tests/packaging/test_docs_source_guide.py",
    "docs/tutorials/celery.md": "tests/docs/test_tutorials.py",
    "docs/tutorials/reporter.md": "tests/packaging/test_new.py",
    "docs/sources/dramatiq.md": "tests/sources/test_pages.py",
    "docs/sources/huey.md": "tests/sources/test_pages.py",
    "docs/sources/rq.md": "tests/sources/test_pages.py",
}


class Program(NamedTuple):
    """A program of a document. has: a text that is in it and in no other of the document."""

    document: str
    has: str
    #: What stands before it, and behind it.
    before: str = ""
    after: str = ""
    #: What it names and is elsewhere here.
    instead: tuple[tuple[str, str], ...] = ()


STORE = (("/var/lib/shop/history.db", "{folder}/history.db"),)
KEPT = """
import subprocess, sys
command = ["jobreporter", "--config", "history.toml", "exec", "--name", "backup", "--", "false"]
subprocess.run([sys.executable, "-m", *command])
"""
TASK = "from celery import Celery\napp = Celery(broker='memory://')\nnumber = 7\n@app.task\ndef charge(*args): ...\n"

PROGRAMS = [
    Program("docs/cli.md", "pg_dump", after="assert code == 0"),
    Program(
        "docs/web.md",
        "app.mount",
        before="from starlette.applications import Starlette\napp = Starlette()",
        after="assert [route.path for route in app.routes] == ['/jobs']",
        instead=STORE,
    ),
    Program("plugins/history/README.md", "open_store", before=KEPT, after="assert not page.rows", instead=STORE),
    Program("docs/troubleshooting.md", "setLevel", after="assert logging.getLogger('jobreporter').level == 10"),
    Program("docs/stream.md", "StreamConformance", after="assert issubclass(TestOurs, StreamConformance)"),
    Program("docs/reporters/record.md", "read_recording", after="assert slow == []"),
    Program("docs/sources/celery.md", "autodiscover_tasks", after="assert app.conf.task_always_eager"),
    Program("docs/sources/celery.md", "argsrepr", before=TASK),
]


def block_of(program: Program) -> Block:
    """Where it stands."""
    [found] = [block for block in blocks(ROOT / program.document, "python") if program.has in block.text]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the programs find in their working directory."""
    (tmp_path / "jobreporter.toml").write_text("[reporters.log]\n")
    (tmp_path / "history.toml").write_text(f'[reporters.history]\nstore = "sqlite://{tmp_path}/history.db"\n')
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/pg_dump").write_text("#!/bin/sh\n")
    (tmp_path / "bin/pg_dump").chmod(0o755)
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/__init__.py").touch()
    (tmp_path / "mysite/settings.py").write_text("SECRET_KEY = 'none'\nCELERY_TASK_ALWAYS_EAGER = True\n")
    shutil.copy(next(path for path in corpus() if path.name == "command.jsonl"), tmp_path / "events.jsonl")
    return tmp_path


@pytest.mark.parametrize("program", PROGRAMS, ids=[f"{each.document}: {each.has}" for each in PROGRAMS])
def test_a_program_runs_as_it_stands(program: Program, folder: Path) -> None:
    """And comes to what it is there for."""
    text = block_of(program).text
    for named, here in program.instead:
        assert named in text
        text = text.replace(named, here.format(folder=folder))
    (folder / "program.py").write_text(f"{program.before}\n{text}\n{program.after}\n")
    environ = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_program_of_every_document_is_run() -> None:
    """Here, or by the test that is named."""
    here = {block_of(program).place for program in PROGRAMS}
    left = {
        block.place
        for document in DOCUMENTS
        for block in blocks(document, "python")
        if block.place not in here and str(document.relative_to(ROOT)) not in ELSEWHERE
    }
    # The example of the page is run by tests/sources/test_pages.py.
    [example] = [block.place for block in blocks(ROOT / "docs/sources/celery.md", "python")][:1]
    assert left == {example}
    assert [test for test in ELSEWHERE.values() if not (ROOT / test).exists()] == []
