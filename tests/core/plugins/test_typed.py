"""`Reporter`, the base for authors whose type checker should know the hooks: nothing of it is a hook by itself."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any, get_type_hints

import pytest

from jobreporter import (
    ARGUMENTS,
    Dispatcher,
    ErrorInfo,
    Failure,
    Job,
    Options,
    Origin,
    PluginError,
    Reporter,
    hookimpl,
    hookspecs,
)
from jobreporter._plugins.plugin import load
from jobreporter.testing import make_event


class Failures(Reporter[Options]):
    """One hook, and state in an attribute."""

    seen: list[tuple[str, str, str]] = []  # noqa: RUF012 - the test's own, over all starts

    @hookimpl
    async def handle_failure(self, job: Job, error: ErrorInfo, meta: Failure, origin: Origin) -> None:
        self.seen.append((job.name, error.message, meta.kind))


@pytest.mark.parametrize("hook", ARGUMENTS)
def test_each_method_is_the_hook(hook: str) -> None:
    """Its arguments are those that the hook offers, of the same types, but for the two that a class has otherwise."""
    specified = get_type_hints(getattr(hookspecs, hook))
    found = get_type_hints(getattr(Reporter, hook))
    assert found.pop("return") == Awaitable[None] | None
    if hook == "reporter_start":
        assert found.pop("options").__bound__ is specified.pop("options")
    expected = {name: kind for name, kind in specified.items() if name not in {"return", "state", "stacktrace"}}
    assert list(found.items()) == list(expected.items())


def test_it_has_the_hooks_and_nothing_else() -> None:
    """A hook that is new gets a method; what else a class inherits might meet a name of its author's."""
    assert {name for name in vars(Reporter) if inspect.isfunction(vars(Reporter)[name])} == set(ARGUMENTS)


def test_what_is_inherited_is_no_hook() -> None:
    """Only what the class implements is called, so that its other events are filtered, and not handled."""
    assert load("failures", Failures).hooks == ("handle_failure",)


def test_a_base_alone_is_refused() -> None:
    """A class that implements nothing has no hook, as any other."""
    with pytest.raises(PluginError, match=r"class Idle has no hook: nothing in it carries @hookimpl"):
        load("idle", type("Idle", (Reporter,), {}))


def test_a_mark_that_was_forgotten_is_told() -> None:
    """A method that lacks `@hookimpl` would never be called."""

    class Forgetful(Failures):
        def handle_stopped(self, *_: Any) -> None: ...

    with pytest.raises(PluginError, match="handle_stopped is named like a hook, but lacks @hookimpl"):
        load("forgetful", Forgetful)


def test_it_runs() -> None:
    """In a dispatcher it is a class like any other."""
    with Dispatcher({"failures": Failures}) as dispatcher:
        for kind in ("started", "failure", "stopped"):
            dispatcher.publish(make_event(kind))
        dispatcher.close(10)
    assert Failures.seen == [("reports.nightly", "boom", "exception")]
    stats = dispatcher.stats()["failures"]
    assert (stats.handled, stats.filtered, stats.lost) == (1, 2, 0)
