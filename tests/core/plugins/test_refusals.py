"""What is refused when a plugin is loaded: each with its own sentence."""

from __future__ import annotations

import abc
import functools
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import pytest

from jobreporter._plugins.plugin import load
from jobreporter.errors import PluginError
from jobreporter.hookspecs import hookimpl

HOOKS = (
    "reporter_start, handle_started, handle_success, handle_aborted, handle_failure, handle_stopped, reporter_flush, "
    "reporter_tick and reporter_stop"
)


def refusal(target: object) -> tuple[str | None, str]:
    """The hook at fault and the sentence with which ``target`` is refused."""
    with pytest.raises(PluginError) as raised:
        load("pager", target)
    return raised.value.hook, raised.value.problem


def module(source: str) -> ModuleType:
    made = ModuleType("jobreporter_pager")
    exec(f"from jobreporter.hookspecs import hookimpl\n{source}", vars(made))
    return made


def test_a_refusal_names_plugin_distribution_and_version() -> None:
    """Whoever reads a refusal learns which package to fix."""
    with pytest.raises(PluginError) as raised:
        load("pager", module(""), distribution="jobreporter-pager", version="1.2")
    assert str(raised.value) == (
        "reporter 'pager' (jobreporter-pager 1.2): module jobreporter_pager has no hook: "
        "nothing in it carries @hookimpl"
    )
    refused = raised.value
    assert (refused.plugin, refused.distribution, refused.version) == ("pager", "jobreporter-pager", "1.2")


def test_an_unknown_hook_is_refused() -> None:
    """A marked function that is named like no hook is told with the nearest one."""
    assert refusal(module("@hookimpl\ndef handle_failed(job): ...")) == (
        "handle_failed",
        "unknown hook 'handle_failed': did you mean 'handle_failure'?",
    )


def test_an_unknown_hook_is_refused_behind_optionalhook() -> None:
    """``optionalhook=True`` hides a misspelling from pluggy, and not from us."""
    assert refusal(module("@hookimpl(optionalhook=True)\ndef handle_sucess(job): ...")) == (
        "handle_sucess",
        "unknown hook 'handle_sucess': did you mean 'handle_success'?",
    )


def test_an_unknown_hook_that_is_near_to_none_is_told_with_all() -> None:
    """Where no hook is near, all are listed instead of a wrong guess."""
    assert refusal(module("@hookimpl\ndef handle_error(job): ...")) == (
        "handle_error",
        f"unknown hook 'handle_error': the hooks are {HOOKS}",
    )


def test_an_unknown_specname_is_refused() -> None:
    """A ``specname`` is held to the specification as well."""
    assert refusal(module("@hookimpl(specname='handle_fail')\ndef page(job): ...")) == (
        "handle_fail",
        "unknown hook 'handle_fail' as the specname of page: did you mean 'handle_failure'?",
    )


def test_a_second_name_for_a_hook_is_refused() -> None:
    """The same function under another name is another hook to pluggy, and none to the specification."""
    target = module("@hookimpl\ndef handle_failure(job): ...\non_failure = handle_failure")
    assert refusal(target) == ("on_failure", "unknown hook 'on_failure': did you mean 'handle_failure'?")


def test_an_unknown_argument_is_refused() -> None:
    """An argument that the hook doesn't offer is told with the nearest, with all, and with a word on newer versions."""
    assert refusal(module("@hookimpl\ndef handle_failure(job, err, state): ...")) == (
        "handle_failure",
        (
            "handle_failure takes 'err' (did you mean 'error'?), but this version of jobreporter offers it "
            "job, error, stacktrace, meta, origin and state; a newer one may offer more"
        ),
    )


def test_an_argument_of_another_hook_is_refused() -> None:
    """What one hook offers, another need not."""
    assert refusal(module("@hookimpl\ndef reporter_flush(queue): ...")) == (
        "reporter_flush",
        "reporter_flush takes 'queue', but this version of jobreporter offers it state; a newer one may offer more",
    )


def test_an_unknown_argument_is_refused_despite_its_default() -> None:
    """pluggy would leave a misspelt argument at its default for ever."""
    assert refusal(module("@hookimpl\ndef handle_started(job, stat=None): ...")) == (
        "handle_started",
        (
            "handle_started takes 'stat' (did you mean 'state'?), but this version of jobreporter offers it "
            "job, meta, origin and state; a newer one may offer more"
        ),
    )


def test_a_hook_without_marker_is_refused() -> None:
    """A function that is named like a hook and not marked would never be called."""
    sentence = "handle_failure is named like a hook, but lacks @hookimpl, which must be its outermost decorator"
    source = "@hookimpl\ndef handle_started(): ...\ndef handle_failure(job): ..."
    assert refusal(module(source)) == ("handle_failure", sentence)


