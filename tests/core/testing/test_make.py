"""`make_job`, `make_event` and `make_error` say of each argument what it is, and what it is where it isn't given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from jobreporter import EVENTS, ErrorInfo, Job, kind_of
from jobreporter.testing import make_error, make_event, make_job


def told(function: Callable[..., Any]) -> dict[str, str]:
    """What the docstring says of each argument, in one line."""
    items = re.split(r"^- ", inspect.getdoc(function) or "", flags=re.MULTILINE)[1:]
    return {name: " ".join(text.split()) for name, _, text in (item.partition(": ") for item in items)}


def default(text: str) -> Any:
    """The value that stands in the brackets at the end."""
    [code] = re.findall(r"\(``([^`]+)``[^`]*\)$", text)
    return eval(code, {"make_job": make_job, "make_error": make_error})  # noqa: S307 - a docstring of ours


@pytest.mark.parametrize(("function", "record"), [(make_job, Job), (make_error, ErrorInfo)])
def test_every_field_is_documented_with_what_it_is_by_default(function: Callable[[], Any], record: Any) -> None:
    """In the order of the record."""
    documented = told(function)
    assert list(documented) == list(record.__struct_fields__)
    frames = documented.pop("frames", None)
    assert {name: default(text) for name, text in documented.items()} == {
        name: getattr(function(), name) for name in documented
    }
    assert frames is None or [(each.function, each.filename) for each in make_error().frames] == [
        ("nightly", "app/reports.py")
    ]


def test_every_field_of_every_event_is_documented() -> None:
    """With the kinds that have it."""
    documented = told(make_event)
    for event in map(make_event, EVENTS):
        for name in event.__struct_fields__:
            text = documented[name]
            assert default(text) == getattr(event, name)
            assert text.endswith("; all)") or kind_of(event) in text.rpartition("``")[2]
    for name, text in documented.items():
        having = [kind_of(event) for event in map(make_event, EVENTS) if hasattr(event, name)]
        assert re.findall(r"\w+", text.rpartition("``")[2]) in (having, ["all"])
