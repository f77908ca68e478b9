"""The guide to writing a reporter: its files are made, tested, built, found and run, and its tables are the contract's."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

import jobreporter.testing
from jobreporter import ARGUMENTS, ConfigError, Context, Dispatcher, ErrorInfo, Frame, Job, Origin, hookspecs
from jobreporter.testing import StandIn, make_event, make_job

from .documents import GUIDE, PATIENCE, ROOT, blocks, code_words, rows


def test_the_tests_of_the_guide_pass(guide: Path) -> None:
    """Whoever copies the files and runs pytest sees them pass."""
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=guide, text=True, capture_output=True, check=False, timeout=170)
    assert re.search(r"^31 passed in", done.stdout, re.MULTILINE), done.stdout + done.stderr


def test_the_package_of_the_guide_is_found_and_pages(
    app: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch, stand_in: StandIn
) -> None:
    """Built and installed, it is found by its entry point, takes the config of the guide, and sends."""
    [config] = [block for block in blocks(GUIDE, "toml") if "PAGER_TOKEN" in block.text]
    monkeypatch.syspath_prepend(wheel)
    monkeypatch.setenv("PAGER_TOKEN", "c4nary")
    (app / "jobreporter.toml").write_text(config.text.replace("https://pager.example.org", stand_in.url))
    with Dispatcher.from_config() as dispatcher:
        for error in (OSError("a"), OSError("b")):
            with suppress(OSError), dispatcher.begin("reports.nightly"):
                raise error
        dispatcher.close(PATIENCE)

    sent = {(request.path, request.headers["Authorization"]) for request in stand_in.requests}
    assert sent == {("/v1/pages", "Bearer c4nary")}
    pages = "\n".join(request.body.decode() for request in stand_in.requests)
    page = "[error] reports.nightly failed: builtins.OSError:"
    assert pages == f"{page} a\n{page} b"


def test_the_async_reporter_of_the_guide_runs(guide: Path, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_options_of_the_guide_object_together(guide: Path, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    records = (Job, ErrorInfo, Frame, Context, Origin)
    found = {code_words(record)[0]: tuple(code_words(fields)) for record, fields in rows(GUIDE, "record")}
    assert found == {record.__name__: record.__struct_fields__ for record in records}


def test_the_testing_kit_of_the_guide_exists() -> None:
    """Its names are those of `jobreporter.testing`, but for what comes with another."""
    names = [name for names, _ in rows(GUIDE, "name") for name in code_words(names)]
    assert sorted([*names, "Crash", "FileRecorderOptions"]) == sorted(jobreporter.testing.__all__)


def test_the_fixtures_of_the_reference_are_those_that_there_are(tmp_path: Path) -> None:
    """As pytest lists them in a project that has nothing but jobreporter."""
    command = [sys.executable, "-m", "pytest", "--fixtures", "-p", "no:cacheprovider"]
    listed = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=False, timeout=60).stdout
    found = re.findall(r"^(\w+) -- .*pytest_jobreporter\.py:\d+$", listed, re.MULTILINE)
    table = [code_words(name)[0] for name, *_ in rows(ROOT / "docs/api/testing.md", "fixture")]
    assert sorted(found) == sorted(table)
