"""The surface that others build on: nothing of it goes by accident, and all of it is documented."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

from jobreporter import hookspecs

from .documents import DOCUMENTS, GUIDE, ROOT, code_words, rows
from .surface import RECORDED, missing, surface

RECORD = "python -m tests.packaging.surface"


@pytest.fixture(scope="module")
def now() -> dict[str, Any]:
    """As it is."""
    return surface()


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    """As it was recorded."""
    found: dict[str, Any] = json.loads(RECORDED.read_text())
    return found


def test_nothing_was_removed_or_renamed(now: dict[str, Any], recorded: dict[str, Any]) -> None:
    """Within a major version, names, fields, arguments, flags and keys are only added."""
    assert sorted(missing(recorded, now)) == [], f"if that is meant, the major version changes; then {RECORD}"


def test_what_is_new_is_recorded(now: dict[str, Any], recorded: dict[str, Any]) -> None:
    """So that it can't go unnoticed from now on."""
    assert sorted(missing(now, recorded)) == [], f"{RECORD} records it"


def test_a_removal_and_a_new_name_are_seen(now: dict[str, Any]) -> None:
    """Of a field, a hook's argument, a whole record, a flag, and a key."""
    changed = json.loads(json.dumps(now))
    changed["fields"]["jobreporter.Job"].remove("queue")
    changed["hooks"]["handle_failure"] = ["job", "err", *now["hooks"]["handle_failure"][2:]]
    del changed["fields"]["jobreporter.Origin"]
    changed["commands"]["jobreporter check"].remove("--json")
    changed["config"]["capture"].remove("args")
    changed["arguments"]["jobreporter.testing.make_job"] = []
    assert sorted(missing(now, changed)) == [
        "/arguments/jobreporter.testing.make_job/fields",
        "/commands/jobreporter check/--json",
        "/config/capture/args",
        "/fields/jobreporter.Job/queue",
        "/fields/jobreporter.Origin",
        "/hooks/handle_failure/error",
    ]


def test_every_hook_is_documented_with_its_arguments(now: dict[str, Any]) -> None:
    """In the guide's table, and no other is."""
    table = {code_words(hook)[0]: code_words(arguments) for hook, _, arguments in rows(GUIDE, "hook")}
    assert table == now["hooks"]


def test_every_hook_that_is_specified_is_in_the_surface(now: dict[str, Any]) -> None:
    """In the order of the specification, each with the arguments that it has there."""
    specified = {
        name: list(inspect.signature(function).parameters)
        for name, function in vars(hookspecs).items()
        if inspect.isfunction(function) and function.__module__ == hookspecs.__name__
    }
    assert specified == now["hooks"]


def test_every_record_of_an_event_is_documented(now: dict[str, Any]) -> None:
    """The guide and the README tell of each field that a handler gets."""
    text = GUIDE.read_text() + (ROOT / "README.md").read_text()
    told = set(re.findall(r"`(?:meta\.)?(\w+)", text))
    of_events = (
        "Job",
        "Started",
        "Success",
        "Aborted",
        "Failure",
        "Stopped",
        "ErrorInfo",
        "Frame",
        "Context",
        "Origin",
    )
    absent = {
        f"{name}.{field}" for name in of_events for field in now["fields"][f"jobreporter.{name}"] if field not in told
    }
    assert absent == set()


def test_every_flag_is_documented(now: dict[str, Any]) -> None:
    """In a document that tells of its command."""
    texts = [document.read_text() for document in DOCUMENTS]
    absent = []
    for path, flags in now["commands"].items():
        command = " ".join(path.split()[:2])
        about = "\n".join(text for text in texts if command in text)
        named = [flag for flag in flags if flag.startswith("--")]
        absent += [f"{path} {flag}" for flag in named if not re.search(rf"{flag}(?![\w-])", about)]
    assert absent == []


def test_every_key_of_the_config_is_documented(now: dict[str, Any]) -> None:
    """In the document about the config; its types and defaults are held to it elsewhere."""
    told = set(code_words((ROOT / "docs/config.md").read_text()))
    absent = {f"[{table}] {key}" for table, keys in now["config"].items() for key in keys if key not in told}
    assert absent == set()


def test_every_option_is_documented(now: dict[str, Any]) -> None:
    """On the page of its reporter, by its name in backticks, as a table or with a value."""
    absent = []
    for reporter, options in now["options"].items():
        page = ROOT / f"plugins/{reporter}/README.md"
        text = (page if page.exists() else ROOT / f"docs/reporters/{reporter}.md").read_text()
        for option in options:
            key = option.split(".")[-1]
            if not re.search(rf"[`.]{key}[`\]]|(?<![\w-]){key} = ", text):
                absent.append(f"{reporter}: {option}")
    assert absent == []
