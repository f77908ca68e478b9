"""What a plugin may look like, and what is known of it once it is loaded."""

from __future__ import annotations

import functools
import inspect
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jobreporter._plugins.plugin import Plugin, load
from jobreporter.errors import PluginError
from jobreporter.hookspecs import ARGUMENTS, hookimpl
from jobreporter.options import Options
from jobreporter.testing import FileRecorder, FileRecorderOptions, Recorder, make_event

EVENT = make_event("started")


def module(source: str, **names: object) -> ModuleType:
    """A module written as text, as an entry point would name it."""
    made = ModuleType("plugin")
    vars(made).update(names, hookimpl=hookimpl, Options=Options)
    exec(compile(source, "<plugin>", "exec", dont_inherit=True), vars(made))
    return made


def call_started(plugin: Plugin, state: object = None) -> Any:
    """What ``handle_started`` of a fresh start returns."""
    return plugin.start().events[type(EVENT)](EVENT, state)


def test_a_module_is_a_plugin() -> None:
    """The marked functions of a module are its hooks."""
    plugin = load("x", module("@hookimpl\ndef handle_started(state, job): return job.name, state"))
    assert plugin.hooks == ("handle_started",)
    assert call_started(plugin, 7) == ("reports.nightly", 7)


def test_an_instance_is_used_as_it_is() -> None:
    """Every start of an instance calls the same object."""
    recorder = Recorder()
    plugin = load("x", recorder)
    assert plugin.hooks == tuple(hook for hook in ARGUMENTS if hook != "reporter_tick")
    call_started(plugin, 0)
    call_started(plugin, 5)
    assert [call.state for call in recorder.calls] == [0, 5]


def test_a_class_is_made_afresh_at_each_start() -> None:
    """The attributes of a class plugin are state: a new start doesn't see the old ones, and loading makes none."""

    class Counter:
        made = 0

        def __init__(self) -> None:
            Counter.made += 1
            self.seen = 0

        @hookimpl
        def handle_started(self) -> int:
            self.seen += 1
            return self.seen

    plugin = load("x", Counter)
    assert Counter.made == 0
    hooks = plugin.start()
    assert [hooks.events[type(EVENT)](EVENT, None) for _ in range(2)] == [1, 2]
    assert call_started(plugin) == 1
    assert Counter.made == 2


def test_what_a_class_raises_when_it_is_made_comes_out_of_start() -> None:
    """Loading a class says nothing about whether it can start."""

    class Failing:
        def __init__(self) -> None:
            raise OSError("no such port")

        @hookimpl
        def handle_started(self) -> None: ...

    plugin = load("x", Failing)
    with pytest.raises(OSError, match="no such port"):
        plugin.start()


def test_hooks_are_in_the_order_of_the_specification() -> None:
    """However a plugin is written, its hooks are listed as the specification lists them."""
    plugin = load(
        "x",
        module(
            "@hookimpl\ndef handle_failure(error): ...\n"
            "@hookimpl\ndef handle_aborted(job): ...\n"
            "@hookimpl\ndef reporter_start(): ..."
        ),
    )
    assert plugin.hooks == ("reporter_start", "handle_aborted", "handle_failure")


def test_static_and_class_methods_are_hooks() -> None:
    """A class plugin may implement a hook by a static method or a class method, marked on either side."""

    class Static:
        @hookimpl
        @staticmethod
        def handle_started(job: Any) -> tuple[str, Any]:
            return "static", job.name

        @classmethod
        @hookimpl
        def handle_success(cls, state: Any) -> tuple[type, Any]:
            return cls, state

    hooks = load("x", Static).start()
    assert hooks.events[type(EVENT)](EVENT, None) == ("static", "reports.nightly")
    success = make_event("success")
    assert hooks.events[type(success)](success, 3) == (Static, 3)
    assert load("x", Static()).hooks == ("handle_started", "handle_success")


def test_hooks_are_inherited() -> None:
    """A class has the hooks of its parents; ``None`` under a hook's name takes one away."""

    class Parent:
        @hookimpl
        def handle_started(self) -> str:
            return "parent"

        @hookimpl
        def handle_stopped(self) -> None: ...

    class Child(Parent):
        handle_stopped = None  # type: ignore[assignment]

    plugin = load("x", Child)
    assert plugin.hooks == ("handle_started",)
    assert call_started(plugin) == "parent"


