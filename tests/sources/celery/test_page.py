"""What Celery's page says of what is connected and wrapped, beside what `attach` connects and wraps."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from celery import Celery, signals
from celery.utils.dispatch import Signal

from jobreporter.sources.celery import attach

PAGE = (Path(__file__).parents[3] / "docs/sources/celery.md").read_text()
WRAPPED = PAGE.split("## What is wrapped\n")[1].split("\n## ")[0]


@pytest.fixture
def app() -> Celery:
    """One that nobody has attached yet."""
    return Celery("page", set_as_current=False)


def keys(signal: Signal) -> set[object]:
    """Of its receivers. Those of apps that are gone leave when the next one comes, so their number says nothing."""
    return {key for key, _ in signal.receivers or ()}


def test_the_signals_that_are_connected_are_the_ones_that_the_page_names(app: Celery) -> None:
    """No more and no fewer."""
    every = {name: each for name, each in vars(signals).items() if isinstance(each, Signal)}
    before = {name: keys(each) for name, each in every.items()}
    attach(app)
    connected = {name for name, each in every.items() if keys(each) - before[name]}
    [sentence] = re.findall(r"^Celery's signals are connected: (.*)$", WRAPPED, re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", sentence)) == connected


def test_what_is_wrapped_of_a_task_is_what_the_page_names(app: Celery) -> None:
    """Of a task of which everything is the program's own."""

    class Own(app.Task):  # type: ignore[misc,name-defined]  # Celery ships no types
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return super().__call__(*args, **kwargs)

        def before_start(self, *_: object) -> None: ...

    @app.task(base=Own)
    def plain() -> None: ...

    @app.task(base=Own, autoretry_for=(OSError,))
    def retried() -> None: ...

    attach(app)
    app.finalize()
    names = ("run", "_orig_run", "before_start", "__call__")
    wrapped = {
        name
        for task in (app.tasks[plain.name], app.tasks[retried.name])
        for name in names
        if hasattr(getattr(task, name, None), "__jobreporter__")
    }
    [row] = re.findall(r"^\| (`task\.run`.*?) \|", WRAPPED, re.MULTILINE)

    assert wrapped == {each.removeprefix("task.") for each in re.findall(r"`([\w.]+)`", row)} - {"autoretry_for"}
    assert type(app._tasks).__module__ == "celery.app.registry"
    assert type(app._tasks).__setitem__.__module__.startswith("jobreporter.")
    assert "`app._tasks`" in WRAPPED