@pytest.mark.parametrize("decorate", [lambda function: function, staticmethod, classmethod])
def test_a_method_without_marker_is_refused(decorate: Any) -> None:
    """A method that is named like a hook is refused as well, whichever kind it is."""
    pager = type("Pager", (), {"handle_failure": decorate(lambda self: None)})
    for target in (pager, pager()):
        assert refusal(target)[1].startswith("handle_failure is named like a hook, but lacks @hookimpl")


def test_an_override_without_marker_is_refused() -> None:
    """A child that overrides a hook has to mark it again."""

    class Parent:
        @hookimpl
        def handle_failure(self, job: Any) -> None: ...

    class Child(Parent):
        def handle_failure(self, job: Any) -> None: ...

    assert refusal(Child)[1].startswith("handle_failure is named like a hook, but lacks @hookimpl")


def test_a_marker_that_a_decorator_lost_is_missed() -> None:
    """A decorator above ``@hookimpl`` that returns another function takes the marker away."""

    def lossy(function: Any) -> Any:
        def handle_failure(job: Any) -> Any:
            return function(job)

        return handle_failure

    target = SimpleNamespace(handle_failure=lossy(hookimpl(lambda job: None)))
    assert refusal(target)[1].startswith("handle_failure is named like a hook, but lacks @hookimpl")


def test_what_is_named_like_a_hook_and_no_function_is_refused() -> None:
    """A property under a hook's name would never be called, whatever it is marked with."""

    class Pager:
        @property
        @hookimpl
        def handle_failure(self) -> None: ...

    assert refusal(Pager) == (
        "handle_failure",
        "handle_failure is named like a hook, but is a property and not a function with @hookimpl",
    )


def test_a_marked_object_that_is_no_function_is_refused() -> None:
    """pluggy passes over a marked partial."""
    marked = hookimpl(functools.partial(lambda job, state: None, state=1))
    assert refusal(SimpleNamespace(handle_failure=marked)) == (
        "handle_failure",
        "handle_failure carries @hookimpl, but is a partial and not a function",
    )


def test_a_function_around_something_else_is_refused() -> None:
    """What wraps no function in the end doesn't tell which arguments it wants."""
    wrapped = functools.wraps(functools.partial(lambda job: None))(lambda *args: None)
    assert refusal(SimpleNamespace(handle_failure=hookimpl(wrapped))) == (
        "handle_failure",
        "handle_failure carries @hookimpl, but wraps a partial and not a function",
    )


def test_a_plugin_without_a_hook_is_refused() -> None:
    """A plugin that implements nothing is a mistake in its entry point."""

    class Pager: ...

    sentence = " has no hook: nothing in it carries @hookimpl"
    assert refusal(module("")) == (None, "module jobreporter_pager" + sentence)
    assert refusal(Pager) == (None, "class Pager" + sentence)
    assert refusal(Pager()) == (None, "an instance of Pager" + sentence)
    assert refusal(None) == (None, "an instance of NoneType" + sentence)
    assert refusal(module("from jobreporter.hookspecs import *")) == (None, "module jobreporter_pager" + sentence)


def test_a_hook_is_no_plugin() -> None:
    """An entry point that names a function is told what it should name."""

    @hookimpl
    def handle_failure(job: Any) -> None: ...

    assert refusal(handle_failure) == (
        None,
        "it is the function handle_failure, but should be the module, class or instance that has the hooks",
    )


def test_variable_arguments_are_refused() -> None:
    """pluggy passes what is named, so ``*args`` and ``**kwargs`` would stay empty."""
    offered = "name what it wants of job, meta, origin and state"
    assert refusal(module("@hookimpl\ndef handle_started(*args): ...")) == (
        "handle_started",
        f"handle_started takes *args, which would stay empty: {offered}",
    )
    assert refusal(module("@hookimpl\ndef handle_started(job, **fields): ...")) == (
        "handle_started",
        f"handle_started takes **fields, which would stay empty: {offered}",
    )


def test_keyword_only_arguments_are_refused() -> None:
    """pluggy doesn't see keyword-only arguments."""
    assert refusal(module("@hookimpl\ndef handle_started(job, *, state): ...")) == (
        "handle_started",
        "handle_started takes 'state' by keyword only, and would not get it: take the * away",
    )


@pytest.mark.parametrize("kind", ["def", "async def"])
def test_generators_are_refused(kind: str) -> None:
    """The body of a generator would never run, nor that of an asynchronous one."""
    assert refusal(module(f"@hookimpl\n{kind} handle_started(job): yield")) == (
        "handle_started",
        "handle_started is a generator, whose body would never run: return instead of yield",
    )