def test_imported_functions_count() -> None:
    """A module may gather its hooks from others, and may import the specification without implementing it."""
    parts = module("@hookimpl\ndef handle_started(job): return job.id")
    source = "from jobreporter.hookspecs import *\nfrom jobreporter.hookspecs import reporter_stop"
    whole = module(source, parts=parts)
    whole.handle_started = parts.handle_started  # type: ignore[attr-defined]
    plugin = load("x", whole)
    assert plugin.hooks == ("handle_started",)
    assert call_started(plugin) == "job-1"


def test_specname_names_the_hook() -> None:
    """A function may have a name of its own, if its marker names the hook."""

    class Named:
        @hookimpl(specname="handle_started")
        def on_start(self, job: Any) -> Any:
            return job.id

    assert load("x", Named).hooks == ("handle_started",)
    assert call_started(load("x", Named)) == "job-1"


def test_functions_on_an_instance_are_not_bound() -> None:
    """A function stored on an instance gets no ``self``, as in any call of it."""
    plugin = load("x", SimpleNamespace(handle_started=hookimpl(lambda job, state: (job.id, state))))
    assert call_started(plugin, 1) == ("job-1", 1)


def test_a_bound_method_in_a_module_is_a_hook() -> None:
    """A module may hand out the methods of an object that it holds."""
    held = Recorder()
    plugin = load("x", module("handle_started = held.handle_started", held=held))
    assert call_started(plugin, 4) == 5
    assert held.names() == ["handle_started"]


