"""The table calls every implementation as pluggy would."""

from __future__ import annotations

from itertools import chain, permutations
from types import SimpleNamespace
from typing import Any

import pytest
from pluggy import PluginManager

from jobreporter import hookspecs
from jobreporter._plugins.hooks import Call, Hooks, Implementation, Whence, table
from jobreporter._plugins.plugin import load
from jobreporter.context import Context
from jobreporter.events import Event
from jobreporter.hookspecs import ARGUMENTS, HANDLERS, hookimpl
from jobreporter.options import Options
from jobreporter.testing import make_event

CONTEXT = Context(host="host", pid=1, version="0", stats=dict)
WHENCE = Whence(CONTEXT.origin)
OPTIONS = Options()
STATE = object()


def signatures(hook: str) -> list[tuple[str, ...]]:
    """Every subset of the arguments that ``hook`` offers, in every order."""
    offered = ARGUMENTS[hook]
    return list(chain.from_iterable(permutations(offered, size) for size in range(len(offered) + 1)))


CASES = [(hook, arguments) for hook in ARGUMENTS for arguments in signatures(hook)]


def function(arguments: tuple[str, ...], kind: str = "def", first: str = "") -> Any:
    """A function with these arguments that returns them as it got them."""
    names: dict[str, Any] = {}
    parameters = ", ".join(filter(None, (first, *arguments)))
    exec(f"{kind} made({parameters}): return ({''.join(f'{name}, ' for name in arguments)})", names)
    return names["made"]


def call_of(hooks: Hooks, hook: str) -> tuple[Call | None, tuple[object, ...], dict[str, object]]:
    """The call of a hook, what to give it, and the same as arguments for pluggy."""
    if hook == "reporter_start":
        return hooks.start, (OPTIONS, CONTEXT), {"options": OPTIONS, "context": CONTEXT}
    if hook in ("reporter_flush", "reporter_tick", "reporter_stop"):
        return getattr(hooks, hook.removeprefix("reporter_")), (STATE,), {"state": STATE}
    event = event_of(hook)
    offered: dict[str, object] = {"job": event.job, "meta": event, "origin": WHENCE.origin, "state": STATE}
    if hook == "handle_failure":
        error = event.error  # type: ignore[attr-defined]
        offered |= {"error": error, "stacktrace": error.frames}
    return hooks.events.get(type(event)), (event, STATE), offered


def event_of(hook: str) -> Event:
    return make_event({name: kind for kind, name in HANDLERS.items()}[hook])


def same(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def test_the_cases_are_all_there_are() -> None:
    """Six arguments have 1,957 ordered subsets, four have 65, two have 5, one has 2."""
    assert len(CASES) == 1957 + 4 * 65 + 5 + 3 * 2
    assert len(set(CASES)) == len(CASES)


@pytest.mark.parametrize("hook", ARGUMENTS)
def test_an_implementation_receives_what_pluggy_would_hand_it(hook: str) -> None:
    """For every subset and order of the arguments, through the table and through pluggy, they are the same objects."""
    for arguments in signatures(hook):
        plugin = SimpleNamespace(**{hook: hookimpl(function(arguments))})
        manager = PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs)
        manager.register(plugin)
        call, given, offered = call_of(load("x", plugin).start(WHENCE), hook)
        assert call is not None
        [by_pluggy] = getattr(manager.hook, hook)(**offered)
        assert same(call(*given), by_pluggy)
        assert same(by_pluggy, [offered[argument] for argument in arguments])


@pytest.mark.parametrize("hook", ARGUMENTS)
def test_a_method_receives_the_same(hook: str) -> None:
    """Methods of a class, which is made at the start, get the same arguments as functions."""
    for arguments in signatures(hook):
        made = function(arguments, first="self")
        made.__qualname__ = f"Plugin.{hook}"
        call, given, offered = call_of(load("x", type("Plugin", (), {hook: hookimpl(made)})).start(WHENCE), hook)
        assert call is not None
        assert same(call(*given), [offered[argument] for argument in arguments])


@pytest.mark.parametrize("hook", ARGUMENTS)
def test_an_asynchronous_implementation_is_called_the_same_way(hook: str) -> None:
    """Calling an ``async def`` gives its coroutine, which holds the same arguments."""
    for arguments in (ARGUMENTS[hook], ()):
        plugin = SimpleNamespace(**{hook: hookimpl(function(arguments, "async def"))})
        call, given, offered = call_of(load("x", plugin).start(WHENCE), hook)
        assert call is not None
        assert call.asynchronous
        with pytest.raises(StopIteration) as done:
            call(*given).send(None)
        assert same(done.value.value, [offered[argument] for argument in arguments])


@pytest.mark.parametrize("hook", ARGUMENTS)
def test_only_a_handler_that_names_the_state_threads_it(hook: str) -> None:
    """What the other hooks return is no next state, nor what a handler without a state argument returns."""
    for arguments in signatures(hook):
        hooks = table([Implementation(hook, function(arguments), arguments, asynchronous=False)], WHENCE)
        call, _, _ = call_of(hooks, hook)
        assert call is not None
        assert call.hook == hook
        assert not call.asynchronous
        assert call.threads_state == (hook.startswith("handle_") and "state" in arguments)


def test_a_hook_that_is_not_implemented_has_no_call() -> None:
    """The table of nothing is empty, and a lone hook has only its own place in it."""
    assert table([], WHENCE) == Hooks(events={}, start=None, flush=None, tick=None, stop=None)
    for hook in ARGUMENTS:
        hooks = table([Implementation(hook, function(()), (), asynchronous=False)], WHENCE)
        calls = [*hooks.events.values(), *filter(None, (hooks.start, hooks.flush, hooks.tick, hooks.stop))]
        assert [call.hook for call in calls] == [hook]


def test_what_an_implementation_raises_comes_out_as_it_is() -> None:
    """The table neither catches nor wraps, and the traceback names the hook."""

    def failing(job: object) -> None:
        raise KeyError("job")

    hooks = table([Implementation("handle_started", failing, ("job",), asynchronous=False)], WHENCE)
    with pytest.raises(KeyError) as raised:
        hooks.events[type(event_of("handle_started"))](event_of("handle_started"), None)
    files = [str(entry.path) for entry in raised.traceback]
    assert files[-2:] == ["<jobreporter handle_started>", __file__]


def test_the_specification_and_its_table_of_arguments_agree() -> None:
    """The functions of the specification offer what `ARGUMENTS` says, in that order, and there are no others."""
    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    specified = {name: caller.spec.argnames for name, caller in vars(manager.hook).items() if not name.startswith("_")}
    assert specified == ARGUMENTS
