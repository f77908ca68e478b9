"""The docstrings of what a program calls: each argument has a line of its own, and what may be raised is said."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest

from jobreporter import Dispatcher, Execution
from jobreporter.sources import celery, command, dramatiq, huey

#: The callables, each with whether it raises anything for a caller's mistake.
PUBLIC: dict[Callable[..., Any], bool] = {
    Dispatcher: True,
    Dispatcher.from_config: True,
    Dispatcher.begin: True,
    Dispatcher.resume: True,
    Dispatcher.abort: True,
    Dispatcher.reported: True,
    Dispatcher.flush: True,
    Dispatcher.close: True,
    Execution.fail: True,
    Execution.abort: True,
    Execution.tag: False,
    celery.attach: True,
    dramatiq.attach: True,
    huey.attach: True,
    command.run: False,
}


@pytest.mark.parametrize("called", PUBLIC, ids=lambda called: called.__qualname__)
def test_each_argument_has_its_line(called: Callable[..., Any]) -> None:
    """In a list, by the names that a caller writes; and what is raised stands beside it."""
    said = inspect.getdoc(called) or ""
    listed = [re.findall(r"``(\w+)``", line.partition(":")[0]) for line in said.splitlines() if line.startswith("- ``")]
    arguments = [name for name in inspect.signature(called).parameters if name != "self"]

    assert sorted(name for names in listed for name in names) == sorted(arguments)
    assert not PUBLIC[called] or re.search(r"\b[Rr]aises\b", said)
