"""A job's arguments as plain data, kept, redacted or hidden as the config says."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

import msgspec

from jobreporter._capture.bounds import HIGHEST, LOWEST, NARROW, WIDE
from jobreporter._capture.eraser import Eraser
from jobreporter._capture.gathering import Gathering
from jobreporter._capture.named_beside import are_pairs
from jobreporter._capture.plain import all_names
from jobreporter._capture.redaction import SIGNS, Redaction
from jobreporter._capture.secrets import Secrets
from jobreporter._capture.walk import Walk
from jobreporter._config.settings import CaptureSettings
from jobreporter._foreign.containers import container
from jobreporter._foreign.signatures import Names, Wrapped

# So many functions, and names of jobs, are remembered, and no name that is longer.
_REMEMBERED = 1_024
_LONGEST_REMEMBERED = 200
# Positional arguments that a function can name.
_MOST_NAMED = 255


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
        self.redaction = Redaction(settings.redact, known_shapes=settings.known_shapes)
        self._mode = settings.args
        self._bounds = WIDE if settings.args == "full" else NARROW
        self._judged: dict[Names, bool] = {}  # whether any of these names is secret
        #: Names of jobs and queues that say of nothing that it is secret. ``None`` is for jobs without a queue.
        self.harmless: set[str | None] = {None}

    def __call__(self, args: Any, kwargs: Any, names: Names | Wrapped = ()) -> CapturedArguments:
        """Captures one job's arguments; ``names`` are those of the positional ones, as `positional_names` finds them.

        Hidden arguments are looked through all the same, because their secrets must not be in the job's error either.
        What is no tuple or list counts as the only positional argument, and what is no dict as one named ``kwargs``.
        """
        if isinstance(names, Wrapped):
            names = self._aligned(names, args, kwargs)
        if type(args) is tuple and type(kwargs) is dict:
            if not args and not kwargs:
                return CapturedArguments()
            copy = kwargs.copy() if kwargs else {}  # others may change theirs meanwhile
            if self._are_ready(args, copy, names):
                return CapturedArguments(args=args, kwargs=copy)
        if self._mode == "full":
            walk = Walk(self._bounds)
            return CapturedArguments(args=_positional(walk, args, names), kwargs=_keyword(walk, kwargs))
        if self._mode == "hidden":
            return CapturedArguments(secrets=self._gathered(Secrets(), args, kwargs, names))
        walk = Walk(self._bounds, self.redaction)
        positional, keyword = _positional(walk, args, names), _keyword(walk, kwargs)
        secrets = self._gathered(walk.secrets, args, kwargs, names) if walk.has_cut else walk.secrets.found()
        eraser = Eraser(secrets)
        return CapturedArguments(args=eraser.data(positional), kwargs=eraser.data(keyword), secrets=secrets)

    def without(self, args: tuple[Any, ...], values: Any) -> tuple[Any, ...]:
        """Captured arguments without what is secret among some other values, unless they are recorded as they are."""
        if self._mode == "full":
            return args
        secrets = Secrets()
        Gathering(self.redaction, secrets).values(values)
        without: tuple[Any, ...] = Eraser(secrets.found()).data(args)
        return without

    def facts(self, extra: Any, secrets: tuple[str, ...]) -> tuple[Any, tuple[str, ...]]:
        """A source's own facts as plain data without secrets, and all secrets that are known then."""
        if type(extra) is dict and len(extra) <= NARROW.items:
            copy = extra.copy()
            if all_names(copy) and not self._is_any_secret(tuple(copy)) and self._are_harmless(copy.values()):
                return (Eraser(secrets).data(copy) if secrets else copy), secrets
        walk = Walk(WIDE, self.redaction)
        walk.secrets = Secrets(secrets)
        facts = walk.value(extra)
        secrets = walk.secrets.found()
        return Eraser(secrets).data(facts), secrets

    def text(self, text: str) -> str:
        """A short text that is mostly the same, such as a job's name, without what it says to be secret."""
        shown = self.redaction.text(text, Secrets())
        if shown is text and len(text) <= _LONGEST_REMEMBERED:
            if len(self.harmless) >= _REMEMBERED:
                self.harmless.clear()
            self.harmless |= {None, text}
        return shown

    def _gathered(self, secrets: Secrets, args: Any, kwargs: Any, names: Names) -> tuple[str, ...]:
        Gathering(self.redaction, secrets).arguments(args, names, kwargs)
        return secrets.found()

    def _aligned(self, wrapped: Wrapped, args: Any, kwargs: Any) -> Names:
        count = min(len(args), _MOST_NAMED) if type(args) in (tuple, list) else 1
        keywords = frozenset(kwargs) if type(kwargs) is dict and all_names(kwargs) else ()
        return wrapped.aligned(count, keywords, self.redaction.names)

    def _are_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any], names: Names) -> bool:
        """Whether nothing has to be done: a few small scalars under harmless names, as the arguments of most jobs."""
        if self._mode != "redacted" or len(args) + len(kwargs) > NARROW.items or (names and self._is_any_secret(names)):
            return False
        if not self._are_harmless(args):
            return False
        return not kwargs or (
            all_names(kwargs) and not self._is_any_secret(tuple(kwargs)) and self._are_harmless(kwargs.values())
        )

    def _are_harmless(self, values: Iterable[Any]) -> bool:
        """Whether values are plain as they are, and say of nothing that it is secret."""
        for value in values:
            kind = type(value)
            if kind is str:
                if len(value) > NARROW.text or not value.isascii():
                    return False
                # As `may_need_redaction` does; a call for each text would be a tenth of what most jobs pay here.
                if len(value.encode().translate(None, SIGNS)) == len(value) and "earer " not in value:
                    continue
                # One that begins like an option may be a word of a command line, which only the others explain.
                if value[:1] == "-" or not self.redaction.finds_nothing_in(value):
                    return False
            elif kind is int:
                if not LOWEST <= value <= HIGHEST:
                    return False
            elif not (value is None or kind is bool or (kind is float and isfinite(value))):
                return False
        return True

    def _is_harmless(self, value: Any) -> bool:
        return type(value) is not str or self.redaction.finds_nothing_in(value)

    def _is_any_secret(self, names: Names) -> bool:
        """Whether one of the names is secret, holds a secret, or belongs to a value that another argument names."""
        secret = self._judged.get(names)
        if secret is None:
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            secret = are_pairs(names) or any(
                name in self.redaction.names or not self._is_harmless(name) for name in names
            )
            self._judged[names] = secret
        return secret


def _positional(walk: Walk, args: Any, names: Names) -> tuple[Any, ...]:
    if args is None:
        return ()
    builtin = container(type(args))
    if builtin is tuple or builtin is list:
        return tuple(walk.sequence(args, builtin, names=names))
    return (walk.value(args),)


def _keyword(walk: Walk, kwargs: Any) -> dict[str, Any]:
    if kwargs is None or (type(kwargs) is dict and not kwargs):
        return {}
    return walk.mapping(kwargs) if issubclass(type(kwargs), dict) else {"kwargs": walk.value(kwargs)}
