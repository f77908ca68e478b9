"""What is refused when a plugin is loaded, each in one sentence.

pluggy lets most of this pass in silence, and then a hook never fires or never gets what it named. A rule answers with
the sentence, or with ``None`` where it finds nothing wrong.
"""

from __future__ import annotations

import inspect
from abc import ABCMeta
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import cast

from jobreporter._nearest import nearest
from jobreporter._plugins.marked import Marked
from jobreporter.hookspecs import ARGUMENTS, PROJECT

_MARKER = f"{PROJECT}_impl"
_SPECIFIED = f"{PROJECT}_spec"


def of_target(target: object) -> str | None:
    """What is wrong with the plugin itself: a class that can't be made afresh at each start."""
    if not inspect.isclass(target):
        return None
    if inspect.isabstract(target):
        lacking = sorted(cast(ABCMeta, target).__abstractmethods__)
        return f"class {target.__name__} is abstract: it lacks {_listed(lacking)}"
    required = _required_parameters(target)
    if required:
        return f"class {target.__name__} is made without arguments at each start, but requires {_listed(required)}"
    return None


def of_unmarked(target: object, attribute: str) -> str | None:
    """What is wrong with an attribute that is no implementation to pluggy: it looks like one to its author."""
    value = inspect.getattr_static(target, attribute, None)
    if _carries(value, _MARKER):
        return f"{attribute} carries @hookimpl, but is a {type(value).__name__} and not a function"
    if attribute not in ARGUMENTS or value is None or _carries(value, _SPECIFIED):
        return None  # None takes an inherited hook away, and the specification itself may be imported
    if isinstance(value, FunctionType | staticmethod | classmethod):
        return f"{attribute} is named like a hook, but lacks @hookimpl, which must be its outermost decorator"
    return f"{attribute} is named like a hook, but is a {type(value).__name__} and not a function with @hookimpl"


def of_hookless(target: object) -> str:
    """What is wrong with a plugin in which nothing is marked."""
    if inspect.isfunction(target):
        return f"it is the function {target.__name__}, but should be the module, class or instance that has the hooks"
    return f"{_described(target)} has no hook: nothing in it carries @hookimpl"


def of_marked(marked: Marked, found: Iterable[Marked]) -> str | None:
    """The first thing that is wrong with an implementation, by itself or among all that were found."""
    for rule in _RULES:
        if sentence := rule(marked):
            return sentence
    return _second_implementation(marked, found)


def _unknown_hook(marked: Marked) -> str | None:
    if marked.hook in ARGUMENTS:
        return None
    named = "" if marked.hook == marked.attribute else f" as the specname of {marked.attribute}"
    # The names share long parts, so what is not quite near is rather another hook than this one misspelt.
    remedy = _did_you_mean(marked.hook, ARGUMENTS, cutoff=0.7) or f"the hooks are {_listed(ARGUMENTS)}"
    return f"unknown hook {marked.hook!r}{named}: {remedy}"


def _wrapper(marked: Marked) -> str | None:
    for option in ("wrapper", "hookwrapper"):
        if marked.marker.get(option):
            return f"{marked.label} is marked {option}=True, but there is nothing for it to wrap: use @hookimpl alone"
    return None


def _not_a_function(marked: Marked) -> str | None:
    if inspect.isfunction(marked.inner):
        return None
    return f"{marked.label} carries @hookimpl, but wraps a {type(marked.inner).__name__} and not a function"


def _generator(marked: Marked) -> str | None:
    for function in (marked.function, marked.inner):
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            return f"{marked.label} is a generator, whose body would never run: return instead of yield"
    return None


def _hidden_coroutine(marked: Marked) -> str | None:
    if inspect.iscoroutinefunction(marked.function) or not inspect.iscoroutinefunction(marked.inner):
        return None
    return (
        f"{marked.label} is an async def inside a decorator's plain function, and might never be awaited: "
        "make that function async def too"
    )


def _variadic(marked: Marked) -> str | None:
    code = marked.code
    names = code.co_varnames[code.co_argcount :]
    if code.co_kwonlyargcount:
        return f"{marked.label} takes {names[0]!r} by keyword only, and would not get it: take the * away"
    for flag, stars in ((inspect.CO_VARARGS, "*"), (inspect.CO_VARKEYWORDS, "**")):
        if code.co_flags & flag:
            offered = _listed(ARGUMENTS[marked.hook])
            return f"{marked.label} takes {stars}{names[0]}, which would stay empty: name what it wants of {offered}"
    return None


def _without_self(marked: Marked) -> str | None:
    first = marked.code.co_varnames[: min(1, marked.code.co_argcount)]
    # pluggy tells a method by these two names as well.
    if not marked.method or first in (("self",), ("cls",)):
        return None
    found = repr(first[0]) if first else "missing"
    return f"{marked.label} is a method, so its first parameter must be 'self', but is {found}"


def _unknown_argument(marked: Marked) -> str | None:
    offered = ARGUMENTS[marked.hook]
    for argument in marked.arguments:
        if argument not in offered:
            question = _did_you_mean(argument, offered, cutoff=0.6)
            return (
                f"{marked.label} takes {argument!r}{question and f' ({question})'}, but this version of jobreporter "
                f"offers it {_listed(offered)}; a newer one may offer more"
            )
    return None


def _second_implementation(marked: Marked, found: Iterable[Marked]) -> str | None:
    for other in found:
        if other.hook == marked.hook and other.attribute != marked.attribute:
            return f"{marked.hook} has two implementations, {other.attribute} and {marked.attribute}: keep one"
    return None


_RULES: tuple[Callable[[Marked], str | None], ...] = (
    _unknown_hook,
    _wrapper,
    _not_a_function,
    _generator,
    _hidden_coroutine,
    _variadic,
    _without_self,
    _unknown_argument,
)


def _carries(value: object, marker: str) -> bool:
    # Statically, because a module may hold proxies and mocks that answer to any name, or run code.
    return isinstance(inspect.getattr_static(value, marker, None), dict)


def _did_you_mean(word: str, known: Iterable[str], cutoff: float) -> str:
    """The question that suggests the nearest known word, or nothing if none is near."""
    close = nearest(word, known, cutoff=cutoff)
    return f"did you mean {close!r}?" if close else ""


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _described(target: object) -> str:
    if inspect.ismodule(target) or inspect.isclass(target):
        return f"{'module' if inspect.ismodule(target) else 'class'} {target.__name__}"
    return f"an instance of {type(target).__name__}"


def _required_parameters(target: type) -> list[str]:
    """What a class can't be made without; nothing where that can't be told, and its start will tell."""
    try:
        parameters = inspect.signature(target).parameters.values()
    except (NameError, TypeError, ValueError):  # an annotation out of reach; a class written in C
        return []
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [each.name for each in parameters if each.default is each.empty and each.kind not in optional]