def test_a_generator_inside_a_decorator_is_refused() -> None:
    """A context manager's function makes an object, and runs nothing either."""
    target = module("import contextlib\n@hookimpl\n@contextlib.contextmanager\ndef handle_started(job): yield")
    assert refusal(target)[1] == "handle_started is a generator, whose body would never run: return instead of yield"


@pytest.mark.parametrize("option", ["wrapper", "hookwrapper"])
def test_wrappers_are_refused(option: str) -> None:
    """A reporter has nothing around it that a hook wrapper could wrap."""
    assert refusal(module(f"@hookimpl({option}=True)\ndef handle_started(job): yield")) == (
        "handle_started",
        f"handle_started is marked {option}=True, but there is nothing for it to wrap: use @hookimpl alone",
    )


def test_two_implementations_of_a_hook_are_refused() -> None:
    """One reporter gets one call per event."""
    target = module("@hookimpl\ndef handle_failure(job): ...\n@hookimpl(specname='handle_failure')\ndef page(job): ...")
    assert refusal(target) == (
        "handle_failure",
        "handle_failure has two implementations, page and handle_failure: keep one",
    )


def test_a_coroutine_function_that_hides_is_refused() -> None:
    """A plain function around an ``async def`` may return a coroutine that nobody awaits."""

    async def handle_started(job: Any) -> None: ...

    @hookimpl
    @functools.wraps(handle_started)
    def wrapper(*args: Any) -> Any:
        return handle_started(*args)

    assert refusal(SimpleNamespace(handle_started=wrapper)) == (
        "handle_started",
        (
            "handle_started is an async def inside a decorator's plain function, and might never be awaited: "
            "make that function async def too"
        ),
    )


def test_a_method_without_self_is_refused() -> None:
    """A method whose first parameter is an argument would get the plugin itself there."""

    class Pager:
        @hookimpl
        def handle_started(job, meta): ...  # type: ignore[no-untyped-def]  # noqa: N805 - the mistake itself

    sentence = "handle_started is a method, so its first parameter must be 'self', but is 'job'"
    assert refusal(Pager) == ("handle_started", sentence)
    assert refusal(Pager()) == ("handle_started", sentence)


def test_a_method_without_parameters_is_refused() -> None:
    """A method needs at least ``self``."""

    class Pager:
        @hookimpl
        def handle_started(): ...  # type: ignore[no-untyped-def, misc]

    assert refusal(Pager) == (
        "handle_started",
        "handle_started is a method, so its first parameter must be 'self', but is missing",
    )


def test_a_static_method_with_self_is_refused() -> None:
    """A static method gets no ``self``."""

    class Pager:
        @hookimpl
        @staticmethod
        def handle_started(self, job): ...  # type: ignore[no-untyped-def]  # noqa: PLW0211 - the mistake itself

    assert refusal(Pager)[1].startswith("handle_started takes 'self', but this version of jobreporter offers it job")


def test_a_refusal_names_a_function_that_differs_from_its_hook() -> None:
    """With ``specname``, a sentence names the function and says which hook it is for."""
    assert refusal(module("@hookimpl(specname='handle_failure')\ndef page(*, job): ..."))[1] == (
        "page (for handle_failure) takes 'job' by keyword only, and would not get it: take the * away"
    )


def test_a_class_that_requires_arguments_is_refused() -> None:
    """A class is made anew at each start, and nobody would give it anything."""

    class Pager:
        def __init__(self, url: str, token: str, *rest: str, size: int = 3) -> None: ...

        @hookimpl
        def handle_failure(self, job: Any) -> None: ...

    assert refusal(Pager) == (None, "class Pager is made without arguments at each start, but requires url and token")


def test_an_abstract_class_is_refused() -> None:
    """A class that can't be made is told with what it lacks."""

    class Pager(abc.ABC):
        @hookimpl
        def handle_failure(self, job: Any) -> None:
            self.page()

        @abc.abstractmethod
        def page(self) -> None: ...

    assert refusal(Pager) == (None, "class Pager is abstract: it lacks page")


def test_what_only_pluggy_refuses_is_passed_on() -> None:
    """pluggy doesn't take a function for a method if it was written outside of any class."""

    def handle_started(self: object, job: Any) -> None: ...

    hook, sentence = refusal(type("Pager", (), {"handle_started": hookimpl(handle_started)}))
    assert hook is None
    assert sentence.startswith("pluggy refuses it: Plugin 'pager' for hook 'handle_started'")
    assert "\n" not in sentence


def test_nothing_of_a_refused_plugin_runs() -> None:
    """Refusing is reading: no function of the plugin is called for it."""
    source = "@hookimpl\ndef handle_started(job, typo): raise AssertionError"
    target = module(source)
    assert isinstance(target.handle_started, FunctionType)
    assert refusal(target)[0] == "handle_started"
