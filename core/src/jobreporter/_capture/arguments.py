"""A job's arguments as plain data, kept, redacted or hidden as the config says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from jobreporter._capture.containers import container
from jobreporter._capture.plain import NARROW, WIDE, Walk, all_names, all_plain
from jobreporter._capture.redaction import Redaction, may_need_redaction
from jobreporter._capture.secrets import Eraser, Secrets
from jobreporter._settings import CaptureSettings

# So many functions are remembered.
_REMEMBERED = 1_024


class CapturedArguments(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A job's arguments as `Job` wants them."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}
    #: What was redacted, as text, to be redacted in the job's error too. It goes into no event.
    secrets: tuple[str, ...] = ()


class ArgumentCapture:
    """Captures arguments as ``[capture]`` in the config says."""

    def __init__(self, settings: CaptureSettings) -> None:
        #: What is secret, by the built-in names and those of the config.
        self.redaction = Redaction(settings.redact)
        self._mode = settings.args
        self._bounds = WIDE if settings.args == "full" else NARROW
        self._judged: dict[tuple[str, ...], bool] = {}  # whether any of these names is secret

    def __call__(self, args: Any, kwargs: Any, names: tuple[str, ...] = ()) -> CapturedArguments:
        """Captures one job's arguments; ``names`` are those of the positional ones, as `positional_names` finds them.

        Hidden arguments are looked through all the same, because their secrets must not be in the job's error either.
        What is no tuple or list counts as the only positional argument, and what is no dict as one named ``kwargs``.
        """
        if type(args) is tuple and type(kwargs) is dict:
            if not args and not kwargs:
                return CapturedArguments()
            copy = kwargs.copy() if kwargs else {}  # others may change theirs meanwhile
            if self._are_ready(args, copy, names):
                return CapturedArguments(args=args, kwargs=copy)
        walk = Walk(self._bounds, None if self._mode == "full" else self.redaction)
        positional = _positional(walk, args, names)
        keyword = _keyword(walk, kwargs)
        secrets = walk.secrets.found()
        if self._mode == "hidden":
            return CapturedArguments(secrets=secrets)
        eraser = Eraser(secrets)
        return CapturedArguments(args=eraser.data(positional), kwargs=eraser.data(keyword), secrets=secrets)

    def _are_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any], names: tuple[str, ...]) -> bool:
        """Whether nothing has to be done: a few small scalars under harmless names, as the arguments of most jobs."""
        if self._mode != "redacted" or len(args) + len(kwargs) > NARROW.items or (names and self._is_any_secret(names)):
            return False
        if not self._are_harmless(args):
            return False
        return not kwargs or (
            all_names(kwargs) and not self._is_any_secret(tuple(kwargs)) and self._are_harmless(kwargs.values())
        )

    def _are_harmless(self, values: Iterable[Any]) -> bool:
        if not all_plain(values):
            return False
        for value in values:
            if type(value) is str and may_need_redaction(value) and self.redaction.text(value, Secrets()) is not value:
                return False
        return True

    def _is_any_secret(self, names: tuple[str, ...]) -> bool:
        secret = self._judged.get(names)
        if secret is None:
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            secret = self._judged[names] = any(name in self.redaction.names for name in names)
        return secret


def _positional(walk: Walk, args: Any, names: tuple[str, ...]) -> tuple[Any, ...]:
    if args is None:
        return ()
    builtin = container(type(args))
    if builtin is tuple or builtin is list:
        return tuple(walk.sequence(args, builtin, names=names))
    return (walk.value(args),)


def _keyword(walk: Walk, kwargs: Any) -> dict[str, Any]:
    if kwargs is None:
        return {}
    return walk.mapping(kwargs) if issubclass(type(kwargs), dict) else {"kwargs": walk.value(kwargs)}
