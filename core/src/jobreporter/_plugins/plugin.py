"""Loading a plugin: from whatever an entry point names to a reporter that is known to do what its author meant."""

from __future__ import annotations

import inspect
from collections import ChainMap
from collections.abc import Callable
from functools import partial

import msgspec
from pluggy import PluginManager, PluginValidationError

from jobreporter import hookspecs
from jobreporter._plugins import refusals
from jobreporter._plugins.hooks import Hooks, Implementation, Whence, table
from jobreporter._plugins.marked import Marked
from jobreporter._plugins.schema import options_type
from jobreporter.errors import PluginError
from jobreporter.options import Options


class Plugin(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plugin whose every hook is known to fire and to get what it names. Nothing of it runs yet."""

    #: The reporter's name.
    name: str
    #: What it was installed from; ``None`` for an object that was passed in.
    distribution: str | None
    version: str | None
    #: What ``reporter_start`` annotates ``options`` with: `Options` itself without an annotation, ``None`` if it
    #: doesn't name them. In both cases any option in the config is an error.
    options_type: type[Options] | None
    #: The hooks that it implements, in the order of the specification.
    hooks: tuple[str, ...]
    #: Whether any of them is ``async def``.
    asynchronous: bool
    #: The module, class or instance.
    target: object
    #: Its functions, in the order of ``hooks``.
    marked: tuple[Marked, ...]

    @property
    def ticks(self) -> bool:
        """Whether it does something by time, with events or without."""
        return "reporter_tick" in self.hooks

    def start(self, whence: Whence | None = None) -> Hooks:
        """The calls of a fresh start. A class is made anew for each, and its ``__init__`` may raise anything.

        whence: what the handlers that name ``origin`` get it from.
        """
        whence = whence or Whence()
        if not inspect.isclass(self.target):
            return table((_implementation(marked, marked.function) for marked in self.marked), whence)
        instance = self.target()
        return table((_implementation(marked, getattr(instance, marked.attribute)) for marked in self.marked), whence)


def load(name: str, target: object, *, distribution: str | None = None, version: str | None = None) -> Plugin:
    """Reads and validates ``target``, a module, a class or an instance, and runs nothing of it.

    Raises `PluginError` for the first thing that would not do what its author meant.
    """
    refuse = partial(PluginError, name, distribution=distribution, version=version)
    if sentence := refusals.of_target(target):
        raise refuse(sentence)

    manager = PluginManager(hookspecs.PROJECT)
    found = []
    for attribute in dir(target):
        marker = manager.parse_hookimpl_opts(target, attribute)
        if marker is not None:
            found.append(Marked.read(target, attribute, marker))
        elif sentence := refusals.of_unmarked(target, attribute):
            raise refuse(sentence, hook=attribute)
    if not found:
        raise refuse(refusals.of_hookless(target))
    for marked in found:
        if sentence := refusals.of_marked(marked, found):
            raise refuse(sentence, hook=marked.hook)

    # What remains is pluggy's to say: its own rules, and its warnings about what is deprecated in the specification.
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(target, name)
        manager.check_pending()
    except PluginValidationError as error:
        raise refuse(f"pluggy refuses it: {' '.join(str(error).split())}") from error

    implemented = {marked.hook: marked for marked in found}
    hooks = tuple(hook for hook in hookspecs.ARGUMENTS if hook in implemented)
    try:
        schema = _schema(target, implemented.get("reporter_start"))
    except TypeError as error:
        raise refuse(str(error), hook="reporter_start") from error
    return Plugin(
        name=name,
        distribution=distribution,
        version=version,
        options_type=schema,
        hooks=hooks,
        asynchronous=any(inspect.iscoroutinefunction(marked.function) for marked in found),
        target=target,
        marked=tuple(implemented[hook] for hook in hooks),
    )


def _schema(target: object, start: Marked | None) -> type[Options] | None:
    if start is None or "options" not in start.arguments:
        return None
    written_in = () if inspect.ismodule(target) else inspect.getmro(target if inspect.isclass(target) else type(target))
    return options_type(start.inner, ChainMap({}, *(dict(vars(each)) for each in written_in)))


def _implementation(marked: Marked, function: Callable[..., object]) -> Implementation:
    return Implementation(marked.hook, function, marked.arguments, inspect.iscoroutinefunction(function))
