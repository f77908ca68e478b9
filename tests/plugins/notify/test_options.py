"""What may be configured, and what is said of a config that is wrong."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import msgspec
import pytest

import jobreporter_notify
from jobreporter import ConfigError, Dispatcher, Secret
from jobreporter_notify import NotifyOptions, NotifyReporter
from jobreporter_notify._template import FIELDS, Template

README = (Path(__file__).parents[3] / "plugins/notify/README.md").read_text()
TO = {"chat": "json://localhost/c4nary"}

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({"to": {}}, "to names nobody: expected a name and a URL"),
    "no table": ({}, "option 'to' is missing: expected a table"),
    "a text": ({"to": "json://localhost/c4nary"}, "option 'to': expected a table, found text"),
    "a name": ({"to": {"a b": "json://localhost/c4nary"}}, "a name in to has other characters than letters"),
    "a service": (
        {"to": {"chat": "slak://c4nary"}},
        "to.chat: Apprise knows no service 'slak://'. Did you mean 'slack://'?",
    ),
    "a kind": ({"to": TO, "tell": ["open"]}, "option 'tell[0]': expected "),
    "nothing told": ({"to": TO, "tell": []}, "tell is empty, so nothing would ever be told"),
    "too often": ({"to": TO, "repeat": "1m"}, "option 'repeat': expected "),
    "no duration": ({"to": TO, "wait": "soon"}, "option 'wait': expected a duration"),
    "a field": ({"to": TO, "title": "{hapening}"}, "title: there is no field {hapening}. Did you mean {happening}?"),
    "another field": ({"to": TO, "body": "{zzz}"}, "body: there is no field {zzz}: the fields are happening, what"),
    "an attribute": ({"to": TO, "body": "{what.__class__}"}, "body: there is no field {what.__class__}"),
    "a format": ({"to": TO, "body": "{what:>10}"}, "body: there is no field {what:}"),
    "a brace": ({"to": TO, "body": "{what"}, "a brace that is none of a field is written twice"),
    "a zone": ({"to": TO, "timezone": "Vienna"}, "timezone: 'Vienna' is not known here"),
    "a path": ({"to": TO, "timezone": "/etc/passwd"}, "timezone: '/etc/passwd' is not known here"),
    "a store": ({"to": TO, "store": 7}, "option 'store': expected a secret"),
    "unknown": ({"to": TO, "urls": []}, "unknown option 'urls'"),
}


@pytest.mark.parametrize(("table", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_a_sentence(table: dict[str, Any], sentence: str) -> None:
    """A config that can't be meant is refused before anything starts, and no URL is quoted."""
    with pytest.raises(ConfigError) as refused:
        Dispatcher(reporters={"notify": NotifyReporter}, config={"reporters": {"notify": table}})
    assert sentence in str(refused.value)
    assert "c4nary" not in str(refused.value)


def test_a_url_may_come_from_somewhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by itself."""
    monkeypatch.setenv("NOTIFY_CHAT", "json://localhost/c4nary")
    table = {
        "to": {"chat": {"env": "NOTIFY_CHAT"}, "hook": "json://localhost/hook"},
        "store": "sqlite:////tmp/none/x.db",
    }
    with Dispatcher(reporters={"notify": NotifyReporter}, config={"reporters": {"notify": table}}) as dispatcher:
        assert dispatcher.flush(20)


def test_the_readme_has_every_option_and_field() -> None:
    """With its default, in the order of the options, and with what the fields are."""
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|", README, re.MULTILINE)
    names = [field.name for field in msgspec.structs.fields(NotifyOptions)]
    assert [name for name, *_ in rows if name in names] == names
    fields = dict(re.findall(r"^\| `\{(\w+)\}` \| (.+) \|$", README, re.MULTILINE))
    assert fields == FIELDS


def test_a_template_leaves_out_empty_lines() -> None:
    """A line whose fields are all empty, and none that has no field."""
    template = Template("{what} at {place}\n{link}\n\n{late}{release}\n{{braces}}")
    fields = dict.fromkeys(FIELDS, "") | {"what": "Error", "release": "1.0"}
    assert template.render(fields) == "Error at \n\n1.0\n{braces}"


def test_the_public_names() -> None:
    """What the entry point names, and its options."""
    assert jobreporter_notify.__all__ == ["NotifyOptions", "NotifyReporter"]
    [found] = entry_points(group="jobreporter.reporters", name="notify")
    assert found.load() is NotifyReporter
    assert NotifyOptions(to={"a": Secret("json://localhost/x")}).repeat_after == 86_400.0
    assert NotifyOptions(to={"a": Secret("json://localhost/x")}, repeat="never").repeat_after is None