def test_arguments_are_those_of_the_innermost_function() -> None:
    """A decorator that keeps ``__wrapped__`` may take anything: what it wraps says which arguments are wanted."""

    def traced(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return "traced", function(*args, **kwargs)

        return wrapper

    class Traced:
        @hookimpl
        @traced
        def handle_started(self, state: Any, job: Any) -> Any:
            return state, job.id

    assert call_started(load("x", Traced), 2) == ("traced", (2, "job-1"))
    assert call_started(load("x", Traced()), 2) == ("traced", (2, "job-1"))
    bound = functools.wraps(Traced().handle_started)(lambda *args: args)
    assert call_started(load("x", module("", handle_started=bound)), 2) == (2, EVENT.job)


def test_an_argument_with_a_default_is_passed() -> None:
    """A default changes nothing about an argument that is offered."""
    plugin = load("x", module("@hookimpl\ndef handle_started(job, state='default'): return state"))
    assert call_started(plugin, "given") == "given"


def test_positional_only_arguments_are_passed() -> None:
    """A hook may keep its arguments from being named by callers."""
    plugin = load("x", module("@hookimpl\ndef handle_started(job, state=None, /): return state"))
    assert call_started(plugin, "given") == "given"


def test_async_hooks_are_known() -> None:
    """A plugin is asynchronous as soon as one of its hooks is."""
    mixed = module("@hookimpl\nasync def handle_started(job): return job.id\n@hookimpl\ndef handle_stopped(): ...")
    plugin = load("x", mixed)
    assert plugin.asynchronous
    coroutine = call_started(plugin)
    with pytest.raises(StopIteration) as done:
        coroutine.send(None)
    assert done.value.value == "job-1"
    assert not load("x", Recorder()).asynchronous


if sys.version_info >= (3, 12):  # inspect.markcoroutinefunction is new in 3.12

    def test_a_function_marked_as_coroutine_function_is_asynchronous() -> None:
        """A decorator's plain function that hands out a coroutine can say so."""

        async def handle_started(job: Any) -> Any:
            return job.id

        @functools.wraps(handle_started)
        def wrapper(*args: Any) -> Any:
            return handle_started(*args)

        inspect.markcoroutinefunction(wrapper)  # type: ignore[attr-defined]
        assert load("x", SimpleNamespace(handle_started=hookimpl(wrapper))).asynchronous


def test_a_class_written_in_c_may_be_the_parent() -> None:
    """Where a class doesn't tell what it is made with, only its start shows it."""

    class Plugin(dict):  # type: ignore[type-arg]
        @hookimpl
        def handle_started(self, job: Any) -> Any:
            return self.setdefault("seen", job.id)

    assert call_started(load("x", Plugin)) == "job-1"


def test_a_class_may_have_optional_parameters() -> None:
    """What a class can be made without is its own affair."""

    class Plugin:
        def __init__(self, size: int = 3, *rest: object, **more: object) -> None:
            self.size = size

        @hookimpl
        def handle_started(self) -> int:
            return self.size

    assert call_started(load("x", Plugin)) == 3


def test_objects_that_answer_to_any_name_do_no_harm() -> None:
    """A module may hold proxies whose every attribute runs code: loading asks them nothing."""

    class Proxy:
        def __getattr__(self, name: str) -> object:
            raise RuntimeError("working outside of a request")

    plugin = load("x", module("@hookimpl\ndef handle_started(): ...", request=Proxy()))
    assert plugin.hooks == ("handle_started",)


def test_a_plugin_keeps_what_it_was_installed_from() -> None:
    """A plugin knows its reporter's name, its distribution and its version."""
    plugin = load("x", Recorder(), distribution="jobreporter-x", version="1.2")
    assert (plugin.name, plugin.distribution, plugin.version) == ("x", "jobreporter-x", "1.2")
    assert load("x", Recorder()).distribution is None


# What a plugin's options may be.


class PagerOptions(Options):
    token: str


def test_the_annotation_of_options_is_their_schema() -> None:
    """``reporter_start(options: PagerOptions)`` declares the plugin's options."""
    plugin = load("x", module("@hookimpl\ndef reporter_start(options: PagerOptions): ...", PagerOptions=PagerOptions))
    assert plugin.options_type is PagerOptions
    assert load("x", FileRecorder).options_type is FileRecorderOptions


def test_options_that_are_not_named_do_not_exist() -> None:
    """Without ``options`` in ``reporter_start``, or without that hook, a plugin has no options type."""
    assert load("x", module("@hookimpl\ndef reporter_start(context): ...")).options_type is None
    assert load("x", module("@hookimpl\ndef handle_started(): ...")).options_type is None


def test_options_without_an_annotation_are_empty() -> None:
    """A ``reporter_start(options)`` gets plain `Options`, which has no fields."""
    assert load("x", module("@hookimpl\ndef reporter_start(options): ...")).options_type is Options


def test_other_annotations_are_not_looked_up() -> None:
    """What only a type checker imports may stand in any other annotation."""
    source = (
        "from __future__ import annotations\n"
        "@hookimpl\ndef reporter_start(options: PagerOptions, context: Absent) -> Absent: ..."
    )
    assert load("x", module(source, PagerOptions=PagerOptions)).options_type is PagerOptions


if sys.version_info >= (3, 14):  # before, annotations are evaluated where they stand

    def test_other_annotations_are_not_evaluated() -> None:
        """Where annotations are evaluated late, one that names nothing is told, and another one does no harm."""
        source = "@hookimpl\ndef reporter_start(options: PagerOptions, context: Absent): ..."
        assert load("x", module(source, PagerOptions=PagerOptions)).options_type is PagerOptions
        assert refused("@hookimpl\ndef reporter_start(options: Absent): ...") == (
            "reporter_start annotates options with Absent, which is not a subclass of jobreporter.Options"
        )


def test_options_may_be_declared_inside_the_class() -> None:
    """An annotation kept as text is looked up in the class of its method, and in that class's parents, first."""

    class Parent:
        class Options(Options):
            url: str

    class Reporter(Parent):
        @hookimpl
        def reporter_start(self, options: Options) -> None: ...

    assert load("x", Reporter).options_type is Parent.Options
    assert load("x", Reporter()).options_type is Parent.Options


def test_options_may_be_declared_inside_a_function() -> None:
    """An annotation kept as text is found in a function around it, if the hook itself uses the name."""

    class LocalOptions(Options):
        url: str

    class Reporter:
        @hookimpl
        def reporter_start(self, options: LocalOptions) -> type[Options]:
            return LocalOptions

    assert load("x", Reporter).options_type is LocalOptions


def refused(source: str, **names: object) -> str:
    with pytest.raises(PluginError) as raised:
        load("x", module(source, **names))
    assert raised.value.hook == "reporter_start"
    return raised.value.problem


def test_options_that_cannot_be_found_are_refused() -> None:
    """An annotation that names nothing is told by its text."""
    source = "from __future__ import annotations\n@hookimpl\ndef reporter_start(options: Absent): ..."
    assert refused(source) == (
        "reporter_start annotates options with Absent, which can't be found (NameError: name 'Absent' is not defined): "
        "define or import it at the top of the module"
    )


@pytest.mark.parametrize(
    ("annotation", "found"),
    [
        ("dict", "dict"),
        ("int", "int"),
        ("Options | None", "jobreporter.options.Options | None"),
        ("'Options | None'", "jobreporter.options.Options | None"),
        ("'\"int\"'", "int"),
    ],
)
def test_options_that_are_no_options_are_refused(annotation: str, found: str) -> None:
    """The annotation has to be a subclass of `Options`."""
    assert refused(f"@hookimpl\ndef reporter_start(options: {annotation}): ...") == (
        f"reporter_start annotates options with {found}, which is not a subclass of jobreporter.Options"
    )
