"""One function of a plugin that carries ``@hookimpl``, as pluggy would call it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import NamedTuple, cast

from pluggy import HookimplOpts


class Marked(NamedTuple):
    """A function that a plugin marked as an implementation; `load` makes sure that it is right."""

    #: What the plugin calls it.
    attribute: str
    #: The hook that it is meant for: its name, or its ``specname``.
    hook: str
    #: As its object hands it out: bound, but for the methods of a class.
    function: Callable[..., object]
    #: Without its decorators: where pluggy looks for the arguments.
    inner: Callable[..., object]
    #: Whether the first parameter is the instance or the class.
    method: bool
    marker: HookimplOpts

    @classmethod
    def read(cls, target: object, attribute: str, marker: HookimplOpts) -> Marked:
        """What ``target`` has under the name ``attribute``, where pluggy found ``marker``."""
        function = getattr(target, attribute)
        decorators: list[object] = []
        inner = inspect.unwrap(function, stop=decorators.append)
        unbound = inspect.isclass(target) and inspect.isfunction(inspect.getattr_static(target, attribute))
        method = unbound or any(map(inspect.ismethod, (function, *decorators, inner)))
        inner = getattr(inner, "__func__", inner)
        return cls(attribute, marker.get("specname") or attribute, function, inner, method, marker)

    @property
    def code(self) -> CodeType:
        return cast(FunctionType, self.inner).__code__

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments that it names, in its order. A default changes nothing: pluggy passes those as well."""
        return self.code.co_varnames[int(self.method) : self.code.co_argcount]

    @property
    def label(self) -> str:
        """What a refusal calls it."""
        return self.hook if self.hook == self.attribute else f"{self.attribute} (for {self.hook})"
