"""The reporters of a soak: each notes what reaches it, and makes the trouble that it was drawn with."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jobreporter import Context, Event, TryAgain, hookimpl

from .notes import Diary, PerProcess, Seen
from .plan import Nature
from .troubles import Trouble

#: Given the diary, and how to say that events were lost.
MakeTrouble = Callable[[PerProcess[Diary], Callable[[int], object]], Trouble]


class Witness:
    """Makes the class of one reporter, and keeps its diary."""

    def __init__(self, nature: Nature, dice: random.Random, trouble: MakeTrouble) -> None:
        self.nature = nature
        self.diary = PerProcess(Diary)
        self._dice = dice
        self._contexts: list[Context] = []
        self._trouble = trouble(self.diary, lambda count: self._contexts[-1].lost("told", count))

    def plugin(self) -> type:
        """A class with the hooks of its nature. Of an asynchronous one, some hooks are not."""
        return type("Plugin", (), {hook: self._implementation(hook) for hook in self.nature.hooks})

    def _implementation(self, hook: str) -> Callable[..., Any]:
        asynchronous = self.nature.asynchronous and self._dice.random() < 0.8
        function = self._asynchronous(hook) if asynchronous else self._synchronous(hook)
        function.__qualname__ = f"Plugin.{hook}"  # by which pluggy knows a method
        return hookimpl(function)

    def _is_due(self, hook: str) -> bool:
        """Whether it is time for trouble."""
        kind = "handle" if hook.startswith("handle") else hook.removeprefix("reporter_")
        return self._dice.random() < self.nature.odds.get(kind, 0)

    @contextmanager
    def _noted(self, event: Event) -> Iterator[None]:
        diary = self.diary()
        seen: Seen = diary.enter(event)
        try:
            yield
        except TryAgain:
            diary.given_back.append(seen)
            raise
        except BaseException:
            diary.raised.append(seen)
            raise
        diary.returned.append(seen)

    def _synchronous(self, hook: str) -> Callable[..., Any]:
        diary, noted, is_due, trouble = self.diary, self._noted, self._is_due, self._trouble
        contexts = self._contexts

        def work(event: Event | None = None) -> Any:
            return trouble.make(event) if is_due(hook) else None

        def handle(self: object, meta: Event, state: Any) -> Any:
            with noted(meta):
                return work(meta)

        def start(self: object, context: Context) -> Any:
            contexts.append(context)
            diary().begin()
            result = work()
            diary().starts.append(None)
            return result

        def flush(self: object, state: Any) -> None:
            before = diary().begin_flush()
            work()
            diary().end_flush(before)

        def tick(self: object, state: Any) -> None:
            work()

        def stop(self: object, state: Any) -> None:
            diary().stops.append(None)
            work()

        others: dict[str, Callable[..., Any]] = {
            "reporter_start": start,
            "reporter_flush": flush,
            "reporter_tick": tick,
            "reporter_stop": stop,
        }
        return others.get(hook, handle)

    def _asynchronous(self, hook: str) -> Callable[..., Any]:
        diary, noted, is_due, trouble = self.diary, self._noted, self._is_due, self._trouble
        contexts = self._contexts

        async def work(event: Event | None = None) -> Any:
            return await trouble.make_async(event) if is_due(hook) else None

        async def handle(self: object, meta: Event, state: Any) -> Any:
            with noted(meta):
                return await work(meta)

        async def start(self: object, context: Context) -> Any:
            contexts.append(context)
            diary().begin()
            result = await work()
            diary().starts.append(None)
            return result

        async def flush(self: object, state: Any) -> None:
            before = diary().begin_flush()
            await work()
            diary().end_flush(before)

        async def tick(self: object, state: Any) -> None:
            await work()

        async def stop(self: object, state: Any) -> None:
            diary().stops.append(None)
            await work()

        others: dict[str, Callable[..., Any]] = {
            "reporter_start": start,
            "reporter_flush": flush,
            "reporter_tick": tick,
            "reporter_stop": stop,
        }
        return others.get(hook, handle)
